"""Tiles and names of zones in a grid of slots."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

UNUSED, LINE = -1, -2  # in place of a zone's number


@dataclass(frozen=True)
class Segment:
    """A run of tiles under one heading, and the slots that the heading takes (0 without name)."""

    name: str
    tiles: int
    columns: int
    rows: int


@dataclass(frozen=True)
class Label:
    """Where a heading stands: in slots, and after `in_px` in pixels. `quiet`: no zone's name."""

    name: str
    x: int
    y: int
    width: int
    height: int
    quiet: bool = False

    def in_px(self, pitch_px: tuple[int, int], gap_px: int) -> "Label":
        """The same box in pixels; the gaps around it stay free."""
        return replace(
            self,
            x=self.x * pitch_px[0] + gap_px,
            y=self.y * pitch_px[1] + gap_px,
            width=self.width * pitch_px[0] - gap_px,
            height=self.height * pitch_px[1] - gap_px,
        )


def heading_slots(
    size_px: tuple[int, int], pitch_px: tuple[int, int], gap_px: int, columns: int
) -> tuple[int, int]:
    """Columns and rows of slots that a text of some size takes; no wider than the grid."""
    wide, high = (
        -(-(size + gap_px) // pitch) for size, pitch in zip(size_px, pitch_px, strict=True)
    )
    return min(wide, columns), high


def flow(
    walk: Callable[[int, int], np.ndarray],
    segments: Sequence[Segment],
    columns: int,
    max_rows: int,
    *,
    new_line: bool,
) -> tuple[np.ndarray, list[Label], np.ndarray, int] | None:
    """Place all tiles in as few rows as they need.

    With `new_line` a segment starts on a new row, below a row that is left for a line. Returns the
    slot of each tile i4[tiles], the headings, the segment of each slot i4[slots] (or UNUSED, LINE)
    and the number of rows; None where `max_rows` are too few.
    """
    slots = sum(segment.tiles + segment.columns * segment.rows for segment in segments)
    for rows in range(-(-slots // columns), max_rows + 1):
        placed = _flow(walk(columns, rows), segments, columns, rows, new_line)
        if placed is not None:
            return *placed, rows
    return None


def _flow(
    order: np.ndarray, segments: Sequence[Segment], columns: int, rows: int, new_line: bool
) -> tuple[np.ndarray, list[Label], np.ndarray] | None:
    owner = np.full((rows, columns), UNUSED, np.int32)
    tiles, labels, start = [], [], 0
    in_lines = bool((np.diff(order) == 1).all())
    for number, segment in enumerate(segments):
        if new_line and number:
            line = -(-start // columns)
            line = max(line, max((label.y + label.height for label in labels), default=0))
            owner[line : line + 1] = LINE
            start = (line + 1) * columns
        label = _heading(order, start, segment, owner)
        if label is None:
            return None
        if segment.name:
            owner[label.y : label.y + label.height, label.x : label.x + label.width] = number
            labels.append(label)
        if in_lines:  # nothing of a segment stands before its heading; a curve has no such order
            start += int(np.flatnonzero(order[start:] == label.y * columns + label.x)[0])
        rest = order[start:]
        places = start + np.flatnonzero(owner.ravel()[rest] == UNUSED)[: segment.tiles]
        if len(places) < segment.tiles:
            return None
        taken = order[places]
        owner.ravel()[taken] = number
        tiles.append(taken)
        start = int(places[-1]) + 1
    return np.concatenate(tiles), labels, owner.ravel()


def _heading(order: np.ndarray, start: int, segment: Segment, owner: np.ndarray) -> Label | None:
    """The first place from `start` on where the heading finds room."""
    rows, columns = owner.shape
    for slot in order[start:].tolist():
        y, x = divmod(slot, columns)
        if not segment.name:
            return Label("", x, y, 0, 0)
        if x + segment.columns > columns or y + segment.rows > rows:
            continue
        if (owner[y : y + segment.rows, x : x + segment.columns] == UNUSED).all():
            return Label(segment.name, x, y, segment.columns, segment.rows)
    return None
