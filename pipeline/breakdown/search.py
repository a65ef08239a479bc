"""The search: random points, then steps around the best ones, then back to what is usual."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from pipeline.breakdown.judge import Verdict
from pipeline.breakdown.space import Space

SPREAD_SHARE = 0.5  # of the tries, at random all over the space
ROUND = 16  # tries around the best ones, before the best ones are chosen anew
PARENTS = 4
STEP = 0.15  # of a range, standard deviation
MOVED_SHARE = 0.4  # of the parameters, in one step
LEAD_KEPT = 0.75  # of its points, by a find that is taken back
BACK = (1.0, 0.5)  # of the way to a parameter's usual value, the farthest first
SPREAD, NEAR, BACKWARDS = "random", "near the best", "simplified"


class Tried(NamedTuple):
    """A point, how it was chosen, and what came out."""

    point: np.ndarray
    stage: str
    parameters: dict[str, str]
    verdict: Verdict


Judge = Callable[[Sequence[dict[str, str]]], list[Verdict]]


class Search:
    """All tries, in order. `judge`: runs the loads with some parameters and judges each."""

    def __init__(self, space: Space, judge: Judge, seed: int, tell: Callable[[str], None]) -> None:
        self.space, self.tried = space, list[Tried]()
        self._judge, self._tell = judge, tell
        self._random = np.random.Generator(np.random.PCG64(seed))

    def run(self, tries: int) -> None:
        """Half at random, half around the best. The same seed makes the same tries."""
        self._try(self.space.spread(max(round(tries * SPREAD_SHARE), 1), self._random), SPREAD)
        self._told(tries)
        while len(self.tried) < tries:
            self._try(self._children(min(ROUND, tries - len(self.tried))), NEAR)
            self._told(tries)

    def best(self) -> list[Tried]:
        """All, the best first; of equal ones the earlier."""
        return sorted(self.tried, key=lambda tried: -tried.verdict.score)

    def simplified(self, tried: Tried) -> Tried:
        """A find with each parameter as near to its usual value as it stays as clear a find.

        As clear: with most of its lead, lest the next seed turns it.
        """
        usual, least = self.space.default(), LEAD_KEPT * tried.verdict.score
        for place, name in enumerate(self.space.ranges):
            points = np.tile(tried.point, (len(BACK), 1))
            points[:, place] += np.array(BACK) * (usual[place] - tried.point[place])
            new = self._try(points, BACKWARDS)
            tried = next((one for one in new if _clear(one, least)), tried)
            self._tell(f"simplified: {name}={tried.parameters[name]}")
        return tried

    def _children(self, count: int) -> np.ndarray:
        parents = [tried.point for tried in self.best()[:PARENTS]]
        size = len(self.space.ranges)
        chosen = np.array([parents[n % len(parents)] for n in range(count)])
        moved = self._random.random((count, size)) < MOVED_SHARE
        moved[np.arange(count), self._random.integers(0, size, count)] = True
        return np.clip(chosen + moved * self._random.normal(0, STEP, (count, size)), 0, 1)

    def _try(self, points: np.ndarray, stage: str) -> list[Tried]:
        parameters = [self.space.texts(point) for point in points]
        verdicts = self._judge(parameters)
        rows = zip(points, parameters, verdicts, strict=True)
        new = [Tried(point, stage, named, verdict) for point, named, verdict in rows]
        self.tried += new
        return new

    def _told(self, tries: int) -> None:
        best = self.best()[0].verdict
        told = f"{best.score:+.1f} points" if best.fair else "none that both serve"
        self._tell(f"{len(self.tried)} of {tries} tries, best: {told}")


def _clear(tried: Tried, least: float) -> bool:
    return tried.verdict.found and tried.verdict.score >= least
