"""Why a request failed: too little memory, or enough but broken up, or only on foreign lists.

Judged zone by zone as the kernel does before it gives up, with the figures of its report. These
are a moment later than the failure, so that memory may be there again: that is said.
Source: 6.1 mm/page_alloc.c __zone_watermark_ok, __zone_watermark_unusable_free; 3.18 the same for
the marks by order that kernels before 4.4 have.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from allocator.terms import MOVABLE
from capture.failure_report import FailureReport, FreeList, Order, ZoneState, zones_in_order
from capture.gfp import ZONES

LITTLE, BROKEN, FOREIGN, MARKS, ENOUGH, UNKNOWN = (
    "too little memory", "broken up", "foreign lists only", "kept for small requests",
    "could have served it", "cannot be told",
)  # fmt: skip
MARKS_BY_ORDER_BEFORE = (4, 4)


@dataclass(frozen=True)
class Judged:
    """A zone's part in it. KiB; `above`: free memory beyond mark and reserve, None if unknown.

    `largest`: order of its largest free block that the request may use, -1 for none; None if
    unknown.
    """

    zone: ZoneState
    why: str
    above_kib: int | None
    largest: int | None


def judge(report: FailureReport) -> list[Judged]:
    """Each zone that may serve the request, the highest first."""
    return [
        _judged(report, zone)
        for zone in zones_in_order(report)
        if zone.zone in report.request.zones
    ]


def cause(judged: Sequence[Judged]) -> str:
    """Of the whole: the reason of the zone that came nearest to serving it."""
    reasons = {one.why for one in judged}
    for why in (ENOUGH, UNKNOWN, MARKS, FOREIGN, BROKEN, LITTLE):
        if why in reasons:
            return why
    return UNKNOWN


def _judged(report: FailureReport, zone: ZoneState) -> Judged:
    above = _above_kib(report, zone)
    free_list = zone.free_list
    largest = _largest(report, free_list) if free_list else None
    if above is not None and above <= 0:
        return Judged(zone, LITTLE, above, largest)
    if largest is None or free_list is None or above is None:
        return Judged(zone, UNKNOWN, above, largest)
    if largest < report.order:
        foreign = free_list.largest >= report.order
        return Judged(zone, FOREIGN if foreign else BROKEN, above, largest)
    if _marks_by_order(report.kernel) and not _orders_met(report, zone, free_list):
        return Judged(zone, MARKS, above, largest)
    return Judged(zone, ENOUGH, above, largest)


def _above_kib(report: FailureReport, zone: ZoneState) -> int | None:
    """Free memory beyond what the request must leave: its mark and the zone's reserve."""
    if "free" not in zone.fields or "min" not in zone.fields:
        return None
    page_kib = report.page_kib
    free = zone.fields["free"] - page_kib * ((1 << report.order) - 1)
    if not _may_use_highatomic(report):
        kept = zone.fields.get("reserved_highatomic", 0)
        free -= zone.fields.get("free_highatomic", kept)
    if report.request.mobility != MOVABLE:
        free -= zone.fields.get("free_cma", 0)
    return free - _mark_kib(report, zone) - page_kib * reserve_pages(report, zone)


def _mark_kib(report: FailureReport, zone: ZoneState) -> int:
    """MIN; an urgent request may go below it by a half, one that can't wait by a quarter more."""
    mark = zone.fields["min"]
    if report.request.high_priority:
        mark -= mark // 2
    if not report.request.may_wait and report.request.high_priority:
        mark -= mark // 4
    return mark


def _may_use_highatomic(report: FailureReport) -> bool:
    """What is kept for them serves requests that neither wait nor are of order 0 alone."""
    return report.request.high_priority and not report.request.may_wait


def reserve_pages(report: FailureReport, zone: ZoneState) -> int:
    """What the zone keeps from requests that could have been served higher.

    lowmem_reserve has a number for each zone of the kernel, populated or not. It grows at populated
    zones alone, so that they are counted instead of knowing how the kernel was configured.
    """
    if not zone.reserve:
        return 0
    steps = sorted({pages for pages in zone.reserve if pages > 0})
    own, highest = ZONES.index(zone.zone), ZONES.index(report.request.highest_zone)
    above = sum(
        other.node == zone.node and own < ZONES.index(other.zone) <= highest
        for other in report.zones.values()
    )
    if not above or not steps:
        return 0
    return steps[min(above, len(steps)) - 1]


def may_use(report: FailureReport, of: Order) -> bool:
    """Whether some of these blocks are on lists that serve the request, by fallback too.

    Where no migratetype is told, all may be.
    """
    usable = set("UMER")
    if report.request.mobility == MOVABLE:
        usable.add("C")
    if _may_use_highatomic(report):
        usable.add("H")
    return not of.letters or bool(usable & set(of.letters))


def _largest(report: FailureReport, free_list: FreeList) -> int:
    """Order of the largest free block on a list that the request may be served from."""
    orders = enumerate(free_list.orders)
    return max((n for n, of in orders if of.blocks and may_use(report, of)), default=-1)


def _marks_by_order(kernel: str) -> bool:
    """Whether this kernel wants enough memory left in blocks of each order."""
    found = re.match(r"(\d+)\.(\d+)", kernel)
    return bool(found) and (int(found[1]), int(found[2])) < MARKS_BY_ORDER_BEFORE


def _orders_met(report: FailureReport, zone: ZoneState, free_list: FreeList) -> bool:
    """3.18 __zone_watermark_ok: blocks too small don't count, and the mark halves each time."""
    free = zone.fields["free"] // report.page_kib - (1 << report.order) + 1
    mark = _mark_kib(report, zone) // report.page_kib
    if free <= mark + reserve_pages(report, zone):
        return False
    for order in range(min(report.order, len(free_list.orders))):
        free -= free_list.orders[order].blocks << order
        mark //= 2
        if free <= mark:
            return False
    return True
