"""Recordings made by hand, a pageblock of 16 pages as a short text."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from allocator.terms import (
    EVENT_CLAIM,
    EVENT_DTYPE,
    EVENT_FAILURE,
    EVENT_FALLBACK,
    MIGRATETYPES,
    PFN_NONE,
)  # fmt: skip
from pipeline.findings import findings_of
from pipeline.findings.finding import Finding
from pipeline.recording import Recording, RecordingWriter
from tests.pipeline.small import header

ORDER, PAGES = 4, 16
CLASS_OF = {".": 0, "p": 1, "M": 2, "U": 3, "R": 4, "H": 5, "X": 6, "K": 8}
U, M, R, HA = range(len(MIGRATETYPES))
GROUPING = {"rule": "claim", "enabled": True}


def grid(blocks: Sequence[str]) -> np.ndarray:
    """Page classes of pageblocks: "UM" is an unmovable, a movable and 14 free pages."""
    text = "".join("H" * PAGES if block == "H" else block.ljust(PAGES, ".") for block in blocks)
    return np.array([CLASS_OF[letter] for letter in text], np.uint8)


def recorded(
    path: Path,
    frames: Sequence[Sequence[str]],
    *,
    types: Sequence[Sequence[int]] | None = None,
    events: Sequence[tuple] = (),
    series: dict[str, Sequence[int]] | None = None,
    grouping: dict | None = None,
    zones: list[dict] | None = None,
    phases: list[dict] | None = None,
    name: str = "test",
    seed: int = 0,
    step: int = 100,
    marks: Sequence[np.ndarray] | None = None,
    blame: np.ndarray | None = None,
    parameters: dict | None = None,
    times_us: Sequence[int] | None = None,
    pages: int = 0,
    **changes: object,
) -> Recording:
    """Frame n shows `frames[n]` at operation `step` * n and n seconds; `events`: see `event`.

    `pages`: free ones besides, of a pageblock that is cut. `changes` replace entries of the header.
    """
    blocks = len(frames[0])
    about = header(blocks * PAGES + pages, zones=zones, seed=seed)
    about["geometry"]["pageblock_order"] = ORDER
    about["mechanism"] |= {"name": name, "grouping": GROUPING if grouping is None else grouping}
    about["mechanism"]["parameters"] = parameters or {}
    about |= changes
    about["phases"] = phases or about["phases"]
    if marks is not None:
        about["marks"] = True
    rows = np.zeros((len(frames), len(about["series_columns"])), np.int64)
    for column, values in (series or {}).items():
        rows[:, about["series_columns"].index(column)] = values
    with RecordingWriter(path, about) as writer:
        for number, shown in enumerate(frames):
            writer.append(
                op=step * number,
                time_us=times_us[number] if times_us else 1_000_000 * number,
                phase=0,
                grid=np.append(grid(shown), np.zeros(pages, np.uint8)),
                block_types=np.array(
                    [*(types[number] if types else [M] * blocks), *([M] if pages else [])], np.uint8
                ),
                series=rows[number],
                marks=None if marks is None else marks[number],
            )
        writer.add_events(np.array([event(*told) for told in events], EVENT_DTYPE))
        if blame is not None:
            writer.add_blame(blame)
    return Recording.open(path)


def event(
    kind: str,
    op: int,
    block: int,
    new: int,
    old: int,
    order: int = 0,
    claimed: int = 0,
    taken: int = 0,
    free: int = -1,
    alike: int = -1,
    block_type: int | None = None,
) -> np.ndarray:
    """One event: a claim or fallback of a pageblock by type `new` from `old`, or a failure.

    `taken`: order of the block that a fallback takes; `free`, `alike`: pages counted for a claim;
    `block_type`: of the pageblock before, where it isn't `old`.
    """
    told = np.zeros((), EVENT_DTYPE)
    told["op"], told["migratetype"], told["fallback_migratetype"] = op, new, old
    told["order"], told["claimed"] = order, claimed
    told["block_migratetype"] = old if block_type is None else block_type
    told["fallback_order"], told["free_pages"], told["alike_pages"] = taken, free, alike
    told["kind"] = {"claim": EVENT_CLAIM, "fallback": EVENT_FALLBACK}.get(kind, EVENT_FAILURE)
    told["pfn"] = block * PAGES if block >= 0 else PFN_NONE
    if kind == "claim":
        told["order"] = order or ORDER
    return told


def found(recordings: Recording | list[Recording], rule: str) -> list[Finding]:
    """What one rule finds."""
    of = recordings if isinstance(recordings, list) else [recordings]
    return [finding for finding in findings_of(of) if finding.rule == rule]


def one(recordings: Recording | list[Recording], rule: str) -> Finding:
    """The only thing that it finds."""
    (finding,) = found(recordings, rule)
    return finding


def zone(name: str, first: int, end: int, **more: int) -> dict:
    """A zone of these pageblocks."""
    return {"name": name, "start_pfn": first * PAGES, "end_pfn": end * PAGES, **more}


def phases(*starts: tuple[str, int, int]) -> list[dict]:
    """Phases: name, first operation, that of the sample."""
    return [
        {"name": name, "title": name, "start_op": start, "sample_op": sample}
        for name, start, sample in starts
    ]
