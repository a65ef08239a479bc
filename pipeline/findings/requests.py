"""Rules on requests: bursts of fallbacks, and what came of the attempts to get huge pages."""

from collections.abc import Iterator

import numpy as np

from allocator.terms import HUGE_ORDER, MIGRATETYPES, MOVABLE
from pipeline.explain.words import a_or_an, block_words, counted_words
from pipeline.findings.case import Case, ranges_of
from pipeline.findings.finding import Finding, fitting, several
from pipeline.genealogy.changes import is_polluting
from pipeline.stretches import stretches

BURST_FALLBACKS = 32
BURST_RATE = 10


def first_polluting_fallback(case: Case) -> Iterator[Finding]:
    """The first fallback that puts a page that cannot move into a movable pageblock in use.

    See is_polluting in pipeline/genealogy/changes.py. Claimed: the pageblock changes its type, so
    that the next such request finds it among its own. The pageblock is the mechanism's.
    """
    history = case.history
    events = case.fallbacks[is_polluting(history, case.fallbacks)]
    shown = history.frames_of(events["op"])
    if not len(events) or shown[0] >= len(case):
        return
    event, frame = events[0], int(shown[0])
    pfn, own_pages = int(event["pfn"]), 1 << history.own_block_order
    start_pfn = pfn // own_pages * own_pages
    last_pfn = min(start_pfn + own_pages, case.header["geometry"]["pages"]) - 1
    sentence = (
        f"First fallback that pollutes: {a_or_an(MIGRATETYPES[event['migratetype']])} request "
        f"takes {several(1 << int(event['fallback_order']), 'page')} in "
        f"{block_words(case.header, pfn, MIGRATETYPES[MOVABLE])}, "
        f"{'and claims it' if event['claimed'] else 'which stays movable'}"
    )
    counted = counted_words(case.header, event)
    yield case.finding(
        "first_polluting_fallback", (frame, frame), ((start_pfn, last_pfn),),
        fitting(f"{sentence}{counted}.", f"{sentence}."),
        start_pfn=start_pfn, op=int(event["op"]),
    )  # fmt: skip


def fallback_burst(case: Case) -> Iterator[Finding]:
    """Fallbacks that crowd: far more in a stretch of frames than its operations would explain.

    A stretch in which each frame shows at least one; at least 32 fallbacks, fewer are a few
    requests' luck, at ten times the rate (fallbacks an operation) of the whole recording. The
    greatest first.
    """
    ops, events = case.recording.ops, case.fallbacks
    shown = case.history.frames_of(events["op"])
    counts = np.bincount(shown, minlength=len(case))[: len(case)]
    pollutes = is_polluting(case.history, events)
    total, crowds = int(counts.sum()), zip(*stretches(counts > 0), strict=True)
    found = [(int(counts[start:end].sum()), int(start), int(end)) for start, end in crowds]
    for count, start, end in sorted(found, key=lambda stretch: (-stretch[0], stretch[1])):
        took = int(ops[end - 1] - ops[max(start - 1, 0)])
        rate = count * int(ops[-1] - ops[0]) / max(total * took, 1)
        if count < BURST_FALLBACKS or rate < BURST_RATE:
            continue
        inside = (shown >= start) & (shown < end)
        pages = 1 << events["fallback_order"][inside].astype(np.int64)
        bad = int((pollutes & inside).sum())
        which = "none puts" if not bad else f"{bad:,} {'puts' if bad == 1 else 'put'}"
        yield case.finding(
            "fallback_burst", (start, end - 1), ranges_of(events["pfn"][inside], pages),
            f"{count:,} fallbacks in {took:,} operations, {rate:.0f} times the average rate; "
            f"{which} pages that cannot move into movable pageblocks.",
            fallbacks=count, polluting=bad,
        )  # fmt: skip


def huge_attempts(case: Case) -> Iterator[Finding]:
    """How many requests for huge pages were met, in each phase that makes any.

    Of order 9 and above, as the metric huge_allocated counts them. The phases with most failures
    first, then those with most requests.
    """
    asked, met = (np.diff(counted, prepend=counted[:1]) for counted in case.huge_requests())
    found = []
    for number, phase in enumerate(case.header["phases"]):
        frames = np.flatnonzero((case.phase_of_frame == number) & (asked > 0))
        if len(frames):
            found.append((int(asked[frames].sum()), int(met[frames].sum()), phase["name"], frames))
    found.sort(key=lambda phase: (phase[1] - phase[0], -phase[0]))
    for wanted, got, name, frames in found:
        how = "all" if got == wanted else "none" if not got else f"{got:,}"
        yield case.finding(
            "huge_attempts", (frames[0], frames[-1]), ((0, case.header["geometry"]["pages"] - 1),),
            f"{name}: of {several(wanted, 'request')} for huge pages (order {HUGE_ORDER}) "
            f"{how} {'is' if got == 1 and how != 'all' else 'are'} met.",
            asked=wanted, met=got,
        )  # fmt: skip
