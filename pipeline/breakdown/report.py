"""A search's end as plain text in 72 columns, and its tries as a table."""

from collections.abc import Sequence

import numpy as np

from pipeline.breakdown.found import Found
from pipeline.breakdown.judge import DEFINITION, FAILED_AT_MOST, KEPT_AT_MOST, RESCUED_AT_LEAST
from pipeline.breakdown.search import BACKWARDS, NEAR, SPREAD
from pipeline.plain_text import WIDTH, joined, paragraph
from pipeline.statistics.paired import compare

BEST = 5
TERM = 12
SHOWN = {
    "eligible": "eligible pageblocks",
    "blocks": "can become huge",
    "kept": "the same, %",
    "kernel_pages": "pages that can't move",
    "failed": "failed requests",
    "requests": "requests",
}


def report(found: Found, command: str) -> str:
    """The whole text; `command`: what was typed."""
    blocks = [_head(found, command), _outcome(found), _best(found)]
    if found.chosen:
        blocks += [_parameters(found), _figures(found), _differences(found)]
    return "\n".join(map(joined, blocks))


def _head(found: Found, command: str) -> list[str]:
    base, other, *_ = found.mechanisms
    count = {stage: sum(t.stage == stage for t in found.tried) for stage in (SPREAD, NEAR)}
    seeds = " and ".join(map(str, found.seeds.search))
    ranges = (f"{name} {of.low:g} to {of.high:g}" for name, of in found.space.ranges.items())
    fixed = ", ".join(f"{name}={value}" for name, value in found.fixed.items()) or "nothing"
    return [
        *paragraph(f"$ {command}", indent="    "),
        "",
        *paragraph(
            DEFINITION.format(
                base=base.name,
                other=other.name,
                phase=found.phase,
                kept=KEPT_AT_MOST,
                rescued=RESCUED_AT_LEAST,
                failed=FAILED_AT_MOST,
            )
        ),
        "",
        *_term("workload", found.workload),
        *_term("mechanisms", "; ".join(f"{m.name}: {m.title}" for m in found.mechanisms)),
        *_term("searched", ", ".join(ranges)),
        *_term("fixed", f"{fixed}; what isn't named is as the workload has it"),
        *_term(
            "tries",
            f"{count[SPREAD]} at random all over these ranges, {count[NEAR]} around the best, with "
            f"seeds {seeds} each",
        ),
    ]


def _term(name: str, text: str) -> list[str]:
    lines = paragraph(" " * TERM + text, indent=" " * TERM)
    return [name.ljust(TERM) + lines[0][TERM:], *lines[1:]]


def _outcome(found: Found) -> list[str]:
    searched = sum(tried.stage != BACKWARDS for tried in found.tried)
    if found.chosen is None:
        return paragraph(f"None found in {searched} tries.")
    more = len(found.tried) - searched
    back = f"{more} more took its parameters back towards the workload's own values."
    seeds = f"{len(found.seeds.confirm)} fresh seeds, {_span(found.seeds.confirm)}"
    if not found.confirmed:
        return paragraph(
            f"None found in {searched} tries: the best did not hold with {seeds}. {back}"
        )
    return paragraph(f"Found in {searched} tries, and held with {seeds}. {back}")


def _span(seeds: range) -> str:
    return f"{seeds[0]} to {seeds[-1]}"


def _best(found: Found) -> list[str]:
    """The best tries of the search side by side: what they are, and what is left."""
    shown = found.best[:BEST]
    base, other, *_ = (mechanism.name for mechanism in found.mechanisms)
    rows = [
        ("", [f"{rank}." for rank in range(1, len(shown) + 1)]),
        *((name, [t.parameters[name] for t in shown]) for name in found.space.ranges),
        (f"{base}, % kept", [f"{t.verdict.base:.1f}" for t in shown]),
        (f"{other}, % kept", [f"{t.verdict.other:.1f}" for t in shown]),
        ("failed requests, %", [f"{t.verdict.failed:.2f}" for t in shown]),
        ("served by both", ["yes" if t.verdict.fair else "no" for t in shown]),
        ("a find", ["yes" if t.verdict.found else "no" for t in shown]),
    ]
    return ["The best tries:", *_table(rows, groups=1)]


