"""What stood in the way of requests that failed: rows of blame, counted by class, age and cause.

Source of the rows: pipeline/blame.py. A page is counted once for each request that it stood in the
way of.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from allocator.terms import HUGE_ORDER, NR_ORDERS
from pipeline.recording import Recording
from pipeline.recording_format import BLAME_CAUSES

BEFORE = "before the recording"
NO_AGE = "free"  # on a per-CPU list: nobody holds it
AGES = ("< 1 s", "1-10 s", "10-60 s", "1-10 min", "> 10 min", BEFORE)
AGE_EDGES_US = (1_000_000, 10_000_000, 60_000_000, 600_000_000)


class Share(NamedTuple):
    """How many pages of one kind stood in the way, over all requests."""

    page_class: str
    cause: str
    age: str
    pages: int


@dataclass(frozen=True)
class Blocked:
    """Failed requests of one order: all of them, those with a block to blame, what stood there.

    `nearest_blocks`: how many blocks came nearest. Requests that fail one after the other often
    meet the same one. `zones`: that they lie in.
    """

    order: int
    failed_requests: int
    blamed_requests: int
    nearest_blocks: int
    zones: tuple[str, ...]
    shares: list[Share]


def counts_failures(recording: Recording) -> bool:
    """Whether a recording tells how many requests of each order failed."""
    return f"failed_order_{HUGE_ORDER}" in recording.header["series_columns"]


def shown_order(recordings: Sequence[Recording]) -> int | None:
    """The order of huge pages, or that of most rows; None where there is no row of blame."""
    rows = [recording.blame["order"] for recording in recordings]
    orders = np.concatenate([np.empty(0, np.uint8), *rows])
    counts = np.bincount(orders, minlength=NR_ORDERS)
    if not len(orders):
        return None
    return HUGE_ORDER if counts[HUGE_ORDER] else int(counts.argmax())


def blocked(recordings: Sequence[Recording], order: int) -> Blocked:
    """Failed requests of an order in all of these recordings together. Raises RecordingError."""
    counts: Counter[tuple[str, str, str]] = Counter()
    failed = blamed = blocks = 0
    zones: dict[str, None] = {}
    for recording in recordings:
        rows = recording.blame[recording.blame["order"] == order]
        classes = recording.header["page_classes"]
        ages = ages_of(rows, recording.ops, recording.times_us)
        codes = zip(rows["page_class"].tolist(), rows["cause"].tolist(), ages, strict=True)
        counts.update((classes[code], BLAME_CAUSES[cause], age) for code, cause, age in codes)
        failed += int(recording.column(f"failed_order_{order}")[-1])
        blamed += len(np.unique(rows["failed_op"]))
        nearest = np.unique(rows["start_pfn"]).tolist()
        blocks += len(nearest)
        zones |= dict.fromkeys(_zone_of(pfn, recording.header) for pfn in nearest)
    shares = [Share(*kind, pages) for kind, pages in sorted(counts.items()) if pages]
    return Blocked(order, failed, blamed, blocks, tuple(zones), shares)


def _zone_of(pfn: int, header: dict) -> str:
    zones = header["geometry"]["zones"]
    return next((z["name"] for z in zones if z["start_pfn"] <= pfn < z["end_pfn"]), "no zone")


def ages_of(rows: np.ndarray, ops: np.ndarray, times_us: np.ndarray) -> list[str]:
    """How long ago each page was placed when the request failed: AGES, or NO_AGE.

    Times of operations lie between those of the frames `ops`, `times_us` i8[frames] around them:
    exact to a frame, of which each second has one.
    """
    failed_us, placed_us = (
        np.interp(rows[name], ops, times_us) for name in ("failed_op", "placed_op")
    )
    places = np.searchsorted(AGE_EDGES_US, failed_us - placed_us, side="right")
    places[rows["placed_op"] < 0] = AGES.index(BEFORE)
    free = rows["cause"] == BLAME_CAUSES.index("on a per-CPU list")
    return [NO_AGE if none else AGES[place] for none, place in zip(free, places, strict=True)]
