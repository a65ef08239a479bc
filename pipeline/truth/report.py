"""Comparisons as plain text in 72 columns, ready for a mail."""

from collections.abc import Sequence

from allocator.mechanism import load_mechanism
from allocator.terms import NR_ORDERS
from pipeline.plain_text import WIDTH, joined, paragraph
from pipeline.samples import BARE, FALLBACK_PAIRS, TOTAL, fragmenting_name
from pipeline.truth.compare import (
    COUNTERFACTUAL_TOLERANCE,
    JUDGED,
    MEASURES,
    OWN_TOLERANCE,
    PHASES,
    Comparison,
    Row,
)

LABEL = 22
CELL = 9  # and one character for a mark
NAME = 32  # of a replay, in the summary
FREE_PHASES = ("rest3", "rest4")
AFTER_COMPACTION = ("end",)  # the recorded kernels compact all memory between rest4 and here


def report(command: str, comparisons: Sequence[Comparison], starts: int) -> str:
    """The whole text: what is shown, a block for each replay, a summary."""
    compacted = any((phase, "mixed") in c.rows for c in comparisons for phase in AFTER_COMPACTION)
    blocks = [_head(command, starts, compacted), *(_block(c, starts) for c in comparisons)]
    return "\n".join([*blocks, _summary(comparisons, starts)])


def _head(command: str, starts: int, compacted: bool) -> str:
    terms = {
        "real": "what that kernel had",
        "simulated": "a replay of its requests, from the start as recorded",
        "mean, spread": f"of {starts} replays from perturbed starts: the noise of one replay",
        "bare buddy": "the null model, from the start as recorded: the same replay with "
        + ", ".join(f"{key}={value}" for key, value in BARE.items()),
        "!": "outside its tolerance",
    }
    after = " Before `end` the real kernels compacted all memory." if compacted else ""
    told = [line for k, v in terms.items() for line in paragraph(f"{k:14}{v}", " " * 14)]
    return joined(
        [
            *paragraph(f"$ {command}", "    "),
            "",
            "How true is the simulator? Replays beside what real kernels did.",
            "",
            *told,
            "",
            *_tolerances("own mechanism", OWN_TOLERANCE),
            *_tolerances("counterfactual", COUNTERFACTUAL_TOLERANCE),
            *paragraph(f"The other figures are shown, not judged.{after}"),
        ]
    )


def _tolerances(kind: str, table: dict[str, tuple[float, ...]]) -> list[str]:
    each = (f"{phase} {' / '.join(f'{t:g}' for t in row)}" for phase, row in table.items())
    names = " / ".join(MEASURES[name] for name in JUDGED)
    return paragraph(f"Tolerances, {kind}, {names}: {', '.join(each)}.", "  ")


def _block(comparison: Comparison, starts: int) -> str:
    """One replay: its measures by phase, free blocks by order, fallbacks."""
    replay = comparison.replay
    kind = "its own mechanism" if replay.own else f"a counterfactual, against {replay.against.name}"
    phases = [p for p in PHASES if any(phase == p for phase, _ in comparison.rows)]
    lines = paragraph(f"{replay.name}: {kind}", "  ")
    lines += ["=" * min(max(map(len, lines)), WIDTH)]
    for key, value in replay.parameters.items():
        lines += paragraph(f"With {key}={value}, as on that machine.")
    lines += ["", _cells("", [f"{phase} " for phase in phases])]
    for measure, title in MEASURES.items():
        rows = [comparison.rows.get((phase, measure)) for phase in phases]
        constants = {row.constant for row in rows if row}
        if len(constants) == 1 and None not in constants:  # block types, where grouping is off
            lines.append(f"{title}: {constants.pop():.0f} in all phases and replays")
        elif constants:
            lines += [title, *_measure(rows, starts)]
    if replay.own:
        lines += _free_blocks(comparison) + _fallbacks(comparison, starts)
    return joined([*lines, "", _judged(comparison)])


def _judged(comparison: Comparison) -> str:
    count = len(comparison.judged)
    if not count:
        return "no figure to judge"
    return f"{comparison.within} of {count} judged figures within tolerance"


