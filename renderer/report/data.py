"""The data that the page's scripts read: one JSON, beside the frames and places."""

import numpy as np

from allocator.terms import EVENT_KINDS
from pipeline.grouping import grouping_of
from renderer import palette
from renderer.html_page import THEMES
from renderer.panel import Panel
from renderer.report.events import event_data, left_out_data
from renderer.report.pack import PackedPanel
from renderer.report.report import Report

DIGITS = 6  # of a value in a chart
_PAGES_PER_MIB = 256


def page_data(report: Report, packed: list[PackedPanel], places: list[dict]) -> dict:
    """What `data` is in the scripts; see page/js/."""
    recording = report.panels[0].recording
    header = recording.header
    block_pages = 1 << header["geometry"]["pageblock_order"]
    per_cell = packed[0].cells.pages_per_cell
    names = dict.fromkeys(
        name for panel in report.panels for name in panel.recording.header["page_classes"]
    )
    return {
        "metadata": report.metadata,
        "frames": len(recording),
        "fps": report.fps,
        "pages_per_cell": per_cell,
        "block_pages": block_pages,
        "block_cells": max(block_pages // per_cell, 1),
        "clock": {
            "ops": recording.ops.tolist(),
            "times_us": recording.times_us.tolist(),
            "phases": recording.phases.tolist(),
        },
        "phases": phases(recording),
        "migratetypes": header["migratetypes"],
        "event_kinds": list(EVENT_KINDS),
        "classes": {name: class_data(name, report) for name in names},
        "legend": palette.legend_order(names),
        "theme": THEMES,
        "metrics": {
            curves.name: {
                "title": curves.title,
                "unit": curves.unit,
                "better": curves.better,
                "values": [numbers(values) for values in curves.values],
            }
            for curves in report.curves
        },
        "metric": report.metric or report.curves[0].name,
        "layout": report.layout,
        "places": places,
        "panels": [_panel(panel, part) for panel, part in zip(report.panels, packed, strict=True)],
    }


def class_data(name: str, report: Report) -> dict:
    """Label and colours of a page class, and whether it spoils a pageblock."""
    return {
        "label": palette.class_label(name),
        "light": palette.STANDARD.swatch(name).colour,
        "dark": palette.DARK.swatch(name).colour,
        "cannot_move": name in report.cannot_move,
    }


def phases(recording) -> list[dict]:
    """Phases with the first frame of each; those that the recording doesn't reach are left out."""
    return [
        {
            "name": phase["name"],
            "title": phase["title"],
            "first_frame": int(np.searchsorted(recording.phases, number)),
        }
        for number, phase in enumerate(recording.header["phases"])
        if number <= recording.phases[-1]
    ]


def numbers(values: np.ndarray) -> list[float | int | None]:
    """Values as short numbers of JSON; None where there is none."""
    return [_number(value) for value in np.asarray(values, float).tolist()]


def _number(value: float) -> float | int | None:
    if not np.isfinite(value):
        return None
    if value == int(value):
        return int(value)
    return float(f"{value:.{DIGITS}g}")


def _panel(panel: Panel, packed: PackedPanel) -> dict:
    header = panel.recording.header
    zones = header["geometry"]["zones"]
    return {
        "title": panel.title,
        "name": panel.name,
        "classes": header["page_classes"],
        "pages": header["geometry"]["pages"],
        "cells": packed.cells.cells,
        "group_frames": packed.group_frames,
        "has_orders": bool(packed.orders),
        "zones": [{key: zone[key] for key in ("name", "start_pfn", "end_pfn")} for zone in zones],
        "figure": {
            "values": numbers(panel.values),
            "maximum": panel.maximum,
            "text": panel.text,
            "text_none": panel.text_none,
        },
        **_counters(panel),
        "types": _types(panel.recording),
        "own_block_pages": 1 << grouping_of(header)["block_order"],
        "events": event_data(panel.recording),
        "left_out": left_out_data(panel.recording),
    }


def _counters(panel: Panel) -> dict:
    """Free memory and failed requests at each frame, where the recording tells them."""
    columns, series = panel.recording.header["series_columns"], panel.recording.series
    free = [n for n, name in enumerate(columns) if name.startswith("free_pages:")]
    result: dict[str, list[int]] = {}
    if free:
        pages = series[:, free].sum(axis=1)
        result["free_mib"] = np.rint(pages / _PAGES_PER_MIB).astype(int).tolist()
    if "failed_requests" in columns:
        result["failed"] = series[:, columns.index("failed_requests")].tolist()
    return result


def _types(recording) -> dict:
    """Types of the pageblocks at the first frame, then what changed: frame, pageblock, type."""
    before = recording.block_types(0)
    start, changes = before.tolist(), []
    for frame in range(1, len(recording)):
        types = recording.block_types(frame)
        blocks = np.flatnonzero(types != before)
        changes += [[frame, int(block), int(types[block])] for block in blocks]
        before = types
    return {"start": start, "changes": changes}
