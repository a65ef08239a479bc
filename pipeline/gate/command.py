"""`pagereel gate`: exit code 0 where the target improves and nothing else worsens."""

import os
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pipeline.comparison.rows import Choice, Row, check_choice, rows_of, unalike
from pipeline.comparison.runs import MIGRATED
from pipeline.comparison.sides import Group, Side, groups
from pipeline.config import UsageError, named
from pipeline.gate.conditions import Asked, Named, asked
from pipeline.gate.judge import judge, targets_of
from pipeline.gate.text import Gate, text_of
from pipeline.measures import FRAGMENTING

# Without figures under a mechanism that doesn't tell mobilities apart.
OF_TYPES = (*FRAGMENTING, "fallbacks_unmovable_in_movable")


def gate_command(
    base: str,
    new: str,
    target: str,
    limits: tuple[str, ...],
    ignored: tuple[str, ...],
    tolerance: str,
    workloads: tuple[str, ...],
    phases: tuple[str, ...],
    every_row: bool,
) -> int:
    """Print the judgement; the exit code. `phases`: where others are judged; none: key phases.

    The target is not cut by `phases`: it stands at its own, or at the last key phase with a figure.
    Raises UsageError, RecordingError.
    """
    of = asked(target, limits, ignored, tolerance)
    group = _pair(base, new)
    at = dict.fromkeys([*phases, *(one.phase for one in (*of.named, *of.ignored) if one.phase)])
    check_choice(Choice(phases=tuple(at), workloads=workloads), [group])
    rows, aims = _rows(group, of, Choice(workloads=workloads, phases=phases))
    _check_figures(of, group, rows, aims)
    sides = group.base, group.others[0]
    gate = Gate(
        sides=tuple(map(_label, sides, reversed(sides))),
        notes=[*(_taken(side) for side in sides if not side.named), *unalike(group)],
        asked=of,
        phases=phases,
        rows=rows,
        judged=judge(rows, of, aims),
    )
    print(text_of(gate, every_row), end="")
    return int(gate.tripped)


def _pair(base: str, new: str) -> Group:
    """The two sides. Raises UsageError where there are several pairs, or one side twice."""
    found = groups(base, new)
    if len(found) > 1:
        names = ", ".join(group.base.mechanism for group in found)
        raise UsageError(
            f"a gate takes one mechanism of each run; name it as RUN:MECHANISM: {names}"
        )
    first, second = found[0].base, found[0].others[0]
    if first.mechanism == second.mechanism and os.path.samefile(_folder(first), _folder(second)):
        raise UsageError(
            f"{new}: {second.mechanism} of that run is BASE itself: there is nothing to judge"
        )
    return found[0]


def _folder(side: Side) -> str:
    return str(side.run.run.folder)


def _label(side: Side, other: Side) -> str:
    """RUN:MECHANISM, with the whole folder where both have one name."""
    same = side.run.name == other.run.name and not os.path.samefile(_folder(side), _folder(other))
    return f"{_folder(side) if same else side.run.name}:{side.mechanism}"


def _taken(side: Side) -> str:
    only = len(side.run.mechanisms) == 1
    why = "its only one" if only else "as of the other side"
    return f"{_folder(side)} names no mechanism: {side.mechanism} is taken, {why}."


def _rows(group: Group, of: Asked, choice: Choice) -> tuple[list[Row], list[Row]]:
    """Those that are chosen, with those of other phases that are named with theirs; the target's.

    A target without a phase is looked for where all would be judged, whatever phases are chosen.
    """
    everywhere = rows_of(group, replace(choice, phases=(), all_phases=True))
    at = {(one.measure, one.phase) for one in (*of.named, *of.ignored)}

    def taken(by: Choice) -> list[Row]:
        return [
            row
            for row in everywhere
            if (row.measure, row.phase) in at
            or by.takes(group.base.run.loads[row.workload], (row.phase, row.measure))
        ]

    aims = targets_of(taken(replace(choice, phases=())), of.target)
    chosen = {id(row) for row in (*taken(choice), *aims)}
    return [row for row in everywhere if id(row) in chosen], aims


def _check_figures(of: Asked, group: Group, rows: Sequence[Row], aims: Sequence[Row]) -> None:
    """Raise UsageError where the target or a limit has nothing to be judged by."""
    limits = (limit.named for limit in of.limits)
    without = [] if aims else [of.target]
    without += [one for one in limits if not any(one.takes(r) and r.difference.seeds for r in rows)]
    for one in without:
        raise UsageError(f"{one.text}: {_why(one, group, rows)}; there are {_known(one, rows)}")


def _why(one: Named, group: Group, rows: Sequence[Row]) -> str:
    """Which side has no figure of it, and why where that is known."""
    of_it = [row for row in rows if one.takes(row)]
    sides = group.base, group.others[0]
    found = [any(np.isfinite(row.before).any() for row in of_it),
             any(np.isfinite(row.after).any() for row in of_it)]  # fmt: skip
    if all(found):
        return "no seed with a figure on both sides"
    lacking = [
        f"{_label(side, other)}{_silence(one.measure, side)}"
        for side, other, has in zip(sides, reversed(sides), found, strict=True)
        if not has
    ]
    where = " where it is judged" if len(lacking) > 1 else ""
    return f"no figure of {' or '.join(lacking)}{where}"


def _silence(measure: str, side: Side) -> str:
    """Why a side has no figure of a measure; "" where that isn't known."""
    loads = side.run.loads
    if measure in OF_TYPES and not all(side.run.tells_types(side.mechanism, w) for w in loads):
        return ", which doesn't tell mobilities apart"
    if measure == MIGRATED and any(side.run.compacts_in_vain(side.mechanism, w) for w in loads):
        return ", where compaction has nowhere to move pages to"
    return ""


def _known(one: Named, rows: Sequence[Row]) -> str:
    judged = [row for row in rows if row.about.better != "-" and row.difference.seeds]
    known = list(dict.fromkeys(row.where if one.phase else row.measure for row in judged))
    return named(one.text, known, "a gate with --rows prints them")