def _measure(rows: Sequence[Row | None], starts: int) -> list[str]:
    """The five lines of a measure; whole numbers but for shares, means and spreads."""
    fields = {
        "real": "real",
        "simulated": "simulated",
        f"mean of {starts} starts": "mean",
        "spread (sd)": "sd",
        "bare buddy": "bare",
    }
    result = []
    for label, field in fields.items():
        share = any(row.measure == "mixed" for row in rows if row)
        digits = 1 if share or field in ("mean", "sd") else 0
        cells = []
        for row in rows:
            mark = "!" if row and field == "simulated" and row.within == "no" else " "
            cells.append(f"{getattr(row, field):.{digits}f}{mark}" if row else "- ")
        result.append(_cells(f"  {label}", cells))
    return result


def _cells(label: str, cells: Sequence[str]) -> str:
    return label.ljust(LABEL) + "".join(cell.rjust(CELL + 1) for cell in cells)


def _free_blocks(comparison: Comparison) -> list[str]:
    """Free blocks of all zones by order, where the recording tells them."""
    phases = [p for p in FREE_PHASES if (p, "nr_free_order_0") in comparison.rows]
    if not phases:
        return []
    lines = ["", "free blocks by order"]
    lines.append("order".ljust(6) + "".join(phase.rjust(33) for phase in phases))
    names = "".join(name.rjust(11) for name in ("real", "simulated", "bare"))
    lines.append(" " * 6 + names * len(phases))
    for order in range(NR_ORDERS):
        rows = [comparison.rows[phase, f"nr_free_order_{order}"] for phase in phases]
        cells = [value for row in rows for value in (row.real, row.simulated, row.bare)]
        lines.append(f"{order:>5} " + "".join(f"{value:11.0f}" for value in cells))
    return lines


def _fallbacks(comparison: Comparison, starts: int) -> list[str]:
    """Fragmenting fallbacks by pair, where there are lists of several types to fall back to."""
    grouping = load_mechanism(comparison.replay.mechanism).grouping
    rows = {
        f"{wanted} in {had}": comparison.rows.get((TOTAL, fragmenting_name(wanted, had)))
        for wanted, had in FALLBACK_PAIRS
    }
    if grouping.rule == "none" or not grouping.enabled or not all(rows.values()):
        return []
    told = (
        "fragmenting fallbacks in total: onto a block smaller than a pageblock. Whole pageblocks "
        "are left out: the real counts begin at boot, which claims many; the replays' begin with "
        "the recording."
    )
    lines = ["", *paragraph(told)]
    names = ("real", "simulated", f"mean of {starts}", "bare")
    lines.append(" " * 26 + "".join(name.rjust(11) for name in names))
    for pair, row in rows.items():
        counts = (f"{row.real:.0f}", f"{row.simulated:.0f}", f"{row.mean:.1f}", f"{row.bare:.0f}")
        lines.append(f"  {pair}".ljust(26) + "".join(count.rjust(11) for count in counts))
    return lines


def _summary(comparisons: Sequence[Comparison], starts: int) -> str:
    """One line a replay: judged figures within, mean |error| of each judged measure."""
    told = (
        "Judged figures within tolerance (start as recorded); mean |error| of each judged measure "
        f"over the judged phases and all {starts + 1} starts, simulated and bare buddy."
    )
    names = [MEASURES[n].removesuffix("_blocks").removesuffix("_huge") for n in JUDGED]
    lines = ["Summary", "=======", *paragraph(told), ""]
    lines.append(" " * (NAME + 6) + "".join(name.rjust(10) + " " for name in names))
    lines.append("replay".ljust(NAME) + "within" + "  sim bare " * len(JUDGED))
    kind = None
    for comparison in comparisons:
        own = "own mechanism" if comparison.replay.own else "counterfactuals"
        if own != kind:
            lines += ["", f"{own}:"]
            kind = own
        lines += _summary_row(comparison)
    lines += ["", "= the bare buddy is as good: there the measure proves nothing."]
    return joined(lines)


def _summary_row(comparison: Comparison) -> list[str]:
    name = comparison.replay.name
    cells = f"{comparison.within}/{len(comparison.judged)}".rjust(6)
    for measure in JUDGED:
        if measure not in comparison.errors:
            cells += "    -    - "
            continue
        simulated, bare = comparison.errors[measure]
        mark = "=" if bare <= simulated else " "
        cells += f"{simulated:5.1f}{bare:5.1f}{mark}"
    return [name.ljust(NAME) + cells] if len(name) <= NAME else [name, " " * NAME + cells]
