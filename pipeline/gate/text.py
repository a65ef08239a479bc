"""What a gate prints, in 72 columns: rows that count, and what was judged in what way."""

from collections import Counter
from collections.abc import Sequence
from math import isnan
from typing import NamedTuple

from pipeline.comparison.cells import change_text, value_text
from pipeline.comparison.names import name_of
from pipeline.comparison.rows import Row
from pipeline.comparison.tables import seeds_of
from pipeline.comparison.writers.text import ascii_of
from pipeline.gate.conditions import Asked
from pipeline.gate.judge import IGNORED, OTHER, Judged
from pipeline.plain_text import WIDTH, counted, joined, paragraph
from pipeline.statistics.paired import NEAR


class Gate(NamedTuple):
    """Two sides and how their rows were judged. `notes`: what to know of the sides, in sentences.

    `phases`: those at which other rows were judged; none: key phases and totals.
    """

    sides: tuple[str, str]
    notes: Sequence[str]
    asked: Asked
    phases: tuple[str, ...]
    rows: Sequence[Row]
    judged: Sequence[Judged]

    @property
    def tripped(self) -> bool:
        """Whether a row failed."""
        return any(one.failed for one in self.judged)

    def of(self, role: str) -> list[Judged]:
        """The rows of that role."""
        return [one for one in self.judged if one.role == role]


def text_of(gate: Gate, every_row: bool) -> str:
    """The text; `every_row`: also other rows that did not fail."""
    sides = " to ".join(gate.sides)
    lines = _wrapped(f"{'TRIPPED' if gate.tripped else 'passed'}: {sides}")
    for told in gate.notes:
        lines += _wrapped(told)
    for one in gate.judged:
        if one.failed or every_row or one.role not in (OTHER, IGNORED):
            lines += _row(one)
    for told in (_others_words(gate), *_choice_words(gate), "+ is better, - worse."):
        lines += _wrapped(told)
    return joined(lines)


def _wrapped(text: str, indent: str = "") -> list[str]:
    return [line[:WIDTH] for line in paragraph(ascii_of(text), indent)]


def _row(judged: Judged) -> list[str]:
    row, difference = judged.row, judged.row.difference
    told = f"{judged.role}: {judged.told}" if judged.told else judged.role
    mark = "FAILED" if judged.failed else "?     " if judged.untold else "ok    "
    name = name_of(row.measure, row.workload, row.phase)
    figures = f"{value_text(difference.before)} to {value_text(difference.after)}"
    p = f", p {difference.p:.2g}" if not isnan(difference.p) else ""
    p += _together(judged)
    text = f"         {row.workload}, {name}: {figures} {change_text(row)}{p}"
    head = f"  {'-     ' if judged.role == IGNORED else mark} {row.where}, {told}"
    return [line for one in (head, text) for line in _wrapped(one, " " * 9)]


def _together(judged: Judged) -> str:
    """p of all other rows together, and whether it is as small as so few seeds let it be."""
    if isnan(judged.p):
        return ""
    told = f", {judged.p:.2g} with all rows in mind"
    if judged.p <= judged.least * (1 + NEAR):
        told += f", the least that {counted(judged.row.difference.seeds, 'seed')} can give"
    return told


def _others_words(gate: Gate) -> str:
    """How the other rows were judged, by what their seeds can tell."""
    others = gate.of(OTHER)
    alone = [one for one in others if one.alone]
    untold = [one for one in others if one.untold]
    tested = [one for one in others if not one.alone and not one.untold]
    told = [f"{counted(seeds_of(gate.rows), 'seed')}."]
    if tested:
        told.append(
            f"{_worse(tested)} They were judged together, so that with no difference at all one in "
            "twenty such gates trips at most."
        )
    if untold:
        seeds = sorted({one.row.difference.seeds for one in untold})
        range_ = str(seeds[0]) if len(seeds) == 1 else f"{seeds[0]} to {seeds[-1]}"
        told.append(
            f"{counted(len(untold), 'other row')} cannot be judged with "
            f"{range_} seed{'s' * (seeds[-1] > 1)}: no difference could be significant at 5 %."
        )
    if alone:
        told.append(
            f"{_worse(alone, ' of one seed')} Noise is unknown there, so none may be worse."
        )
    if not others:
        told.append("There are no other rows to judge.")
    one_sided = sum(row.about.better != "-" and not row.difference.seeds for row in gate.rows)
    if one_sided:
        told.append(f"{counted(one_sided, 'row')} with figures on one side only.")
    return " ".join(told)


def _choice_words(gate: Gate) -> list[str]:
    """What was chosen of what is judged: a gate that passes must not hide it."""
    percent = f"{gate.asked.tolerance_percent:g} %"
    told = [f"Tolerance: {percent} of the baseline's mean (--tolerance), for other rows."]
    if not gate.asked.tolerance_percent:
        told = ["No tolerance: any change of another row for the worse beyond noise trips it."]
    if gate.phases:
        told.append(f"Other rows at {', '.join(gate.phases)} alone (--phase).")
    if gate.asked.ignored:
        told.append(f"Not judged, as asked (--ignore): {', '.join(_ignored_words(gate))}.")
    return told


def _ignored_words(gate: Gate) -> list[str]:
    """Each name that was given, with how many rows it has and how many of them are worse."""
    rows, worse = Counter(), Counter()
    for one in gate.of(IGNORED):
        name = next(name.text for name in gate.asked.ignored if name.takes(one.row))
        rows[name] += 1
        worse[name] += bool(one.told)
    return [
        f"{name.text} ({counted(rows[name.text], 'row')}"
        + (f", {worse[name.text]} worse beyond noise)" if worse[name.text] else ")")
        for name in gate.asked.ignored
    ]


def _worse(others: Sequence[Judged], of: str = "") -> str:
    """How many failed, and how many would have but for the tolerance; a sentence."""
    failed, tolerated = sum(o.failed for o in others), sum(o.tolerated for o in others)
    told = f"{failed} of {counted(len(others), 'other row')}{of} {'is' if failed == 1 else 'are'}"
    within = f", and {tolerated} within the tolerance" if tolerated else ""
    return f"{told} worse{within}."
