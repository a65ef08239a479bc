"""Zones of a machine under a mechanism: spans, watermarks, reserves, per-CPU list sizes."""

from dataclasses import dataclass, field, replace
from math import isqrt

import numpy as np

from allocator.mechanism import Mechanism
from allocator.terms import CLUSTER_PAGES, HOLE, PAGE_SIZE_BYTES, RESERVED

# First pfn above each zone (4 KiB pages), and how many pages above a zone cost one page of reserve
# in it. Source: 6.1 arch/x86/mm/init.c; mm/page_alloc.c, sysctl_lowmem_reserve_ratio; the same of
# 2.6.20 for i386, where the kernel itself uses the lowest 896 MiB only.
ARCHITECTURES = {
    "x86-64": (("DMA", 4096, 256), ("DMA32", 1 << 20, 256), ("Normal", 2**31 - 1, 32)),
    "i386": (("DMA", 4096, 256), ("Normal", 229376, 32), ("HighMem", 2**31 - 1, 32)),
}
MOVABLE_ZONE, HIGHMEM_ZONE = "Movable", "HighMem"
NOT_FOR_KERNEL = (MOVABLE_ZONE, HIGHMEM_ZONE)  # for movable requests only
KERNEL_MIGRATETYPES = 5  # of a 6.1 kernel with isolation and without CMA, as Debian builds it


@dataclass(frozen=True)
class Zone:
    """One zone; pfns are of 4 KiB pages, `end_pfn` is exclusive.

    `lowmem_reserve_pages[c]` is kept from requests whose highest allowed zone is number c.
    """

    name: str
    start_pfn: int
    end_pfn: int
    managed_pages: int
    min_pages: int = 0
    low_pages: int = 0
    high_pages: int = 0
    lowmem_reserve_pages: tuple[int, ...] = ()
    batch_pages: int = 0  # of the per-CPU list
    pcp_high_pages: int = 0


@dataclass(frozen=True)
class Machine:
    """Physical memory before any mechanism divides it.

    `unusable`: u1[pages], RESERVED or HOLE where the page allocator never owns the page, else 0.
    `recorded_zones`: the zones as a real kernel printed them, with that kernel's version.
    """

    name: str
    unusable: np.ndarray
    min_free_kbytes: int | None = None
    architecture: str = "x86-64"
    recorded_kernel: str = ""
    recorded_zones: tuple[Zone, ...] = field(default=())

    @property
    def pages(self) -> int:
        """Pages spanned, from pfn 0."""
        return len(self.unusable)


def build_zones(machine: Machine, mechanism: Mechanism) -> tuple[Zone, ...]:
    """The zones that `mechanism` makes of `machine`, ascending.

    Where the recorded kernel is the mechanism's and the spans agree, what that kernel printed
    (watermarks, reserves, managed pages) is taken as it stands. Everything else is computed.
    Source: 6.1 mm/page_alloc.c, __setup_per_zone_wmarks, setup_per_zone_lowmem_reserve,
    zone_batchsize, zone_highsize, find_zone_movable_pfns_for_nodes; 2.6.20 the same names.
    """
    zones = _spans(machine, mechanism)
    recorded = machine.recorded_zones
    if (
        machine.recorded_kernel == mechanism.kernel
        and mechanism.watermarks.min_free_kbytes is None
        and layout(recorded) == layout(zones)
    ):
        zones = list(recorded)
    else:
        zones = with_reserves(
            with_watermarks(zones, min_free_pages(machine, mechanism, zones), mechanism),
            machine.architecture,
        )
    return tuple(_with_per_cpu(zone, mechanism) for zone in zones)


def layout(zones: list[Zone] | tuple[Zone, ...]) -> list[tuple[str, int]]:
    """What makes two divisions of memory the same; the outer ends may lie in holes."""
    return [(zone.name, zone.start_pfn if i else 0) for i, zone in enumerate(zones)]


def _spans(machine: Machine, mechanism: Mechanism) -> list[Zone]:
    bounds, start = [], 0
    for name, limit, _ in ARCHITECTURES[machine.architecture]:
        end = min(limit, machine.pages)
        if start < end:
            bounds.append((name, start, end))
        start = end
    movable_start = _movable_start(machine, mechanism, bounds)
    if movable_start is not None:
        name, start, end = bounds[-1]
        bounds[-1:] = [(name, start, movable_start), (MOVABLE_ZONE, movable_start, end)]
        bounds = [b for b in bounds if b[1] < b[2]]
    return [
        Zone(name, start, end, int(np.count_nonzero(machine.unusable[start:end] == 0)))
        for name, start, end in bounds
    ]


def _movable_start(machine: Machine, mechanism: Mechanism, bounds: list) -> int | None:
    """First pfn of ZONE_MOVABLE, inside the highest kernel zone; None without one.

    As in the kernel there is none either where kernelcore comes to no page at all.
    DEVIATION: D9, one node: kernelcore isn't spread over nodes.
    """
    present = machine.unusable != HOLE
    core_pages = mechanism.zones.kernelcore_pages(int(present.sum()))
    if not core_pages:
        return None
    _, lowest, end = bounds[-1]
    rest = core_pages - int(present[:lowest].sum())  # what lies below is kernel memory anyway
    above = np.flatnonzero(present[lowest:end])
    start = lowest + (int(above[rest]) if 0 <= rest < len(above) else (0 if rest < 0 else end))
    step = 1 << mechanism.zones.movable_start_order
    start = (start + step - 1) // step * step
    return start if start < end else None


