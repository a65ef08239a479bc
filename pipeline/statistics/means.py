"""Means of some seeds: their interval, and the mean of ratios."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from pipeline.statistics.student import t_975

RESAMPLES = 4000


class Interval(NamedTuple):
    """A mean and its 95 % interval; `low` and `high` NaN where one seed tells nothing of noise."""

    mean: float
    low: float
    high: float
    seeds: int


def mean_interval(values: np.ndarray) -> Interval:
    """The mean of f8[seeds], with a bootstrap interval; NaN seeds are left out.

    Expanded percentile: the plain one is too narrow for few seeds (of ten, one in nine would not
    hold the mean instead of one in twenty). Where all seeds are equal, so are both its ends.
    Source: T. Hesterberg, What Teachers Should Know about the Bootstrap, 2015, section 3.
    """
    values = values[np.isfinite(values)]
    seeds = len(values)
    if seeds < 2:
        return Interval(float(values.mean()) if seeds else np.nan, np.nan, np.nan, seeds)
    if np.ptp(values) == 0:  # a mean of equal numbers may miss them by a digit
        return Interval(float(values[0]), float(values[0]), float(values[0]), seeds)
    means = values[_resamples(seeds)].mean(axis=1)
    tail = _tail(seeds)
    low, high = np.quantile(means, (tail, 1 - tail))
    return Interval(float(values.mean()), float(low), float(high), seeds)


@lru_cache(maxsize=8)
def _resamples(seeds: int) -> np.ndarray:
    """The same for all rows of as many seeds, i8[RESAMPLES, seeds]."""
    return np.random.default_rng(seeds).integers(0, seeds, (RESAMPLES, seeds))


def _tail(seeds: int) -> float:
    """Which share of resampled means lies outside on each side, for an interval of 95 %."""
    from statistics import NormalDist

    return NormalDist().cdf(-np.sqrt(seeds / (seeds - 1)) * t_975(seeds - 1))


def geometric_mean(ratios: np.ndarray) -> float:
    """Of f8[n]; NaN where one is missing, infinite, zero or negative: then there is none."""
    if not len(ratios) or not np.isfinite(ratios).all() or (ratios <= 0).any():
        return np.nan
    return float(np.exp(np.log(ratios).mean()))
