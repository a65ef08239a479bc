"""The engine: runs operations on a memory, and helps requests that would fail."""

from array import array
from typing import TYPE_CHECKING

import numpy as np

from allocator.compaction import ASYNC, COSTLY_ORDER, SYNC, Compaction
from allocator.kcompactd import Kcompactd
from allocator.page_alloc import Memory
from allocator.terms import COMPACT, MOVABLE

if TYPE_CHECKING:
    from workloads.stream import Ops


class Engine:
    """One memory at work. `pfn_of`, i4[ids]: where each id's pages lie."""

    def __init__(self, memory: Memory, pfn_of: array) -> None:
        self.memory, self.pfn_of = memory, pfn_of
        rules = memory.mechanism.compaction
        self._compaction = self._kcompactd = None
        self._until_us = 0  # how far operations may go before kcompactd gets its turn
        if rules.rule == "two-scanners":
            memory.ask_for_help()
            self._compaction = Compaction(memory, pfn_of)
            self._kcompactd = Kcompactd(memory, self._compaction, rules.proactiveness)

    def run(self, ops: "Ops", start: int, stop: int) -> None:
        """Operations [start, stop) of `ops`; in how many calls makes no difference."""
        while start < stop:
            end = stop
            if self._kcompactd:
                if ops.time_us[start] >= self._until_us:
                    self._until_us = self._kcompactd.work(int(ops.time_us[start]), start)
                end = start + int(np.searchsorted(ops.time_us[start:stop], self._until_us))
            done = start + self.memory.run(*ops.window(start, end), self.pfn_of)
            woken_order = self.memory.kcompactd_woken()
            if woken_order and self._kcompactd:
                self._kcompactd.wake(woken_order)
                self._until_us = 0
            elif done < end:
                self._help(ops, done)
                done += 1
            start = done

    def _help(self, ops: "Ops", number: int) -> None:
        """An operation that the memory can't do alone."""
        memory = self.memory
        if ops.kind[number] == COMPACT:
            if self._compaction:
                self._compaction.whole()
            memory.skip_op()
            return
        order, mobility = int(ops.order[number]), int(ops.mobility[number])
        flags = int(ops.flags[number])
        self._compact_for(order, mobility, flags)
        self.pfn_of[int(ops.id[number])] = memory.alloc(order, mobility, flags)

    def _compact_for(self, order: int, mobility: int, flags: int) -> None:
        """Direct compaction, first lightly, then after a drain in earnest.

        Source: 6.1 __alloc_pages_slowpath.
        """
        memory = self.memory
        migratetype = memory.request_type(order, mobility, flags)
        class_zone = memory.class_zone(mobility)
        lightly = order > COSTLY_ORDER or migratetype != MOVABLE
        if lightly and self._compaction.direct(class_zone, order, migratetype, ASYNC):
            return
        for zone in range(len(memory.zones)):
            memory.drain_zone(zone)
        self._compaction.direct(class_zone, order, migratetype, SYNC)
