"""Recount a machine from its pages up and compare with what its lists and counters say.

Works on anything that has Memory's public methods. Only what those show can be checked: lists are
seen from head to tail; a broken link backwards shows once a block leaves its list by it.
"""

from typing import NamedTuple

import numpy as np

from allocator.terms import (
    FREE,
    HIGHATOMIC,
    MAX_ORDER,
    MIGRATETYPES,
    MOVABLE,
    NR_MIGRATETYPES,
    NR_ORDERS,
    PAGE_CLASSES,
    PCP_FREE,
    UNMOVABLE,
)
from allocator.zones import Zone, grouping_enabled

PCP_ORDERS = 4  # orders 0 to 3 have a list a migratetype each; then come two of the block order
PCP_TYPES = 3
PCP_LISTS = PCP_ORDERS * PCP_TYPES + 2
MAX_FREE_FACTOR = 5


class ValidationFault(ValueError):
    """Lists, counters and pages of a machine contradict each other: one line, the first fault."""


class _Blocks(NamedTuple):
    """Blocks on the lists of one zone, i8[n] each: first pfn, order, migratetype."""

    pfn: np.ndarray
    order: np.ndarray
    migratetype: np.ndarray

    @property
    def pages(self) -> np.ndarray:
        return np.left_shift(1, self.order)

    def describe(self, at: int) -> str:
        name = MIGRATETYPES[int(self.migratetype[at])]
        return f"pfn {int(self.pfn[at])} order {int(self.order[at])} ({name})"


def validate(memory) -> None:
    """Raise ValidationFault unless every page is in one place and every count is right.

    Each page is in a free block, on a per-CPU list, in use, reserved or a hole, and in one of them
    only; with that, the five add up to the span of each zone. Free blocks are aligned, inside
    their zone and merged as far as rule 4 of KERNEL.md lets them.
    """
    page_class = memory.page_class()
    _check_zones(memory.zones, len(page_class))
    _check_codes(memory, page_class)
    free = [_free_blocks(memory, number) for number in range(len(memory.zones))]
    pcp = [_pcp_blocks(memory, number) for number in range(len(memory.zones))]
    for zone, zone_free, zone_pcp in zip(memory.zones, free, pcp, strict=True):
        _check_places(zone, zone_free, "free block")
        _check_places(zone, zone_pcp, "per-CPU block")
    for number in range(len(memory.zones)):
        _check_state(memory, number, free[number], pcp[number])
    _check_pages(page_class, _coverage(free, page_class), _coverage(pcp, page_class))
    types = memory.block_types()
    reserve_used = memory.counters()["highatomic_reserved"] > 0
    for number in range(len(memory.zones)):
        used = reserve_used or memory.zone_state(number)["highatomic_pages"] > 0
        _check_merged(memory, number, free[number], types, used)
    _check_highatomic(memory, types)
    _check_counters(memory.counters())


def _check_zones(zones: tuple[Zone, ...], pages: int) -> None:
    end = 0
    for zone in zones:
        if not end <= zone.start_pfn <= zone.end_pfn <= pages:
            raise ValidationFault(
                f"zone {zone.name}: pfns {zone.start_pfn} to {zone.end_pfn} overlap the zone "
                f"before or lie outside the {pages} pages"
            )
        end = zone.end_pfn


def _check_codes(memory, page_class: np.ndarray) -> None:
    """Classes and types of pageblocks are those that the mechanism can have."""
    unknown = np.flatnonzero(page_class >= len(PAGE_CLASSES))
    if len(unknown):
        raise ValidationFault(f"pfn {unknown[0]}: unknown page class {page_class[unknown[0]]}")
    types = memory.block_types()
    grouping = memory.mechanism.grouping
    blocks = -(-len(page_class) >> grouping.block_order)
    if len(types) != blocks:
        raise ValidationFault(f"{len(types)} pageblocks have a type, but there are {blocks}")
    wrong = np.flatnonzero(types >= NR_MIGRATETYPES)
    if len(wrong):
        raise ValidationFault(f"pageblock {wrong[0]}: unknown migratetype {types[wrong[0]]}")
    if not grouping_enabled(memory.zones, memory.mechanism):
        possible = (UNMOVABLE,) if grouping.rule == "none" else (UNMOVABLE, HIGHATOMIC)
        wrong = np.flatnonzero(~np.isin(types, possible))
        if len(wrong):
            name = MIGRATETYPES[types[wrong[0]]]
            raise ValidationFault(f"pageblock {wrong[0]} is {name}, but grouping is off")


