"""How long something lasts when some of it outlasts the observation: Kaplan and Meier's estimate.

Source: E. L. Kaplan, P. Meier, Nonparametric estimation from incomplete observations (1958); the
variance is Greenwood's (1926). The interval is taken on the scale of log(-log S), so that it stays
between 0 and 1; that of the median holds the times at which the curve's interval holds one half
(Brookmeyer and Crowley 1982). All take the durations for independent of each other: pageblocks
that recover together, because one process ended, make the true interval wider.
"""

from dataclasses import dataclass

import numpy as np

Z_95 = 1.959963984540054  # of the normal distribution, for 95 %
HALF = 0.5 + 1e-12  # what a product of shares that makes one half may be off by


@dataclass(frozen=True)
class Survival:
    """A survival curve, a step down at each of `times`, i8[n], at which something ended.

    `at_risk`, `ended` i8[n]: that lasted until then, that ended then. `surviving`, `low`, `high`
    f8[n]: the estimate from that time on, and its 95 % interval; NaN where the estimate is 0.
    """

    times: np.ndarray
    at_risk: np.ndarray
    ended: np.ndarray
    surviving: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def median(self) -> tuple[float, float, float]:
        """The time at which half have ended, with its interval; NaN: not reached."""
        return tuple(self._first(curve) for curve in (self.surviving, self.low, self.high))

    def at_risk_at_median(self) -> int:
        """How many the median rests on: still at risk when half have ended; 0: not reached."""
        below = np.flatnonzero(self.surviving <= HALF)
        return int(self.at_risk[below[0]]) if len(below) else 0

    def _first(self, curve: np.ndarray) -> float:
        below = np.flatnonzero(curve <= HALF)
        return float(self.times[below[0]]) if len(below) else np.nan


def survival(durations: np.ndarray, ended: np.ndarray) -> Survival:
    """The curve of durations i8[n]; `ended` bool[n]: False where one lasts longer, by how much
    isn't known (right-censored). One that is censored at a time counts as at risk at that time.
    """
    durations, ended = np.asarray(durations, np.int64), np.asarray(ended, bool)
    times, counts = np.unique(durations[ended], return_counts=True)
    at_risk = len(durations) - np.searchsorted(np.sort(durations), times, side="left")
    surviving = np.cumprod(1 - counts / np.maximum(at_risk, 1))
    low, high = _interval(surviving, _greenwood(at_risk, counts))
    return Survival(times, at_risk, counts, surviving, low, high)


def _greenwood(at_risk: np.ndarray, ended: np.ndarray) -> np.ndarray:
    """Variance of log S; infinite once all have ended."""
    left = at_risk - ended
    terms = np.where(left > 0, ended / np.maximum(at_risk * left, 1), np.inf)
    return np.cumsum(terms)


def _interval(surviving: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    inside = (surviving > 0) & (surviving < 1)
    share = np.where(inside, surviving, 0.5)
    spread = Z_95 * np.sqrt(np.where(inside, variance, 0)) / np.abs(np.log(share))
    bounds = (share ** np.exp(spread), share ** np.exp(-spread))
    outside = np.where(surviving > 0, 1.0, np.nan)
    return tuple(np.where(inside, bound, outside) for bound in bounds)