def min_free_pages(machine: Machine, mechanism: Mechanism, zones: list[Zone]) -> int:
    """Pages that the watermarks MIN of all zones share: as set, else by the size of memory.

    ZONE_MOVABLE doesn't count for the size, though it gets its share; ZONE_HIGHMEM neither.
    Source: 2.6.20 init_per_zone_pages_min; 6.1 calculate_min_free_kbytes.
    DEVIATION: D14, khugepaged doesn't raise it.
    """
    kbytes = mechanism.watermarks.min_free_kbytes or machine.min_free_kbytes
    if kbytes is None:
        lowmem_pages = sum(z.managed_pages for z in zones if z.name not in NOT_FOR_KERNEL)
        lowmem_kbytes = lowmem_pages * (PAGE_SIZE_BYTES // 1024)
        kbytes = min(max(isqrt(16 * lowmem_kbytes), 128), mechanism.watermarks.max_min_free_kbytes)
    return kbytes // (PAGE_SIZE_BYTES // 1024)


def with_watermarks(zones: list[Zone], all_min_pages: int, mechanism: Mechanism) -> list[Zone]:
    """The zones with their MIN, LOW and HIGH (KERNEL.md, rule 2); `all_min_pages` is shared out.

    Source: 2.6.20 setup_per_zone_pages_min; 6.1 __setup_per_zone_wmarks.
    DEVIATION: D5, managed pages where 2.6.20 has present ones.
    """
    high_memory = NOT_FOR_KERNEL if any(z.name == HIGHMEM_ZONE for z in zones) else ()
    managed_pages = sum(z.managed_pages for z in zones if z.name not in high_memory)
    result = []
    for zone in zones:
        lowest = share = all_min_pages * zone.managed_pages // max(managed_pages, 1)
        to_low, to_high = share // 4, share // 2
        if mechanism.watermarks.distance == "scale-factor":
            scale_factor = mechanism.watermarks.scale_factor
            to_low = max(share // 4, zone.managed_pages * scale_factor // 10000)
            to_high = 2 * to_low
        if zone.name in high_memory:  # the kernel doesn't depend on it
            lowest = min(max(zone.managed_pages // 1024, CLUSTER_PAGES), 128)
        result.append(
            replace(
                zone,
                min_pages=lowest,
                low_pages=lowest + to_low,
                high_pages=lowest + to_high,
            )
        )
    return result


def with_reserves(zones: list[Zone], architecture: str = "x86-64") -> list[Zone]:
    """The zones with what each keeps from requests that may use higher ones."""
    ratios = {name: ratio for name, _, ratio in ARCHITECTURES[architecture]}
    result = []
    for i, zone in enumerate(zones):
        reserve = [0] * len(zones)
        for c in range(i + 1, len(zones)):
            above_pages = sum(z.managed_pages for z in zones[i + 1 : c + 1])
            reserve[c] = above_pages // ratios[zone.name]
        result.append(replace(zone, lowmem_reserve_pages=tuple(reserve)))
    return result


def batch_pages(managed_pages: int, cap_pages: int) -> int:
    """Pages moved at once between a per-CPU list and the buddy lists; 0 for very small zones.

    Source: 2.6.20 and 6.1 zone_batchsize; `cap_pages` is 128 and 256 there.
    """
    batch = max(min(managed_pages // 1024, cap_pages) // 4, 1)
    return (1 << ((batch + batch // 2).bit_length() - 1)) - 1


def _with_per_cpu(zone: Zone, mechanism: Mechanism) -> Zone:
    """The zone with the sizes of its per-CPU lists, as set or by the kernel's formulas.

    Source: 2.6.20 setup_pageset; 6.1 zone_set_pageset_high_and_batch, zone_highsize.
    """
    rules = mechanism.per_cpu
    batch = rules.batch_pages or batch_pages(zone.managed_pages, rules.batch_cap_pages)
    high = rules.high_pages or 6 * batch
    if rules.rule == "types-and-orders":
        high = max(rules.high_pages or zone.low_pages, 4 * max(batch, 1))
    return replace(zone, batch_pages=max(batch, 1), pcp_high_pages=high)


def grouping_enabled(zones: tuple[Zone, ...], mechanism: Mechanism) -> bool:
    """Whether requests are told apart by mobility: switched on, and memory not too small for it.

    Source: 6.1 mm/page_alloc.c, build_all_zonelists: off below one pageblock for each of the
    kernel's migratetypes; the patches of March 2007 have no such limit.
    DEVIATION: D19, all pageblocks are unmovable then.
    """
    grouping = mechanism.grouping
    if grouping.rule != "claim":
        return grouping.rule != "none" and grouping.enabled
    managed_pages = sum(zone.managed_pages for zone in zones)
    return grouping.enabled and managed_pages >= KERNEL_MIGRATETYPES << grouping.block_order


def unusable_of(page_class: np.ndarray) -> np.ndarray:
    """The `unusable` array of a Machine from the classes of its pages, u1[pages]."""
    return np.where(np.isin(page_class, (RESERVED, HOLE)), page_class, 0).astype(np.uint8)
