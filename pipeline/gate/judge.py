"""The judgement of a gate, row by row."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.comparison.rows import Row
from pipeline.gate.conditions import Limit, Named
from pipeline.statistics.paired import LEVEL, SEEDS_NEEDED, family_wise


@dataclass(frozen=True)
class Judged:
    """A row and what became of it. `p`: of all other rows together; NaN for target and limits."""

    row: Row
    role: str  # "target", "limit -2%" or "other"
    failed: bool
    told: str
    p: float = np.nan


def targets_of(rows: Sequence[Row], target: Named) -> list[Row]:
    """The target's rows: of each workload that at its phase, or at the last that has a figure."""
    by_workload: dict[str, Row] = {}
    for row in rows:
        if target.takes(row) and row.difference.seeds:
            by_workload[row.workload] = row  # rows come in the order of the phases
    return list(by_workload.values())


def judge(rows: Sequence[Row], target: Named, limits: Sequence[Limit]) -> list[Judged]:
    """Target first, then limits, then all other rows that can become worse and have figures."""
    aims = targets_of(rows, target)
    judged = [_target(row) for row in aims]
    others = []
    for row in rows:
        if row.about.better == "-" or not row.difference.seeds:
            continue
        asked = [limit for limit in limits if limit.named.takes(row)]
        judged += [_limit(row, limit) for limit in asked]
        if not asked and row not in aims:
            others.append(row)
    return judged + [_other(row, p) for row, p in zip(others, _family(others), strict=True)]


def _other(row: Row, p: float) -> Judged:
    """Of a load with one seed, or that seeds don't change, no noise is known for an excuse."""
    if len(row.before) == 1:
        return Judged(row, "other", row.gain < 0, "worse, and noise unknown" * (row.gain < 0), p)
    worse = bool(row.gain < 0 and p <= LEVEL)
    return Judged(row, "other", worse, "worse beyond noise" * worse, p)


def _target(row: Row) -> Judged:
    difference = row.difference
    if difference.seeds < SEEDS_NEEDED:
        told = f"can't tell: {SEEDS_NEEDED} seeds are needed, here: {difference.seeds}"
        return Judged(row, "target", True, told)
    if not difference.significant:
        return Judged(row, "target", True, f"not improved: {difference.verdict}")
    if row.gain < 0:
        return Judged(row, "target", True, "worse beyond noise")
    return Judged(row, "target", False, "improved")


def _limit(row: Row, limit: Limit) -> Judged:
    broken = limit.broken(row)
    return Judged(row, f"limit {limit.text}", broken, "beyond its limit" if broken else "within it")


def _family(rows: Sequence[Row]) -> np.ndarray:
    """p of each row with all of them in mind, f8[rows]; NaN with too few seeds.

    Rows that have figures of the same seeds are taken together, of whatever load; where there are
    several such sets, p is multiplied by their number.
    """
    p = np.full(len(rows), np.nan)
    differences = [row.after - row.before for row in rows]
    families: dict[bytes, list[int]] = {}
    for number, difference in enumerate(differences):
        there = np.isfinite(difference)
        if there.sum() >= SEEDS_NEEDED:
            families.setdefault(there.tobytes(), []).append(number)
    for members in families.values():
        together = np.array([differences[n][np.isfinite(differences[n])] for n in members])
        p[members] = family_wise(together)
    return np.minimum(p * len(families), 1)
