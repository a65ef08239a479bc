"""Where labels go: beside what they name, never over one another."""

from collections.abc import Sequence
from itertools import pairwise


def placed(wanted: Sequence[float], sizes: Sequence[float], low: float, high: float) -> list[float]:
    """Middles for labels of these sizes with ascending wanted middles.

    As near as can be to the wanted ones in their order, without overlap, within low..high. Raises
    ValueError where they don't fit, or aren't ascending.
    """
    if sum(sizes) > (high - low) * (1 + 1e-9):
        raise ValueError(f"labels of {sum(sizes):g} don't fit into {high - low:g}")
    if any(after < before for before, after in pairwise(wanted)):
        raise ValueError("labels aren't in their order")
    before = [sum(sizes[:number]) for number in range(len(sizes))]
    levels = ascending([w - s / 2 - b for w, s, b in zip(wanted, sizes, before, strict=True)])
    top = high - sum(sizes)
    return [
        max(min(level, top), low) + b + s / 2
        for level, b, s in zip(levels, before, sizes, strict=True)
    ]


def ascending(values: Sequence[float]) -> list[float]:
    """The ascending values nearest to these: what is out of order becomes its mean."""
    piles: list[list[float]] = []  # sum and number of values that became one
    for value in values:
        piles.append([value, 1])
        while len(piles) > 1 and piles[-1][0] / piles[-1][1] < piles[-2][0] / piles[-2][1]:
            total, count = piles.pop()
            piles[-1][0] += total
            piles[-1][1] += count
    return [total / count for total, count in piles for _ in range(int(count))]
