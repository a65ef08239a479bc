"""What rows are called in mails: as mmtests and the patch mails call what they measure.

One line a row; what has none isn't in mails. What they have no name for has plain words of ours; a
name is never given to something else than it stands for: so pages_written, which the flusher
and reclaim write, are not their "Page writes file", and compact_stalls, counted before it is known
whether any zone suits, not their "Compaction stalls".
Source: mmtests, MonitorMmtestsvmstat.pm and MonitorFtraceextfrag.pm; V. Babka's mails on page
stealing, linux-mm, December 2014 and May 2017; M. Gorman's of 1 March 2007.
"""

from allocator.terms import NR_ORDERS
from pipeline.comparison.rows import ATTEMPTS

NAMES = {
    "huge_allocated": "Memory got as huge pages",
    "potential_huge": "Pageblocks of free and movable pages only",
    "free_blocks": "Free pageblocks",
    "mixed": "Mixed pageblocks",
    "nonmov_blocks": "Pageblocks with a page that cannot move",
    "unusable_index": "Unusable free space index, order 9",
    "huge_success": "Huge pages to be had at once",
    "failed_requests": "Page allocation failures so far",
    "extfrag_events": "Page alloc extfrag event",
    "extfrag_fragmenting": "Extfrag fragmenting",
    "extfrag_for_unmovable": "Extfrag fragmenting for unmovable",
    "extfrag_unmovable_in_movable": "Extfrag fragmenting unmovable placed with movable",
    "extfrag_for_reclaimable": "Extfrag fragmenting for reclaimable",
    "extfrag_reclaimable_in_movable": "Extfrag fragmenting reclaimable placed with movable",
    "extfrag_for_movable": "Extfrag fragmenting for movable",
    **{f"failed_order_{n}": f"Page allocation failures, order {n}" for n in range(NR_ORDERS)},
    "direct_reclaims": "Allocation stalls",
    "pages_scanned_direct": "Direct pages scanned",
    "pages_scanned_kswapd": "Kswapd pages scanned",
    "pages_written": "File pages written",
    "pages_swapped_out": "Swap Outs",
    "pages_brought_back": "Pages used again after they were reclaimed",
    "compact_stalls": "Direct compaction tries",
    "pages_migrated": "Page migrate success",
    "pages_moved": "Free pages moved to another list",
    "pages_reclaimed_direct": "Direct pages reclaimed",
    "pages_reclaimed_kswapd": "Kswapd pages reclaimed",
    "slab_pages_reclaimed": "Slab pages reclaimed",
    "kswapd_runs": "Kswapd runs",
    "compact_daemon_wakes": "Kcompactd runs, woken by kswapd",
    "compact_proactive": "Kcompactd runs, proactive",
    "claims": "Pageblocks claimed",
    "allocations": "Allocations",
    "splits": "Block splits",
    "merges": "Block merges",
    "list_searches": "Free list searches",
    "pcp_refill_pages": "Per-CPU list pages refilled",
    "pcp_drain_pages": "Per-CPU list pages drained",
}
# Of what a share is one; the other units are in the names.
UNITS = {
    "huge_allocated": "% of memory",
    "mixed": "% of eligible",
    "huge_success": "% of eligible",
}
# The passes of stress-highalloc, as mmtests counts them.
STRESS = "stress-highalloc"
PASSES = {"load-1": "Success 1, under load", "load-2": "Success 2, under load",
          "rest": "Success 3, at rest"}  # fmt: skip
# Counted from the start, so that a later phase has the earlier ones in it.
SINCE_THE_START = ("failed_requests", "fallbacks_unmovable_in_movable")
# What one looks at first, in this order: where it has figures.
SUMMARY = (
    "huge_allocated",
    "potential_huge",
    "mixed",
    "unusable_index",
    "extfrag_unmovable_in_movable",
    *(f"failed_order_{order}" for order in range(NR_ORDERS)),
    "direct_reclaims",
    "compact_stalls",
    "pages_migrated",
    "pages_scanned_kswapd",
)
# By which mechanisms are told apart at a glance: the first that has figures at a key phase.
CHIEF = (ATTEMPTS, "potential_huge", "huge_success")


def name_of(measure: str, workload: str = "", phase: str = "") -> str:
    """What a measure's row is called."""
    if measure == ATTEMPTS and workload == STRESS:
        for end, name in PASSES.items():
            round_name, found, _ = phase.partition(end)  # of later rounds: "r2-rest"
            if found:
                return f"{round_name.replace('-', ' ')}{name}"
    return NAMES.get(measure, measure.replace("_", " "))
