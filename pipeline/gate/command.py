"""`pagereel gate`: exit code 0 where the target improves and nothing else worsens."""

import os
from collections.abc import Sequence
from dataclasses import replace

from pipeline.comparison.rows import Choice, Row, check_choice, rows_of, unalike
from pipeline.comparison.sides import Group, Side, groups
from pipeline.config import UsageError, named
from pipeline.gate.conditions import Asked, Named, asked
from pipeline.gate.judge import judge
from pipeline.gate.text import Gate, text_of


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

    Raises UsageError, RecordingError.
    """
    of = asked(target, limits, ignored, tolerance)
    group = _pair(base, new)
    at = dict.fromkeys([*phases, *(one.phase for one in (*of.named, *of.ignored) if one.phase)])
    check_choice(Choice(phases=tuple(at), workloads=workloads), [group])
    rows = _rows(group, of, Choice(workloads=workloads, phases=phases))
    _check_figures(of, rows)
    sides = group.base, group.others[0]
    silent = zip(sides, (base, new), strict=True)
    gate = Gate(
        sides=tuple(map(_label, sides, reversed(sides))),
        notes=[*(_taken(side) for side, text in silent if _is_silent(text)), *unalike(group)],
        asked=of,
        phases=phases,
        rows=rows,
        judged=judge(rows, of),
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


def _is_silent(text: str) -> bool:
    """Whether a side names a run alone."""
    return os.path.exists(text)


def _label(side: Side, other: Side) -> str:
    """RUN:MECHANISM, with the whole folder where both have one name."""
    same = side.run.name == other.run.name and not os.path.samefile(_folder(side), _folder(other))
    return f"{_folder(side) if same else side.run.name}:{side.mechanism}"


def _taken(side: Side) -> str:
    only = len(side.run.mechanisms) == 1
    why = "its only one" if only else "as of the other side"
    return f"{_folder(side)} names no mechanism: {side.mechanism} is taken, {why}."


def _rows(group: Group, of: Asked, choice: Choice) -> list[Row]:
    """Those that are chosen, and those of other phases that are named with theirs."""
    everywhere = replace(choice, phases=(), all_phases=True)
    at = {(one.measure, one.phase) for one in (*of.named, *of.ignored)}
    return [
        row
        for row in rows_of(group, everywhere)
        if (row.measure, row.phase) in at
        or choice.takes(group.base.run.loads[row.workload], (row.phase, row.measure))
    ]


def _check_figures(of: Asked, rows: Sequence[Row]) -> None:
    """Raise UsageError where the target or a limit has nothing to be judged by."""
    for one in of.named:
        if not any(one.takes(row) and row.difference.seeds for row in rows):
            raise UsageError(f"{one.text}: no figure on both sides; there are {_known(one, rows)}")


def _known(one: Named, rows: Sequence[Row]) -> str:
    judged = [row for row in rows if row.about.better != "-" and row.difference.seeds]
    known = list(dict.fromkeys(row.where if one.phase else row.measure for row in judged))
    return named(one.text, known, "a gate with --rows prints them")
