"""Frames packed for the page: what changes from frame to frame, deflated, as text.

The frames of a panel come in groups of `group_frames`, each of which can be read alone: planes with
a value for each cell, first the state before the group's first frame (all 0 in the first group),
then what changes at each frame. Most values are 0, so a plane is told by its runs of others. A
group is a deflate stream ("deflate-raw" of DecompressionStream) of four columns:

u4 little-endian for each plane: its runs
varints for each run: cells of 0 between it and the run before, or the beginning of the plane
varints for each run: its cells, less one
u1 for each run: its value

A varint has 7 bits in a byte, the lowest first, and 0x80 in all bytes but its last. (Runs take 30 %
less than the planes themselves, deflated, and a quarter of the time.)

Values of a class plane: 0 nothing changed, c + 1 the cell's class became c, SAME: the class is the
same, but another allocation holds the page. Values of an order plane: 0 nothing changed, o + 1 the
allocation that holds the page has order o. Orders are told of pages in use only; what an order
plane says of a free page is old.
"""

import zlib
from base64 import b85encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pipeline.recording import Recording
from pipeline.recording_format import ORDER_OF_MARK, RENEWED
from renderer import palette
from renderer.frame import cell_classes
from renderer.output import RenderError

PACKED_BYTES_MAX = 8_000_000  # of all panels, deflated; above it, more pages share a cell
CELLS_MAX = 2 << 20  # of one panel
SAME = 255
FREE_CLASSES = ("free", "pcp_free", "hole")  # nobody holds such a page
GROUP_CELLS = 10 << 20  # that a browser unpacks for a seek: 64 frames of 512 MiB of memory
GROUP_FRAMES_MAX = 64

# In a script element "<" could begin its end; "&" and ">" go with it, for editors' sake.
_TO_TEXT = bytes.maketrans(b"<&>", b",./")


