"""What a stream from a file must satisfy before anything is built from it.

Whatever stands in the file, the allocator's loop runs without checks: it relies on these.
"""

import numpy as np

from allocator.mechanism import mechanism_names
from allocator.terms import (
    CLASS_MOVABLE,
    CLASS_RECLAIMABLE,
    CLASS_UNMOVABLE,
    HOLE,
    HUGETLB,
    KERNEL_UNKNOWN,
    MAX_ORDER,
    PAGE_CLASSES,
    RESERVED,
)
from allocator.zones import ARCHITECTURES, Machine, Zone
from workloads.stream import Phase, Start, Stream, WorkloadError, check_ops

MAX_MACHINE_PAGES = 1 << 28  # 1 TiB
MAX_ZONE_PAGES = 1 << 29  # of a watermark or a reserve: two of them add up in 32 bits
MAX_MIN_FREE_KBYTES = 1 << 30
MAX_NAME = 255
IN_USE = (CLASS_MOVABLE, CLASS_UNMOVABLE, CLASS_RECLAIMABLE, HUGETLB, KERNEL_UNKNOWN)


def column(values, name: str, where: str, dtype: type, limit: int) -> np.ndarray:
    """A column of whole numbers from 0 up to and without `limit`, as `dtype`."""
    if not isinstance(values, np.ndarray) or values.ndim != 1 or values.dtype.kind not in "biu":
        raise WorkloadError(f"{where}: {name} is no column of whole numbers")
    bad = (values < 0) | (values >= limit) if values.dtype.kind != "b" else np.zeros(0, bool)
    if bad.any():
        at = int(bad.argmax())
        raise WorkloadError(f"{where}: {name} {values[at]} at place {at} is out of range")
    return np.ascontiguousarray(values, dtype)


def check_name(name, what: str, where: str) -> str:
    """A short name on one line, as tables and pictures show it."""
    if not isinstance(name, str) or not name or len(name) > MAX_NAME or not name.isprintable():
        raise WorkloadError(f"{where}: {what} has no readable name")
    return name


def check_stream(stream: Stream, where: str) -> None:
    """Raise WorkloadError for a stream that no allocator can run."""
    if set(check_name(stream.name, "the stream", where)) & set("/\\"):
        raise WorkloadError(f"{where}: the stream's name {stream.name!r} is no file name")
    if not is_number(stream.pageblock_order, MAX_ORDER + 1) or stream.pageblock_order < 1:
        raise WorkloadError(f"{where}: pageblock_order isn't 1 to {MAX_ORDER}")
    for what in (stream.title, stream.source, stream.machine.name, stream.start.mechanism):
        if not isinstance(what, str) or not (what.isprintable() or not what):
            raise WorkloadError(f"{where}: a title, source or name isn't readable")
    recorded = stream.start.mechanism
    if recorded and recorded not in mechanism_names():
        raise WorkloadError(f"{where}: recorded under an unknown mechanism {recorded[:MAX_NAME]!r}")
    check_machine(stream.machine, where)
    check_start(stream.start, stream.machine, where)
    check_ops(stream.ops, where, stream.start.order)
    check_phases(stream.phases, len(stream.ops), where)


def is_number(value, limit: int) -> bool:
    """Whether `value` is a whole number from 0 up to and without `limit`."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < limit


def check_machine(machine: Machine, where: str) -> None:
    """The machine's size, its unusable pages and what a kernel printed of its zones."""
    if not 1 <= machine.pages <= MAX_MACHINE_PAGES:
        raise WorkloadError(f"{where}: a machine of {machine.pages} pages")
    if not np.isin(machine.unusable, (0, RESERVED, HOLE)).all():
        raise WorkloadError(f"{where}: unusable pages are neither reserved nor holes")
    check_zones(machine.recorded_zones, machine.pages, where)
    kbytes = machine.min_free_kbytes
    if kbytes is not None and (not is_number(kbytes, MAX_MIN_FREE_KBYTES) or kbytes == 0):
        raise WorkloadError(f"{where}: min_free_kbytes {kbytes!r} is out of range")
    if machine.architecture not in tuple(ARCHITECTURES):
        known = ", ".join(ARCHITECTURES)
        raise WorkloadError(f"{where}: unknown architecture {machine.architecture!r}: not {known}")
    if not isinstance(machine.recorded_kernel, str):
        raise WorkloadError(f"{where}: the recorded kernel has no name")


