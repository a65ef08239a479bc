"""An ablation as plain text in 72 columns, ready for a mail."""

from collections.abc import Sequence
from math import isnan
from textwrap import wrap

from pipeline.ablation.compare import NOISE_ERRORS, Ablation, Difference, false_alarms
from pipeline.metrics import METRICS
from pipeline.plain_text import WIDTH, joined, paragraph

ALL_ON = "all rules on"
OTHER_START = "*"


def report(ablation: Ablation) -> str:
    """The whole text: what was replayed, what each rule's switch is, a block for each metric."""
    blocks = [_head(ablation), _switches(ablation)]
    blocks += [_metric(ablation, metric) for metric in ablation.metrics]
    return "\n".join(map(joined, blocks))


def _head(ablation: Ablation) -> list[str]:
    one_in = round(1 / false_alarms(ablation.starts))
    chance = f"Where a rule has no effect, about 1 cell in {one_in} stands out all the same."
    how = "perturbed" if ablation.stream.start.mechanism else "each with other requests"
    starts = f"{ablation.starts}, {how}; off and on are compared from the same one"
    if not ablation.varied:
        starts = f"{ablation.starts}, all alike, for the stream has no recorded start to perturb"
        chance = "Nothing tells here what is noise: every difference stands out."
    return [
        "Which rule moves what?",
        "",
        *_term("stream", f"{ablation.stream.name}: {ablation.stream.title}"),
        *_term("mechanism", f"{ablation.mechanism.name}: {ablation.mechanism.title}"),
        *_term("starts", starts),
        "",
        *paragraph(
            f"Mean difference when the rule is switched off; . = within {NOISE_ERRORS} standard "
            f"errors of no change. {chance}"
        ),
    ]


def _term(name: str, text: str) -> list[str]:
    return wrap(text, WIDTH, initial_indent=f"{name:11}", subsequent_indent=" " * 11)


def labels(ablation: Ablation) -> dict[str, str]:
    """The rows' names by rule, in order; marked where the start differs too."""
    return {
        rule.name: rule.title + (OTHER_START if rule.name in ablation.other_start else "")
        for rule in ablation.rules
    }


def _switches(ablation: Ablation) -> list[str]:
    """What each rule's switch is, and what could not be switched."""
    named = labels(ablation)
    width = max(map(len, named.values())) + 2
    lines = []
    for rule in ablation.rules:
        label = named[rule.name].ljust(width)
        lines += wrap(rule.text, WIDTH, initial_indent=label, subsequent_indent=" " * width)
    if ablation.left_out:
        told = f"Left out, for it changes nothing there: {', '.join(ablation.left_out)}."
        lines += ["", *paragraph(told)]
    if ablation.other_start:
        lines += [
            "",
            *paragraph(
                f"{OTHER_START} It differs in its start too: with the rule on or with it off, "
                "but not with both, the start's traced pages are placed anew instead of lying "
                "where the recorded kernel had put them."
            ),
        ]
    return lines


def _metric(ablation: Ablation, metric: str) -> list[str]:
    """Rules down, phases across, in as many groups of columns as the width needs."""
    of = METRICS[metric]
    name = metric if of.unit == "1" else f"{metric} ({of.unit})"
    lines = wrap(f"{name}: {of.title}", WIDTH, subsequent_indent="  ")
    named = labels(ablation)
    rows = {ALL_ON: [number(ablation.values[p, metric], of.unit) for p in ablation.phases]}
    for rule in ablation.rules:
        differences = (ablation.differences[rule.name, phase, metric] for phase in ablation.phases)
        rows[named[rule.name]] = [cell(difference, of.unit) for difference in differences]
    label_width = max(map(len, rows))
    longest = max(len(text) for row in (ablation.phases, *rows.values()) for text in row)
    width = _width(longest, len(ablation.phases), WIDTH - label_width)
    at_once = max((WIDTH - label_width) // width, 1)
    for first in range(0, len(ablation.phases), at_once):
        shown = slice(first, first + at_once)
        lines += [""] if first else []
        lines.append(_line("", ablation.phases[shown], label_width, width))
        lines += [_line(label, row[shown], label_width, width) for label, row in rows.items()]
    return lines


def _width(longest: int, columns: int, room: int) -> int:
    """Of a column: two spaces between them, one where all stand beside each other only so."""
    return longest + (1 if (longest + 1) * columns <= room < (longest + 2) * columns else 2)


def _line(label: str, cells: Sequence[str], label_width: int, width: int) -> str:
    return label.ljust(label_width) + "".join(cell.rjust(width) for cell in cells)


def number(value: float, unit: str) -> str:
    """A metric's value; "-" where there is none."""
    return "-" if isnan(value) else _short(value, unit)


def _short(value: float, unit: str, sign: str = "") -> str:
    """With the digits that a unit deserves; large ones in thousands or millions."""
    for least, unit_size, letter in ((1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if abs(value) >= least:
            return f"{value / unit_size:{sign}.3g}{letter}"
    return f"{value:{sign}.{_digits(unit)}f}"


def _digits(unit: str) -> int:
    return 3 if unit == "1" else 1


def cell(of: Difference, unit: str) -> str:
    """The difference with its sign; "." within noise, "-" where there is no value."""
    if isnan(of.difference):
        return "-"
    if not of.beyond_noise:
        return "."
    text = _short(of.difference, unit, "+")
    return text if text.strip("+-0.") else f"{of.difference:+.1g}"
