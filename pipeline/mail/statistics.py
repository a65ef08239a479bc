"""What a mail says of its own certainty: seeds, test, intervals, and what would have been seen."""

from collections.abc import Sequence
from math import isinf, isnan

from pipeline.comparison.cells import change_text, signed_text, value_text, verdict
from pipeline.comparison.rows import Row, other_requests
from pipeline.comparison.runs import Load
from pipeline.comparison.sides import Group
from pipeline.comparison.tables import label_of, seeds_of
from pipeline.config import SEEDS_FOR_A_MAIL
from pipeline.statistics.paired import EXACT_TO_SEEDS, LEVEL, RANDOM_SIGNS, SEEDS_NEEDED

CHANCE = round(1 / LEVEL)


def _run_seeds(groups: Sequence[Group]) -> int:
    return max(len(load.digests) for group in groups for load in group.base.run.loads.values())


def few_seeds(groups: Sequence[Group], rows: Sequence[Row]) -> list[str]:
    """What must be said first where nothing can be told from noise."""
    seeds, wanted = seeds_of(rows), SEEDS_FOR_A_MAIL - 1
    if not any(group.others for group in groups) or seeds >= SEEDS_NEEDED:
        return []
    if seeds == 1 and _run_seeds(groups) > 1:
        return [
            "ONE SEED: NOISE UNKNOWN. All seeds gave the same figures: they change nothing here, "
            "and count as one."
        ]
    if seeds == 1:
        return [f"ONE SEED: NOISE UNKNOWN. --repeats {wanted} runs {wanted} more."]
    return [
        f"{seeds} SEEDS ARE TOO FEW to tell a difference from noise: {SEEDS_NEEDED} are needed. "
        f"--repeats {wanted} runs more."
    ]


def read_words(groups: Sequence[Group], rows: Sequence[Row]) -> str:
    """How to read the tables."""
    seeds = seeds_of(rows)
    mean = f"Means of {seeds} seeds" if seeds > 1 else "Figures of one seed"
    if not any(group.others for group in groups):
        return f"{mean}. There is one mechanism, so nothing is compared."
    told = (
        f"{mean}; in parentheses the change from the first column, in % of that figure (of a "
        "figure in % too: from 40 % to 20 % is 50 %). The sign is turned so that + is better and "
        "- is worse."
    )
    if seeds >= SEEDS_NEEDED:
        told += ' A * marks what is significant (p <= 0.05); what isn\'t says "not significant".'
    return f'{told} "-": no such figure.'


def said(groups: Sequence[Group], rows: Sequence[Row]) -> list[str]:
    """Of all rows of a mail, in sentences."""
    compared = [row for row in rows if row.other != row.base]
    seeds = seeds_of(compared)
    told = []
    if not compared:
        return ["Nothing was compared."]
    if seeds < SEEDS_NEEDED:
        return [f"Nothing was tested: that takes {SEEDS_NEEDED} seeds. Here: {seeds}."]
    alike = not any(other_requests(group) for group in groups)
    why = ": with a seed all mechanisms get the same requests" if alike else " by their numbers"
    told.append(f"{seeds} seeds, paired{why}.")
    how = "exact" if seeds <= EXACT_TO_SEEDS else f"with {RANDOM_SIGNS} random choices"
    told.append(
        f"Test: {how}, by signs, two-sided, of the mean difference (R. A. Fisher, 1935); no "
        "distribution is assumed. Intervals: 95 %, bootstrap."
    )
    told.append(
        "Effect size: the mean difference by the standard deviation of the seeds' differences "
        "(Cohen's d of pairs)."
    )
    tested = [row for row in compared if not isnan(row.difference.p)]
    moved = [row for row in tested if row.difference.verdict != "equal in all seeds"]
    found = sum(row.difference.significant for row in tested)
    told.append(
        f"{len(tested)} comparisons stand here, {len(tested) - len(moved)} of them equal in all "
        f"seeds; {found} are significant. Were there no difference at all, about "
        f"{len(moved) / CHANCE:.0f} would be called so by chance: each is tested by itself. "
        "pagereel gate judges all of them together."
    )
    short = sum(0 < row.difference.seeds < seeds for row in compared)
    if short:
        told.append(f"{short} of them have figures of fewer seeds; missing ones are no zeros.")
    return told


def chief_words(load: Load, rows: Sequence[Row], compared: bool) -> tuple[str, list[str]]:
    """What a dot plot shows, and what its differences are."""
    first = rows[0]
    better = f"; {first.about.better} is better" if first.about.better != "-" else ""
    title = (
        f"{label_of(first)}; {first.phase}: {load.title_of(first.phase)}{better}. "
        "A mark is a seed, M the mean, |_| its 95 % interval:"
    )
    return title, [_difference(row) for row in rows] if compared else []


def _difference(row: Row) -> str:
    difference = row.difference
    if not difference.seeds:
        return f"{row.other.label}: no figure to compare."
    low, mean, high = (
        signed_text(value)
        for value in (difference.change.low, difference.change.mean, difference.change.high)
    )
    told = f"{row.other.label}: {mean} {change_text(row)}, {verdict(row)}"
    if difference.seeds > 1:
        told += f"; 95 % interval {low} to {high}"
    if not isnan(difference.p):
        told += f"; p {difference.p:.2g}"
    if not isnan(difference.effect):
        alike = isinf(difference.effect)
        effect = "all seeds differ alike" if alike else f"effect size {difference.effect:.1f}"
        told += f"; {effect}"
    if difference.detectable > 0:
        told += f"; four times in five, {value_text(difference.detectable)} would have been seen"
    return f"{told}."
