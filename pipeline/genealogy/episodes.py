"""Pollution: a pageblock that has to do for both kinds of pages, from when and for how long.

A pageblock is *polluted* at a frame at which it holds a page that cannot move (unmovable,
reclaimable, or a kernel page of unknown mobility) and

* either movable pages besides: it is mixed, as in metrics/pageblocks.py,
* or nothing movable, but its type is movable: movable requests will be served from it. This counts
  only where the mechanism groups by mobility; elsewhere the type says nothing.

So a pageblock that was claimed while it was free, and holds nothing but pages of its own type, is
not polluted: it is grouping at work. Every mixed pageblock is.

Once polluted, it stays so until it *recovers*: until the first frame at which no page that cannot
move is left in it. That its movable pages go, or that it is given another type, is no recovery: it
still cannot become a huge page. One such stretch is an *episode*.

An episode that lasts to the end of the recording is right-censored. One that was there at the first
frame began at an unknown time (left truncation at an unknown age): what came and went before isn't
seen and its age isn't known, so it can enter no survival curve that counts from the beginning. Such
episodes are told apart (`at_start`) and left out of the half-life. Beginnings and ends are known to
a frame; what began and ended between two frames isn't seen.

Only eligible pageblocks are looked at.
"""

import numpy as np

from allocator.terms import EVENT_CLAIM, EVENT_FALLBACK, EVENT_KINDS, MIGRATETYPES, MOVABLE
from pipeline.genealogy.changes import touches
from pipeline.genealogy.history import History
from pipeline.metrics.evidence import KERNEL_PAGES, MOVABLE_PAGES
from pipeline.stretches import stretches

EPISODE_DTYPE = np.dtype(
    [
        ("block", "<i4"),
        ("first_frame", "<i4"),
        ("last_frame", "<i4"),  # at which it is still polluted
        ("ops", "<i8"),  # from the first frame to the one that shows it recovered, else to the last
        ("time_us", "<i8"),
        ("at_start", "?"),
        ("censored", "?"),
        ("event", "<i8"),  # index of the last event in the pageblock before, -1: none
    ]
)


def polluted(history: History) -> np.ndarray:
    """Which pageblocks are polluted at each frame, by that frame alone. bool[frames, blocks]."""
    kernel = history.block_kinds & KERNEL_PAGES > 0
    foreign = history.block_kinds & MOVABLE_PAGES > 0
    if history.grouping:
        foreign |= history.types == MOVABLE
    return kernel & foreign & history.eligible


def episodes(history: History) -> np.ndarray:
    """All episodes by pageblock and frame, EPISODE_DTYPE[n]."""
    begun, kernel = polluted(history), history.block_kinds & KERNEL_PAGES > 0
    found = []
    for block in np.flatnonzero(begun.any(axis=0)).tolist():
        for start, end in zip(*stretches(kernel[:, block]), strict=True):
            begins = np.flatnonzero(begun[start:end, block])
            if len(begins):
                found.append((block, int(start + begins[0]), int(end)))
    result = np.zeros(len(found), EPISODE_DTYPE)
    if found:
        block, first, end = np.array(found).T
        _fill(result, history, block, first, end)
    return result


def _fill(
    result: np.ndarray, history: History, block: np.ndarray, first: np.ndarray, end: np.ndarray
) -> None:
    recording, last = history.recording, len(history) - 1
    seen = np.minimum(end, last)
    result["block"], result["first_frame"], result["last_frame"] = block, first, end - 1
    result["ops"] = recording.ops[seen] - recording.ops[first]
    result["time_us"] = recording.times_us[seen] - recording.times_us[first]
    result["at_start"], result["censored"] = first == 0, end > last
    result["event"] = _events_before(history, block, first)


def _events_before(history: History, block: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Index of the last claim or fallback in each pageblock that frame `first` shows; -1: none.

    A claim and the fallback that made it are one operation: it is the claim then.
    """
    at = touches(history, (EVENT_CLAIM, EVENT_FALLBACK))
    events = history.recording.events[at.event]
    order = np.lexsort((at.event, events["kind"] == EVENT_CLAIM, events["op"], at.block))
    blocks, frames, events = at.block[order], at.frame[order], at.event[order]
    result = np.full(len(block), -1, np.int64)
    for number, (b, f) in enumerate(zip(block.tolist(), first.tolist(), strict=True)):
        start, end = np.searchsorted(blocks, b), np.searchsorted(blocks, b, side="right")
        before = start + np.searchsorted(frames[start:end], f, side="right")
        if before > start:
            result[number] = events[before - 1]
    return result


def cause(history: History, episode: np.void) -> str:
    """What came before an episode, in words.

    "at start"; the last claim or fallback in the pageblock before it ("claim for unmovable"): the
    page may have come by it, or later from the free pages it took; without one "no grouping", else
    "own type" (the pageblock's type isn't movable: the page that came was movable) or "no event".
    """
    if episode["at_start"]:
        return "at start"
    if episode["event"] >= 0:
        event = history.recording.events[episode["event"]]
        return f"{EVENT_KINDS[event['kind']]} for {MIGRATETYPES[event['migratetype']]}"
    if not history.grouping:
        return "no grouping"
    own = history.types[episode["first_frame"], episode["block"]] != MOVABLE
    return "own type" if own else "no event"
