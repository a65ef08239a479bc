"""A script of operations that several processes make, each in its own time."""

import numpy as np

from workloads.stream import Ops

SLICE_US = 10_000  # operations on objects are gathered in slices: they are done by the lot


class Script:
    """Operations collected in any order of time; `ops` sorts them. Ids are handed out here."""

    def __init__(self) -> None:
        self._parts: list[tuple[np.ndarray, ...]] = []
        self.ids = self.objects = 0

    def new_ids(self, count: int) -> np.ndarray:
        """Ids of pages or larger allocations, i4[count]."""
        self.ids += count
        return np.arange(self.ids - count, self.ids, dtype=np.int32)

    def new_objects(self, count: int) -> np.ndarray:
        """Ids of objects in slabs, i4[count]."""
        self.objects += count
        return np.arange(self.objects - count, self.objects, dtype=np.int32)

    def add(
        self,
        time_us: np.ndarray | int,
        kind: int,
        ids: np.ndarray,
        *,
        order: int = 0,
        mobility: int = 0,
        flags: np.ndarray | int = 0,
        offset: int = 0,
    ) -> None:
        """One operation for each id; the other columns as in Ops, arrays or the same for all."""
        columns = (
            (kind, np.uint8),
            (ids, np.int32),
            (order, np.uint8),
            (mobility, np.uint8),
            (flags, np.uint8),
            (offset, np.uint16),
            (time_us, np.int64),
        )
        self._parts.append(
            tuple(np.broadcast_to(np.asarray(c, dtype), len(ids)) for c, dtype in columns)
        )

    def add_objects(
        self, time_us: np.ndarray, kind: int, ids: np.ndarray, cache: int, flags=0
    ) -> None:
        """Operations on objects of a cache, at the beginning of their slices."""
        self.add(time_us // SLICE_US * SLICE_US, kind, ids, offset=cache, flags=flags)

    def ops(self, end_us: int) -> Ops:
        """All operations up to `end_us`, by time; those of one moment as they were added."""
        columns = [np.concatenate(column) for column in zip(*self._parts, strict=True)]
        self._parts.clear()
        times = columns[-1]
        sequence = np.argsort(times, kind="stable")
        sequence = sequence[: np.searchsorted(times[sequence], end_us, side="right")]
        return Ops(*(column[sequence] for column in columns))
