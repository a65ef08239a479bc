"""Who holds each page: the operation that placed it, and the order of its allocation.

The allocator keeps no such thing. Here it is followed from outside, from one look to the next: by
where the ids of the operations lie, and by the owners of pages that may have been migrated.
"""

from array import array

import numpy as np

from allocator.page_alloc import Memory
from allocator.terms import ALLOC, CLASS_MOVABLE, FREE, PCP_FREE, PFN_NONE, USE
from pipeline.recording_format import RENEWED
from workloads.stream import Ops, Stream

BEFORE = -1  # in place of an operation: it was there at the start


class Holders:
    """The holders of a memory's pages while operations run.

    The engine's observer tells it of slabs; `follow` comes up to an operation.
    """

    def __init__(self, stream: Stream, memory: Memory, pfn_of: array) -> None:
        self._ops, self._memory = stream.ops, memory
        self._pfn_of = np.frombuffer(pfn_of, np.int32)
        self._resident = self._pfn_of != PFN_NONE
        self._arrived_op = _allocated_op(stream.ops, len(pfn_of))
        self._uses = bool((stream.ops.kind == USE).any())
        self._slabs: list[tuple[int, int, int]] = []
        self._done = 0
        self._pages = stream.machine.pages
        self._placed_op = np.full(self._pages, BEFORE, np.int64)
        self._order = np.zeros(self._pages, np.uint8)
        self._set_at_start(stream)
        self._touched: list[np.ndarray] = []  # pages given to somebody since the last frame
        self._marks = self._order.copy()

    def slab_grown(self, op: int, pfn: int, order: int) -> None:
        """Pages taken for a slab, which has no id."""
        self._slabs.append((op, pfn, order))

    def follow(self, op: int) -> None:
        """Come up to the operation that is done next."""
        ops, new = self._ops, slice(self._done, op)
        at = self._done + np.flatnonzero(ops.kind[new] == ALLOC)
        if self._uses:
            at = np.sort(np.concatenate((at, self._arrivals(new))))
        pfns, orders = self._pfn_of[ops.id[at]], ops.order[at]
        met = pfns != PFN_NONE
        at, pfns, orders = at[met], pfns[met], orders[met]
        if self._slabs:  # in the order in which they came: the last one holds the page
            grown = np.array(self._slabs, np.int64).T
            at, pfns, orders = (
                np.concatenate(pair) for pair in zip((at, pfns, orders), grown, strict=True)
            )
            ascending = np.argsort(at, kind="stable")
            at, pfns, orders = at[ascending], pfns[ascending], orders[ascending]
            self._slabs = []
        pages, allocation = _expanded(pfns, orders)
        self._placed_op[pages], self._order[pages] = at[allocation], orders[allocation]
        self._touched.append(pages)
        self._done = op

    def marks(self, grid: np.ndarray) -> np.ndarray:
        """What a frame keeps of the holders, u1[pages]; see Recording.marks. To be called once a
        frame, after `follow`; `grid` u1[pages]: the classes."""
        free = (grid == FREE) | (grid == PCP_FREE)
        renewed = np.zeros(self._pages, bool)
        for pages in self._touched:
            renewed[pages] = True
        renewed &= ~free & (grid != CLASS_MOVABLE)
        self._touched = []
        marks = (self._marks & RENEWED) ^ renewed.view(np.uint8) * np.uint8(RENEWED)
        marks |= np.where(free | self._owned(), np.uint8(0), self._order)
        self._marks = marks
        return marks

    def of(self, pfns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The operation that placed each of these pages in use, i8, and its order, u1.

        BEFORE and 0 where it was there at the start. Of a page that was evicted and used again the
        operation is the first use in the stretch in which it came back.
        """
        owned, owners = self._owned()[pfns], self._memory.views()[1][pfns]
        arrived_op = self._arrived_op[np.where(owned, owners, 0)]
        return (
            np.where(owned, arrived_op, self._placed_op[pfns]),
            np.where(owned, 0, self._order[pfns]).astype(np.uint8),
        )

    def _set_at_start(self, stream: Stream) -> None:
        start = stream.start
        pfns = self._pfn_of[: len(start.pfn)]
        there = pfns != PFN_NONE
        pages, allocation = _expanded(pfns[there], start.order[there])
        self._order[pages] = start.order[there][allocation]

    def _arrivals(self, new: slice) -> np.ndarray:
        """The operations by which ids came (back) into memory: the first use of each."""
        resident = self._pfn_of != PFN_NONE
        at = new.start + np.flatnonzero(self._ops.kind[new] == USE)
        ids = self._ops.id[at]
        at = at[resident[ids] & ~self._resident[ids]]
        at = at[np.unique(self._ops.id[at], return_index=True)[1]]
        self._arrived_op[self._ops.id[at]] = at
        self._resident = resident
        return at

    def _owned(self) -> np.ndarray:
        """Single movable pages whose id is known wherever they are migrated to, bool[pages]."""
        classes, owners, _, _ = self._memory.views()
        return (classes[: self._pages] == CLASS_MOVABLE) & (owners[: self._pages] != PFN_NONE)


def _allocated_op(ops: Ops, ids: int) -> np.ndarray:
    """The operation that allocates each id, i8[ids]; BEFORE where none does."""
    arrived_op = np.full(ids, BEFORE, np.int64)
    at = np.flatnonzero(ops.kind == ALLOC)
    arrived_op[ops.id[at]] = at
    return arrived_op


def _expanded(pfns: np.ndarray, orders: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All pages of these allocations, and the number of the allocation that each is of."""
    sizes_pages = np.left_shift(1, orders.astype(np.int64))
    allocation = np.repeat(np.arange(len(pfns)), sizes_pages)
    first = np.cumsum(sizes_pages) - sizes_pages
    return pfns[allocation] + np.arange(len(allocation)) - first[allocation], allocation
