"""The oracle: a second page allocator, slow and plain, that the compiled core is compared with.

It has the public methods of allocator.page_alloc.Memory and must return the same pfns and keep the
same list orders on every program (tests/allocator/test_oracle.py). Each function names its rule in
KERNEL.md and the kernel functions behind that rule.
"""

from dataclasses import dataclass

import numpy as np

from allocator.mechanism import Mechanism
from allocator.oracle_pcp import PerCpuLists
from allocator.terms import (
    ATOMIC,
    CLASS_OF_MOBILITY,
    COUNTERS,
    EVENT_DTYPE,
    EVENT_FAILURE,
    FREE,
    HIGHATOMIC,
    HOLE,
    HUGE,
    HUGETLB,
    MOVABLE,
    NR_ORDERS,
    PCP_FREE,
    PFN_NONE,
    RESERVED,
    UNMOVABLE,
)
from allocator.zones import MOVABLE_ZONE, Zone

NOT_IN_USE = (FREE, PCP_FREE, RESERVED, HOLE)


@dataclass(frozen=True)
class Request:
    """One request and how far it has come: what the kernel keeps in gfp and alloc flags."""

    order: int
    migratetype: int
    class_zone: int
    atomic: bool
    walk: int = 1
    nofragment: bool = False

    @property
    def may_use_reserves(self) -> bool:
        """Whether this is an atomic request on walk 2. Source: 6.1 ALLOC_HARDER."""
        return self.atomic and self.walk == 2


