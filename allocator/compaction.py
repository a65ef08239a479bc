"""Compaction: movable pages migrate to the end of their zone, free pages gather into blocks.

Two scanners approach each other: one takes movable pages from the zone's start on, the other free
pages from its end, pageblock by pageblock. Rule 12 of KERNEL.md.
Source: 6.1 mm/compaction.c.
DEVIATION: D21, no fast search over the free lists.
"""

from array import array
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from allocator.page_alloc import Memory
from allocator.scanners import Scanners
from allocator.terms import (
    CLUSTER_PAGES,
    COSTLY_ORDER,
    HUGE_ORDER,
    MOVABLE,
    UNMOVABLE,
)
from allocator.vmscan import Lru
from allocator.zones import MOVABLE_ZONE, Zone

ASYNC, SYNC = range(2)
CONTINUE, SUCCESS, COMPLETE, PARTIAL, SKIPPED, STUCK = range(6)
WHOLE_ZONE = -1  # in place of an order: until the scanners meet
EXTFRAG_THRESHOLD = 500
MAX_DEFER_SHIFT = 6


def _pages(by_order: list[int]) -> int:
    pages = 0
    for blocks in reversed(by_order):
        pages = 2 * pages + blocks
    return pages


@dataclass
class _ZoneState:
    """What compaction remembers of a zone: where the scanners stand, what to skip, failures.

    `first_pfn`, `last_pfn`: where they begin; `skip` bool[pageblocks from pfn 0]: nothing was found
    there.
    """

    first_pfn: int
    last_pfn: int
    skip: np.ndarray
    migrate_pfns: list[int] = field(default_factory=list)  # by mode
    free_pfn: int = 0
    flush: bool = False
    considered: int = 0
    defer_shift: int = 0
    order_failed: int = 0

    def restart(self) -> None:
        """The scanners go back to the zone's ends."""
        self.migrate_pfns = [self.first_pfn] * len((ASYNC, SYNC))
        self.free_pfn = self.last_pfn


@dataclass
class _Run:
    """One run over a zone. `taken`: isolated free pages, the next target first."""

    zone: int
    order: int
    mode: int
    migratetype: int
    migrate_pfn: int
    free_pfn: int
    whole: bool
    ignore_skip: bool = False
    score_aim: int | None = None  # proactive: until the zone's score is down here
    last_migrated: int = -1
    moved_pages: int = 0
    status: int = CONTINUE
    taken: deque = field(default_factory=deque)


