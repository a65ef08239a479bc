"""Reclaim: kswapd in the background, direct reclaim for requests, and the disk.

Rule 14 of KERNEL.md. Which pages go is decided in vmscan.py, which objects in slab.py.
"""

from array import array
from collections.abc import Iterator
from typing import NamedTuple

from allocator.compaction import CONTINUE, SUCCESS, Compaction
from allocator.page_alloc import Memory
from allocator.slab import Slabs
from allocator.terms import CLUSTER_PAGES, COSTLY_ORDER
from allocator.vmscan import Lru

DEF_PRIORITY = 12
SLICE_US = 10_000  # the daemons and the disk work a bit each so often
WAIT_US = 20_000  # a request that got nothing waits for the disk
BACKGROUND_PERCENT = 10  # of memory may be dirty before the flusher starts
NEAR_OOM_SCANS, UNRECLAIMABLE_SCANS = 3, 6  # of a zone's pages without one reclaimed


class _Found(NamedTuple):
    scanned: int  # mapped pages count twice
    looked_at_pages: int
    reclaimed_pages: int


class Reclaim:
    """All reclaim of one memory: `direct` for requests, `work` for kswapd and the disk.

    `pfn_of`: where each id's pages lie. Source: 2.6.20 and 6.1 mm/vmscan.c.
    DEVIATION: D31, the disk is never congested, and time doesn't pass for a request that waits.
    """

    def __init__(self, memory: Memory, pfn_of: array, slabs: Slabs) -> None:
        self._memory, self._slabs = memory, slabs
        self._rules = memory.mechanism.reclaim
        self._node = self._rules.rule == "split-lists"
        self.lru = Lru(memory, pfn_of, memory.mechanism)
        self._managed_pages = sum(zone.managed_pages for zone in memory.zones)
        self._prev_priority = [DEF_PRIORITY] * len(memory.zones)
        self._scanned_pages = [0] * len(memory.zones)  # since a page was freed
        self._all_unreclaimable = [False] * len(memory.zones)
        self._frees = 0
        self.compaction: Compaction | None = None  # what makes blocks of the pages, if anything
        self._kswapd: Iterator[int] | None = None
        self._paid = False  # for a boost of the watermarks, since kswapd woke
        self._credit_pages = self._disk_credit_pages = 0.0
        self._last_us = 0

    def direct(self, class_zone: int, order: int) -> int:
        """Reclaim at least 32 pages for a request, harder and harder, from the zones it may use.

        How many were reclaimed.
        Source: 2.6.20 try_to_free_pages, shrink_zones; 6.1 do_try_to_free_pages.
        """
        self._memory.count("direct_reclaims")
        if self._node and order > COSTLY_ORDER and self._left_to_compaction(class_zone, order):
            return 0
        zones = [class_zone] if self._node else list(range(class_zone, -1, -1))
        lru_pages = sum(map(self.lru.list_pages, zones))
        total_scanned, reclaimed_pages, priority = 0, 0, DEF_PRIORITY + 1
        while priority > 0 and reclaimed_pages < CLUSTER_PAGES:
            priority -= 1
            scanned = 0
            for zone in zones:
                self._prev_priority[zone] = min(self._prev_priority[zone], priority)
                if self._passed_over(zone, priority):
                    continue
                found = self._shrink_zone(zone, priority, order, class_zone, kswapd=False)
                scanned += found.scanned
                reclaimed_pages += found.reclaimed_pages
            reclaimed_pages += self._shrink_slabs(scanned, lru_pages, priority)[1]
            total_scanned += scanned
            if total_scanned > CLUSTER_PAGES + CLUSTER_PAGES // 2 and not self._node:
                self.lru.ask_to_flush(total_scanned)
        for zone in zones:
            self._prev_priority[zone] = priority
        self.lru.ended()
        return reclaimed_pages

    def _left_to_compaction(self, class_zone: int, order: int) -> bool:
        """Whether a zone has pages enough for compaction to make the block from.

        Source: 6.1 shrink_zones, compaction_ready.
        """
        if self.compaction is None:
            return False
        return any(
            self._compaction_ready(zone, class_zone, order) for zone in range(class_zone + 1)
        )

    def _compaction_ready(self, zone: int, class_zone: int, order: int) -> bool:
        status = self.compaction.suitable(zone, class_zone, order)
        if status != CONTINUE:
            return status == SUCCESS
        gap_pages = self._high_pages(zone) + (2 << order)
        return self._memory.watermark_ok(zone, 0, gap_pages, class_zone)

    def wait(self) -> None:
        """What the disk does while a request waits. Source: 2.6.20 congestion_wait."""
        self._disk(WAIT_US)

    def drop(self) -> None:
        """Drop the page cache, and unused dentries and inodes. Source: 6.1 drop_caches."""
        self.lru.drop()
        self._count_objects(*self._slabs.drop())
        self._tell(kswapd=False)

    def work(self, now_us: int) -> None:
        """What kswapd and the disk do in the time since the last call."""
        elapsed_us = now_us - self._last_us
        self._last_us = now_us
        self._disk(elapsed_us)
        if self._kswapd is None:
            self._credit_pages = 0.0
            if not self._memory.kswapd_running():
                return
            self._kswapd = self._awake()
        self._credit_pages += self._rules.kswapd_pages_per_s * elapsed_us / 1e6
        while self._credit_pages > 0:
            looked_at_pages = next(self._kswapd, None)
            if looked_at_pages is None:
                self._kswapd = None
                return
            self._credit_pages -= max(looked_at_pages, CLUSTER_PAGES)  # to find nothing takes time

    def _disk(self, elapsed_us: int) -> None:
        self._disk_credit_pages += self._rules.disk_pages_per_s * elapsed_us / 1e6
        pages = int(self._disk_credit_pages)
        self._disk_credit_pages -= pages
        background_pages = self._managed_pages * BACKGROUND_PERCENT // 100
        self.lru.disk(self._last_us // 1000, pages, background_pages)
        self._tell(kswapd=True)

    # kswapd. Its steps tell how many pages they looked at.

    def _awake(self) -> Iterator[int]:
        """From being woken until it sleeps. Source: 2.6.20 and 6.1 kswapd."""
        class_zone, order = self._memory.kswapd_task()
        while True:
            self._memory.count("kswapd_runs")
            if self._node:
                yield from self._balance_node(class_zone, order)
            else:
                blind = self._rules.kswapd == "order-blind"
                yield from self._balance_zones(0 if blind else order)
            later_zone, later_order = self._memory.kswapd_task()
            if later_order <= order and later_zone <= class_zone:
                break
            class_zone, order = later_zone, later_order
        if self._paid:
            order = max(order, self._memory.mechanism.grouping.block_order)
        self._paid = False
        compacts = self._memory.mechanism.compaction.rule != "none"
        self._memory.kswapd_sleeps(order if compacts else 0)

    def _balance_zones(self, order: int) -> Iterator[int]:
        """Until every zone has HIGH pages free for the order. Source: 2.6.20 balance_pgdat."""
        balanced = False
        while not balanced:
            reached = [DEF_PRIORITY] * len(self._memory.zones)
            reclaimed_pages = 0
            for priority in range(DEF_PRIORITY, -1, -1):
                end_zone = self._highest_lacking(order, priority)
                balanced = end_zone is None
                if balanced:
                    break
                balanced = True
                lru_pages = sum(map(self.lru.list_pages, range(end_zone + 1)))
                for zone in range(end_zone + 1):
                    if self._is_empty(zone) or self._passed_over(zone, priority):
                        continue
                    balanced = balanced and self._has_high(zone, order, end_zone)
                    reached[zone] = priority
                    self._prev_priority[zone] = min(self._prev_priority[zone], priority)
                    found = self._shrink_zone(zone, priority, order, zone, kswapd=True)
                    objects, pages = self._shrink_slabs(found.scanned, lru_pages, priority)
                    reclaimed_pages += found.reclaimed_pages + pages
                    self._give_up(zone, objects)
                    yield found.looked_at_pages
                if balanced or reclaimed_pages >= CLUSTER_PAGES:
                    break
            self._prev_priority = reached

    def _balance_node(self, class_zone: int, order: int) -> Iterator[int]:
        """Until some zone has HIGH pages free for the order; that is given up for order 0 when
        twice the request has been reclaimed, and left to compaction. Boosts are paid for gently:
        without writing and without swap.

        Source: 6.1 balance_pgdat, pgdat_balanced, kswapd_shrink_node.
        """
        memory, stop = self._memory, self._rules.kswapd
        order = 0 if stop == "order-blind" else order
        zones = range(class_zone + 1)
        aim_pages = sum(max(memory.zones[zone].high_pages, CLUSTER_PAGES) for zone in zones)
        boosts = [memory.boost_pages(zone) for zone in zones]
        boost_pages, total_pages, priority = sum(boosts), 0, DEF_PRIORITY
        while priority > 0:
            balanced = any(self._has_high(zone, order, class_zone) for zone in zones)
            if not balanced and boost_pages:
                boost_pages, priority = 0, DEF_PRIORITY
            elif balanced and not boost_pages:
                break
            gently = boost_pages > 0
            found = self._shrink_zone(
                class_zone, priority, order, class_zone, kswapd=True, gently=gently
            )
            reclaimed_pages = found.reclaimed_pages + self._shrink_slabs(0, 0, priority)[1]
            total_pages += reclaimed_pages
            boost_pages = max(boost_pages - reclaimed_pages, 0)
            yield found.looked_at_pages
            if boost_pages and not reclaimed_pages:
                break
            if stop == "twice-the-request" and total_pages >= 2 << order:
                order = 0
            enough = found.scanned >= aim_pages
            enough = enough or (gently and priority == DEF_PRIORITY - 2)
            if not enough or not reclaimed_pages:
                priority -= 1
        for zone in zones:
            memory.pay_boost(zone, boosts[zone])
        self._paid = any(boosts)
        self.lru.ended()

    def _highest_lacking(self, order: int, priority: int) -> int | None:
        for zone in range(len(self._memory.zones) - 1, -1, -1):
            if self._is_empty(zone) or self._passed_over(zone, priority):
                continue
            if not self._has_high(zone, order, 0):
                return zone
        return None

    def _is_empty(self, zone: int) -> bool:
        return not self._memory.zones[zone].managed_pages

    def _give_up(self, zone: int, objects: int) -> None:
        """After six times its pages without a page freed, a zone counts as unreclaimable."""
        enough_pages = UNRECLAIMABLE_SCANS * self.lru.list_pages(zone)
        if not objects and self._scanned_pages[zone] >= enough_pages:
            self._all_unreclaimable[zone] = True

    def _has_high(self, zone: int, order: int, class_zone: int) -> bool:
        return self._memory.watermark_ok(zone, order, self._high_pages(zone), class_zone)

    def _high_pages(self, zone: int) -> int:
        return self._memory.zones[zone].high_pages + self._memory.boost_pages(zone)

    # What both do.

    def _shrink_zone(
        self,
        zone: int,
        priority: int,
        order: int,
        class_zone: int,
        *,
        kswapd: bool,
        gently: bool = False,
    ) -> _Found:
        self._see_frees()
        lumpy_order = order if self._rules.lumpy else 0
        distress = not self._node and self._distress(zone, priority)
        scan = (zone, priority, lumpy_order, distress, kswapd, class_zone, gently)
        self.lru.shrink_zone(*scan)
        found = more = self._tell(kswapd)
        while more.reclaimed_pages and self._goes_on(order, class_zone, priority):
            self.lru.shrink_zone(*scan)
            more = self._tell(kswapd)
            found = _Found(*map(sum, zip(found, more, strict=True)))
        self._scanned_pages[zone] += found.looked_at_pages
        return found

    def _goes_on(self, order: int, class_zone: int, priority: int) -> bool:
        """Whether reclaim for a large block goes on until compaction has pages enough.

        Source: 6.1 should_continue_reclaim.
        """
        if not self._node or self.compaction is None or order == 0:
            return False
        if order <= COSTLY_ORDER and priority >= DEF_PRIORITY - 2:
            return False
        for zone in range(class_zone + 1):
            if self.compaction.suitable(zone, class_zone, order) in (SUCCESS, CONTINUE):
                return False
        return self.lru.inactive_pages() > 2 << order

    def _see_frees(self) -> None:
        """Any page freed makes all zones worth another look.

        Source: 2.6.20 free_pages_bulk, for the page's own zone.
        DEVIATION: D32, for all zones, and when a page comes onto a per-CPU list.
        """
        frees = self._memory.frees()
        if frees != self._frees:
            self._frees = frees
            self._scanned_pages = [0] * len(self._scanned_pages)
            self._all_unreclaimable = [False] * len(self._scanned_pages)

    def _distress(self, zone: int, priority: int) -> bool:
        """Whether mapped pages are reclaimed too. Source: 2.6.20 shrink_active_list."""
        if self._scanned_pages[zone] >= NEAR_OOM_SCANS * self.lru.list_pages(zone):
            return True
        distress = 100 >> min(self._prev_priority[zone], priority)
        mapped = self.lru.mapped_percent(self._managed_pages) // 2
        return mapped + distress + self._rules.swappiness >= 100

    def _passed_over(self, zone: int, priority: int) -> bool:
        """Whether reclaim only took a first look at a zone, at the first priority.

        Source: 2.6.20 zone->all_unreclaimable; 6.1 has no such state of a zone.
        """
        return priority < DEF_PRIORITY and self._all_unreclaimable[zone]

    def _shrink_slabs(self, scanned: int, lru_pages: int, priority: int) -> tuple[int, int]:
        """Age the slabs by as much as the lists; objects and pages that came free.

        Source: 2.6.20 shrink_slab, by what was scanned; 6.1 do_shrink_slab, by priority.
        """
        if self._node:
            return self._count_objects(*self._slabs.age_by_priority(priority))
        return self._count_objects(*self._slabs.age(scanned or CLUSTER_PAGES, lru_pages))

    def _count_objects(self, objects: int, pages: int) -> tuple[int, int]:
        if objects:
            self._memory.count("objects_reclaimed", objects)
            self._memory.count("slab_pages_reclaimed", pages)
        return objects, pages

    def _tell(self, kswapd: bool) -> _Found:
        """Fetch what the lists counted, and count it for the memory."""
        scanned, looked_at, reclaimed, written, swapped, brought_back = self.lru.results()
        who = "kswapd" if kswapd else "direct"
        for counter, pages in (
            (f"pages_scanned_{who}", looked_at),
            (f"pages_reclaimed_{who}", reclaimed),
            ("pages_written", written),
            ("pages_swapped_out", swapped),
            ("pages_brought_back", brought_back),
        ):
            if pages:
                self._memory.count(counter, pages)
        return _Found(scanned, looked_at, reclaimed)
