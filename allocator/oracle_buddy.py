"""Buddy lists and fallback of the oracle: the second, slow implementation of the page allocator.

Written from the rules of KERNEL.md, not from the compiled core, so that the two check each other.
Everything is an ordinary Python list, dict or loop over pages; counts are not kept beside the
lists but taken from them.
"""

from allocator.mechanism import Mechanism
from allocator.terms import (
    CLASS_MOVABLE,
    COUNTERS,
    EVENT_CLAIM,
    EVENT_FALLBACK,
    FREE,
    HIGHATOMIC,
    MAX_ORDER,
    MIGRATETYPES,
    MOVABLE,
    NR_MIGRATETYPES,
    NR_ORDERS,
    RECLAIMABLE,
    RESERVED,
    UNMOVABLE,
)
from allocator.zones import Zone, grouping_enabled

# The types a request may fall back to, best first (rule 8); a mechanism may have others.
CLAIM_ALTERNATIVES = {
    UNMOVABLE: (RECLAIMABLE, MOVABLE),
    MOVABLE: (RECLAIMABLE, UNMOVABLE),
    RECLAIMABLE: (UNMOVABLE, MOVABLE),
}
MARCH_2007_ALTERNATIVES = {
    UNMOVABLE: (RECLAIMABLE, MOVABLE, HIGHATOMIC),
    RECLAIMABLE: (UNMOVABLE, MOVABLE, HIGHATOMIC),
    MOVABLE: (RECLAIMABLE, UNMOVABLE, HIGHATOMIC),
    HIGHATOMIC: (RECLAIMABLE, UNMOVABLE, MOVABLE),
}