def _free_blocks(memory, number: int) -> _Blocks:
    """All free blocks of a zone; the lists' lengths are those of free_blocks()."""
    zone = memory.zones[number]
    counts = memory.free_blocks()[number]
    parts = []
    for order in range(NR_ORDERS):
        for migratetype in range(NR_MIGRATETYPES):
            pfns = np.array(memory.free_list(number, order, migratetype), np.int64)
            if len(pfns) != counts[order, migratetype]:
                raise ValidationFault(
                    f"zone {zone.name}: the free list of order {order} "
                    f"({MIGRATETYPES[migratetype]}) has {len(pfns)} blocks, but "
                    f"{counts[order, migratetype]} are counted"
                )
            if len(pfns) and migratetype and memory.mechanism.grouping.rule == "none":
                raise ValidationFault(
                    f"zone {zone.name}: pfn {pfns[0]} is on a list of "
                    f"{MIGRATETYPES[migratetype]} blocks, but the mechanism has no types"
                )
            parts.append(_blocks(pfns, order, migratetype))
    return _joined(parts)


def _pcp_blocks(memory, number: int) -> _Blocks:
    """All blocks on the per-CPU lists of a zone."""
    parts = []
    for index in range(PCP_LISTS):
        entries = np.array(memory.pcp_list(number, index), np.int64).reshape(-1, 2)
        order, possible = _pcp_list_holds(memory, index)
        wrong = np.flatnonzero(~np.isin(entries[:, 1], possible))
        if len(wrong):
            pfn, migratetype = entries[wrong[0]].tolist()
            raise ValidationFault(
                f"zone {memory.zones[number].name}: pfn {pfn} with migratetype {migratetype} "
                f"does not belong on per-CPU list {index}"
            )
        parts.append(_blocks(entries[:, 0], order, entries[:, 1]))
    return _joined(parts)


def _pcp_list_holds(memory, index: int) -> tuple[int, tuple[int, ...]]:
    """Order and possible migratetypes of the blocks on a per-CPU list (rule 5)."""
    rule, grouping = memory.mechanism.per_cpu.rule, memory.mechanism.grouping
    every = (UNMOVABLE,) if grouping.rule == "none" else tuple(range(NR_MIGRATETYPES))
    if rule != "types-and-orders":
        return 0, every if index == 0 and rule != "none" else ()
    order, migratetype = divmod(index, PCP_TYPES)
    if order < PCP_ORDERS:  # high-atomic pages wait among the movable ones
        held = {MOVABLE, HIGHATOMIC} if migratetype == MOVABLE else {migratetype}
    else:
        order = grouping.block_order
        held = {MOVABLE, HIGHATOMIC} if index == PCP_LISTS - 1 else {0, 2}
        if order < PCP_ORDERS:  # then the lists of the low orders serve it
            held = set()
    return order, tuple(held & set(every))


def _blocks(pfns: np.ndarray, order: int, migratetype) -> _Blocks:
    return _Blocks(pfns, np.full(len(pfns), order), np.broadcast_to(migratetype, len(pfns)))


