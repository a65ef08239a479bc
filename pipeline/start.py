"""Memory before the first operation of a stream, under a mechanism.

Under the mechanism that was recorded, every page lies where that kernel had put it. Under another
one the traced pages are placed anew by it, since where they lie is part of what is compared;
pages older than the trace stay where they were.
"""

from array import array
from random import Random

import numpy as np

from allocator.boot import initial_migratetype, release_free_pages
from allocator.mechanism import Mechanism, load_mechanism
from allocator.page_alloc import Memory
from allocator.terms import (
    CLASS_OF_MOBILITY,
    CLASS_RECLAIMABLE,
    CLASS_UNMOVABLE,
    FREE,
    HOLE,
    KERNEL_UNKNOWN,
    MAX_ORDER,
    MOVABLE,
    PCP_FREE,
    PFN_NONE,
    RECLAIMABLE,
    RESERVED,
    UNMOVABLE,
)
from allocator.zones import MOVABLE_ZONE, Zone, build_zones, layout
from workloads.stream import Stream

PERTURBING_ORDERS = (0, 0, 0, 0, 0, 0, 1, 2, 3)


def start_memory(stream: Stream, mechanism: Mechanism) -> tuple[Memory, array, dict[str, int]]:
    """The machine at the stream's start; `pfn_of`, i4[ids], where each id's pages lie; counts.

    Counts: allocations `placed_anew`, and those of them that `failed` and are missing from the run.
    The memory's own counters and its operation number stand at zero.

    A recorded start under seed 0 is as it was recorded; any other seed perturbs it, so that the
    spread over seeds is the noise of one replay.
    """
    start = stream.start
    anew = bool(start.mechanism) and not _places_alike(stream, mechanism)
    page_class = start.page_class.copy()
    pfn_of = array("i", [PFN_NONE]) * max(stream.ops.ids, len(start.pfn))
    for number, pfn in enumerate(start.pfn.tolist()):
        if anew and start.traced[number]:
            page_class[pfn : pfn + (1 << int(start.order[number]))] = FREE
        else:
            pfn_of[number] = pfn
    if anew:
        page_class[page_class == PCP_FREE] = FREE
    memory = _memory(stream, mechanism, page_class)
    for number, pfn in enumerate(pfn_of[: len(start.pfn)]):
        if pfn != PFN_NONE and start.order[number] == 0:
            memory.set_owner(pfn, number)
    counts = {"placed_anew": 0, "failed": 0}
    if anew:
        _place_anew(stream, memory, pfn_of)
        before = memory.counters()
        counts = {"placed_anew": before["allocations"], "failed": before["failed_requests"]}
    if start.mechanism and stream.seed:
        _perturb(memory, stream.seed)
    memory.reset_counters()
    return memory, pfn_of, counts


def _places_alike(stream: Stream, mechanism: Mechanism) -> bool:
    """Whether the mechanism is the recorded one, as far as where pages lie depends on it.

    Watermarks and per-CPU lists may differ: they don't move what is already there.
    """
    recorded = load_mechanism(stream.start.mechanism)
    if recorded.kernel != mechanism.kernel or recorded.grouping != mechanism.grouping:
        return False
    zones = stream.machine.recorded_zones or build_zones(stream.machine, recorded)
    return layout(zones) == layout(build_zones(stream.machine, mechanism))


def _memory(stream: Stream, mechanism: Mechanism, page_class: np.ndarray) -> Memory:
    zones = build_zones(stream.machine, mechanism)
    memory = Memory(zones, mechanism, stream.machine.pages)
    types = infer_block_types(page_class, zones, mechanism)
    for block, migratetype in enumerate(types.tolist()):
        memory.set_block_type(block, migratetype)
    for pfn in np.flatnonzero((page_class != FREE) & (page_class != PCP_FREE)).tolist():
        memory.set_used(pfn, 0, int(page_class[pfn]))
    order = mechanism.grouping.block_order
    release_free_pages(memory, page_class == FREE, lambda pfn: int(types[pfn >> order]))
    for pfn in np.flatnonzero(page_class == PCP_FREE).tolist():
        memory.set_pcp(pfn)
    return memory


def infer_block_types(
    page_class: np.ndarray, zones: tuple[Zone, ...], mechanism: Mechanism
) -> np.ndarray:
    """Migratetypes of the mechanism's pageblocks, which no recording holds, u1[blocks].

    Reclaimable where reclaimable pages outnumber the other kernel pages, unmovable where there is
    any of those, else movable; a wholly free pageblock takes the type of the one it formed a block
    of the highest order with at boot, unless that has reserved pages. ZONE_MOVABLE is movable
    throughout.
    DEVIATION: D8, inferred, not known.
    """
    block_pages = 1 << mechanism.grouping.block_order
    blocks = -(-len(page_class) // block_pages)
    if initial_migratetype(zones, mechanism) == UNMOVABLE:
        return np.full(blocks, UNMOVABLE, np.uint8)
    padded = np.full(blocks * block_pages, FREE, np.uint8)
    padded[: len(page_class)] = page_class
    tiles = padded.reshape(blocks, block_pages)
    reclaimable = (tiles == CLASS_RECLAIMABLE).sum(axis=1)
    kernel = np.isin(tiles, (CLASS_UNMOVABLE, KERNEL_UNKNOWN)).sum(axis=1)
    types = np.where(reclaimable > kernel, RECLAIMABLE, np.where(kernel > 0, UNMOVABLE, MOVABLE))
    free = np.isin(tiles, (FREE, PCP_FREE)).all(axis=1)
    given = ~np.isin(tiles, (RESERVED, HOLE)).any(axis=1)
    if mechanism.grouping.block_order < MAX_ORDER:
        neighbour = np.minimum(np.arange(blocks) ^ 1, blocks - 1)
        one_block = free & ~free[neighbour] & given[neighbour]
        types = np.where(one_block, types[neighbour], types)
    for zone in zones:
        if zone.name == MOVABLE_ZONE:
            types[zone.start_pfn // block_pages :] = MOVABLE
    return types.astype(np.uint8)


def _perturb(memory: Memory, seed: int) -> None:
    """Random requests, all freed again: the pages in use stay, the order of the lists changes."""
    random = Random(seed)
    live = []
    pages_left = (
        sum(memory.zone_state(zone)["free_pages"] for zone in range(len(memory.zones))) // 8
    )
    for _ in range(random.randint(2000, 4000)):
        order, mobility = random.choice(PERTURBING_ORDERS), random.choice((0, 1, 2))
        pages_left -= 1 << order
        if pages_left < 0:
            break
        pfn = memory.alloc(order, mobility)
        if pfn != PFN_NONE:
            live.append((pfn, order))
    random.shuffle(live)
    for pfn, order in live:
        memory.free(pfn, order)


def _place_anew(stream: Stream, memory: Memory, pfn_of: array) -> None:
    """Allocate the traced pages of the start, ascending by their recorded pfn."""
    start = stream.start
    for number in np.flatnonzero(start.traced).tolist():
        page_class = int(start.page_class[start.pfn[number]])
        mobility = UNMOVABLE
        if page_class in CLASS_OF_MOBILITY:
            mobility = CLASS_OF_MOBILITY.index(page_class)
        order = int(start.order[number])
        pfn_of[number] = memory.alloc(order, mobility)
        if order == 0 and pfn_of[number] != PFN_NONE:
            memory.set_owner(pfn_of[number], number)
