"""Per-CPU lists and kswapd of the oracle (KERNEL.md, rules 5 and 6)."""

from allocator.mechanism import Mechanism
from allocator.oracle_buddy import BuddyLists
from allocator.terms import HIGHATOMIC, MOVABLE, PCP_FREE, UNMOVABLE
from allocator.zones import Zone

PCP_LISTS = 14
COSTLY_ORDER = 3  # the highest order with lists by type


class PerCpuLists(BuddyLists):
    """Buddy lists with one set of per-CPU lists a zone before them."""

    def __init__(self, zones: tuple[Zone, ...], mechanism: Mechanism, pages: int):
        super().__init__(zones, mechanism, pages)
        self.pcp_rule = mechanism.per_cpu.rule
        self.pcp: list[list[list[tuple[int, int]]]] = [  # by zone and list: (pfn, noted type)
            [[] for _ in range(PCP_LISTS)] for _ in zones
        ]
        self.free_factor = [0] * len(zones)
        self.kswapd_class_zone: int | None = None  # None: not active

    # The lists.

    def uses_pcp(self, order: int) -> bool:
        """Rule 3: whether an order goes by the per-CPU lists. Source: 6.1 pcp_allowed_order."""
        if self.pcp_rule == "types-and-orders":
            return order <= COSTLY_ORDER or order == self.block_order
        return self.pcp_rule != "none" and order == 0

    def pcp_index(self, order: int, migratetype: int) -> int:
        """Rule 5: the number of a list. Source: 6.1 order_to_pindex."""
        if self.pcp_rule != "types-and-orders":
            return 0
        if migratetype == HIGHATOMIC:
            migratetype = MOVABLE
        if order <= COSTLY_ORDER:
            return 3 * order + migratetype
        return 13 if migratetype == MOVABLE else 12

    def pcp_order(self, index: int) -> int:
        """Rule 5: the order of the blocks on a list. Source: 6.1 pindex_to_order."""
        return index // 3 if index < 12 else self.block_order

    def pcp_count(self, zone: int) -> int:
        """Pages on the per-CPU lists of a zone."""
        return sum(len(pages) << self.pcp_order(i) for i, pages in enumerate(self.pcp[zone]))

    # Taking.

    def take_from_pcp(
        self, zone: int, order: int, migratetype: int, nofragment: bool
    ) -> int | None:
        """Rule 5, allocation. Source: 2.6.20 buffered_rmqueue; v28 5/12; 6.1 rmqueue_pcplist."""
        self.free_factor[zone] >>= 1
        pages = self.pcp[zone][self.pcp_index(order, migratetype)]
        at = self.first_fitting(pages, migratetype)
        if at is None:
            self.refill(zone, order, migratetype, nofragment)
            at = self.first_fitting(pages, migratetype)
        return None if at is None else pages.pop(at)[0]

    def first_fitting(self, pages: list[tuple[int, int]], migratetype: int) -> int | None:
        """Rule 5: place of the first page a request may have. Source: v28 5/12."""
        for at, (_, noted) in enumerate(pages):
            if self.pcp_rule != "tagged" or noted == migratetype:
                return at
        return None

    def refill(self, zone: int, order: int, migratetype: int, nofragment: bool) -> None:
        """Rule 5: bring blocks from the buddy lists. Source: rmqueue_bulk; 6.1
        __rmqueue_pcplist."""
        batch = self.zones[zone].batch_pages
        blocks = batch
        if self.pcp_rule == "types-and-orders" and batch > 1:
            blocks = max(batch >> order, 2)
        pages = self.pcp[zone][self.pcp_index(order, migratetype)]
        self.counts["pcp_refills"] += 1
        for _ in range(blocks):
            pfn = self.take_from_buddy_lists(zone, order, migratetype, nofragment)
            if pfn is None:
                break
            self.set_class(pfn, order, PCP_FREE)
            pages.insert(0 if self.pcp_rule == "tagged" else len(pages), (pfn, migratetype))
            self.counts["pcp_refill_pages"] += 1 << order

    # Freeing.

    def free_to_pcp(self, zone: int, pfn: int, order: int) -> None:
        """Rule 5, free. Source: 2.6.20 free_hot_cold_page; v28 5/12; 6.1
        free_unref_page_commit."""
        noted = UNMOVABLE if self.rule == "none" else self.type_of_block(pfn)
        index = self.pcp_index(order, noted)
        self.set_class(pfn, order, PCP_FREE)
        self.pcp[zone][index].insert(0, (pfn, noted))
        if self.pcp_rule == "types-and-orders":
            self.shrink(zone, order, index)
        elif self.pcp_count(zone) >= self.zones[zone].pcp_high_pages:
            self.drain(zone, self.zones[zone].batch_pages, 0)

    def shrink(self, zone: int, order: int, index: int) -> None:
        """Rule 5, types-and-orders: drain where the lists hold too much. Source: 6.1
        free_unref_page_commit, nr_pcp_high."""
        free_high = self.free_factor[zone] > 0 and 1 <= order <= COSTLY_ORDER
        high = 0
        if not free_high:
            high = self.zones[zone].pcp_high_pages
            if zone <= self.highest_reclaimed() and self.kswapd_active():
                high = min(4 * self.zones[zone].batch_pages, high)
        if self.pcp_count(zone) >= high:
            self.drain(zone, self.pages_to_drain(zone, high, free_high), index)

    def pages_to_drain(self, zone: int, high: int, free_high: bool) -> int:
        """Rule 5, types-and-orders: n. Source: 6.1 nr_pcp_free."""
        batch = self.zones[zone].batch_pages
        if free_high:
            return self.pcp_count(zone)
        if high < batch:
            return 1
        pages = batch << self.free_factor[zone]
        if pages < high - batch and self.free_factor[zone] < 5:
            self.free_factor[zone] += 1
        return min(max(batch, pages), high - batch)  # in this order, where they cross

    # Draining.

    def drain(self, zone: int, pages: int, index: int) -> None:
        """Rule 5: free `pages` pages at most, starting at a list. Source: 2.6.20
        free_pages_bulk; 6.1 free_pcppages_bulk."""
        self.counts["pcp_drains"] += 1
        pages = min(pages, self.pcp_count(zone))
        index -= 1
        lowest, highest = 0, PCP_LISTS - 1
        while pages > 0:
            while True:
                index += 1
                if index > highest:
                    index = lowest
                if self.pcp[zone][index]:
                    break
                if index == highest:
                    highest -= 1
                if index == lowest:
                    lowest += 1
            order = self.pcp_order(index)
            while pages > 0 and self.pcp[zone][index]:
                pfn, noted = self.pcp[zone][index].pop()
                self.free_block(zone, pfn, order, self.type_when_freed(pfn, noted))
                self.counts["pcp_drain_pages"] += 1 << order
                pages -= 1 << order

    def drain_all_lists(self) -> None:
        """Rule 5, draining all. Source: 2.6.20 __drain_pages; 6.1 drain_pages_zone."""
        self.counts["pcp_drain_all"] += 1
        for zone in range(len(self.zones)):
            while self.pcp_count(zone) > 0:
                pages = self.pcp_count(zone)
                if self.pcp_rule == "types-and-orders":
                    pages = min(pages, self.zones[zone].batch_pages << 5)
                self.drain(zone, pages, 0)

    # kswapd.

    def wake_kswapd(self, class_zone: int) -> None:
        """Rule 6: active from here on. Source: 6.1 wakeup_kswapd."""
        if self.kswapd_class_zone is None:
            self.kswapd_class_zone = class_zone
        self.kswapd_class_zone = max(self.kswapd_class_zone, class_zone)

    def highest_reclaimed(self) -> int:
        """Rule 6: the highest zone that kswapd works for, -1 while it sleeps. Source: 6.1
        update_reclaim_active."""
        return -1 if self.kswapd_class_zone is None else self.kswapd_class_zone

    def kswapd_active(self) -> bool:
        """Rule 6: looked at now; it sleeps once a zone is above its mark. Source: 6.1
        pgdat_balanced."""
        class_zone = self.kswapd_class_zone
        if class_zone is None:
            return False
        for number, zone in enumerate(self.zones[: class_zone + 1]):
            if self.free_pages(number) > zone.high_pages + zone.lowmem_reserve_pages[class_zone]:
                self.kswapd_class_zone = None
                return False
        return True
