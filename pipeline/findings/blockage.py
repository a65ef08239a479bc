"""A rule on blame: the block that failed requests came nearest to, and what stood in it."""

from collections.abc import Iterator

import numpy as np

from allocator.terms import PFN_NONE
from pipeline.findings.case import Case, ranges_of
from pipeline.findings.finding import Finding, named, several


def in_the_way(case: Case) -> Iterator[Finding]:
    """For each phase with failed requests of order 1 or higher the block that most came nearest to.

    See pipeline/blame.py. Of several failures at that block the one with the fewest pages in the
    way is told. Requests that failed for want of memory, or at a free block, are not counted. The
    phases with most failures first.
    """
    failures = case.failures
    failures = failures[(failures["order"] > 0) & (failures["pfn"] != PFN_NONE)]
    failures = failures[_in_use_pages(failures) > 0]
    phases = case.recording.phases_of(failures["op"])
    numbers, counts = np.unique(phases, return_counts=True)
    for number in numbers[np.argsort(-counts, kind="stable")].tolist():
        mine = failures[phases == number]
        blocks, times = np.unique(mine["pfn"], return_counts=True)
        there = mine[mine["pfn"] == blocks[times.argmax()]]
        yield _finding(case, case.header["phases"][number]["name"], len(mine), there)


def _in_use_pages(failures: np.ndarray) -> np.ndarray:
    """In the block that came nearest to each; none where it was kept back, by a watermark."""
    return (1 << failures["order"].astype(int)) - failures["free_pages"]


def _finding(case: Case, phase: str, all_failures: int, there: np.ndarray) -> Finding:
    in_use = _in_use_pages(there)
    event = there[in_use.argmin()]
    order, pages, pfn = int(event["order"]), 1 << int(event["order"]), int(event["pfn"])
    rows = case.recording.blame
    rows = rows[rows["failed_op"] == event["op"]]
    names = case.header["page_classes"]
    codes, counts = np.unique(rows["page_class"], return_counts=True)
    worst_first = sorted(zip(counts.tolist(), codes.tolist(), strict=True), reverse=True)
    classes = {names[code].replace("_", " "): count for count, code in worst_first}
    where = f"pfn {pfn}"
    if order == case.header["geometry"]["pageblock_order"]:
        where = f"pageblock {pfn >> order}"
    frames = case.history.frames_of(there["op"])
    last = len(case) - 1
    what = several(int(in_use.min()), "page")
    requests = several(all_failures, "failed request")
    return case.finding(
        "in_the_way",
        (min(int(frames.min()), last), min(int(frames.max()), last)),
        ranges_of(rows["pfn"]) if len(rows) else ((pfn, pfn + pages - 1),),
        f"{phase}: of {requests}, {len(there):,} came nearest to {where} (order {order}); "
        f"in the way: {named(classes) or what}.",
        failures=all_failures, at_this_block=len(there), in_use_pages=int(in_use.min()),
    )  # fmt: skip
