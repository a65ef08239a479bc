"""Claims and steals for the page: each claim with the request that made it.

A claim gives a pageblock of the mechanism another type. That is not always a pageblock of the
picture: those of 2007 have 1024 pages. A steal takes a block and leaves its pageblock the type.
"""

from typing import NamedTuple

import numpy as np

from allocator.terms import EVENT_CLAIM, EVENT_FALLBACK
from pipeline.recording import Recording

CLAIMS_MAX = 100_000  # of a panel; those that came first
STEALS_MAX = 50_000  # likewise
UNKNOWN = -1  # no request is known of that made a claim
OF_MAKER = {
    "request_order": "order",
    "taken_order": "fallback_order",
    "taken_migratetype": "fallback_migratetype",
}


class LeftOut(NamedTuple):
    """Events that the page lacks: claims and steals above the bounds, and those never recorded."""

    claims: int
    steals: int
    dropped: int


def event_data(recording: Recording) -> dict[str, list[int]]:
    """Claims and steals in order, as columns.

    `order`: of the pages that it is about, from `pfn` on: of a claim the mechanism's pageblock, of
    a steal the block taken. `migratetype`: that of the request; `fallback_migratetype`: that which
    the pageblock had, of a steal that of the list. `request_order`, `taken_order`,
    `taken_migratetype`: of the request and of the block that it took, UNKNOWN for a claim without
    its request. `free_pages`, `alike_pages`: of the mechanism's pageblock, -1 where nothing was
    counted.
    """
    events = recording.events
    claims, steals = _claims(events)[:CLAIMS_MAX], _steals(events)[:STEALS_MAX]
    shown = np.sort(np.concatenate([claims, steals]))
    maker = _makers(events, shown)
    of_claim, known = events["kind"][shown] == EVENT_CLAIM, maker >= 0
    columns = {name: events[name][shown] for name in ("op", "pfn", "kind")}
    own = np.where(of_claim, events["order"][shown], events["fallback_order"][shown])
    columns["order"] = own
    for name in ("migratetype", "fallback_migratetype", "free_pages", "alike_pages"):
        columns[name] = events[name][shown]
    for name, source in OF_MAKER.items():
        columns[name] = np.where(known, events[source][maker].astype(int), UNKNOWN)
    return {name: values.tolist() for name, values in columns.items()}


def left_out(recording: Recording) -> LeftOut:
    """What the page doesn't have."""
    events = recording.events
    return LeftOut(
        claims=max(len(_claims(events)) - CLAIMS_MAX, 0),
        steals=max(len(_steals(events)) - STEALS_MAX, 0),
        dropped=recording.dropped_events,
    )


def left_out_data(recording: Recording) -> dict[str, int | bool | None]:
    """The same for the scripts, with the operation of the first that is left out."""
    events, left = recording.events, left_out(recording)
    simulated = recording.header["source"].get("kind") == "simulation"
    return left._asdict() | {
        "told": simulated or len(events) > 0,  # of a real kernel there may be no events
        "claims_from_op": _op_at(events, _claims(events), CLAIMS_MAX),
        "steals_from_op": _op_at(events, _steals(events), STEALS_MAX),
    }


def _op_at(events: np.ndarray, numbers: np.ndarray, at: int) -> int | None:
    return int(events["op"][numbers[at]]) if len(numbers) > at else None


def _claims(events: np.ndarray) -> np.ndarray:
    return np.flatnonzero(events["kind"] == EVENT_CLAIM)


def _steals(events: np.ndarray) -> np.ndarray:
    return np.flatnonzero((events["kind"] == EVENT_FALLBACK) & (events["claimed"] == 0))


def _makers(events: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """The fallback that each event belongs to, -1: none. Claims come before theirs, in one op."""
    fallbacks = np.flatnonzero(events["kind"] == EVENT_FALLBACK)
    if not len(fallbacks):
        return np.full(len(numbers), -1)
    after = fallbacks[np.minimum(np.searchsorted(fallbacks, numbers), len(fallbacks) - 1)]
    mine = (after >= numbers) & (events["op"][after] == events["op"][numbers])
    return np.where(mine, after, -1)