def _joined(parts: list[_Blocks]) -> _Blocks:
    return _Blocks(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _check_places(zone: Zone, blocks: _Blocks, what: str) -> None:
    """Blocks are inside their zone and aligned."""
    ends = blocks.pfn + blocks.pages
    for fault, bad in (
        ("lies outside the zone", (blocks.pfn < zone.start_pfn) | (ends > zone.end_pfn)),
        ("is not aligned", (blocks.pfn & (blocks.pages - 1)) != 0),
    ):
        if bad.any():
            at = int(np.flatnonzero(bad)[0])
            raise ValidationFault(f"zone {zone.name}: {what} {blocks.describe(at)} {fault}")


def _check_state(memory, number: int, free: _Blocks, pcp: _Blocks) -> None:
    """The zone's counts against its lists."""
    name, state = memory.zones[number].name, memory.zone_state(number)
    for key, pages, where in (
        ("free_pages", int(free.pages.sum()), "free lists"),
        ("pcp_count", int(pcp.pages.sum()), "per-CPU lists"),
    ):
        if state[key] != pages:
            raise ValidationFault(
                f"zone {name}: {key} is {state[key]}, but the {where} hold {pages} pages"
            )
    if not 0 <= state["free_factor"] <= MAX_FREE_FACTOR:
        raise ValidationFault(f"zone {name}: free_factor {state['free_factor']} is out of range")


def _coverage(zones_blocks: list[_Blocks], page_class: np.ndarray) -> np.ndarray:
    """By how many of the blocks each page is covered."""
    blocks, pages = _joined(zones_blocks), len(page_class)
    starts = np.bincount(blocks.pfn, minlength=pages + 1)
    ends = np.bincount(blocks.pfn + blocks.pages, minlength=pages + 1)
    return np.cumsum(starts - ends)[:pages]


def _check_pages(page_class: np.ndarray, in_free: np.ndarray, in_pcp: np.ndarray) -> None:
    """Each page is in one place, and its class says in which."""
    for fault, bad in (
        ("lies in two free blocks", in_free > 1),
        ("is on the per-CPU lists twice", in_pcp > 1),
        ("lies in a free block and on a per-CPU list", (in_free > 0) & (in_pcp > 0)),
        ("is of class free but in no free block", (page_class == FREE) & (in_free == 0)),
        ("is of class pcp_free but on no per-CPU list", (page_class == PCP_FREE) & (in_pcp == 0)),
        ("lies in a free block, but its class is", (page_class != FREE) & (in_free > 0)),
        ("is on a per-CPU list, but its class is", (page_class != PCP_FREE) & (in_pcp > 0)),
    ):
        if bad.any():
            pfn = int(np.flatnonzero(bad)[0])
            name = f" {PAGE_CLASSES[page_class[pfn]]}" if fault.endswith("class is") else ""
            raise ValidationFault(f"pfn {pfn} {fault}{name}")


def _check_merged(
    memory, number: int, free: _Blocks, types: np.ndarray, reserve_used: bool
) -> None:
    """No two free buddies of one order in one zone, but for those that rule 4 keeps apart.

    Rule 4 looks at the types at the time of freeing. A high-atomic pageblock may have changed its
    type since, and nothing merges at that moment: once a zone's reserve was used, free buddies of
    the block order or above may stay apart whatever their types are now.
    """
    zone, grouping = memory.zones[number], memory.mechanism.grouping
    span = zone.end_pfn - zone.start_pfn
    place = np.full(span, -1)  # of the block in `free`, at its first page
    place[free.pfn - zone.start_pfn] = np.arange(len(free.pfn))
    buddy = (free.pfn ^ free.pages) - zone.start_pfn
    inside = (free.order < MAX_ORDER) & (buddy >= 0) & (buddy < span)
    other = np.where(inside, place[np.where(inside, buddy, 0)], -1)
    apart = (other >= 0) & (free.order[other] == free.order)
    if grouping.rule == "claim":
        highatomic = free.migratetype == HIGHATOMIC
        highatomic |= types[free.pfn >> grouping.block_order] == HIGHATOMIC
        kept = reserve_used | (highatomic != highatomic[other])
        apart &= ~((free.order >= grouping.block_order) & kept)
    if apart.any():
        at = int(np.flatnonzero(apart)[0])
        raise ValidationFault(
            f"zone {zone.name}: free buddies {free.describe(at)} and "
            f"{free.describe(int(other[at]))} are not merged"
        )


def _check_highatomic(memory, types: np.ndarray) -> None:
    """The reserve's counter stays within what rule 7 can reach, and covers all its pageblocks."""
    rules = memory.mechanism.high_atomic
    reserve = rules.rule == "reserve"
    block_pages = 1 << memory.mechanism.grouping.block_order
    total_pages = 0
    for number, zone in enumerate(memory.zones):
        pages = memory.zone_state(number)["highatomic_pages"]
        share_pages = zone.managed_pages * rules.limit_percent // 100
        limit_pages = share_pages + 2 * block_pages if reserve else 1
        if not 0 <= pages < limit_pages or pages % block_pages:
            raise ValidationFault(f"zone {zone.name}: highatomic_pages {pages} is not plausible")
        total_pages += pages
    blocks = int((types == HIGHATOMIC).sum())
    if reserve and blocks * block_pages > total_pages:
        raise ValidationFault(
            f"{blocks} pageblocks are highatomic, but the zones count {total_pages} such pages"
        )


def _check_counters(counters: dict[str, int]) -> None:
    """Requests are either served or have failed; nothing was counted backwards."""
    for name, value in counters.items():
        if value < 0:
            raise ValidationFault(f"counter {name} is {value}")
    requests = sum(counters[f"requests_order_{order}"] for order in range(NR_ORDERS))
    failed = sum(counters[f"failed_order_{order}"] for order in range(NR_ORDERS))
    if counters["failed_requests"] != failed or counters["allocations"] != requests - failed:
        raise ValidationFault(
            f"{requests} requests, {failed} of them failed, but allocations is "
            f"{counters['allocations']} and failed_requests {counters['failed_requests']}"
        )