def _table(rows: Sequence[tuple[str, Sequence[str]]], groups: int | None = None) -> list[str]:
    """Columns beside each other, in as many groups as the width needs, or only so many."""
    label = max(len(name) for name, _ in rows) + 1
    width = max(len(cell) for _, cells in rows for cell in cells) + 2
    at_once = max((WIDTH - label) // width, 1)
    starts = range(0, len(rows[0][1]), at_once)
    return [
        name.ljust(label) + "".join(cell.rjust(width) for cell in cells[first : first + at_once])
        for first in starts[:groups]
        for name, cells in rows
    ]


def _parameters(found: Found) -> list[str]:
    usual = found.space.texts(found.space.default())
    options = [f"-p {name}={value}" for name, value in found.parameters.items()]
    away = [name for name, value in found.chosen.parameters.items() if value != usual[name]]
    return [
        "What was confirmed:",
        *paragraph("    " + " ".join(options), indent="    "),
        *paragraph(f"Away from the workload's own values: {', '.join(away) or 'none'}."),
    ]


def _figures(found: Found) -> list[str]:
    """Means over the confirming seeds, that without either mechanism first; least to most."""
    order = sorted(range(len(found.mechanisms)), key=lambda n: n < 2)
    rows = [("", [found.mechanisms[n].name for n in order])]
    for name, title in SHOWN.items():
        values = [np.array([getattr(one, name) for one in found.left[n]], float) for n in order]
        digits = 1 if name == "kept" else 0
        rows.append((title, [f"{of.mean():.{digits if np.ptp(of) == 0 else 1}f}" for of in values]))
        if any(np.ptp(of) for of in values):
            rows.append(("  least", [f"{of.min():.{digits}f}" for of in values]))
            rows.append(("  most", [f"{of.max():.{digits}f}" for of in values]))
    return ["At rest, means over the fresh seeds:", *_table(rows)]


def _differences(found: Found) -> list[str]:
    """Paired by seed."""
    base, other, *plain = found.mechanisms
    blocks = [np.array([one.blocks for one in left], float) for left in found.left]
    lines = paragraph(_difference(f"{other.name} minus {base.name}", blocks[0], blocks[1]), "  ")
    if plain:
        name = plain[0].name
        lines += paragraph(_difference(f"{base.name} minus {name}", blocks[2], blocks[0]), "  ")
    return lines


def _difference(name: str, before: np.ndarray, after: np.ndarray) -> str:
    of = compare(before, after)
    change = of.change
    return (
        f"{name}: {change.mean:+.1f} pageblocks, 95 % interval {change.low:+.1f} to "
        f"{change.high:+.1f}, paired by seed: {of.verdict}"
    )


def rows(found: Found) -> list[dict[str, object]]:
    """The tidy table: one row a try, in their order."""
    base, other, *_ = (mechanism.name for mechanism in found.mechanisms)
    return [
        {
            "try": number,
            "stage": tried.stage,
            **found.fixed,
            **tried.parameters,
            f"{base}_kept_percent": tried.verdict.base,
            f"{other}_kept_percent": tried.verdict.other,
            "failed_percent": tried.verdict.failed,
            "fair": tried.verdict.fair,
            "found": tried.verdict.found,
        }
        for number, tried in enumerate(found.tried, 1)
    ]


def symptom(found: Found) -> str:
    """The find in one sentence."""
    base, other, *_ = (mechanism.name for mechanism in found.mechanisms)
    verdict = found.verdict
    return (
        f"At rest after {found.workload}, {verdict.base:.0f} % of the eligible pageblocks can "
        f"still become a huge page under {base}, {verdict.other:.0f} % under {other} (means of "
        f"{len(found.seeds.confirm)} seeds), and {other} refused no more requests."
    )


def conditions(found: Found) -> list[str]:
    """The same to be checked with each seed."""
    base, other, *_ = (mechanism.name for mechanism in found.mechanisms)
    eligible = found.left[0][0].eligible
    what = f"{base} potential_huge at {found.phase}"
    texts = [
        f"{what} < {KEPT_AT_MOST / 100 * eligible:g}",
        f"{what} < {other} by {RESCUED_AT_LEAST / 100 * eligible:.4g}",
    ]
    if not any(one.failed for left in found.left[:2] for one in left):
        texts += [f"{name} failed_requests at {found.phase} < 1" for name in (base, other)]
    return texts
