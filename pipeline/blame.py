"""Blame: the pages that stood in the way of a request that failed.

For each failed request of order 1 or higher, the aligned block of its order that came nearest: the
one with the fewest pages in use, without reserved pages and holes; of several the lowest. Only
zones are looked at that the request may take from, and that have so many pages above their MIN
watermark and their reserve; where there is none, there was too little memory and no page is to
blame. Pages on per-CPU lists are in use here: no block can be made of them.
"""

from array import array

import numpy as np

from allocator.page_alloc import Memory
from allocator.terms import (
    EVENT_FAILURE,
    FREE,
    HOLE,
    PCP_FREE,
    RESERVED,
    TYPE_OF_CLASS,
)
from allocator.zones import grouping_enabled
from pipeline.holders import BEFORE, Holders
from pipeline.recording_format import BLAME_CAUSES, BLAME_DTYPE
from workloads.stream import Stream

_BEFORE, _FOREIGN, _CLAIMED, _OWN, _ONE_TYPE, _ON_PCP = range(len(BLAME_CAUSES))


class Blame:
    """Watches an engine (allocator.engine.Observer) for failures; `holders`: who holds what."""

    def __init__(self, stream: Stream, memory: Memory, pfn_of: array) -> None:
        self.holders = Holders(stream, memory, pfn_of)
        self._memory = memory
        self._types_at_start = memory.block_types()
        self._rows: list[np.ndarray] = []
        self._nearest: dict[int, tuple[int, int]] = {}

    def slab_grown(self, op: int, pfn: int, order: int) -> None:
        """As Observer."""
        self.holders.slab_grown(op, pfn, order)

    def failed(self, op: int, order: int, mobility: int) -> None:
        """As Observer: find the block that came nearest and note what stands in it."""
        grid = self._memory.page_class()
        found = nearest_block(grid, self._spans(order, mobility), order)
        if found is None:
            return
        start_pfn, in_use_pages = found
        self._nearest[op] = (start_pfn, (1 << order) - in_use_pages)
        if in_use_pages:
            self.holders.follow(op)
            self._rows.append(self._row_of_each(op, order, grid, start_pfn))

    def marks(self, op: int, grid: np.ndarray) -> np.ndarray:
        """The marks of a frame after so many operations, u1[pages]; see Recording.marks."""
        self.holders.follow(op)
        return self.holders.marks(grid)

    def take(self, events: np.ndarray) -> np.ndarray:
        """Rows BLAME_DTYPE[n] since the last call; their failures among `events` are completed."""
        for number in np.flatnonzero(np.isin(events["op"], list(self._nearest))).tolist():
            if events["kind"][number] == EVENT_FAILURE and events["order"][number]:
                start_pfn, free_pages = self._nearest[int(events["op"][number])]
                events["pfn"][number], events["free_pages"][number] = start_pfn, free_pages
        rows = np.concatenate(self._rows) if self._rows else np.empty(0, BLAME_DTYPE)
        self._rows, self._nearest = [], {}
        return rows

    def _spans(self, order: int, mobility: int) -> list[tuple[int, int]]:
        """First and end pfn of the zones that had enough pages to spare for a request."""
        memory = self._memory
        class_zone, more_pages = memory.class_zone(mobility), (1 << order) - 1
        return [
            (zone.start_pfn, zone.end_pfn)
            for number, zone in enumerate(memory.zones[: class_zone + 1])
            if memory.watermark_ok(
                number, 0, zone.min_pages + memory.boost_pages(number) + more_pages, class_zone
            )
        ]

    def _row_of_each(self, op: int, order: int, grid: np.ndarray, start_pfn: int) -> np.ndarray:
        """A row for each page in the way, from the lowest on."""
        pfns = start_pfn + np.flatnonzero(grid[start_pfn : start_pfn + (1 << order)] != FREE)
        rows = np.zeros(len(pfns), BLAME_DTYPE)
        rows["failed_op"], rows["order"], rows["start_pfn"] = op, order, start_pfn
        rows["pfn"], rows["page_class"] = pfns, grid[pfns]
        placed_op, rows["held_order"] = self.holders.of(pfns)
        rows["placed_op"] = np.where(grid[pfns] == PCP_FREE, BEFORE, placed_op)
        rows["cause"] = self._causes(rows)
        return rows

    def _causes(self, rows: np.ndarray) -> np.ndarray:
        """What each page stands there for, u1: places in BLAME_CAUSES."""
        rules = self._memory.mechanism.grouping
        blocks = rows["pfn"] >> rules.block_order
        types, at_start = self._memory.block_types()[blocks], self._types_at_start[blocks]
        own = np.array(TYPE_OF_CLASS)[rows["page_class"]]
        causes = np.where(own != types, _FOREIGN, np.where(types != at_start, _CLAIMED, _OWN))
        if rules.rule == "none" or not grouping_enabled(self._memory.zones, self._memory.mechanism):
            causes[:] = _ONE_TYPE
        causes[rows["placed_op"] == BEFORE] = _BEFORE
        causes[rows["page_class"] == PCP_FREE] = _ON_PCP
        return causes


def nearest_block(
    grid: np.ndarray, spans: list[tuple[int, int]], order: int
) -> tuple[int, int] | None:
    """First pfn of the aligned block with the fewest pages in use, and how many these are.

    `grid` u1[pages]; `spans`: first and end pfn that a block must lie within. None where there is
    no block without a reserved page or a hole.
    """
    best: tuple[int, int] | None = None
    for first_pfn, end_pfn in spans:
        first, end = -(-first_pfn >> order), end_pfn >> order
        if end <= first:
            continue
        tiles = grid[first << order : end << order].reshape(-1, 1 << order)
        in_use = (tiles != FREE).sum(axis=1)
        in_use[np.isin(tiles, (RESERVED, HOLE)).any(axis=1)] = (1 << order) + 1
        place = int(in_use.argmin())
        if in_use[place] <= 1 << order and (best is None or in_use[place] < best[1]):
            best = ((first + place) << order, int(in_use[place]))
    return best
