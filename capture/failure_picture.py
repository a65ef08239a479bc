"""A report of a failed request as a figure: which bars there are, and what is said above them."""

from pathlib import Path

from capture.failure_report import LETTERS, FailureReport, ZoneState, zones_in_order
from capture.failure_text import asked_text, cause_text
from capture.failure_verdict import LITTLE, MARKS, judge, may_use, reserve_pages
from pipeline.plain_text import size_text
from pipeline.version import version
from renderer.failure_figure import (
    FOREIGN,
    KEPT,
    SMALL,
    USABLE,
    FailureFigure,
    OrderBar,
    ZoneBars,
    write_failure,
)

LETTERS_TOLD = (
    "Numbers above bars: free blocks; letters: their migratetypes, as the report has them "
    f"({', '.join(f'{letter} {name}' for letter, name in LETTERS.items())}). "
    "Grey ground: large enough."
)


def drawable(report: FailureReport) -> bool:
    """Whether any zone's free blocks could be read."""
    return any(zone.free_list for zone in report.zones.values())


def draw(report: FailureReport, base: Path, source: str) -> None:
    """Write `base`.png, .svg and .pdf. Raises RenderError."""
    write_failure(figure_of(report, source), base)


def figure_of(report: FailureReport, source: str) -> FailureFigure:
    """A graph for each zone whose free blocks could be read."""
    judged = judge(report)
    why = {one.zone.name: one.why for one in judged}
    zones = [
        _zone(report, zone, why.get(zone.name, ""))
        for zone in zones_in_order(report)
        if zone.free_list
    ]
    return FailureFigure(
        title=f"Why a request of order {report.order} failed",
        notes=[asked_text(report), cause_text(judged), LETTERS_TOLD],
        order=report.order,
        zones=zones,
        metadata={
            "pagereel": version(),
            "source": {"kind": "report", "text": f"{source}, line {report.line}"},
        },
    )


def _zone(report: FailureReport, zone: ZoneState, why: str) -> ZoneBars:
    bars = []
    for order, of in enumerate(zone.free_list.orders):
        if order < report.order:
            use = SMALL
        elif not why or not may_use(report, of):
            use = FOREIGN
        else:
            use = KEPT if why in (LITTLE, MARKS) else USABLE
        bars.append(OrderBar(zone.free_list.kib(order) / 1024, of.blocks, of.letters, use))
    told = [f"{size_text(zone.fields[n])} {n}" for n in ("free", "min") if n in zone.fields]
    if reserve := reserve_pages(report, zone) if why else 0:
        told.append(f"{size_text(reserve * report.page_kib)} kept from this request")
    told += [why or "not for this request"]
    return ZoneBars(f"{zone.name}: {', '.join(told)}", bars)
