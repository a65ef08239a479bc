"""Metrics of a recording. A new one is a function of Evidence and one line in METRICS."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.metrics import extfrag, pageblocks, requests
from pipeline.metrics.evidence import Evidence


@dataclass(frozen=True)
class Metric:
    """`measure(evidence)` gives one value a frame, f8[frames]; NaN where there is none.

    `better`: "lower", "higher" or "-". `pauses`: what it counts is taken by the huge pages while
    an attempt holds them, which is no fragmentation; tables have it then, pictures don't show it.
    """

    unit: str
    better: str
    title: str
    measure: Callable[[Evidence], np.ndarray]
    pauses: bool = False


def measured(name: str, evidence: Evidence) -> np.ndarray:
    """A metric at each frame, f8[frames]; NaN where the recording doesn't have what it takes."""
    try:
        return METRICS[name].measure(evidence)
    except KeyError:
        return np.full(len(evidence), np.nan)


METRICS = {
    "mixed": Metric(
        "%",
        "lower",
        "eligible pageblocks that hold movable pages beside unmovable, reclaimable or unknown "
        "kernel pages",
        pageblocks.mixed,
    ),
    "nonmov_blocks": Metric(
        "blocks",
        "lower",
        "eligible pageblocks with a page that cannot move (unmovable, reclaimable or unknown)",
        pageblocks.nonmov_blocks,
    ),
    "potential_huge": Metric(
        "blocks",
        "higher",
        "eligible pageblocks of free and movable pages: they can become a huge page",
        pageblocks.potential_huge,
        pauses=True,
    ),
    "free_blocks": Metric(
        "blocks",
        "higher",
        "eligible pageblocks that are free",
        pageblocks.free_blocks,
        pauses=True,
    ),
    "unusable_index": Metric(
        "1",
        "lower",
        "share of free memory too scattered for order 9, over all zones",
        extfrag.unusable,
        pauses=True,
    ),
    "extfrag_index": Metric(
        "1",
        "-",
        "order 9: near 0 for want of memory, near 1 for fragmentation; -1: it would succeed",
        extfrag.fragmentation,
        pauses=True,
    ),
    "failed_requests": Metric(
        "requests",
        "lower",
        "requests of all orders that failed, since the start",
        requests.failed,
    ),
    "fallbacks_unmovable_in_movable": Metric(
        "fallbacks",
        "lower",
        "unmovable requests served from movable free lists, since the start",
        requests.unmovable_in_movable,
    ),
    "huge_success": Metric(
        "%",
        "higher",
        "of the eligible pageblocks, as many as movable requests could take at once as free "
        "blocks: above the MIN watermark and reserve, without reclaim or compaction",
        requests.huge_success,
        pauses=True,
    ),
    "huge_allocated": Metric(
        "%",
        "higher",
        "memory got as huge pages by the attempts of the phase, with what reclaim gave them",
        requests.huge_allocated,
    ),
}
