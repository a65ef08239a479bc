"""Which mechanisms are held against which: sides are a mechanism of a run each."""

import os
from pathlib import Path
from typing import NamedTuple

from pipeline.comparison.runs import RunFigures
from pipeline.config import UsageError, check_names


class Side(NamedTuple):
    """A mechanism of a run, and what it is called beside the others.

    `named`: whether it was asked for as RUN:MECHANISM, where there are two runs.
    """

    run: RunFigures
    mechanism: str
    label: str
    named: bool = False


class Group(NamedTuple):
    """A baseline and what is held against it. `title`: what they have in common, if anything."""

    base: Side
    others: tuple[Side, ...]
    title: str = ""


def opened(text: str) -> tuple[RunFigures, str]:
    """A run folder, or RUN:MECHANISM; "" where no mechanism is named. Raises UsageError."""
    folder, colon, mechanism = text.rpartition(":")
    if not colon or os.path.exists(text):
        return RunFigures.open(Path(text)), ""
    run = RunFigures.open(Path(folder))
    check_names("mechanism", [mechanism], run.mechanisms, folder)
    return run, mechanism


def groups(base: str, new: str = "", base_mechanism: str = "") -> list[Group]:
    """The comparisons that two texts ask for, as `opened` reads them; or one run's.

    One run: each mechanism against `base_mechanism`, or the first. Two: pairs of the mechanisms
    that they have in common, or the one of each. Raises UsageError, RecordingError.
    """
    first, mechanism = opened(base)
    if not new:
        if mechanism and base_mechanism:
            raise UsageError(f"{base}: it names the mechanism already that --base asks for")
        return [within(first, base_mechanism or mechanism)]
    if base_mechanism:
        raise UsageError("--base is for one run; of two, name it as RUN:MECHANISM")
    second, other = opened(new)
    pairs = _pairs(first, mechanism, second, other)
    found = [_pair(first, one, second, another, len(pairs) > 1) for one, another in pairs]
    return [_named(group, bool(mechanism), bool(other)) for group in found]


def within(run: RunFigures, base: str = "") -> Group:
    """Each mechanism of a run against one of them, or the first. Raises UsageError."""
    if base:
        check_names("mechanism", [base], run.mechanisms, str(run.run.folder))
    base = base or run.mechanisms[0]
    others = [name for name in run.mechanisms if name != base]
    return Group(Side(run, base, base), tuple(Side(run, name, name) for name in others))


def _pairs(
    first: RunFigures, mechanism: str, second: RunFigures, other: str
) -> list[tuple[str, str]]:
    if mechanism and other:
        return [(mechanism, other)]
    if mechanism or other:
        named, run = (mechanism, second) if mechanism else (other, first)
        if len(run.mechanisms) == 1:
            named_other = run.mechanisms[0]
        else:
            named_other = named
            check_names("mechanism", [named], run.mechanisms, str(run.run.folder))
        return [(named, named_other) if mechanism else (named_other, named)]
    common = [name for name in first.mechanisms if name in second.mechanisms]
    if common:
        return [(name, name) for name in common]
    if len(first.mechanisms) == len(second.mechanisms) == 1:
        return [(first.mechanisms[0], second.mechanisms[0])]
    both = f"{first.run.folder} and {second.run.folder}"
    raise UsageError(f"{both} have no mechanism in common; name them as RUN:MECHANISM")


def _named(group: Group, base: bool, other: bool) -> Group:
    """A pair with which side was named."""
    others = tuple(side._replace(named=other) for side in group.others)
    return group._replace(base=group.base._replace(named=base), others=others)


def _pair(first: RunFigures, one: str, second: RunFigures, other: str, several: bool) -> Group:
    if one != other:
        return Group(Side(first, one, one), (Side(second, other, other),))
    names = [first.name, second.name]
    if names[0] == names[1]:
        names = [str(first.run.folder), str(second.run.folder)]
    if names[0] == names[1]:
        names = ["base", "new"]
    return Group(
        Side(first, one, names[0]), (Side(second, other, names[1]),), one if several else ""
    )
