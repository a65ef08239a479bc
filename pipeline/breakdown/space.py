"""The space of a workload's parameters: points of the unit cube, and what they stand for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from workloads import Searched

LOGARITHMIC_FROM = 20  # ranges from a value to so many times it, or more, are drawn by magnitude
DIGITS = 3


@dataclass(frozen=True)
class Space:
    """Parameters by name with their ranges; points are f8[parameters], each from 0 to 1."""

    ranges: dict[str, Searched]

    def texts(self, point: Sequence[float]) -> dict[str, str]:
        """The values at a point, as they are typed, with no more digits than matter."""
        pairs = zip(self.ranges.items(), point, strict=True)
        return {name: _text(of, _value(of, float(place))) for (name, of), place in pairs}

    def default(self) -> np.ndarray:
        """The point nearest to the workload's own values."""
        return np.array([_place(of, of.default) for of in self.ranges.values()])

    def spread(self, count: int, random: np.random.Generator) -> np.ndarray:
        """Random points, f8[count, parameters]: each range is covered evenly (Latin hypercube)."""
        size = len(self.ranges)
        rows = np.array([random.permutation(count) for _ in range(size)]).reshape(size, count).T
        return (rows + random.random((count, size))) / count


def _logarithmic(of: Searched) -> bool:
    return of.low > 0 and of.high / of.low >= LOGARITHMIC_FROM


def _value(of: Searched, place: float) -> float:
    if _logarithmic(of):
        return of.low * (of.high / of.low) ** place
    return of.low + (of.high - of.low) * place


def _place(of: Searched, value: float) -> float:
    if _logarithmic(of):
        place = np.log(max(value, of.low) / of.low) / np.log(of.high / of.low)
    else:
        place = (value - of.low) / (of.high - of.low)
    return float(np.clip(place, 0, 1))


def _text(of: Searched, value: float) -> str:
    return str(round(value)) if of.whole else f"{float(f'{value:.{DIGITS}g}'):.10g}"