class Compaction:
    """Compaction of one memory. `pfn_of`: where each id's pages lie; migration keeps it right.

    `lru`: the lists on which migrated pages go along, where pages are reclaimed.
    """

    def __init__(self, memory: Memory, pfn_of: array, lru: Lru | None = None) -> None:
        self._memory, self._pfn_of, self._lru = memory, pfn_of, lru
        classes, _, self._heads, self._types = memory.views()
        self._pages = len(classes)
        self._order = memory.mechanism.grouping.block_order
        self._scanners = Scanners(memory, memory.mechanism.compaction.pinned_per_mille)
        self._block_pages = 1 << self._order
        self._states = [self._state(zone) for zone in memory.zones]

    # Entries.

    def direct(self, class_zone: int, order: int, migratetype: int, mode: int) -> bool:
        """Try to make a block for a request, in one zone after the other; whether one was made.

        Source: 6.1 try_to_compact_pages, compact_zone_order.
        """
        self._memory.count("compact_stalls")
        for zone in range(class_zone, -1, -1):
            state = self._states[zone]
            if self._deferred(state, order):
                continue
            status = self._direct_zone(zone, class_zone, order, migratetype, mode)
            self._note(state, order, status, mode)
            if status == SUCCESS:
                return True
        return False

    def _note(self, state: _ZoneState, order: int, status: int, mode: int) -> None:
        """Failures put off later attempts, a success ends that.

        Source: 6.1 defer_compaction, compaction_defer_reset.
        """
        if status == SUCCESS:
            state.considered = state.defer_shift = 0
            state.order_failed = max(state.order_failed, order + 1)
        elif mode == SYNC and status in (COMPLETE, PARTIAL):
            state.considered = 0
            state.order_failed = min(state.order_failed, order)
            state.defer_shift = min(state.defer_shift + 1, MAX_DEFER_SHIFT)

    def whole(self) -> None:
        """All zones until their scanners meet. Source: 6.1 sysctl_compaction_handler."""
        for zone in range(len(self._states)):
            self._run_zone(self._whole_run(zone, None))

    def may_help(self, order: int) -> bool:
        """Whether some zone lacks a block but not pages. Source: 6.1 kcompactd_node_suitable."""
        zones = range(len(self._states))
        return any(self.suitable(zone, zone, order) == CONTINUE for zone in zones)

    def background(self, order: int) -> Iterator[int]:
        """What kcompactd does when kswapd woke it; steps as those of `proactive`.

        Source: 6.1 kcompactd_do_work.
        """
        self._memory.count("compact_daemon_wakes")
        for zone, state in enumerate(self._states):
            if self._deferred(state, order) or self.suitable(zone, zone, order) != CONTINUE:
                continue
            run = self._begin(zone, order, UNMOVABLE, SYNC)
            yield from self._steps(run)
            self._end(run)
            self._note(state, order, run.status, SYNC)

    def proactive(self, score_aim: int) -> Iterator[int]:
        """All zones until their fragmentation is down at that score; each step tells pages moved.

        Between two steps nothing stays isolated, so that other work may go on.
        Source: 6.1 proactive_compact_node.
        """
        self._memory.count("compact_proactive")
        for zone in range(len(self._states)):
            yield from self._steps(self._whole_run(zone, score_aim))

    def _steps(self, run: _Run) -> Iterator[int]:
        while self._step(run) == CONTINUE:
            self._release(run, pause=True)
            yield run.moved_pages
        self._release(run)

    def score(self) -> float:
        """Fragmentation of the node, 0 to 100, weighted by the zones' pages.

        Source: 6.1 fragmentation_score_node.
        DEVIATION: D22, weighted by managed instead of present pages.
        """
        zones = self._memory.zones
        node_pages = sum(zone.managed_pages for zone in zones)
        weighted = (z.managed_pages * self._zone_score(n) for n, z in enumerate(zones))
        return sum(weighted) // (node_pages + 1)

    # One zone.

    def _zone_score(self, zone: int) -> int:
        """Share of a zone's free memory that lies in no free block of order 9, in percent.

        Source: 6.1 fragmentation_score_zone, extfrag_for_order.
        """
        by_order = self._memory.free_by_order(zone)
        free_pages = _pages(by_order)
        return 100 * _pages(by_order[:HUGE_ORDER]) // free_pages if free_pages else 0

    def _state(self, zone: Zone) -> _ZoneState:
        last_pfn = (zone.end_pfn - 1) >> self._order << self._order
        blocks = -(-self._pages >> self._order)
        state = _ZoneState(zone.start_pfn, last_pfn, np.zeros(blocks, bool))
        state.restart()
        return state

    def _deferred(self, state: _ZoneState, order: int) -> bool:
        """Whether earlier failures put this attempt off. Source: 6.1 compaction_deferred."""
        if order < state.order_failed:
            return False
        limit = 1 << state.defer_shift
        state.considered = min(state.considered + 1, limit)
        return state.considered < limit

    def _direct_zone(self, zone: int, class_zone: int, order: int, t: int, mode: int) -> int:
        status = self.suitable(zone, class_zone, order)
        if status != CONTINUE:
            return status
        run = self._begin(zone, order, t, mode)
        self._run_zone(run)
        self._end(run)
        return run.status

    def _begin(self, zone: int, order: int, migratetype: int, mode: int) -> _Run:
        """A run from where the last one stopped. Source: 6.1 compact_zone."""
        state = self._states[zone]
        restarting = state.defer_shift == MAX_DEFER_SHIFT and order >= state.order_failed
        if state.flush or restarting:
            state.restart()
            state.skip[:] = state.flush = False
        start = state.migrate_pfns[mode]
        whole = start == state.first_pfn
        return _Run(zone, order, mode, migratetype, start, state.free_pfn, whole)

    def _end(self, run: _Run) -> None:
        """Remember where it stopped; the scanners begin anew when they have met."""
        state = self._states[run.zone]
        state.migrate_pfns[run.mode], state.free_pfn = run.migrate_pfn, run.free_pfn
        if run.status in (COMPLETE, PARTIAL):
            state.restart()
            state.flush = True

    def _whole_run(self, zone: int, score_aim: int | None) -> _Run:
        first, last = self._states[zone].first_pfn, self._states[zone].last_pfn
        return _Run(zone, WHOLE_ZONE, SYNC, MOVABLE, first, last, True, True, score_aim)

    def suitable(self, zone: int, class_zone: int, order: int) -> int:
        """Whether compaction can help at all. Source: 6.1 compaction_suitable."""
        place, boost_pages = self._memory.zones[zone], self._memory.boost_pages(zone)
        if self._memory.watermark_ok(zone, order, place.min_pages + boost_pages, class_zone):
            return SUCCESS
        mark_pages = place.low_pages if order > COSTLY_ORDER else place.min_pages
        mark_pages += boost_pages
        if not self._memory.watermark_ok(zone, 0, mark_pages + (2 << order), class_zone):
            return SKIPPED
        if order > COSTLY_ORDER and 0 <= self._fragmentation(zone, order) <= EXTFRAG_THRESHOLD:
            return SKIPPED
        return CONTINUE

    def _fragmentation(self, zone: int, order: int) -> int:
        """Source: 6.1 fragmentation_index."""
        by_order = self._memory.free_by_order(zone)
        blocks = sum(by_order)
        if not blocks:
            return 0
        if any(by_order[order:]):
            return -1000
        return 1000 - (1000 + _pages(by_order) * 1000 // (1 << order)) // blocks

    def _run_zone(self, run: _Run) -> None:
        """The two scanners, until the run is finished. Source: 6.1 compact_zone."""
        while self._step(run) == CONTINUE:
            pass
        self._release(run)

    def _step(self, run: _Run) -> int:
        """Migrate up to 32 pages; the run's status, CONTINUE or how it has ended."""
        run.moved_pages = 0
        run.status = self._finished(run)
        if run.status == CONTINUE:
            self._advance(run)
        return run.status

    def _advance(self, run: _Run) -> None:
        before = run.migrate_pfn
        sources = self._sources(run)
        if sources:
            run.last_migrated = before
            if not self._migrate(run, sources) and not self._met(run):
                run.status = STUCK
                return
        window = run.migrate_pfn >> max(run.order, 0) << max(run.order, 0)
        if run.order > 0 and 0 <= run.last_migrated < window:
            self._memory.drain_zone(run.zone)
            run.last_migrated = -1

    def _met(self, run: _Run) -> bool:
        return run.free_pfn >> self._order <= run.migrate_pfn >> self._order

    def _finished(self, run: _Run) -> int:
        """Source: 6.1 __compact_finished."""
        if self._met(run):
            return COMPLETE if run.whole else PARTIAL
        if run.score_aim is not None:
            if self._memory.kswapd_running():
                return PARTIAL
            return CONTINUE if self._zone_score(run.zone) > run.score_aim else SUCCESS
        if run.order == WHOLE_ZONE or run.migrate_pfn & (self._block_pages - 1):
            return CONTINUE
        types = [run.migratetype]
        if run.migratetype != MOVABLE or run.order > COSTLY_ORDER:
            types += self._memory.mechanism.grouping.alternatives(run.migratetype)
        free = self._memory.free_blocks()[run.zone][run.order :, types]
        return SUCCESS if free.any() else CONTINUE

    # The migrate scanner.

    def _sources(self, run: _Run) -> list[int]:
        """Up to 32 movable pages of one pageblock, the last one first; none: that block is done.

        Source: 6.1 isolate_migratepages.
        """
        skip = self._states[run.zone].skip
        while True:
            block = run.migrate_pfn >> self._order
            end = (block + 1) << self._order
            if end > run.free_pfn:
                run.migrate_pfn = end
                return []
            whole_block = not run.migrate_pfn & (self._block_pages - 1)
            left_out = whole_block and not run.ignore_skip and skip[block]
            if left_out or (run.mode == ASYNC and self._types[block] != run.migratetype):
                run.migrate_pfn = end
                continue
            return self._sources_in(run, end, skip, block)

    def _sources_in(self, run: _Run, end: int, skip: np.ndarray, block: int) -> list[int]:
        """Source: 6.1 isolate_migratepages_block."""
        pins = self._memory.zones[run.zone].name != MOVABLE_ZONE
        window_order = min(run.order, self._order) if run.mode == ASYNC else 0
        found = self._scanners.movable(run.migrate_pfn, end, pins, window_order)
        run.migrate_pfn = found[-1] + 1 if len(found) == CLUSTER_PAGES else end
        if not found and not run.ignore_skip:
            skip[block] = True
        found.reverse()
        return found

    def _migrate(self, run: _Run, sources: list[int]) -> bool:
        """Move the pages; False where no free page was left for one. Source: 6.1 migrate_pages."""
        done = 0
        while done < len(sources):
            if not run.taken:
                self._take(run, len(sources) - done)
            if not run.taken:
                return False
            targets = [run.taken.popleft() for _ in range(min(len(run.taken), len(sources) - done))]
            moving = sources[done : done + len(targets)]
            if self._lru:
                for source, target in zip(moving, targets, strict=True):
                    self._lru.moved(source, target)
            self._memory.migrate(run.zone, moving, targets, self._pfn_of)
            run.moved_pages += len(targets)
            done += len(targets)
        return True

    # The free scanner.

    def _take(self, run: _Run, wanted_pages: int) -> None:
        """Isolate free pages for that many migrations. Source: 6.1 isolate_freepages.

        DEVIATION: D23, no strides over pages by an asynchronous scanner.
        """
        skip = self._states[run.zone].skip
        lowest = ((run.migrate_pfn >> self._order) + 1) << self._order
        pfn, zone_end = run.free_pfn, self._memory.zones[run.zone].end_pfn
        block = pfn >> self._order
        while block << self._order >= lowest:
            end = min((block + 1) << self._order, zone_end)
            if self._is_target(block) and (run.ignore_skip or not skip[block]):
                pfn = self._take_from(run, pfn, end, wanted_pages)
                if pfn >= end and not run.ignore_skip:
                    skip[block] = True
                if len(run.taken) >= wanted_pages:
                    run.free_pfn = pfn if pfn < end else (block - 1) << self._order
                    return
                if pfn < end:  # the watermark forbids more
                    run.free_pfn = pfn
                    return
            block -= 1
            pfn = block << self._order
        run.free_pfn = max(pfn, 0)

    def _is_target(self, block: int) -> bool:
        """Source: 6.1 suitable_migration_target."""
        return self._types[block] == MOVABLE and self._heads[block << self._order] <= self._order

    def _take_from(self, run: _Run, start: int, end: int, wanted_pages: int) -> int:
        """Isolate free blocks in [start, end); where it stopped.

        Source: 6.1 isolate_freepages_block.
        """
        wanted_pages -= len(run.taken)
        found, stopped = self._scanners.isolate(run.zone, start, end, wanted_pages)
        found.reverse()
        run.taken.extend(found)
        return stopped

    def _release(self, run: _Run, *, pause: bool = False) -> None:
        """Free what was isolated and not used. Source: 6.1 release_freepages.

        DEVIATION: D24, in a pause the kernel keeps what it has isolated.
        """
        if run.taken:
            run.free_pfn = max(run.free_pfn, max(run.taken) >> self._order << self._order)
        while run.taken:
            self._memory.put_back(run.zone, run.taken.popleft(), pause)
