"""`pagereel gate`: exit code 0 where the target improves and nothing else worsens."""

from collections.abc import Sequence
from math import isnan

from pipeline.comparison.cells import change_text, value_text
from pipeline.comparison.names import name_of
from pipeline.comparison.rows import Choice, Row, check_choice, rows_of, unalike
from pipeline.comparison.sides import Group, groups
from pipeline.comparison.tables import seeds_of
from pipeline.comparison.writers.text import ascii_of
from pipeline.config import UsageError
from pipeline.gate.conditions import Limit, Named
from pipeline.gate.judge import Judged, judge
from pipeline.plain_text import WIDTH, joined, paragraph
from pipeline.statistics.paired import SEEDS_NEEDED


def gate_command(
    base: str,
    new: str,
    target: str,
    limits: Sequence[str],
    workloads: tuple[str, ...],
    every_row: bool,
) -> int:
    """Print the judgement; the exit code. Raises UsageError, RecordingError."""
    aim, bounds = Named.parse(target), [Limit.parse(text) for text in limits]
    group = _pair(base, new)
    named = (aim, *(bound.named for bound in bounds))
    phases = dict.fromkeys(n.phase for n in named if n.phase)
    check_choice(Choice(phases=tuple(phases), workloads=workloads), [group])
    rows = _rows(group, named, workloads)
    for one in named:
        if not any(one.takes(row) and row.difference.seeds for row in rows):
            where = f"{one.measure}@{one.phase}" if one.phase else one.measure
            raise UsageError(f"{where}: no figure on both sides; there are {_known(rows)}")
    judged = judge(rows, aim, bounds)
    tripped = any(one.failed for one in judged)
    print(joined(_text(group, rows, judged, tripped, every_row)), end="")
    return int(tripped)


def _pair(base: str, new: str) -> Group:
    """The two sides. Raises UsageError where there are several pairs."""
    found = groups(base, new)
    if len(found) > 1:
        names = ", ".join(group.base.mechanism for group in found)
        raise UsageError(
            f"a gate takes one mechanism of each run; name it as RUN:MECHANISM: {names}"
        )
    return found[0]


def _rows(group: Group, named: Sequence[Named], workloads: tuple[str, ...]) -> list[Row]:
    """Key phases and totals, and those of other phases that are named."""
    rows = rows_of(group, Choice(workloads=workloads, all_phases=True))
    asked = {(one.measure, one.phase) for one in named}
    usual = Choice(workloads=workloads)
    return [
        row
        for row in rows
        if (row.measure, row.phase) in asked
        or usual.takes(group.base.run.loads[row.workload], (row.phase, row.measure))
    ]


def _known(rows: Sequence[Row]) -> str:
    known = [row.where for row in rows if row.about.better != "-" and row.difference.seeds]
    return ", ".join(dict.fromkeys(known))


def _text(
    group: Group, rows: Sequence[Row], judged: Sequence[Judged], tripped: bool, every_row: bool
) -> list[str]:
    sides = f"{group.base.label} to {group.others[0].label}"
    lines = paragraph(ascii_of(f"{'TRIPPED' if tripped else 'passed'}: {sides}"))
    for told in unalike(group):
        lines += paragraph(ascii_of(told))
    for one in judged:
        if one.failed or every_row or one.role != "other":
            lines += _row(one)
    return [*lines, *paragraph(_family_words(rows, judged))]


def _row(judged: Judged) -> list[str]:
    row, difference = judged.row, judged.row.difference
    told = f"{judged.role}: {judged.told}" if judged.told else judged.role
    head = f"  {'FAILED' if judged.failed else 'ok    '} {row.where}, {told}"
    name = name_of(row.measure, row.workload, row.phase)
    figures = f"{value_text(difference.before)} to {value_text(difference.after)}"
    p = f", p {difference.p:.2g}" if not isnan(difference.p) else ""
    p += f", {judged.p:.2g} with all rows in mind" if not isnan(judged.p) else ""
    text = f"         {row.workload}, {name}: {figures} {change_text(row)}{p}"
    return [line[:WIDTH] for one in (head, text) for line in paragraph(ascii_of(one), " " * 9)]


def _family_words(rows: Sequence[Row], judged: Sequence[Judged]) -> str:
    others = [one for one in judged if one.role == "other"]
    untold = sum(isnan(one.p) for one in others)
    worse = sum(one.failed for one in others if not isnan(one.p))
    seeds = seeds_of(rows)
    told = (
        f"{seeds} seeds. {len(others) - untold} other rows were judged together, so that with no "
        f"difference at all one in twenty such gates trips at most: {worse} worse."
    )
    if seeds < SEEDS_NEEDED:
        told = f"{seeds} seeds: too few to judge the {len(others)} other rows; {SEEDS_NEEDED} are"
        told += " needed."
    elif untold:
        told += f" {untold} more have too few seeds to be judged; of one seed none may be worse."
    one_sided = sum(row.about.better != "-" and not row.difference.seeds for row in rows)
    if one_sided:
        told += f" {one_sided} more have figures on one side only."
    return f"{told} + is better, - worse."
