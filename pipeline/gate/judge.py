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
        limit = next((limit for limit in limits if limit.named.takes(row)), None)
        if limit:
            judged.append(_limit(row, limit))
        elif row not in aims:
            others.append(row)
    for row, p in zip(others, _family(others), strict=True):
        worse = bool(row.gain < 0 and p <= LEVEL)
        judged.append(Judged(row, "other", worse, "worse beyond noise" if worse else "", p))
    return judged


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
    """p of each row with all of them in mind, f8[rows].

    Rows of which all seeds have figures are taken together; where there are several such sets
    (loads with other seeds), and for rows with missing seeds, p is multiplied by their number.
    """
    p = np.full(len(rows), np.nan)
    families: dict[tuple, list[int]] = {}
    for number, row in enumerate(rows):
        whole = np.isfinite(row.before - row.after).all()
        key = (row.workload, len(row.before)) if whole else (row.where, number)
        families.setdefault(key, []).append(number)
    for members in families.values():
        differences = [rows[n].after - rows[n].before for n in members]
        if len(members) > 1 or np.isfinite(differences[0]).all():
            p[members] = family_wise(np.array(differences))
        else:
            p[members] = rows[members[0]].difference.p
    return np.minimum(p * len(families), 1)
