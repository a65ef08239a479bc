"""Moments: the operations of a recording at which something happened that can be explained."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from allocator.terms import EVENT_CLAIM, EVENT_FAILURE, EVENT_FALLBACK, EVENT_KINDS, PFN_NONE
from pipeline.explain.words import claimed_words, failure_words, fallback_words
from pipeline.grouping import grouping_of
from pipeline.recording import Recording

KINDS = EVENT_KINDS  # a moment with a claim is a claim, whatever else happened


@dataclass(frozen=True)
class Moment:
    """An operation with its events. `pfns`: first and last page of what it is about."""

    op: int
    kind: str
    sentence: str
    pfns: tuple[tuple[int, int], ...] = ()


def moments_of(recording: Recording) -> list[Moment]:
    """All moments of a recording, in order. Raises RecordingError."""
    events = recording.events
    bounds = np.flatnonzero(np.diff(events["op"])) + 1
    blame = _Blame(recording)
    return [
        _moment(recording.header, group, blame.rows_of(int(group["op"][0])))
        for group in np.split(events, bounds)
        if len(group)
    ]


class _Blame:
    """The rows of blame of each failed operation."""

    def __init__(self, recording: Recording) -> None:
        self._rows = recording.blame
        self._ops = self._rows["failed_op"]

    def rows_of(self, op: int) -> np.ndarray:
        first, end = np.searchsorted(self._ops, (op, op + 1))
        return self._rows[first:end]


def _moment(header: dict, group: np.ndarray, blame: np.ndarray) -> Moment:
    """The events of one operation as a moment."""
    sentences = list(_sentences(header, group, blame))
    first, more = sentences[0], len(sentences) - 1
    if more:  # one request falls back again only where it fills a per-CPU list
        first += f" (and {more} more time{'' if more == 1 else 's'}, to fill a per-CPU list)"
    kinds = set(group["kind"].tolist())
    order = (EVENT_FAILURE, EVENT_CLAIM, EVENT_FALLBACK)
    kind = next(EVENT_KINDS[code] for code in order if code in kinds)
    return Moment(int(group["op"][0]), kind, first, tuple(_spans(header, group, blame)))


def _sentences(header: dict, group: np.ndarray, blame: np.ndarray) -> Iterator[str]:
    """One for each fallback with its claims, and for each failure; claims first."""
    claims: list[np.void] = []
    told = []
    for event in group:
        if event["kind"] == EVENT_CLAIM:
            claims.append(event)
        elif event["kind"] == EVENT_FALLBACK:
            told.append((not claims, fallback_words(header, event, claims)))
            claims = []
        else:
            told.append((False, failure_words(header, event, blame)))
    if claims:  # without a fallback: types that were set otherwise
        told.append((False, claimed_words(header, claims)))
    yield from (sentence for _, sentence in sorted(told, key=lambda pair: pair[0]))


def _spans(header: dict, group: np.ndarray, blame: np.ndarray) -> Iterator[tuple[int, int]]:
    """What to look at: the block that was taken, and its claimed pageblocks; pages in the way."""
    block_pages = 1 << grouping_of(header)["block_order"]
    seen = set()
    for event in group:
        if event["pfn"] == PFN_NONE:
            continue
        pfn = int(event["pfn"])
        size_pages = block_pages if event["kind"] == EVENT_CLAIM else 1 << _order_of(event)
        span = (pfn, pfn + size_pages - 1)
        if event["kind"] == EVENT_FAILURE and len(blame):
            yield from ((int(page), int(page)) for page in np.sort(blame["pfn"]))
        elif span not in seen:
            seen.add(span)
            yield span


def _order_of(event: np.void) -> int:
    return int(event["fallback_order" if event["kind"] == EVENT_FALLBACK else "order"])
