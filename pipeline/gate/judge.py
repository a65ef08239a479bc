"""The judgement of a gate, row by row."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipeline.comparison.rows import Row
from pipeline.gate.conditions import Asked, Limit, Named, worse_by_more
from pipeline.statistics.paired import LEVEL, SEEDS_NEEDED, family_wise, least_p

TARGET, OTHER, IGNORED = "target", "other", "ignored"


@dataclass(frozen=True)
class Judged:
    """A row and what became of it.

    `p`: of all other rows together; NaN for target and limits, and where it can't be told.
    `least`: the least that it could be with so few seeds, whatever the difference.
    `tolerated`: worse, but by no more than is allowed.
    """

    row: Row
    role: str  # "target", "limit -2%", "other" or "ignored"
    failed: bool
    told: str
    p: float = np.nan
    least: float = np.nan
    tolerated: bool = False

    @property
    def alone(self) -> bool:
        """Whether there is one seed alone: no noise is known for an excuse."""
        return len(self.row.before) == 1

    @property
    def untold(self) -> bool:
        """Whether it is another row whose seeds are too few."""
        return self.role == OTHER and not self.alone and bool(np.isnan(self.p))


def targets_of(rows: Sequence[Row], target: Named) -> list[Row]:
    """The target's rows: of each workload that at its phase, or at the last that has a figure."""
    by_workload: dict[str, Row] = {}
    for row in rows:
        if target.takes(row) and row.difference.seeds:
            by_workload[row.workload] = row  # rows come in the order of the phases
    return list(by_workload.values())


def judge(rows: Sequence[Row], asked: Asked, aims: Sequence[Row] | None = None) -> list[Judged]:
    """Target first, then limits, what is ignored, and all others that can become worse.

    `aims`: the target's rows, where they aren't looked for among all others.
    """
    if aims is None:
        aims = targets_of(rows, asked.target)
    judged = [_target(row) for row in aims]
    others, ignored = [], []
    for row in rows:
        if row.about.better == "-" or not row.difference.seeds:
            continue
        limits = [limit for limit in asked.limits if limit.named.takes(row)]
        judged += [_limit(row, limit) for limit in limits]
        if limits or any(row is aim for aim in aims):
            continue
        is_ignored = any(one.takes(row) for one in asked.ignored)
        (ignored if is_ignored else others).append(row)
    judged += map(_ignored, ignored)
    p_of_others = zip(others, *_family(others), strict=True)
    return judged + [
        replace(_other(row, p, asked.tolerance_percent), least=least)
        for row, p, least in p_of_others
    ]


def _other(row: Row, p: float, tolerance_percent: float) -> Judged:
    """Of a load with one seed, or that seeds don't change, no noise is known for an excuse."""
    alone = len(row.before) == 1
    if np.isnan(p) and not alone:
        told = f"cannot be judged with {row.difference.seeds} seeds"
        return Judged(row, OTHER, False, told)
    if not (row.gain < 0 and (alone or p <= LEVEL)):
        return Judged(row, OTHER, False, "", p)
    told = "worse, and noise unknown" if alone else "worse beyond noise"
    if worse_by_more(row, tolerance_percent):
        return Judged(row, OTHER, True, told, p)
    return Judged(row, OTHER, False, f"{told}, within the tolerance", p, tolerated=True)


def _target(row: Row) -> Judged:
    difference = row.difference
    if not np.nan_to_num((row.before, row.after)).any():
        return Judged(row, TARGET, True, "0 on both sides: this load cannot show it")
    if difference.seeds < SEEDS_NEEDED:
        told = f"can't tell: {SEEDS_NEEDED} seeds are needed, here: {difference.seeds}"
        return Judged(row, TARGET, True, told)
    if not difference.significant:
        return Judged(row, TARGET, True, f"not improved: {difference.verdict}")
    if row.gain < 0:
        return Judged(row, TARGET, True, "worse beyond noise")
    return Judged(row, TARGET, False, "improved")


def _limit(row: Row, limit: Limit) -> Judged:
    broken = limit.broken(row)
    return Judged(row, f"limit {limit.text}", broken, "beyond its limit" if broken else "within it")


def _ignored(row: Row) -> Judged:
    worse = row.gain < 0 and row.difference.significant
    return Judged(row, IGNORED, False, "worse beyond noise, by itself" * worse)


def _family(rows: Sequence[Row]) -> tuple[np.ndarray, np.ndarray]:
    """p of each row with all of them in mind, and the least that it could be; f8[rows] each.

    NaN where its seeds can't tell.

    Rows that have figures of the same seeds are taken together, of whatever load; where there are
    several such sets, p is multiplied by their number. A set with so few seeds that no difference
    could be significant then is left out, and not counted.
    """
    p, least = np.full((2, len(rows)), np.nan)
    differences = [row.after - row.before for row in rows]
    families: dict[bytes, list[int]] = {}
    for number, difference in enumerate(differences):
        there = np.isfinite(difference)
        if there.sum() >= SEEDS_NEEDED:
            families.setdefault(there.tobytes(), []).append(number)
    able = _able({key: rows[of[0]].difference.seeds for key, of in families.items()})
    for key in able:
        members = families[key]
        together = np.array([differences[n][np.isfinite(differences[n])] for n in members])
        p[members] = family_wise(together)
        least[members] = least_p(together.shape[1])
    return np.minimum(p * len(able), 1), np.minimum(least * len(able), 1)


def _able(seeds: dict[bytes, int]) -> list[bytes]:
    """Those sets that could show a difference, with as many others; of equal seeds all or none."""
    keys = list(seeds)
    while keys and len(keys) * least_p(fewest := min(map(seeds.get, keys))) > LEVEL:
        keys = [key for key in keys if seeds[key] > fewest]
    return keys
