"""The claims as plain text in 72 columns, and as a tidy table."""

from collections.abc import Sequence
from textwrap import wrap

import numpy as np

from pipeline.claims.checks import Outcome
from pipeline.claims.compare import CANNOT, FAILS, HOLDS, Verdict, word
from pipeline.claims.settings import BASE, MEMORY_MIB, Setting
from pipeline.plain_text import WIDTH, joined, paragraph

NAME_WIDTH = 44


def report(verdicts: Sequence[Verdict], memory_mib: float, seeds: int, command: str) -> str:
    """The whole text: how it was made, a summary, and a block for each claim."""
    blocks = [_head(memory_mib, seeds, command), _summary(verdicts)]
    blocks += [_claim(verdict, memory_mib == MEMORY_MIB) for verdict in verdicts]
    return "\n".join(map(joined, blocks))


def _head(memory_mib: float, seeds: int, command: str) -> list[str]:
    return [
        f"$ {command}",
        "",
        "Do the published claims come out of the rules?",
        "",
        *paragraph(
            f"Simulated, with {seeds} seeds each: stress-highalloc on {memory_mib:g} MiB of "
            "x86-64, order 9, a 64th of memory kept free under all mechanisms, swappiness 100, "
            "unless a claim says otherwise. Huge pages are counted in percent of memory. kswapd of "
            "2.6.20 works for the order that woke it until every zone has HIGH pages free for it "
            "(order-aware); 6.1's stops after twice the request."
        ),
        "",
        *paragraph(
            "A claim holds where it does so with nine of ten seeds or more. Figures are means over "
            "the seeds, least to most behind them. What no source tells was chosen before the "
            "first run; claims that others may decide are checked again under those, and it is "
            "named which of them turn a verdict. Nothing was tuned: what fails stays."
        ),
    ]


def _summary(verdicts: Sequence[Verdict]) -> list[str]:
    counts = {text: sum(v.text == text for v in verdicts) for text in (HOLDS, FAILS, CANNOT)}
    told = ", ".join(f"{count} {text}" for text, count in counts.items() if count)
    lines = [f"Of {len(verdicts)} claims: {told}.", ""]
    for verdict in verdicts:
        claim = verdict.claim
        mark = {HOLDS: "holds", FAILS: "FAILS", CANNOT: "-"}[verdict.text]
        head = f"{claim.number:2}  {claim.strength:7}{mark:7}"
        lines += wrap(claim.text, WIDTH, initial_indent=head, subsequent_indent=" " * len(head))
    return lines


def _claim(verdict: Verdict, with_remark: bool) -> list[str]:
    """Its block; remarks are on what the default memory showed."""
    claim = verdict.claim
    title = f"{claim.number}. {verdict.text}"
    lines = [
        title,
        "=" * len(title),
        *paragraph(claim.text),
        *paragraph(f"Source: {claim.source}."),
    ]
    if claim.why_not:
        lines += paragraph(f"Cannot be simulated: {claim.why_not}.")
    if not verdict.outcomes:
        return lines
    if claim.setting != BASE:
        lines += paragraph(f"Run: {described(claim.setting)}.")
    default = verdict.outcomes[claim.setting]
    lines += ["", *_figures(default)]
    if len(default.holds) and not claim.why_not:
        lines.append(f"holds with {int(default.holds.sum())} of {len(default.holds)} seeds")
    if with_remark and verdict.text == FAILS and claim.remark:
        lines += paragraph(f"Why, as far as known: {claim.remark}.")
    return lines + _choices(verdict)


def _figures(outcome: Outcome) -> list[str]:
    lines = []
    for name, (values, unit) in outcome.figures.items():
        figure = f"{number(values.mean(), unit)} ({number(values.min(), unit)} to "
        figure += f"{number(values.max(), unit)}) {unit}"
        line = f"  {name:{NAME_WIDTH - 2}}{figure}"
        lines += [line] if len(line) <= WIDTH else [f"  {name}", figure.rjust(WIDTH)]
    return lines


def number(value: float, unit: str) -> str:
    """A figure with as many digits as its unit deserves."""
    if unit == "points":
        return f"{value:+.1f}"
    if unit == "times":
        return f"{value:.3g}"
    return f"{value:.1f}" if unit == "%" else f"{value:,.0f}"


def _choices(verdict: Verdict) -> list[str]:
    """How it comes out under the other choices, and which of them decide it."""
    if not verdict.claim.over:
        return []
    lines = ["", "With other choices:"]
    for setting in verdict.claim.over:
        outcome = verdict.outcomes[setting]
        held = f"{int(outcome.holds.sum())} of {len(outcome.holds)}"
        lines.append(f"  {setting.title:{NAME_WIDTH - 2}}{word(outcome)}, {held}")
    if verdict.deciding:
        told = ", ".join(setting.title for setting in verdict.deciding)
        lines += paragraph(f"Decided by: {told}.")
    return lines


def described(setting: Setting) -> str:
    """What differs from the default, in words and entries."""
    entries = [f"{name}={value}" for name, value in setting.parameters]
    if setting.memory_share != 1:
        entries.insert(0, f"{setting.memory_share:g} of the memory")
    if setting.min_free_share is None:
        entries.append("the kernel's own min_free_kbytes")
    elif setting.min_free_share != BASE.min_free_share:
        entries.append(f"1/{1 / setting.min_free_share:.0f} of memory kept free")
    added = setting.mechanism_parameters[len(BASE.mechanism_parameters) :]
    entries += [f"{name}={value}" for name, value in added]
    return f"{setting.workload} ({setting.title}), {', '.join(entries)}"


def rows(verdicts: Sequence[Verdict]) -> list[dict[str, object]]:
    """The tidy table: one row a claim, setting and figure."""
    return [
        {
            "claim": verdict.claim.number,
            "strength": verdict.claim.strength,
            "setting": setting.title,
            "default": setting == verdict.claim.setting,
            "figure": name,
            "mean": values.mean(),
            "least": values.min(),
            "most": values.max(),
            "unit": unit,
            "seeds": len(values),
            "holds": int(outcome.holds.sum()) if len(outcome.holds) else np.nan,
            "verdict": verdict.text if verdict.claim.why_not else word(outcome),
        }
        for verdict in verdicts
        for setting, outcome in verdict.outcomes.items()
        for name, (values, unit) in outcome.figures.items()
    ]
