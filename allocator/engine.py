"""The engine: runs operations on a memory, and helps requests that would fail."""

from array import array
from typing import TYPE_CHECKING, Protocol

import numpy as np

from allocator.compaction import ASYNC, SYNC, Compaction
from allocator.kcompactd import Kcompactd
from allocator.page_alloc import Memory
from allocator.reclaim import SLICE_US, Reclaim
from allocator.slab import Slabs
from allocator.terms import (
    COMPACT,
    COSTLY_ORDER,
    DROP_CACHES,
    MOVABLE,
    OBJECT,
    OBJECT_FREE,
    PFN_NONE,
    USE,
    SlabCache,
)

if TYPE_CHECKING:
    from workloads.stream import Ops

NEVER_US = 2**62
VAIN_ROUNDS = 16  # of direct reclaim. Source: 6.1 MAX_RECLAIM_RETRIES, MAX_COMPACT_RETRIES


class Observer(Protocol):
    """Who is told of what can't be seen afterwards, at the moment it happens."""

    def failed(self, op: int, order: int, mobility: int) -> None:
        """A request of order 1 or higher has failed; memory is as the request found it."""

    def slab_grown(self, op: int, pfn: int, order: int) -> None:
        """Pages were taken for a slab; they have no id."""


class Engine:
    """One memory at work. `pfn_of`, i4[ids]: where each id's pages lie.

    Compaction runs where the mechanism has it, reclaim where the operations leave it to the engine
    too (`reclaim`): in a recorded stream the recorded kernel has done it. `caches`, `objects`: of
    the operations on slabs, and how many objects there are. `observer`: who watches.
    """

    def __init__(
        self,
        memory: Memory,
        pfn_of: array,
        *,
        reclaim: bool = False,
        caches: tuple[SlabCache, ...] = (),
        objects: int = 0,
        observer: Observer | None = None,
    ) -> None:
        self.memory, self.pfn_of = memory, pfn_of
        self._observer = observer
        if observer:
            memory.stop_at_failures()
        rules = memory.mechanism
        self._slabs = Slabs(memory, caches, objects)
        self._compaction = self._kcompactd = self._reclaim = None
        self._until_us = 0  # how far operations may go before the daemons get their turn
        self._kcompactd_us = self._reclaim_us = NEVER_US  # when each of them is to work again
        if reclaim and rules.reclaim.rule != "none":
            self._reclaim = Reclaim(memory, pfn_of, self._slabs)
            self._reclaim_us = 0
            memory.ask_for_help(0)
        if rules.compaction.rule == "two-scanners":
            lru = self._reclaim.lru if self._reclaim else None
            self._compaction = Compaction(memory, pfn_of, lru)
            self._kcompactd = Kcompactd(memory, self._compaction, rules.compaction.proactiveness)
            self._kcompactd_us = 0
            if self._reclaim:
                self._reclaim.compaction = self._compaction
            else:
                memory.ask_for_help(1)

    def run(self, ops: "Ops", start: int, stop: int) -> None:
        """Operations [start, stop) of `ops`; in how many calls makes no difference."""
        self._ops, self._absorbed = ops, start  # `_absorbed`: what reclaim knows of
        while start < stop:
            end = stop
            if self._kcompactd or self._reclaim:
                if ops.time_us[start] >= self._until_us:
                    self._work(int(ops.time_us[start]), start)
                end = start + int(np.searchsorted(ops.time_us[start:stop], self._until_us))
            done = start + self.memory.run(*ops.window(start, end), self.pfn_of)
            failed_order = self.memory.take_failed_order()
            if failed_order:
                self._observer.failed(done - 1, failed_order, int(ops.mobility[done - 1]))
            woken_order = self.memory.kcompactd_woken()
            if woken_order and self._kcompactd:
                self._kcompactd.wake(woken_order)
                self._until_us = self._kcompactd_us = 0
            elif done < end and not failed_order:
                done = self._help(done, end)
                self.memory.at_op(done)
            start = done
        self._absorb(stop)

    def _work(self, now_us: int, number: int) -> None:
        """The daemons' turn, before that operation."""
        self._absorb(number)
        if now_us >= self._reclaim_us:
            self._reclaim.work(now_us)
            self._reclaim_us = now_us + SLICE_US
        woken_order = self.memory.kcompactd_woken()
        if woken_order and self._kcompactd:
            self._kcompactd.wake(woken_order)
            self._kcompactd_us = 0
        if now_us >= self._kcompactd_us:
            self._kcompactd_us = self._kcompactd.work(now_us, number)
        self._until_us = min(self._reclaim_us, self._kcompactd_us)

    def _absorb(self, number: int) -> None:
        """Tell reclaim of the operations before that one."""
        if self._reclaim and self._absorbed < number:
            ops, new = self._ops, slice(self._absorbed, number)
            columns = ops.kind, ops.id, ops.flags, ops.time_us
            self._reclaim.lru.absorb(*(column[new] for column in columns))
            self._absorbed = number

    def _help(self, number: int, end: int) -> int:
        """Do an operation that the memory can't do alone; the number of the next one."""
        kind = self._ops.kind[number]
        if kind in (OBJECT, OBJECT_FREE):
            return self._use_objects(number, end)
        self._absorb(number)
        if kind == COMPACT:
            if self._compaction:
                self._compaction.whole()
        elif kind == DROP_CACHES:
            if self._reclaim:
                self._reclaim.drop()
        else:
            ops = self._ops
            request = int(ops.order[number]), int(ops.mobility[number]), int(ops.flags[number])
            pfn = self._request(number, *request)
            self.pfn_of[int(ops.id[number])] = pfn
            if pfn != PFN_NONE and request[0] == 0 and (kind == USE or request[1] == MOVABLE):
                self.memory.set_owner(pfn, int(ops.id[number]))
        return number + 1

    def _use_objects(self, number: int, end: int) -> int:
        """The operations on objects that follow each other from there on."""
        ops = self._ops
        kinds = ops.kind[number:end]
        others = np.flatnonzero((kinds != OBJECT) & (kinds != OBJECT_FREE))
        end = number + int(others[0]) if len(others) else end
        columns = ops.kind, ops.id, ops.flags, ops.offset
        while number < end:
            number += self._slabs.run(*(column[number:end] for column in columns))
            if number < end and not self._grow(number):
                number += 1
        return end

    def _grow(self, number: int) -> bool:
        """A new slab for the object of that operation; whether there is one."""
        self.memory.at_op(number)
        which = int(self._ops.offset[number])
        cache = self._slabs.caches[which]
        pfn = self.memory.try_alloc(cache.order, cache.mobility, 0)
        if pfn == PFN_NONE:
            self._absorb(number)
            pfn = self._request(number, cache.order, cache.mobility, 0)
        if pfn != PFN_NONE:
            self._slabs.grow(which, pfn)
            if self._observer:
                self._observer.slab_grown(number, pfn, cache.order)
        return pfn != PFN_NONE

    def _request(self, number: int, order: int, mobility: int, flags: int) -> int:
        """A request that found no page: what can be done for it, and its pfn in the end.

        `number`: of its operation.

        Source: 2.6.20 __alloc_pages; 6.1 __alloc_pages_slowpath.
        """
        memory, compacts = self.memory, self._compaction and order > 0
        if compacts and self._compact(order, mobility, flags, ASYNC):
            pfn = memory.try_alloc(order, mobility, flags)
            if pfn != PFN_NONE:
                return pfn
        if self._reclaim:
            pfn = self._reclaim_for(order, mobility, flags)
            if pfn != PFN_NONE:
                return pfn
        elif compacts:
            self._compact(order, mobility, flags, SYNC)
        pfn = memory.alloc(order, mobility, flags)
        if pfn == PFN_NONE and order and self._observer:
            self._observer.failed(number, order, mobility)
        return pfn

    def _compact(self, order: int, mobility: int, flags: int, mode: int) -> bool:
        """Direct compaction; whether it made a block.

        Lightly only for orders above 3 and what isn't movable, in earnest after a drain.
        """
        memory = self.memory
        migratetype = memory.request_type(order, mobility, flags)
        if mode == ASYNC and order <= COSTLY_ORDER and migratetype == MOVABLE:
            return False
        if mode == SYNC:
            for zone in range(len(memory.zones)):
                memory.drain_zone(zone)
        return self._compaction.direct(memory.class_zone(mobility), order, migratetype, mode)

    def _reclaim_for(self, order: int, mobility: int, flags: int) -> int:
        """Direct reclaim, then compaction: once for orders above 3, else as long as it gets
        anywhere.

        Source: 2.6.20 __alloc_pages, do_retry; 6.1 should_reclaim_retry, should_compact_retry.
        """
        class_zone = self.memory.class_zone(mobility)
        compacts = self._compaction and order > 0
        rounds = vain = 0
        while vain < VAIN_ROUNDS:
            reclaimed_pages = self._reclaim.direct(class_zone, order)
            pfn = self.memory.try_alloc(order, mobility, flags)
            if pfn == PFN_NONE and compacts:
                self._compact(order, mobility, flags, SYNC)
                pfn = self.memory.try_alloc(order, mobility, flags)
            rounds += 1
            vain = 0 if reclaimed_pages else vain + 1
            if compacts:
                vain = max(vain, rounds)
            if pfn != PFN_NONE or order > COSTLY_ORDER:
                return pfn
            self._reclaim.wait()
        return PFN_NONE
