"""What must hold of an engine after any operation, recounted from the operations themselves.

`allocator.validate` recounts memory from its pages up. Here is the other half: the pages in use are
those that operations and slabs hold, each once, in the class that was asked for; what is counted
was done; and on the LRU lists are the pages that were used, and no others.
"""

import numpy as np

from allocator.engine import Engine
from allocator.terms import (
    ALLOC,
    CLASS_MOVABLE,
    CLASS_OF_MOBILITY,
    FREE,
    FREE_OP,
    HUGE,
    HUGETLB,
    NR_ORDERS,
    PCP_FREE,
    PFN_NONE,
    USE,
)
from allocator.validate import validate
from workloads.stream import Stream

ON_LIST = 1  # of an LRU page's flags
ANY_CLASS = 255  # of what was there at the start


class Violation(Exception):
    """An engine and what it was given to do contradict each other: one line."""


def _require(ok: bool, fault: str) -> None:
    if not ok:
        raise Violation(fault)


class Checker:
    """Follows an engine through the operations of a stream, from the start on."""

    def __init__(self, stream: Stream, engine: Engine) -> None:
        self._ops, self._engine, self.checks = stream.ops, engine, 0
        self._pfn_of = np.frombuffer(engine.pfn_of, np.int32)
        ids = len(self._pfn_of)
        self._size_pages = np.ones(ids, np.int64)
        self._class = np.full(ids, ANY_CLASS, np.uint8)
        self._used = np.zeros(ids, bool)  # by a USE: such pages are on the LRU lists
        self._freed_pages = np.zeros(ids, np.int64)
        self._set_sizes(stream)
        self._done, self._objects = 0, stream.ops.objects
        self._asked = np.zeros(NR_ORDERS, np.int64)
        self._frees = 0
        self._alone = not stream.reclaim  # then requests and frees are those of the operations
        self._others = self._in_use().sum() - self._held()[0].sum()  # in use, of no id, for good

    def _set_sizes(self, stream: Stream) -> None:
        """Order, class and kind of each id, from the operation that allocates it."""
        ops, start = stream.ops, stream.start
        self._size_pages[: len(start.pfn)] = np.left_shift(1, start.order.astype(np.int64))
        by = np.flatnonzero((ops.kind == ALLOC) | (ops.kind == USE))
        ids = ops.id[by]
        self._size_pages[ids] = np.left_shift(1, ops.order[by].astype(np.int64))
        classes = np.array(CLASS_OF_MOBILITY, np.uint8)[ops.mobility[by]]
        self._class[ids] = np.where(ops.flags[by] & HUGE > 0, HUGETLB, classes)
        self._used[ops.id[ops.kind == USE]] = True

    def check(self, done: int) -> None:
        """Everything after operation number `done` - 1. Raises Violation, ValidationFault."""
        self._follow(done)
        self.checks += 1
        memory = self._engine.memory
        _require(memory.next_op() == done, f"memory is at operation {memory.next_op()}, not {done}")
        validate(memory)
        cover, partly_pages = self._held()
        slabs = self._slab_pages()
        cover[slabs] += 1
        self._check_cover(cover)
        held = int(cover.sum()) + partly_pages + int(self._others)
        in_use = int(self._in_use().sum())
        _require(held == in_use, f"{in_use} pages are in use, but {held} are held")
        self._check_counts()
        self._check_lru()

    def _follow(self, done: int) -> None:
        new = slice(self._done, done)
        kind, ids = self._ops.kind[new], self._ops.id[new]
        freed = kind == FREE_OP
        pages = np.left_shift(1, self._ops.order[new][freed].astype(np.int64))
        np.add.at(self._freed_pages, ids[freed], pages)
        self._frees += int(freed.sum())
        self._asked += np.bincount(self._ops.order[new][kind == ALLOC], minlength=NR_ORDERS)
        self._done = done

    def _in_use(self) -> np.ndarray:
        """Of reserved pages too: some are held at the start."""
        return ~np.isin(self._engine.memory.views()[0], (FREE, PCP_FREE))

    def _held(self) -> tuple[np.ndarray, int]:
        """By how many whole allocations each page is held, i8[pages]; pages of all others.

        Checks their classes, and the owners of pages that may be migrated or reclaimed.
        """
        classes, owners, _, _ = self._engine.memory.views()
        live = (self._pfn_of != PFN_NONE) & (self._freed_pages < self._size_pages)
        whole = np.flatnonzero(live & (self._freed_pages == 0))
        partly = live & (self._freed_pages > 0)
        sizes = self._size_pages[whole]
        which = np.repeat(np.arange(len(whole)), sizes)
        pages = (
            self._pfn_of[whole][which] + np.arange(len(which)) - (np.cumsum(sizes) - sizes)[which]
        )
        _require(not len(pages) or pages.max() < len(classes), "an allocation outside memory")
        wanted = self._class[whole][which]
        wrong = np.flatnonzero((classes[pages] != wanted) & (wanted != ANY_CLASS))
        if len(wrong):
            pfn, number = pages[wrong[0]], whole[which[wrong[0]]]
            raise Violation(
                f"pfn {pfn} of id {number} is of class {classes[pfn]}, not as asked for"
            )
        single = whole[(sizes == 1) & (self._class[whole] == CLASS_MOVABLE)]
        lost = single[owners[self._pfn_of[single]] != single]
        _require(not len(lost), f"the page of id {lost[:1]} is owned by another")
        cover = np.bincount(pages, minlength=len(classes))
        return cover, int((self._size_pages - self._freed_pages)[partly].sum())

    def _check_cover(self, cover: np.ndarray) -> None:
        twice = np.flatnonzero(cover > 1)
        _require(not len(twice), f"pfn {twice[:1]} is held twice")
        free = np.flatnonzero((cover > 0) & ~self._in_use())
        _require(not len(free), f"pfn {free[:1]} is held, but not in use")

    def _slab_pages(self) -> np.ndarray:
        """The pages of all slabs in use; those of the streams have one page each."""
        where = map(self._engine._slabs.where, range(self._objects))
        pfns = np.unique(np.fromiter(where, np.int64, self._objects))
        return pfns[pfns >= 0]

    def _check_counts(self) -> None:
        """Requests and frees were counted once each, where nobody else makes any."""
        counters = self._engine.memory.counters()
        frees = counters["frees"] + counters["freed_unknown"]
        for order, asked in enumerate(self._asked.tolist()):
            counted = counters[f"requests_order_{order}"]
            right = counted == asked if self._alone else counted >= asked
            _require(right, f"{asked} requests of order {order} were made, {counted} are counted")
        if self._alone:
            _require(frees == self._frees, f"{self._frees} frees were made, {frees} are counted")

    def _check_lru(self) -> None:
        """On the LRU lists are the pages of all ids that were used and are in memory."""
        if not self._engine._reclaim:
            return
        lru = self._engine._reclaim.lru
        listed = np.sort(np.array(self._listed(lru), np.int64))
        marked = np.flatnonzero(lru.page_flags() & ON_LIST)
        _require(np.array_equal(listed, marked), "pages on the LRU lists aren't those marked so")
        live = (self._pfn_of != PFN_NONE) & (self._freed_pages == 0) & self._used
        expected = np.sort(self._pfn_of[live])
        same = np.array_equal(listed, expected)
        _require(same, f"{len(listed)} pages on the LRU lists, but {len(expected)} were used")

    def _listed(self, lru) -> list[int]:
        """All pages on the lists, which are as long as they say."""
        zones = self._engine.memory.zones
        split = self._engine.memory.mechanism.reclaim.rule == "split-lists"
        listed: list[int] = []
        for zone in range(1 if split else len(zones)):
            before = len(listed)
            for active in (False, True):
                for file in (False, True) if split else (False,):
                    listed += lru.pages_of(zone, active, file)
            counted = lru.list_pages(zone)
            found = len(listed) - before
            _require(counted == found, f"{found} pages on LRU lists, but {counted} are counted")
        return listed
