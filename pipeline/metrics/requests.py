"""Metrics of requests: what failed, what fell back, and whether huge pages could be had."""

import numpy as np

from allocator.terms import HIGHATOMIC, HUGE_ORDER, NR_ORDERS
from pipeline.grouping import tells_types
from pipeline.metrics.evidence import Evidence, eligible_zones


def failed(evidence: Evidence) -> np.ndarray:
    """Requests that failed since the start."""
    return evidence.column("failed_requests").astype(float)


def unmovable_in_movable(evidence: Evidence) -> np.ndarray:
    """Fallbacks of unmovable requests onto movable lists since the start, of blocks of any size.

    Claims of whole pageblocks are among them, which mix nothing: extfrag_unmovable_in_movable has
    the harmful ones alone.
    None (NaN) where the mechanism doesn't tell mobilities apart: that is no merit.
    """
    if not tells_types(evidence.header):
        return np.full(len(evidence), np.nan)
    return evidence.column("fallbacks_unmovable_in_movable").astype(float)


def huge_success(evidence: Evidence) -> np.ndarray:
    """Blocks of pageblock size that movable requests would get now, % of eligible pageblocks.

    Free blocks of that order and above in each eligible zone, not high-atomic, as long as the zone
    stays above its MIN watermark and its reserve against the highest zone. Neither reclaim nor
    compaction nor per-CPU lists add to them: this measures fragmentation at rest.
    Source: 6.1 __zone_watermark_ok; the attempts at rest of stress-highalloc (M. Gorman, 2006).
    """
    order = evidence.block_order
    worth = np.array([max(1 << o >> order, 0) for o in range(NR_ORDERS)])
    usable = np.delete(evidence.free_blocks, HIGHATOMIC, axis=3).sum(axis=3)
    blocks = np.zeros(len(evidence))
    counted = eligible_zones(evidence.zones)
    for number, zone in enumerate(evidence.zones):
        if zone not in counted:
            continue
        free_pages = evidence.column(f"free_pages:{zone['name']}")
        floor_pages = zone["min_pages"] + (zone["lowmem_reserve_pages"] or [0])[-1]
        above = np.maximum(free_pages - floor_pages - 1, 0) >> order
        blocks += np.minimum(usable[:, number] @ worth, above)
    eligible = int(evidence.eligible.sum())
    return 100 * blocks / eligible if eligible else np.full(len(evidence), np.nan)


def huge_allocated(evidence: Evidence) -> np.ndarray:
    """Memory got in requests of the huge pages' order and above since the phase began, %.

    Of all pages but holes. None (NaN) where the phase has made no such request yet.
    Source: the published measure of stress-highalloc (M. Gorman, 1 March 2007).
    """
    orders = range(HUGE_ORDER, NR_ORDERS)
    requests = np.array([evidence.column(f"requests_order_{order}") for order in orders])
    met = requests - [evidence.column(f"failed_order_{order}") for order in orders]
    ops = evidence.recording.ops
    starts = np.array([phase["start_op"] for phase in evidence.header["phases"]])
    phase = np.searchsorted(starts, ops, side="left") - 1  # at its start the one before is over
    first = np.searchsorted(ops, starts[np.maximum(phase, 0)], side="right") - 1
    first = np.maximum(first, 0)
    pages = ((met - met[:, first]).T << np.array(orders)).sum(axis=1)
    present = evidence.header["geometry"]["pages"] - evidence.pages_of("hole")
    tried = (requests - requests[:, first]).sum(axis=0) > 0
    # A phase whose figures are taken as it begins has none of its own yet.
    at_once = [p["start_op"] for p in evidence.header["phases"] if p["sample_op"] == p["start_op"]]
    tried &= ~np.isin(ops, at_once)
    return np.where(tried, 100 * pages / present, np.nan)