def check_zones(zones: tuple[Zone, ...], pages: int, where: str) -> None:
    """Zones ascend, do not overlap, lie inside the machine; their numbers are plausible."""
    end = 0
    for zone in zones:
        name = check_name(zone.name, "a zone", where)
        numbers = (
            zone.managed_pages,
            zone.min_pages,
            zone.low_pages,
            zone.high_pages,
            zone.batch_pages,
            zone.pcp_high_pages,
            *zone.lowmem_reserve_pages,
        )
        bounds = (zone.start_pfn, zone.end_pfn)
        if not all(is_number(number, MAX_ZONE_PAGES) for number in (*numbers, *bounds)):
            raise WorkloadError(f"{where}: zone {name}: a number is out of range")
        if len(zone.lowmem_reserve_pages) != len(zones):
            raise WorkloadError(f"{where}: zone {name}: not one reserve for each zone")
        if not end <= zone.start_pfn < zone.end_pfn <= pages:
            raise WorkloadError(f"{where}: zone {name} overlaps another or ends after the machine")
        if zone.managed_pages > zone.end_pfn - zone.start_pfn:
            raise WorkloadError(f"{where}: zone {name} manages more pages than it spans")
        end = zone.end_pfn


def check_start(start: Start, machine: Machine, where: str) -> None:
    """Pages and allocations before the first operation."""
    page_class = start.page_class
    if len(page_class) != machine.pages or (page_class >= len(PAGE_CLASSES)).any():
        raise WorkloadError(f"{where}: page classes are unknown, or not one for each page")
    if not np.array_equal(np.isin(page_class, (RESERVED, HOLE)), machine.unusable > 0):
        raise WorkloadError(f"{where}: reserved pages and holes aren't the machine's")
    if machine.recorded_zones:
        outside = np.ones(machine.pages, bool)
        for zone in machine.recorded_zones:
            outside[zone.start_pfn : zone.end_pfn] = False
        bad = outside & (machine.unusable == 0)
        if bad.any():
            raise WorkloadError(f"{where}: pfn {int(bad.argmax())} lies in no zone")
    if not len(start.pfn) == len(start.order) == len(start.traced):
        raise WorkloadError(f"{where}: the columns of the start are of different lengths")
    check_start_blocks(start.pfn, start.order, machine.pages, where)
    for number, pages in enumerate(np.left_shift(1, np.arange(MAX_ORDER + 1)).tolist()):
        of_order = start.order == number
        held = page_class[start.pfn[of_order][:, None] + np.arange(pages)]
        wrong = ~np.isin(held, (*IN_USE, RESERVED)).all(axis=1)
        wrong |= start.traced[of_order] & ~np.isin(held, IN_USE).all(axis=1)
        if wrong.any():
            pfn = int(start.pfn[of_order][wrong][0])
            raise WorkloadError(f"{where}: pfn {pfn} is held at the start, but not in use")


def check_start_blocks(pfn: np.ndarray, order: np.ndarray, pages: int, where: str) -> None:
    """The allocations at the start: inside the machine, aligned, apart."""
    first, size = pfn.astype(np.int64), np.left_shift(1, order.astype(np.int64))
    for fault, bad in (
        ("lies outside the machine", first + size > pages),
        ("is not aligned", (first & (size - 1)) != 0),
    ):
        if bad.any():
            raise WorkloadError(f"{where}: pfn {first[bad][0]} of the start {fault}")
    sequence = np.argsort(first, kind="stable")
    first, size = first[sequence], size[sequence]
    twice = first[1:] < (first + size)[:-1]
    if twice.any():
        raise WorkloadError(f"{where}: pfn {first[1:][twice][0]} of the start is held twice")


def check_phases(phases: tuple[Phase, ...], operations: int, where: str) -> None:
    """Phases are there, named once each, ascend, and lie among the operations."""
    if not phases:
        raise WorkloadError(f"{where}: no phases")
    if len({phase.name for phase in phases}) != len(phases):
        raise WorkloadError(f"{where}: a phase begins twice")
    begin = 0
    for phase in phases:
        name = check_name(phase.name, "a phase", where)
        places = (phase.start_op, phase.sample_op)
        if not all(is_number(place, operations + 1) for place in places):
            raise WorkloadError(f"{where}: phase {name} lies outside the operations")
        if not begin <= phase.start_op <= phase.sample_op:
            raise WorkloadError(
                f"{where}: phase {name} begins before the one before, or ends first"
            )
        if not isinstance(phase.title, str) or not phase.title.isprintable():
            raise WorkloadError(f"{where}: phase {name} has no readable title")
        if not isinstance(phase.key, bool):
            raise WorkloadError(f"{where}: phase {name}: key is neither true nor false")
        begin = phase.start_op
