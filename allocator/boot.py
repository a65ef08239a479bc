"""Hand memory over to the page allocator, as a kernel does at boot (KERNEL.md, rule 9)."""

from collections.abc import Iterator

import numpy as np

from allocator.mechanism import Mechanism
from allocator.page_alloc import Memory
from allocator.terms import MAX_ORDER, MOVABLE, RESERVED, UNMOVABLE
from allocator.zones import Machine, Zone, build_zones, grouping_enabled


def free_ranges(free: np.ndarray) -> Iterator[tuple[int, int]]:
    """Runs [start, end) of True in a bool array."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], free, [False])).astype(np.int8)))
    for start, end in edges.reshape(-1, 2):
        yield int(start), int(end)


def aligned_blocks(start: int, end: int) -> Iterator[tuple[int, int]]:
    """The greatest aligned blocks (pfn, order) that fill [start, end)."""
    while start < end:
        order = min(MAX_ORDER, (end - start).bit_length() - 1)
        if start:
            order = min(order, (start & -start).bit_length() - 1)
        yield start, order
        start += 1 << order


def release_free_pages(memory: Memory, free: np.ndarray, migratetype_of) -> None:
    """Put all pages of the bool array `free` on the free lists, zone by zone, ascending.

    `migratetype_of(pfn)` is the type of the list for a block that begins at pfn.
    DEVIATION: D18, greatest blocks at once where 2.6.20 frees chunks of 64 pages.
    """
    for zone in memory.zones:
        for start, end in free_ranges(free[zone.start_pfn : zone.end_pfn]):
            for pfn, order in aligned_blocks(zone.start_pfn + start, zone.start_pfn + end):
                memory.release(pfn, order, migratetype_of(pfn))


def initial_migratetype(zones: tuple[Zone, ...], mechanism: Mechanism) -> int:
    """Type of all pageblocks at boot."""
    return MOVABLE if grouping_enabled(zones, mechanism) else UNMOVABLE


def boot(machine: Machine, mechanism: Mechanism, cls: type = Memory) -> Memory:
    """A machine with all its usable memory free; `cls` has Memory's methods."""
    zones = build_zones(machine, mechanism)
    memory = cls(zones, mechanism, machine.pages)
    for pfn in np.flatnonzero(machine.unusable):
        if machine.unusable[pfn] != RESERVED:
            memory.set_used(int(pfn), 0, int(machine.unusable[pfn]))
    migratetype = initial_migratetype(zones, mechanism)
    release_free_pages(memory, machine.unusable == 0, lambda pfn: migratetype)
    return memory
