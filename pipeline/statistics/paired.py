"""The difference of two mechanisms, seed by seed: how large, how sure, and what could be seen.

Seeds are paired: both mechanisms get the same requests under each. Significant is what an exact
test by signs calls so at 5 %: were there no difference, each seed's difference could as well have
the other sign; p is the share of all such choices of signs whose mean lies as far from 0. It needs
no distribution, and no more than 5 % of rows without a difference are called significant.
Source: R. A. Fisher, The Design of Experiments, 1935, section 21.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import sqrt

import numpy as np

from pipeline.statistics.means import Interval, mean_interval
from pipeline.statistics.student import t_800, t_975

LEVEL = 0.05
SEEDS_NEEDED = 6  # two of 2**6 choices of signs are 3.1 %; of 2**5, 6.3 %
EXACT_TO_SEEDS = 12  # above, random choices of signs instead of all
RANDOM_SIGNS = 9999
NEAR = 1e-9  # what rounding may do to sums that are equal


@dataclass(frozen=True)
class Difference:
    """Of a figure after and before, over the seeds that both have.

    `change`: mean difference with its 95 % bootstrap interval. `p` NaN where nothing was tested.
    `effect`: the mean difference by the standard deviation of the differences (Cohen's d of pairs);
    infinite where all seeds differ alike. `detectable`: the smallest true difference that so many
    seeds of this spread would show in four of five cases; NaN with one seed.
    """

    before: float
    after: float
    change: Interval
    p: float
    effect: float
    detectable: float

    @property
    def seeds(self) -> int:
        """Pairs that were compared."""
        return self.change.seeds

    @property
    def significant(self) -> bool:
        """Whether the difference is more than noise."""
        return bool(self.p <= LEVEL)

    @property
    def change_percent(self) -> float:
        """The change in % of the figure before; NaN where that is 0."""
        return 100 * self.change.mean / abs(self.before) if self.before else np.nan

    @property
    def verdict(self) -> str:
        """In words. "equal": every seed is the same before and after."""
        if not self.seeds:
            return "no figure"
        if self.seeds < 2:
            return "one seed: noise unknown"
        if self.change.mean == self.change.low == self.change.high:
            if self.change.mean == 0:
                return "equal in all seeds"
            if self.seeds < SEEDS_NEEDED:
                return "the same difference in all seeds"
        if self.seeds < SEEDS_NEEDED:
            return f"{self.seeds} seeds are too few to tell"
        return "significant" if self.significant else "not significant"


def compare(before: np.ndarray, after: np.ndarray) -> Difference:
    """Of f8[seeds] each, paired; seeds without a value (NaN) in one are left out of both."""
    both = np.isfinite(before) & np.isfinite(after)
    before, after = before[both], after[both]
    difference = _differences(before, after)
    seeds = len(difference)
    change = mean_interval(difference)
    spread = np.nan
    if seeds > 1:
        spread = float(difference.std(ddof=1)) if np.ptp(difference) else 0.0
    mean = change.mean
    return Difference(
        before=float(before.mean()) if seeds else np.nan,
        after=float(after.mean()) if seeds else np.nan,
        change=change,
        p=_p(difference) if seeds >= SEEDS_NEEDED else np.nan,
        effect=_effect(mean, spread),
        detectable=_detectable(spread, seeds),
    )


def _differences(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """After less before, f8[seeds]; where they are equal but for rounding, they are equal."""
    difference = after - before
    if not len(difference):
        return difference
    rounding = NEAR * max(np.abs(before).max(), np.abs(after).max())
    if np.abs(difference).max() <= rounding:
        return np.zeros_like(difference)
    if np.ptp(difference) <= rounding:
        return np.full_like(difference, np.median(difference))
    return difference


def family_wise(differences: np.ndarray) -> np.ndarray:
    """p of each row of f8[rows, seeds] with all rows together in mind, f8[rows].

    That is the share of choices of signs under which any row comes out as extreme as this one: were
    there no difference anywhere, in 95 % of families no row at all would be called significant.
    Signs are chosen for a seed, not for a row, so that rows that go together count once. NaN with
    too few seeds, and for rows with a NaN.
    Source: Westfall and Young, Resampling-Based Multiple Testing, 1993 (max T, in a single step).
    """
    rows, seeds = differences.shape
    p = np.full(rows, np.nan)
    whole = np.isfinite(differences).all(axis=1)
    if seeds < SEEDS_NEEDED or not whole.any():
        return p
    found = _t(differences[whole], np.ones((1, seeds)))[:, 0]
    largest = _t(differences[whole], _signs(seeds)).max(axis=0)
    p[whole] = (largest[None, :] >= found[:, None] * (1 - NEAR)).mean(axis=1)
    return p


def least_p(seeds: int) -> float:
    """The least p that so many seeds can have: only their own signs are so extreme, and all other.

    Of many seeds signs are chosen at random, and those of the data are among them.
    """
    return 2 / 2**seeds if seeds <= EXACT_TO_SEEDS else 1 / (RANDOM_SIGNS + 1)


def _t(differences: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """|mean| by its standard error for each row and choice of signs, f8[rows, choices].

    0 for a row without a difference.
    """
    seeds = differences.shape[1]
    mean = np.abs(differences @ signs.T) / seeds
    square = (differences**2).mean(axis=1, keepdims=True)
    variance = np.maximum(square - mean**2, square * NEAR)  # never 0: equal seeds are finite too
    with np.errstate(invalid="ignore"):
        return np.where(square > 0, mean / np.sqrt(variance / max(seeds - 1, 1)), 0.0)


def _p(difference: np.ndarray) -> float:
    scale = np.abs(difference).sum()
    sums = np.abs(_signs(len(difference)) @ difference)
    return float((sums >= abs(difference.sum()) - NEAR * scale).mean())


@lru_cache(maxsize=8)
def _signs(seeds: int) -> np.ndarray:
    """Choices of signs, f8[choices, seeds]: all, or random ones with that of the data first."""
    if seeds <= EXACT_TO_SEEDS:
        return 1.0 - 2 * (np.arange(1 << seeds)[:, None] >> np.arange(seeds) & 1)
    random = np.random.default_rng(seeds).choice((-1.0, 1.0), (RANDOM_SIGNS, seeds))
    return np.vstack((np.ones((1, seeds)), random))


def _effect(mean: float, spread: float) -> float:
    if not np.isfinite(spread):
        return np.nan
    if spread == 0:
        return 0.0 if mean == 0 else float(np.copysign(np.inf, mean))
    return mean / spread


def _detectable(spread: float, seeds: int) -> float:
    if not np.isfinite(spread):
        return np.nan
    return (t_975(seeds - 1) + t_800(seeds - 1)) * spread / sqrt(seeds)