class BuddyLists:
    """Free blocks of all zones, types of pageblocks, classes of pages."""

    def __init__(self, zones: tuple[Zone, ...], mechanism: Mechanism, pages: int):
        self.zones = zones
        self.mechanism = mechanism
        self.pages = pages
        self.rule = mechanism.grouping.rule
        self.grouping_on = grouping_enabled(zones, mechanism)
        self.claims = mechanism.grouping.claims
        self.alternatives = self.alternatives_of(mechanism)
        self.block_order = mechanism.grouping.block_order
        self.block_pages = 1 << self.block_order
        self.classes = bytearray([RESERVED]) * pages
        nr_blocks = (pages + self.block_pages - 1) // self.block_pages
        self.types = [MOVABLE if self.grouping_on else UNMOVABLE] * nr_blocks
        self.lists: list[list[list[list[int]]]] = [  # by zone, order, migratetype; head first
            [[[] for _ in range(NR_MIGRATETYPES)] for _ in range(NR_ORDERS)] for _ in zones
        ]
        self.free_heads: dict[int, tuple[int, int]] = {}  # first pfn: (order, type of its list)
        self.counts = dict.fromkeys(COUNTERS, 0)
        self.event_rows: list[tuple[int, ...]] = []
        self.counted = (-1, -1)  # free and alike pages of the pageblock that a fallback considers
        self.operation = 0

    @staticmethod
    def alternatives_of(mechanism: Mechanism) -> dict[int, tuple[int, ...]]:
        """Rule 8, alternatives: the rule's, but for the types that the mechanism's table names."""
        result = dict(CLAIM_ALTERNATIVES)
        if mechanism.grouping.rule == "march-2007":
            result = dict(MARCH_2007_ALTERNATIVES)
        for code, name in enumerate(MIGRATETYPES):
            named = getattr(mechanism.grouping.fallbacks, name)
            if named is not None:
                result[code] = tuple(MIGRATETYPES.index(other) for other in named)
        return result

    # The state.

    def zone_of(self, pfn: int) -> int:
        """Number of the zone that holds a pfn."""
        for number, zone in enumerate(self.zones):
            if zone.start_pfn <= pfn < zone.end_pfn:
                return number
        raise ValueError(f"pfn {pfn} lies in no zone")

    def free_pages(self, zone: int) -> int:
        """Pages on the zone's buddy lists."""
        return sum(
            len(blocks) << order
            for order, by_type in enumerate(self.lists[zone])
            for blocks in by_type
        )

    def set_class(self, pfn: int, order: int, page_class: int) -> None:
        """Give 2**order pages a class."""
        for page in range(pfn, pfn + (1 << order)):
            self.classes[page] = page_class

    def type_of_block(self, pfn: int) -> int:
        """Type of the pageblock that holds a pfn."""
        return self.types[pfn >> self.block_order]

    def set_type_of_block(self, pfn: int, migratetype: int) -> None:
        """Rule 8, last point: while grouping is switched off only U and HA. Source: 6.1
        set_pageblock_migratetype."""
        if not self.grouping_on and migratetype != HIGHATOMIC:
            migratetype = UNMOVABLE
        self.types[pfn >> self.block_order] = migratetype

    def enter(self, zone: int, order: int, migratetype: int, pfn: int, tail: bool) -> None:
        """Put a free block on a list, at its head or its tail."""
        blocks = self.lists[zone][order][migratetype]
        blocks.insert(len(blocks) if tail else 0, pfn)
        self.free_heads[pfn] = (order, migratetype)

    def leave(self, zone: int, pfn: int) -> None:
        """Take a free block off its list, wherever it stands there."""
        order, migratetype = self.free_heads.pop(pfn)
        self.lists[zone][order][migratetype].remove(pfn)

    # Rule 4: freeing.

    def is_free_block(self, zone: int, pfn: int, order: int) -> bool:
        """Whether a free block of exactly that order begins at pfn, in that zone. Source:
        page_is_buddy."""
        head = self.free_heads.get(pfn)
        return head is not None and head[0] == order and self.zone_of(pfn) == zone

    def may_merge(self, zone: int, buddy: int, order: int, migratetype: int) -> bool:
        """Rule 4. Source: 2.6.20, 6.1 __free_one_page."""
        if not self.is_free_block(zone, buddy, order):
            return False
        if self.rule != "claim" or order < self.block_order:
            return True
        other = self.type_of_block(buddy)
        return other == migratetype or HIGHATOMIC not in (other, migratetype)

    def enters_at_tail(self, zone: int, pfn: int, order: int) -> bool:
        """Rule 4, the tail rule. Source: 6.1 buddy_merge_likely."""
        lists = self.mechanism.free_lists
        if lists.insertion == "tail":
            return True
        if not lists.tail_insertion or order > MAX_ORDER - 2:
            return False
        above = pfn & ~(1 << order)
        return self.is_free_block(zone, above ^ (1 << (order + 1)), order + 1)

    def free_block(self, zone: int, pfn: int, order: int, migratetype: int) -> None:
        """Rule 4: merge a block with its buddies and put it on a list. Source: 2.6.20, 6.1
        __free_one_page."""
        self.set_class(pfn, order, FREE)
        while order < MAX_ORDER and self.may_merge(zone, pfn ^ (1 << order), order, migratetype):
            self.leave(zone, pfn ^ (1 << order))
            pfn &= ~(1 << order)
            order += 1
            self.counts["merges"] += 1
        self.enter(zone, order, migratetype, pfn, self.enters_at_tail(zone, pfn, order))

    def type_when_freed(self, pfn: int, noted: int | None = None) -> int:
        """Rule 4, t; `noted` is what a per-CPU list knows of the page. Source: 6.1
        free_pcppages_bulk, get_pcppage_migratetype; v28 4/12."""
        if self.rule == "none":
            return UNMOVABLE
        if self.rule == "claim" and noted is not None:
            return noted
        return self.type_of_block(pfn)

    # Rule 4: taking.

    def split(self, zone: int, pfn: int, order: int, to_order: int, migratetype: int) -> None:
        """Rule 4: upper halves to the heads of the type's lists. Source: expand."""
        while order > to_order:
            order -= 1
            self.enter(zone, order, migratetype, pfn + (1 << order), tail=False)
            self.counts["splits"] += 1

    def smallest(self, zone: int, order: int, migratetype: int) -> int | None:
        """Rule 4, smallest first. Source: 6.1 __rmqueue_smallest, 2.6.20 __rmqueue."""
        for current in range(order, NR_ORDERS):
            blocks = self.lists[zone][current][migratetype]
            if blocks:
                pfn = blocks[0]
                self.leave(zone, pfn)
                self.split(zone, pfn, current, order, migratetype)
                return pfn
        return None

    def take_from_buddy_lists(
        self, zone: int, order: int, migratetype: int, nofragment: bool
    ) -> int | None:
        """Rule 4 with rule 8 behind it. Source: 6.1 __rmqueue; v28 4/12."""
        pfn = self.smallest(zone, order, migratetype)
        if pfn is not None:
            return pfn
        if self.rule == "march-2007":
            return self.fallback_march_2007(zone, order, migratetype)
        if self.rule == "claim" and self.fallback_claim(zone, order, migratetype, nofragment):
            return self.smallest(zone, order, migratetype)
        return None

    # Rule 8: moving a pageblock's free blocks.

    def pages_of_block(self, zone: int, candidate: int) -> range:
        """Rule 8: the pages of the candidate's pageblock that are looked at; none where it ends
        after the zone. Source: 6.1 move_freepages_block; v28 8/12."""
        start = candidate & ~(self.block_pages - 1)
        end = start + self.block_pages
        zone_end = self.zones[zone].end_pfn
        # The patches ask for the zone of the page after the pageblock, 6.1 for that of its last.
        if end > zone_end or (self.rule == "march-2007" and end == zone_end):
            return range(0)
        return range(candidate if start < self.zones[zone].start_pfn else start, end)

    def move_free_blocks(self, zone: int, candidate: int, migratetype: int) -> list[int]:
        """Rule 8: move all free blocks of a pageblock to a type; their orders. Source: 6.1
        move_freepages; v28 8/12."""
        moved = []
        for pfn in self.pages_of_block(zone, candidate):
            if pfn in self.free_heads:
                order = self.free_heads[pfn][0]
                self.leave(zone, pfn)
                self.enter(zone, order, migratetype, pfn, tail=self.rule != "march-2007")
                moved.append(order)
        self.counts["pages_moved"] += sum(1 << order for order in moved)
        return moved

    def claim_block(self, pfn: int, migratetype: int) -> None:
        """A fallback gives a pageblock the request's type, where the mechanism claims."""
        if not self.claims:
            return
        old = self.type_of_block(pfn)
        self.set_type_of_block(pfn, migratetype)
        if self.type_of_block(pfn) == old:
            return
        self.counts["claims"] += 1
        start = pfn & ~(self.block_pages - 1)
        self.event(start, EVENT_CLAIM, self.block_order, migratetype, 0, old, True, old)

    def event(self, pfn: int, kind: int, *rest: int) -> None:
        """Note an event: EVENT_DTYPE without the operation's number."""
        self.event_rows.append((self.operation, pfn, kind, *rest, *self.counted))

    def count_fallback(self, migratetype: int, fallback: int) -> None:
        """Count a fallback of a request of one type to a list of another."""
        pair = f"fallbacks_{MIGRATETYPES[migratetype]}_in_{MIGRATETYPES[fallback]}"
        self.counts[pair] += 1

    # Rule 8: claim.

    def alternative(self, zone: int, order: int, migratetype: int) -> int | None:
        """Rule 8, claim: the first other type with a block of that order. Source: 6.1
        find_suitable_fallback."""
        for other in self.alternatives[migratetype]:
            if self.lists[zone][order][other]:
                return other
        return None

    def can_steal(self, order: int, migratetype: int) -> bool:
        """Rule 8, claim, 1. Source: 6.1 can_steal_fallback."""
        return (
            order >= self.block_order // 2
            or migratetype in (UNMOVABLE, RECLAIMABLE)
            or not self.grouping_on
        )

    def candidate_claim(
        self, zone: int, order: int, migratetype: int, nofragment: bool
    ) -> tuple[int, int] | None:
        """Rule 8, claim, 1: the order and type of the list to take from. Source: 6.1
        __rmqueue_fallback."""
        lowest = max(order, self.block_order) if nofragment else order
        for current in range(MAX_ORDER, lowest - 1, -1):
            if self.alternative(zone, current, migratetype) is None:
                continue
            smallest = self.mechanism.grouping.smallest
            if smallest and not self.can_steal(current, migratetype):
                while self.alternative(zone, order, migratetype) is None:
                    order += 1
                current = order
            return current, self.alternative(zone, current, migratetype)
        return None

    def fallback_claim(self, zone: int, order: int, migratetype: int, nofragment: bool) -> bool:
        """Rule 8, claim: bring a block to the request's lists; False without one. Source: 6.1
        __rmqueue_fallback."""
        candidate = self.candidate_claim(zone, order, migratetype, nofragment)
        if candidate is None:
            return False
        fallback_order, fallback = candidate
        pfn = self.lists[zone][fallback_order][fallback][0]
        old = self.type_of_block(pfn)
        self.steal(zone, pfn, fallback_order, migratetype)
        self.count_fallback(migratetype, fallback)
        claimed = self.type_of_block(pfn) == migratetype
        row = (order, migratetype, fallback_order, fallback, claimed, old)
        self.event(pfn, EVENT_FALLBACK, *row)
        self.counted = (-1, -1)
        return True

    def steal(self, zone: int, pfn: int, order: int, migratetype: int) -> None:
        """Rule 8, claim, 2. Source: 6.1 steal_suitable_fallback."""
        old = self.type_of_block(pfn)
        if old == HIGHATOMIC:
            self.move_block(zone, pfn, order, migratetype)
        elif order >= self.block_order:
            for start in range(pfn, pfn + (1 << order), self.block_pages):
                self.claim_block(start, migratetype)
            self.move_block(zone, pfn, order, migratetype)
        elif not self.can_steal(order, migratetype):
            self.move_block(zone, pfn, order, migratetype)
        else:
            self.steal_block(zone, pfn, order, migratetype, old)

    def move_block(self, zone: int, pfn: int, order: int, migratetype: int) -> None:
        """Rule 8, claim: only this free block moves. Source: 6.1 move_to_free_list."""
        self.leave(zone, pfn)
        self.enter(zone, order, migratetype, pfn, tail=True)
        self.counts["pages_moved"] += 1 << order

    def steal_block(self, zone: int, pfn: int, order: int, migratetype: int, old: int) -> None:
        """Rule 8, claim, 2: all free blocks of a pageblock move; it is claimed if enough of it is
        free or alike. Source: 6.1 steal_suitable_fallback."""
        pages = self.pages_of_block(zone, pfn)
        movable = sum(self.classes[page] == CLASS_MOVABLE for page in pages)
        free = sum(1 << moved for moved in self.move_free_blocks(zone, pfn, migratetype))
        if not free:
            self.move_block(zone, pfn, order, migratetype)
            return
        alike = 0
        if migratetype == MOVABLE:
            alike = movable
        elif old == MOVABLE:
            alike = self.block_pages - free - movable
        self.counted = (free, alike)
        if self.enough(free + alike, self.block_pages) or not self.grouping_on:
            self.claim_block(pfn, migratetype)

    def enough(self, pages: int, of_pages: int) -> bool:
        """Rule 8: whether a fallback claims the pageblock for that many pages."""
        return 100 * pages >= self.mechanism.grouping.claim_threshold_percent * of_pages

    # Rule 8: march-2007.

    def candidate_march_2007(
        self, zone: int, order: int, migratetype: int
    ) -> tuple[int, int, int] | None:
        """Rule 8, march-2007, 1: (pfn, order, type) of the block to split. Source: v28 4/12,
        8/12, 10/12, 11/12."""
        for spare_highatomic in (True, False):
            for current in range(MAX_ORDER, order - 1, -1):
                for other in self.alternatives[migratetype]:
                    if other == HIGHATOMIC and spare_highatomic and migratetype != UNMOVABLE:
                        continue
                    blocks = self.lists[zone][current][other]
                    if blocks:
                        pfn = blocks[0] if migratetype == MOVABLE else min(blocks)
                        return pfn, current, other
        return None

    def fallback_march_2007(self, zone: int, order: int, migratetype: int) -> int | None:
        """Rule 8, march-2007: split a block of another type. Source: v28 4/12, 8/12,
        12/12."""
        candidate = self.candidate_march_2007(zone, order, migratetype)
        if candidate is None:
            return None
        pfn, current, other = candidate
        old = self.type_of_block(pfn)
        remainder = other
        if current >= 5 or migratetype == RECLAIMABLE:
            orders = self.move_free_blocks(zone, pfn, migratetype)
            nr_blocks = len(orders)
            if len(self.pages_of_block(zone, pfn)):
                self.counted = (sum(1 << moved for moved in orders), -1)
            if self.enough(nr_blocks << current, 1 << MAX_ORDER) and other != HIGHATOMIC:
                self.claim_block(pfn, migratetype)
            remainder = migratetype
        self.leave(zone, pfn)
        if current == MAX_ORDER:
            self.claim_block(pfn, migratetype)
        self.split(zone, pfn, current, order, remainder)
        self.count_fallback(migratetype, other)
        claimed = self.type_of_block(pfn) == migratetype
        self.event(pfn, EVENT_FALLBACK, order, migratetype, current, other, claimed, old)
        self.counted = (-1, -1)
        return pfn