class Cells(NamedTuple):
    """How the pages of a recording are shared among cells, as `cell_classes` takes it."""

    cells: int
    pages_per_cell: int

    @classmethod
    def of(cls, pages: int, pages_per_cell: int) -> "Cells":
        """The last cell may stand for fewer pages."""
        return cls(-(-pages // pages_per_cell), pages_per_cell)


@dataclass(frozen=True)
class PackedPanel:
    """A panel's groups as text, in order. `orders` is empty where a recording has no marks."""

    cells: Cells
    group_frames: int
    classes: tuple[str, ...]
    orders: tuple[str, ...]


def pack(
    recordings: Sequence[Recording], progress: Callable[[int, int], None] = lambda done, of: None
) -> list[PackedPanel]:
    """All frames of the recordings, one page a cell where that stays within the bounds.

    Otherwise 2, 4, ... pages share a cell and the worst class wins. `progress(done, all)` is called
    with frames. Raises RecordingError; RenderError for a recording with more than 254 page classes.
    """
    most_pages = max(recording.header["geometry"]["pages"] for recording in recordings)
    per_cell = 1
    while most_pages > CELLS_MAX * per_cell:
        per_cell *= 2
    while True:
        packed = _pack(recordings, per_cell, progress)
        if packed is not None:
            return packed
        per_cell *= 2


def _pack(
    recordings: Sequence[Recording], per_cell: int, progress: Callable[[int, int], None]
) -> list[PackedPanel] | None:
    """The same with so many pages a cell; None where that takes more than PACKED_BYTES_MAX."""
    packed, left = [], PACKED_BYTES_MAX
    frames = sum(map(len, recordings))
    before = 0
    for recording in recordings:
        packer = _Packer(recording, per_cell)
        panel = packer.packed(left, lambda done, before=before: progress(before + done, frames))
        if panel is None:
            return None
        packed.append(panel)
        left -= packer.size_bytes
        before += len(recording)
    return packed


def as_text(data: bytes) -> str:
    """Bytes in base 85: 4 in 5 characters of ASCII, none of them < or & or a quote."""
    return b85encode(data).translate(_TO_TEXT).decode()


def deflated_text(data: bytes) -> str:
    """Bytes as a raw deflate stream in base 85."""
    return as_text(_deflated(data))


def _deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, 9)
    return packer.compress(data) + packer.flush()


class _Runs:
    """The planes of a group as their runs."""

    def __init__(self) -> None:
        self._counts: list[int] = []
        self._gaps: list[bytes] = []
        self._lengths: list[bytes] = []
        self._values: list[bytes] = []

    def add(self, plane: np.ndarray) -> None:
        """The next plane, u1[cells]."""
        edges = np.flatnonzero(np.diff(plane)) + 1
        starts, ends = np.append(0, edges), np.append(edges, len(plane))
        there = plane[starts] != 0
        starts, ends = starts[there], ends[there]
        self._counts.append(len(starts))
        self._gaps.append(varints(starts - np.append(0, ends[:-1])[: len(starts)]))
        self._lengths.append(varints(ends - starts - 1))
        self._values.append(plane[starts].tobytes())

    def packed(self) -> bytes:
        """All planes, deflated."""
        counts = np.array(self._counts, "<u4").tobytes()
        return _deflated(b"".join([counts, *self._gaps, *self._lengths, *self._values]))


def varints(values: np.ndarray) -> bytes:
    """Numbers from 0 to 2^21 - 1, i8[n], as varints."""
    parts = np.stack((values & 127, values >> 7 & 127, values >> 14), axis=1).astype(np.uint8)
    parts[:, 0] |= (values >= 1 << 7).astype(np.uint8) << 7
    parts[:, 1] |= (values >= 1 << 14).astype(np.uint8) << 7
    there = np.stack((np.ones(len(values), bool), values >= 1 << 7, values >= 1 << 14), axis=1)
    return parts[there].tobytes()


class _Packer:
    """Reads a recording once, frame by frame, and keeps nothing but what is packed."""

    def __init__(self, recording: Recording, per_cell: int) -> None:
        names = recording.header["page_classes"]
        if len(names) > 254:
            raise RenderError(f"{recording.path}: {len(names)} page classes; a page holds 254")
        self._recording = recording
        self._cells = Cells.of(recording.header["geometry"]["pages"], per_cell)
        self._ranks = palette.class_ranks(names)
        self._held = np.array([name not in FREE_CLASSES for name in names])
        self._with_orders = recording.has_marks and per_cell == 1
        self._class = np.zeros(self._cells.cells, np.uint8)  # as class + 1, 0 before frame 0
        self._order = self._class.copy()
        self._marks = None
        self.group_frames = max(1, min(GROUP_FRAMES_MAX, GROUP_CELLS // self._cells.cells))
        self.size_bytes = 0

    def packed(self, most_bytes: int, told: Callable[[int], None]) -> PackedPanel | None:
        """The panel, or None as soon as it is seen to take more than `most_bytes`."""
        classes, orders = [], []
        # A cell that holds whole pageblocks is as coarse as a panel gets.
        bounded = self._cells.cells > 4096
        for first in range(0, len(self._recording), self.group_frames):
            last = min(first + self.group_frames, len(self._recording))
            for groups, data in zip((classes, orders), self._group(first, last), strict=True):
                self.size_bytes += len(data)
                groups.append(as_text(data))
            told(last)
            if bounded and self.size_bytes > most_bytes:
                return None
        return PackedPanel(
            self._cells, self.group_frames, tuple(classes),
            tuple(orders) if self._with_orders else (),
        )  # fmt: skip

    def _group(self, first: int, last: int) -> tuple[bytes, bytes]:
        """Class stream and order stream of some frames; the latter b"" without orders."""
        classes, orders = _Runs(), _Runs()
        classes.add(self._class)
        orders.add(self._order)
        for frame in range(first, last):
            changed, reordered = self._changes(frame)
            classes.add(changed)
            orders.add(reordered)
        return classes.packed(), orders.packed() if self._with_orders else b""

    def _changes(self, frame: int) -> tuple[np.ndarray, np.ndarray]:
        """Values of the class plane and of the order plane of a frame, u1[cells]."""
        grid = self._recording.grid(frame)
        now = cell_classes(grid, self._cells, self._ranks) + np.uint8(1)
        changed = np.where(now != self._class, now, np.uint8(0))
        self._class = now
        if not self._with_orders:
            return changed, self._order
        marks, before = self._recording.marks(frame), self._marks
        self._marks = marks
        if before is not None:
            changed[((marks ^ before) & RENEWED != 0) & (changed == 0)] = SAME
        order = np.where(self._held[grid], (marks & ORDER_OF_MARK) + np.uint8(1), self._order)
        reordered = np.where(order != self._order, order, np.uint8(0))
        self._order = order
        return changed, reordered
