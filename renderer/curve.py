"""Space-filling curves on any rectangle."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np


@lru_cache(maxsize=32)
def hilbert_walk(columns: int, rows: int) -> np.ndarray:
    """A generalised Hilbert curve through a rectangle, i4[columns * rows]: row * columns + column.

    It starts at the top left; each step goes to a touching place (with odd sides, one step may be
    diagonal). The construction is Jakub Červený's "gilbert", which divides the rectangle instead of
    a square.
    """
    if columns >= rows:
        steps = _divide(0, 0, columns, 0, 0, rows)
    else:
        steps = _divide(0, 0, 0, rows, columns, 0)
    return np.fromiter((y * columns + x for x, y in steps), np.int32, columns * rows)


def row_walk(columns: int, rows: int) -> np.ndarray:
    """Line after line, i4[columns * rows]."""
    return np.arange(columns * rows, dtype=np.int32)


def _sign(value: int) -> int:
    return (value > 0) - (value < 0)


def _divide(x: int, y: int, ax: int, ay: int, bx: int, by: int) -> Iterator[tuple[int, int]]:
    """Walk the rectangle at x, y that is spanned by the main direction a and the side b."""
    length, breadth = abs(ax + ay), abs(bx + by)
    along, across = (_sign(ax), _sign(ay)), (_sign(bx), _sign(by))
    if 1 in (length, breadth):
        step = along if breadth == 1 else across
        for _ in range(max(length, breadth)):
            yield x, y
            x, y = x + step[0], y + step[1]
        return
    ax2, ay2, bx2, by2 = _half(ax), _half(ay), _half(bx), _half(by)
    if 2 * length > 3 * breadth:  # long: two parts, one behind the other
        if abs(ax2 + ay2) % 2 and length > 2:
            ax2, ay2 = ax2 + along[0], ay2 + along[1]
        yield from _divide(x, y, ax2, ay2, bx, by)
        yield from _divide(x + ax2, y + ay2, ax - ax2, ay - ay2, bx, by)
        return
    if abs(bx2 + by2) % 2 and breadth > 2:
        bx2, by2 = bx2 + across[0], by2 + across[1]
    yield from _divide(x, y, bx2, by2, ax2, ay2)  # up, along, down
    yield from _divide(x + bx2, y + by2, ax, ay, bx - bx2, by - by2)
    yield from _divide(
        x + (ax - along[0]) + (bx2 - across[0]),
        y + (ay - along[1]) + (by2 - across[1]),
        -bx2,
        -by2,
        -(ax - ax2),
        -(ay - ay2),
    )


def _half(value: int) -> int:
    """Half, rounded towards minus infinity as the construction asks for."""
    return value // 2
