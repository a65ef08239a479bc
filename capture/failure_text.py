"""Why a request failed, in three lines, and its zones as a table."""

from collections.abc import Sequence

from allocator.terms import MIGRATETYPES
from capture.failure_report import Damage, FailureReport, ZoneState
from capture.failure_verdict import (
    BROKEN,
    ENOUGH,
    FOREIGN,
    LITTLE,
    MARKS,
    UNKNOWN,
    Judged,
    cause,
    judge,
)
from pipeline.plain_text import WIDTH, paragraph, size_text

CAUSES = {
    LITTLE: "Too little memory: no zone had so much free above its mark.",
    BROKEN: "Enough memory, but broken up: no free block is large enough.",
    FOREIGN: "Enough memory, but blocks that are large enough are on lists it may not use.",
    MARKS: "Enough memory in blocks that are large enough, but too much of the rest is in smaller "
    "ones: this kernel keeps large blocks back.",
    ENOUGH: "By these figures it could have been served. They are of a moment after the failure; "
    "or the task was bound to other nodes, or to a memory cgroup.",
    UNKNOWN: "The report doesn't hold enough to tell why.",
}  # fmt: skip
MOST_TOLD = 20
LONGEST = 60


def report_lines(report: FailureReport) -> list[str]:
    """A report: what was asked for, why it failed, zone by zone, and what could not be read."""
    judged = judge(report)
    lines = [
        *paragraph(f"line {report.line}: {asked_text(report)}", "  "),
        *paragraph(f"  {cause_text(judged)}", "  "),
        *paragraph(f"  {_zones(report, judged)}", "  "),
        *_table(report),
    ]
    return [*lines, *damaged_lines(report.damaged)]


def cause_text(judged: Sequence[Judged]) -> str:
    """Why it failed, in a sentence."""
    return CAUSES[cause(judged)]


def asked_text(report: FailureReport) -> str:
    """What was asked for."""
    size = size_text(report.page_kib << report.order)
    pages = "1 page" if report.order == 0 else f"{1 << report.order} pages"
    mode = report.names or f"mode 0x{report.mode:x}"
    mobility = MIGRATETYPES[report.request.mobility]
    what = "the OOM killer was called for" if report.killed else "failed"
    kernel = f"; kernel {report.kernel}" if report.kernel else ""
    return f"order {report.order} ({pages}, {size}) {what}: {mode}, {mobility}{kernel}."


def _zones(report: FailureReport, judged: Sequence[Judged]) -> str:
    if not judged:
        zones = ", ".join(report.request.zones)
        return f"No zone that may serve it ({zones}) can be read."
    return " ".join(_zone(report, one) for one in judged)


def _zone(report: FailureReport, judged: Judged) -> str:
    zone, told = judged.zone, []
    if "free" in zone.fields:
        told.append(f"{size_text(zone.fields['free'])} free")
    if judged.above_kib is not None:
        sign = "above" if judged.above_kib > 0 else "below"
        size = size_text(abs(judged.above_kib))
        told.append(f"{size} {sign} what it must keep" if judged.above_kib else "just at its mark")
    if judged.largest is not None:
        told.append(f"largest usable block of {_order(report, judged.largest)}")
    if judged.why == FOREIGN and zone.free_list:
        letters = zone.free_list.orders[zone.free_list.largest].letters
        told.append(f"larger ones only as {letters}")
    return f"{zone.name}: {', '.join(told) or 'no figures'}."


def _order(report: FailureReport, order: int) -> str:
    return f"order {order} ({size_text(report.page_kib << order)})" if order >= 0 else "none"


def _table(report: FailureReport) -> list[str]:
    """Free blocks by order; below each count its migratetypes, where they are told."""
    zones = [zone for zone in report.zones.values() if zone.free_list]
    if not zones:
        return []
    orders = max(len(zone.free_list.orders) for zone in zones)
    name = max(len(zone.name) for zone in zones)
    width = max(5, (WIDTH - name - 2) // orders)
    lines = ["  " + "order".ljust(name) + "".join(f"{n:>{width}}" for n in range(orders))]
    for zone in zones:
        lines += _row(zone, name, width)
    return lines


def _row(zone: ZoneState, name: int, width: int) -> list[str]:
    counts = "".join(f"{of.blocks:>{width}}" for of in zone.free_list.orders)
    lines = [f"  {zone.name.ljust(name)}{counts}"]
    if any(of.letters for of in zone.free_list.orders):
        lines.append(
            "  " + " " * name + "".join(f"{of.letters:>{width}}" for of in zone.free_list.orders)
        )
    listed, free = zone.free_list.total_kib, zone.fields.get("free", zone.free_list.total_kib)
    if listed != free:
        lines.append(f"  {zone.name}: {free} kB free, {listed} kB on these lists")
    return lines


def damaged_lines(damaged: Sequence[Damage]) -> list[str]:
    """What could not be read, with its line and text."""
    lines = []
    for one in damaged[:MOST_TOLD]:
        text = one.text if len(one.text) <= LONGEST else f"{one.text[:LONGEST]}..."
        lines += paragraph(f"  line {one.line}: not read: {one.why}: {text}", "    ")
    if len(damaged) > MOST_TOLD:
        lines.append(f"  and {len(damaged) - MOST_TOLD} more that could not be read")
    return lines
