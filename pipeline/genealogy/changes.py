"""Pageblocks that changed their type or lent their pages: from events, and from what frames show.

An event tells of a fallback or a claim. Compaction's isolation and the high-atomic reserve change
types without one; that shows only as a difference between two frames.
"""

from dataclasses import dataclass

import numpy as np

from allocator.terms import EVENT_CLAIM, EVENT_FALLBACK, MOVABLE
from pipeline.genealogy.history import History


@dataclass(frozen=True)
class Touches:
    """Events and the pageblocks that they concern, one entry a pageblock, in order.

    `event` i8[n]: index into the recording's events; `block` i8[n]; `frame` i8[n]: the first that
    shows it.
    """

    event: np.ndarray
    block: np.ndarray
    frame: np.ndarray


def touches(history: History, kinds: tuple[int, ...]) -> Touches:
    """The claims or fallbacks of a recording by pageblock.

    A claim concerns all pageblocks of its order (that of the mechanism's own pageblocks may be
    higher than the recording's), a fallback those of the block it took.
    """
    events = history.recording.events
    wanted = np.flatnonzero(np.isin(events["kind"], kinds))
    order = np.where(events["kind"] == EVENT_CLAIM, events["order"], events["fallback_order"])
    spans = np.maximum(1 << np.maximum(order[wanted].astype(np.int64) - history.block_order, 0), 1)
    event = np.repeat(wanted, spans)
    first = np.repeat(np.cumsum(spans) - spans, spans)
    block = (events["pfn"][event] >> history.block_order) + np.arange(len(event)) - first
    inside = (block >= 0) & (block < history.blocks)
    event, block = event[inside], block[inside].astype(np.int64)
    return Touches(event, block, history.frames_of(events["op"][event]))


def claims(history: History) -> np.ndarray:
    """Times that each pageblock was claimed: a fallback gave it another type. i8[blocks]."""
    return np.bincount(touches(history, (EVENT_CLAIM,)).block, minlength=history.blocks)


def steals(history: History) -> np.ndarray:
    """Fallbacks that took pages of each pageblock and left it its type, i8[blocks]."""
    at = touches(history, (EVENT_FALLBACK,))
    left = history.recording.events["claimed"][at.event] == 0
    return np.bincount(at.block[left], minlength=history.blocks)


def polluting(history: History) -> np.ndarray:
    """Polluting fallbacks onto each pageblock, i8[blocks]; see is_polluting."""
    at = touches(history, (EVENT_FALLBACK,))
    bad = is_polluting(history, history.recording.events[at.event])
    return np.bincount(at.block[bad], minlength=history.blocks)


def is_polluting(history: History, fallbacks: np.ndarray) -> np.ndarray:
    """Which fallbacks put a page that cannot move into a movable pageblock in use. bool[n].

    Onto a movable list, so that the request isn't movable; in a pageblock of movable type, which
    the list's pages need not be in; of less than a pageblock of the mechanism: a whole free one
    spoils nothing. Claimed or not.
    Source: "fragmenting" of 6.1 trace_mm_page_alloc_extfrag; "unmovable placed in movable" of
    V. Babka's counts, which go by the list alone.
    """
    fragmenting = fallbacks["fallback_order"] < history.own_block_order
    onto_movable = fallbacks["fallback_migratetype"] == MOVABLE
    return fragmenting & onto_movable & (fallbacks["block_migratetype"] == MOVABLE)


def between_frames(history: History) -> np.ndarray:
    """Where a pageblock's type changed without an event, bool[frames, blocks].

    Told at the first frame that shows it: its type there isn't that of the last claim since the
    frame before or, without a claim, not that of the frame before.
    """
    expected = history.types.copy()
    expected[1:] = history.types[:-1]
    at = touches(history, (EVENT_CLAIM,))
    shown = at.frame < len(history)
    # In order: of several claims between two frames the last one stays.
    new = history.recording.events["migratetype"][at.event]
    expected[at.frame[shown], at.block[shown]] = new[shown]
    return expected != history.types
