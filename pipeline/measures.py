"""Measures of a recording: the figures that mechanisms are compared by, one value each.

A measure is a metric at a phase's sample, or a count of what the allocator did, in total.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from allocator.terms import COUNTERS, EVENT_FALLBACK, MIGRATETYPES, NR_ORDERS
from pipeline.grouping import tells_types
from pipeline.metrics import METRICS, measured
from pipeline.metrics.evidence import Evidence
from pipeline.recording import Recording

TOTAL = "total"  # in place of a phase: from the first operation to the last
COLUMNS = ("phase", "measure", "value")
SEEDS_COLUMNS = ("mechanism", "workload", "seed", *COLUMNS)  # with whose they are
# Not those that have measures of their own: requests and failures by order.
COSTS = [name for name in COUNTERS if not name.startswith(("requests_order", "failed"))]
FAILURES = {
    f"failed_order_{order}": f"requests of order {order} that failed" for order in range(NR_ORDERS)
}
# What failures are to be seen against: a mechanism of more requests may fail more of them.
REQUESTS = {f"requests_order_{order}": f"requests of order {order}" for order in range(NR_ORDERS)}
# Counts of which less is better beyond doubt: work that is done for others, or harm. Splits,
# merges and searches belong to serving requests; few of them may mean that little was served. Free
# pages are moved to other lists by grouping alone: that is how it works, and no cost of another.
HARM = (
    "pages_migrated", "compact_stalls", "direct_reclaims", "pages_scanned_direct",
    "pages_scanned_kswapd", "pages_swapped_out", "pages_brought_back", "pages_written",
)  # fmt: skip
# Counted where pages are reclaimed alone.
RECLAIM = (
    "direct_reclaims", "kswapd_runs", "pages_scanned_direct", "pages_scanned_kswapd",
    "pages_reclaimed_direct", "pages_reclaimed_kswapd", "pages_written", "pages_swapped_out",
    "pages_brought_back", "slab_pages_reclaimed", "objects_reclaimed",
)  # fmt: skip
# What a fallback onto a block smaller than a pageblock does lasts: it mixes pageblocks.
# Source: mmtests, MonitorFtraceextfrag.pm, which counts mm_page_alloc_extfrag so.
FRAGMENTING = {
    "extfrag_events": ("-", "fallbacks onto lists of another migratetype, claims among them"),
    "extfrag_fragmenting": ("-", "fallbacks onto a block smaller than a pageblock"),
    "extfrag_for_unmovable": ("lower", "fragmenting fallbacks of unmovable requests"),
    "extfrag_unmovable_in_movable": (
        "lower",
        "fragmenting fallbacks from unmovable onto movable lists",
    ),
    "extfrag_for_reclaimable": ("lower", "fragmenting fallbacks of reclaimable requests"),
    "extfrag_reclaimable_in_movable": (
        "lower",
        "fragmenting fallbacks from reclaimable onto movable lists",
    ),
    "extfrag_for_movable": ("-", "fragmenting fallbacks of movable requests"),
}


@dataclass(frozen=True)
class Measure:
    """What a figure is: its unit, which way is `better` ("lower", "higher" or "-"), in words."""

    unit: str
    better: str
    title: str


def _counter(name: str) -> Measure:
    unit = "pages" if "pages" in name else "objects" if name.startswith("objects") else "times"
    return Measure(unit, "lower" if name in HARM else "-", name.replace("_", " "))


MEASURES = {
    **{name: Measure(m.unit, m.better, m.title) for name, m in METRICS.items()},
    **{name: Measure("events", better, title) for name, (better, title) in FRAGMENTING.items()},
    **{name: Measure("requests", "-", title) for name, title in REQUESTS.items()},
    **{name: Measure("requests", "lower", title) for name, title in FAILURES.items()},
    **{name: _counter(name) for name in COSTS if name not in METRICS},
}


def measures_of(recording: Recording) -> pd.DataFrame:
    """Rows of phase, measure, value: metrics at the phases' samples, counts in total.

    NaN where a recording has no such figure. Raises RecordingError.
    """
    evidence = Evidence(recording)
    values = {name: measured(name, evidence) for name in METRICS}
    return pd.DataFrame(rows_of(evidence, values), columns=COLUMNS)


def sample_frames(recording: Recording) -> list[tuple[dict, int]]:
    """Each phase with the frame of its sample; phases that aren't recorded yet are left out."""
    phases = recording.header["phases"]
    frames = np.searchsorted(recording.ops, [phase["sample_op"] for phase in phases]).tolist()
    return [(p, frame) for p, frame in zip(phases, frames, strict=True) if frame < len(recording)]


def rows_of(evidence: Evidence, values: dict[str, np.ndarray]) -> list[tuple[str, str, float]]:
    """The same of metrics that are measured already: `values` f8[frames] by name."""
    recording = evidence.recording
    rows = [
        (phase["name"], name, _figure(name, values[name][frame]))
        for phase, frame in sample_frames(recording)
        for name in METRICS
    ]
    known = set(recording.header["series_columns"])
    counts = {
        name: float(recording.column(name)[-1]) if name in known and len(recording) else np.nan
        for name in (*REQUESTS, *FAILURES, *COSTS)
        if name not in METRICS
    }
    counts = fragmenting(recording) | counts
    return rows + [(TOTAL, name, value) for name, value in counts.items()]


def _figure(name: str, value: float) -> float:
    """NaN for an extfrag_index of -1: that a request would succeed is nothing to take a mean of."""
    return np.nan if name == "extfrag_index" and value == -1 else float(value)


def fragmenting(recording: Recording) -> dict[str, float]:
    """Fallback events as they are counted in reports to the mailing list.

    NaN where the mechanism doesn't tell mobilities apart, or where events were dropped.
    """
    if not tells_types(recording.header) or recording.dropped_events:
        return dict.fromkeys(FRAGMENTING, np.nan)
    fallbacks = recording.events[recording.events["kind"] == EVENT_FALLBACK]
    smaller = fallbacks["fallback_order"] < recording.header["geometry"]["pageblock_order"]
    wanted, had = fallbacks["migratetype"][smaller], fallbacks["fallback_migratetype"][smaller]
    unmovable, movable, reclaimable = (
        MIGRATETYPES.index(name) for name in ("unmovable", "movable", "reclaimable")
    )
    counts = (
        len(fallbacks),
        len(wanted),
        (wanted == unmovable).sum(),
        ((wanted == unmovable) & (had == movable)).sum(),
        (wanted == reclaimable).sum(),
        ((wanted == reclaimable) & (had == movable)).sum(),
        (wanted == movable).sum(),
    )
    return dict(zip(FRAGMENTING, map(float, counts), strict=True))