class OracleMemory(PerCpuLists):
    """Physical memory of one machine under one mechanism, as allocator.page_alloc.Memory.

    `zones` ascending; `pages` spanned from pfn 0. Every page starts RESERVED and on no list;
    `allocator.boot` hands memory over. It keeps every event and does not count list searches.
    """

    def __init__(self, zones: tuple[Zone, ...], mechanism: Mechanism, pages: int):
        super().__init__(zones, mechanism, pages)
        self.highatomic_pages = [0] * len(zones)

    # Boot.

    def release(self, pfn: int, order: int, migratetype: int) -> None:
        """Put a free block on its list at the place of rule 9, without merging."""
        self.set_class(pfn, order, FREE)
        tail = self.mechanism.free_lists.boot_order == "lowest-first"
        self.enter(self.zone_of(pfn), order, migratetype, pfn, tail)

    def set_block_type(self, block: int, migratetype: int) -> None:
        """Type of pageblock number `block` (of the mechanism's block order)."""
        self.types[block] = migratetype

    def set_used(self, pfn: int, order: int, page_class: int) -> None:
        """Pages that are in use, reserved or holes before the first request."""
        self.set_class(pfn, order, page_class)

    def set_pcp(self, pfn: int) -> None:
        """A free page that lies on its zone's per-CPU list before the first request."""
        noted = UNMOVABLE if self.rule == "none" else self.type_of_block(pfn)
        self.set_class(pfn, 0, PCP_FREE)
        self.pcp[self.zone_of(pfn)][self.pcp_index(0, noted)].append((pfn, noted))

    # Requests.

    def alloc(self, order: int, mobility: int, flags: int = 0) -> int:
        """One request; the pfn of its first page, or PFN_NONE (2**31 - 1)."""
        atomic = bool(flags & ATOMIC)
        migratetype = self.migratetype_of_request(order, mobility, atomic)
        request = Request(order, migratetype, self.class_zone(mobility), atomic)
        self.counts[f"requests_order_{order}"] += 1
        pfn = self.alloc_pages(request)
        if pfn is None:
            self.count_failure(request)
        else:
            self.counts["allocations"] += 1
            self.set_class(pfn, order, HUGETLB if flags & HUGE else CLASS_OF_MOBILITY[mobility])
        self.operation += 1
        return PFN_NONE if pfn is None else pfn

    def free(self, pfn: int, order: int) -> None:
        """Free 2**order pages in use from `pfn` on; an allocation may come back in pieces.

        Raises ValueError for pages that are not in use.
        """
        pages = range(pfn, pfn + (1 << order))
        if pfn < 0 or pages[-1] >= self.pages or pfn % (1 << order):
            raise ValueError(f"pfn {pfn} order {order} is no block of this memory")
        if any(self.classes[page] in NOT_IN_USE for page in pages):
            raise ValueError(f"pfn {pfn} order {order} is not in use")
        self.counts["frees"] += 1
        zone = self.zone_of(pfn)
        if self.uses_pcp(order):
            self.free_to_pcp(zone, pfn, order)
        else:
            self.free_block(zone, pfn, order, self.type_when_freed(pfn))
        self.operation += 1

    def drain_all(self) -> None:
        """Give all pages on per-CPU lists back to the buddy lists."""
        self.drain_all_lists()
        self.operation += 1

    # Rule 1.

    def migratetype_of_request(self, order: int, mobility: int, atomic: bool) -> int:
        """Rule 1, migratetype. Source: v28 2/12, 10/12; 6.1 gfp_migratetype."""
        if not self.grouping_on:
            return UNMOVABLE
        if self.mechanism.high_atomic.rule == "type" and order > 0 and atomic:
            return HIGHATOMIC
        return mobility

    def class_zone(self, mobility: int) -> int:
        """Rule 1, class zone. Source: gfp_zone."""
        numbers = range(len(self.zones))
        if mobility == MOVABLE:
            return numbers[-1]
        return max((n for n in numbers if self.zones[n].name != MOVABLE_ZONE), default=-1)

    def alloc_pages(self, request: Request) -> int | None:
        """Rule 1: walk 1, walk 2 and what follows. Source: 2.6.20, 6.1 __alloc_pages."""
        pfn = self.first_walk(request)
        if pfn is not None:
            return pfn
        self.wake_kswapd(request.class_zone)
        second = Request(
            request.order, request.migratetype, request.class_zone, request.atomic, walk=2
        )
        pfn = self.walk_zones(second)
        if pfn is None and not request.atomic and self.prepare_last_walk(second):
            pfn = self.walk_zones(second)
        return pfn

    def first_walk(self, request: Request) -> int | None:
        """Rule 1, walk 1. Source: 6.1 alloc_flags_nofragment, get_page_from_freelist."""
        nofragment = self.mechanism.grouping.nofragment
        if nofragment and self.zones[request.class_zone].name == "Normal":
            careful = Request(
                request.order,
                request.migratetype,
                request.class_zone,
                request.atomic,
                nofragment=True,
            )
            pfn = self.walk_zones(careful)
            if pfn is not None:
                return pfn
        return self.walk_zones(request)

    def prepare_last_walk(self, request: Request) -> bool:
        """Rule 1, after a failed walk 2: whether it is to be repeated. Source: 6.1
        __alloc_pages_direct_reclaim; v28 7/12."""
        if self.rule == "claim":
            self.unreserve_highatomic(request)
        elif self.rule == "none" or request.order == 0:
            return False
        self.drain_all_lists()
        return True

    def walk_zones(self, request: Request) -> int | None:
        """Rule 1: ask the zones from the class zone down. Source: get_page_from_freelist."""
        for zone in range(request.class_zone, -1, -1):
            if self.watermark_ok(zone, request):
                pfn = self.take(zone, request)
                if pfn is not None:
                    return pfn
        return None

    def count_failure(self, request: Request) -> None:
        """A request failed."""
        self.counts["failed_requests"] += 1
        self.counts["failed_pages"] += 1 << request.order
        self.counts[f"failed_order_{request.order}"] += 1
        self.event(PFN_NONE, EVENT_FAILURE, request.order, request.migratetype, 0, 0, 0, 0)

    # Rule 2.

    def watermark_ok(self, zone: int, request: Request) -> bool:
        """Rule 2. Source: 2.6.20 zone_watermark_ok; 6.1 __zone_watermark_ok."""
        limits = self.zones[zone]
        mark = limits.low_pages if request.walk == 1 else limits.min_pages
        if request.may_use_reserves:
            mark -= mark // 2
            mark -= mark // 4
        reserve = limits.lowmem_reserve_pages[request.class_zone]
        if self.mechanism.watermarks.rule == "halving":
            return self.watermark_halving(zone, request.order, mark, reserve)
        return self.watermark_one_block(zone, request, mark, reserve)

    def watermark_halving(self, zone: int, order: int, mark: int, reserve: int) -> bool:
        """Rule 2, halving. Source: 2.6.20 zone_watermark_ok."""
        free = self.free_pages(zone) - (1 << order) + 1
        if free <= mark + reserve:
            return False
        for lower in range(order):
            free -= sum(len(blocks) for blocks in self.lists[zone][lower]) << lower
            mark //= 2
            if free <= mark:
                return False
        return True

    def watermark_one_block(self, zone: int, request: Request, mark: int, reserve: int) -> bool:
        """Rule 2, one-block. Source: 6.1 __zone_watermark_ok."""
        free = self.free_pages(zone) - ((1 << request.order) - 1)
        if not request.may_use_reserves:
            free -= self.highatomic_pages[zone]
        if free <= mark + reserve:
            return False
        if request.order == 0:
            return True
        return any(
            blocks and (migratetype != HIGHATOMIC or request.may_use_reserves)
            for order in range(request.order, NR_ORDERS)
            for migratetype, blocks in enumerate(self.lists[zone][order])
        )

    # Rule 3.

    def take(self, zone: int, request: Request) -> int | None:
        """Rule 3. Source: 2.6.20 buffered_rmqueue; 6.1 rmqueue."""
        order, migratetype = request.order, request.migratetype
        if self.pcp_rule in ("hot", "tagged") and order == 0:
            return self.take_from_pcp(zone, order, migratetype, request.nofragment)
        pfn = None
        if self.uses_pcp(order):
            pfn = self.take_from_pcp(zone, order, migratetype, request.nofragment)
        if pfn is None:
            pfn = self.take_with_reserve(zone, request)
        if pfn is not None and order > 0 and request.may_use_reserves:
            self.reserve_highatomic(zone, pfn)
        return pfn

    def take_with_reserve(self, zone: int, request: Request) -> int | None:
        """Rule 3, the buddy lists and the reserve. Source: 6.1 rmqueue_buddy."""
        order = request.order
        reserve = self.mechanism.high_atomic.rule == "reserve" and request.may_use_reserves
        pfn = None
        if reserve and order > 0:
            pfn = self.smallest(zone, order, HIGHATOMIC)
        if pfn is None:
            pfn = self.take_from_buddy_lists(zone, order, request.migratetype, request.nofragment)
        if pfn is None and reserve:
            pfn = self.smallest(zone, order, HIGHATOMIC)
        return pfn

    # Rule 7.

    def reserve_highatomic(self, zone: int, pfn: int) -> None:
        """Rule 7, reserve. Source: 6.1 reserve_highatomic_pageblock."""
        if self.mechanism.high_atomic.rule != "reserve":
            return
        percent = self.mechanism.high_atomic.limit_percent
        limit = percent * self.zones[zone].managed_pages // 100 + self.block_pages
        if self.highatomic_pages[zone] >= limit or self.type_of_block(pfn) == HIGHATOMIC:
            return
        self.highatomic_pages[zone] += self.block_pages
        self.set_type_of_block(pfn, HIGHATOMIC)
        self.move_free_blocks(zone, pfn, HIGHATOMIC)
        self.counts["highatomic_reserved"] += 1

    def unreserve_highatomic(self, request: Request) -> None:
        """Rule 7, give back. Source: 6.1 unreserve_highatomic_pageblock."""
        for zone in range(request.class_zone, -1, -1):
            if self.highatomic_pages[zone] <= self.block_pages:
                continue
            for order in range(NR_ORDERS):
                blocks = self.lists[zone][order][HIGHATOMIC]
                if blocks and self.unreserve_block(zone, blocks[0], request.migratetype):
                    return

    def unreserve_block(self, zone: int, pfn: int, migratetype: int) -> bool:
        """Rule 7: give one pageblock to a type; whether any page moved. Source: 6.1
        unreserve_highatomic_pageblock."""
        if self.type_of_block(pfn) == HIGHATOMIC:
            pages = max(self.highatomic_pages[zone] - self.block_pages, 0)
            self.highatomic_pages[zone] = pages
            self.counts["highatomic_unreserved"] += 1
        self.set_type_of_block(pfn, migratetype)
        return bool(self.move_free_blocks(zone, pfn, migratetype))

    # What is to be seen.

    def free_list(self, zone: int, order: int, migratetype: int) -> list[int]:
        """Heads of the free blocks of one list, head to tail."""
        return list(self.lists[zone][order][migratetype])

    def pcp_list(self, zone: int, index: int) -> list[tuple[int, int]]:
        """(pfn, noted type) of a per-CPU list, head to tail."""
        return list(self.pcp[zone][index])

    def page_class(self) -> np.ndarray:
        """Class of each page, u1[pages], a copy."""
        return np.array(self.classes, dtype=np.uint8)

    def block_types(self) -> np.ndarray:
        """Migratetype of each pageblock of the mechanism, u1, a copy."""
        return np.array(self.types, dtype=np.uint8)

    def free_blocks(self) -> np.ndarray:
        """Free blocks by zone, order and migratetype, i8[zones, 11, 4]."""
        counts = [[[len(b) for b in by_type] for by_type in orders] for orders in self.lists]
        return np.array(counts, dtype=np.int64)

    def zone_state(self, zone: int) -> dict[str, int]:
        """Counts of one zone."""
        return {
            "free_pages": self.free_pages(zone),
            "pcp_count": self.pcp_count(zone),
            "free_factor": self.free_factor[zone],
            "highatomic_pages": self.highatomic_pages[zone],
        }

    def counters(self) -> dict[str, int]:
        """All counters of terms.COUNTERS since boot but list_searches."""
        return {name: self.counts[name] for name in COUNTERS if name != "list_searches"}

    def events(self) -> np.ndarray:
        """The events since the last call, EVENT_DTYPE."""
        events = np.array(self.event_rows, dtype=EVENT_DTYPE)
        self.event_rows = []
        return events

    def next_op(self) -> int:
        """Number of the next operation."""
        return self.operation
