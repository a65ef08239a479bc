"""Stretches of frames in which something stays as it is."""

import numpy as np


def stretches(there: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the stretches of True in bool[n] begin and end (exclusive), both i8[stretches]."""
    _, starts, ends = equal_stretches(there[np.newaxis])
    kept = there[starts]
    return starts[kept], ends[kept]


def longest_stretch(there: np.ndarray) -> tuple[int, int]:
    """Begin and end (exclusive) of the first longest one; (0, 0) where there is none."""
    starts, ends = stretches(there)
    if not len(starts):
        return 0, 0
    longest = int(np.argmax(ends - starts))
    return int(starts[longest]), int(ends[longest])


def equal_stretches(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The stretches of one value in each row of [rows, n]: row, begin and end (exclusive).

    All i8[stretches], row by row.
    """
    new = np.ones(values.shape, bool)
    new[:, 1:] = values[:, 1:] != values[:, :-1]
    starts = np.flatnonzero(new)
    lengths = np.diff(np.append(starts, values.size))
    rows, begins = np.divmod(starts, max(values.shape[1], 1))
    return rows, begins, begins + lengths
