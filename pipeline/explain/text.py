"""`pagereel explain RECORDING`: the moments of a recording as text in 72 columns."""

import numpy as np

from pipeline.config import UsageError, check_names
from pipeline.explain.moments import KINDS, Moment, moments_of
from pipeline.plain_text import joined, paragraph
from pipeline.recording import Recording


def chosen(
    recording: Recording, kinds: tuple[str, ...], ops: tuple[int, ...], most: int
) -> list[Moment]:
    """The moments that were asked for: those at `ops`, or of some kinds, at most so many, evenly.

    Of those that would be told in the same words only the first.

    Raises UsageError for a kind that there isn't or an operation at which nothing happened.
    """
    check_names("kind", kinds, KINDS, str(recording.path))
    moments = moments_of(recording)
    if ops:
        by_op = {moment.op: moment for moment in moments}
        for op in ops:
            if op not in by_op:
                raise UsageError(f"{recording.path}: nothing to explain at operation {op}")
        return [by_op[op] for op in sorted(set(ops))]
    first: dict[str, Moment] = {}
    for moment in moments:
        if not kinds or moment.kind in kinds:
            first.setdefault(moment.sentence, moment)
    moments = list(first.values())
    places = np.unique(np.linspace(0, len(moments) - 1, min(most, len(moments))).round())
    return [moments[int(place)] for place in places] if moments else []


def moments_text(recording: Recording, moments: list[Moment]) -> str:
    """A paragraph for each, with its operation and phase; and what was dropped."""
    lines: list[str] = []
    for moment in moments:
        head = f"op {moment.op:,} ({phase_of(recording, moment.op)}): "
        lines += [*paragraph(head + moment.sentence, "  "), ""]
    if recording.dropped_events:
        lines += paragraph(f"{recording.dropped_events:,} events were dropped and are missing.")
    if not moments:
        lines.append("Nothing to explain: no fallback, no claim, no failure.")
    return joined(lines)


def phase_of(recording: Recording, op: int) -> str:
    """The name of the phase that an operation is in."""
    return recording.header["phases"][int(recording.phases_of(np.array(op)))]["name"]
