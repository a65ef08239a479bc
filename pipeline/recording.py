"""Recordings: what the pages held at each frame, with counters and events beside it.

One file, `.reel`, whether a simulation, a replay or a real kernel made it. It is only appended to,
so it can be read while it grows and after its writer was killed. The bytes: recording_format.py.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np

from allocator.terms import EVENT_DTYPE
from pipeline.recording_format import (
    BLAM,
    BLAME_DTYPE,
    EVENTS_A_CHUNK,
    EVNT,
    FRAM,
    FRAME_HEAD,
    HEAD,
    MAGIC,
    MAX_BLAME,
    MAX_EVENTS,
    Fault,
    Index,
    RecordingError,
    blocks_of,
    check_magic,
    decompress,
    frame_head,
    promised_chunk,
    read_chunk,
    read_index,
    scan,
    unpack_header,
)
from pipeline.recording_writer import RecordingWriter

__all__ = ["Recording", "RecordingError", "RecordingWriter"]


@dataclass(frozen=True)
class _Frame:
    """A decoded frame."""

    since_key: int
    pages: np.ndarray  # the grid, then the marks where there are any
    block_types: np.ndarray
    series: np.ndarray


class Recording:
    """A recording opened for reading; frames are decoded when they are asked for.

    `ops`, `times_us` i8[frames]; `phases` i4[frames], places in the header's phases. `complete` is
    False for a file without its end: one still growing, or left by a writer that was killed; its
    whole frames can be read. Arrays that are handed out are read-only. Every read raises
    RecordingError where the file is damaged.
    """

    def __init__(self, path: Path, header: dict, index: Index, complete: bool) -> None:
        self.path = path
        self.header = header
        self.complete = complete
        self.dropped_events, self.dropped_blame = index.dropped_events, index.dropped_blame
        self.ops, self.times_us, self.phases = index.ops, index.times_us, index.phases
        self._offsets, self._event_offsets = index.offsets, index.event_offsets
        self._blame_offsets = index.blame_offsets
        self._blocks, self._pages = blocks_of(header), header["geometry"]["pages"]
        self.has_marks = bool(header.get("marks"))
        self._last: tuple[int, _Frame] | None = None

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a `.reel` file. Raises RecordingError: missing, foreign, damaged, no header."""
        path = Path(path)
        with _naming(path), open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            check_magic(file.read(len(MAGIC)))
            chunk = read_chunk(file, len(MAGIC), size)
            if chunk is None or chunk[0] != HEAD:
                raise Fault("the file ends in its header" if chunk is None else "no header")
            header = unpack_header(chunk[1])
            index = read_index(file, size)
            complete = index is not None
            index = index or scan(file, chunk[2], size)
            outside = (index.phases < 0) | (index.phases >= len(header["phases"]))
            if outside.any():
                raise Fault("damaged: a frame's phase isn't in the header")
        return cls(path, header, index, complete)

    def __len__(self) -> int:
        """Frames."""
        return len(self.ops)

    def grid(self, index: int) -> np.ndarray:
        """Page classes of a frame, u1[pages]. Cheap when frames are asked for in order."""
        return self._frame(index).pages[: self._pages]

    def marks(self, index: int) -> np.ndarray | None:
        """Of whom the pages are, at a frame: u1[pages]; None where the recording doesn't tell.

        Of a page in use the bits ORDER_OF_MARK are the order of the allocation that holds it. The
        bit RENEWED flips where a page has another holder than in the frame before, although its
        class may be the same; that is not kept of movable pages.
        """
        return self._frame(index).pages[self._pages :] if self.has_marks else None

    def grids(self) -> Iterator[np.ndarray]:
        """The page classes of every frame in order; each array may be kept."""
        return (self.grid(index) for index in range(len(self)))

    def block_types(self, index: int) -> np.ndarray:
        """Migratetypes of the pageblocks at a frame, u1[blocks]."""
        return self._frame(index).block_types

    def phases_of(self, ops: np.ndarray) -> np.ndarray:
        """The phases that operations belong to, i8: places in the header's phases."""
        starts = [phase["start_op"] for phase in self.header["phases"]]
        return np.maximum(np.searchsorted(starts, ops, side="right") - 1, 0)

    def column(self, name: str) -> np.ndarray:
        """One series column, i8[frames]. Raises KeyError for a name the header doesn't have."""
        columns = self.header["series_columns"]
        if name not in columns:
            raise KeyError(name)
        return self.series[:, columns.index(name)]

    @cached_property
    def series(self) -> np.ndarray:
        """All series rows, i8[frames, columns]."""
        rows = np.zeros((len(self), len(self.header["series_columns"])), np.int64)
        with self._reading() as file:
            for index in range(len(self)):
                since_key, _, side = self._parts(file, index)
                if since_key > index:
                    raise Fault(f"damaged: frame {index} has no key frame")
                rows[index] = self._split(side)[1]
                if since_key:
                    rows[index] += rows[index - 1]
        rows.flags.writeable = False
        return rows

    @cached_property
    def events(self) -> np.ndarray:
        """All events in order, EVENT_DTYPE[n]."""
        return self._rows(EVNT, self._event_offsets, EVENT_DTYPE, EVENTS_A_CHUNK, MAX_EVENTS)

    @cached_property
    def blame(self) -> np.ndarray:
        """The pages that stood in the way of failed requests, BLAME_DTYPE[n], in order."""
        return self._rows(BLAM, self._blame_offsets, BLAME_DTYPE, MAX_BLAME, MAX_BLAME)

    def _rows(
        self, kind: bytes, offsets: np.ndarray, dtype: np.dtype, a_chunk: int, most: int
    ) -> np.ndarray:
        """All rows of the chunks of one kind, at most `most` and `a_chunk` in each."""
        parts, count = [np.empty(0, dtype)], 0
        with self._reading() as file:
            for offset in offsets.tolist():
                payload = promised_chunk(file, offset, kind)
                raw = decompress(payload, a_chunk * dtype.itemsize, at_most=True)
                count += len(raw) // dtype.itemsize
                if len(raw) % dtype.itemsize or count > most:
                    raise Fault(f"damaged: the rows at byte {offset} are cut, or too many")
                parts.append(np.frombuffer(raw, dtype))
        rows = np.concatenate(parts)
        rows.flags.writeable = False
        return rows

    def _frame(self, index: int) -> _Frame:
        if not -len(self) <= index < len(self):
            raise IndexError(f"{self.path} has {len(self)} frames; there is no frame {index}")
        index %= len(self)
        if self._last and self._last[0] == index:
            return self._last[1]
        with self._reading() as file:
            since_key = self._parts(file, index)[0]
            start, frame = index - since_key, None
            if start < 0:
                raise Fault(f"damaged: frame {index} has no key frame")
            if self._last and start <= self._last[0] < index:
                start, frame = self._last[0] + 1, self._last[1]
            for number in range(start, index + 1):
                frame = self._decode(file, number, frame)
        self._last = (index, frame)
        return frame

    def _decode(self, file: BinaryIO, index: int, before: _Frame | None) -> _Frame:
        since_key, packed, side = self._parts(file, index)
        if since_key != (before.since_key + 1 if before else 0):
            raise Fault(f"damaged: frame {index} doesn't follow the one before")
        planes = 2 if self.has_marks else 1
        pages = np.frombuffer(decompress(packed, planes * self._pages), np.uint8)
        types, series = self._split(side)
        if before:
            pages, types = pages ^ before.pages, types ^ before.block_types
            series = series + before.series
        grid = pages[: self._pages]
        for codes, names in ((grid, "page_classes"), (types, "migratetypes")):
            if codes.max() >= len(self.header[names]):
                raise Fault(f"damaged: frame {index} has a code that {names} doesn't name")
        pages.flags.writeable = types.flags.writeable = False
        return _Frame(since_key, pages, types, series)

    def _parts(self, file: BinaryIO, index: int) -> tuple[int, bytes, bytes]:
        """Frames since the key frame, the packed grid and the packed side of a frame."""
        payload = promised_chunk(file, int(self._offsets[index]), FRAM)
        head = frame_head(payload, index)
        end = FRAME_HEAD.size + head[-1]
        return head[1], payload[FRAME_HEAD.size : end], payload[end:]

    def _split(self, side: bytes) -> tuple[np.ndarray, np.ndarray]:
        """Block types u1[blocks] and series row i8[columns] of a side, both as deltas maybe."""
        row_bytes = 8 * len(self.header["series_columns"])
        raw = decompress(side, self._blocks + row_bytes)
        types = np.frombuffer(raw, np.uint8, self._blocks)
        return types, np.frombuffer(raw[self._blocks :], "<i8")

    @contextmanager
    def _reading(self) -> Iterator[BinaryIO]:
        """The file, opened for each reading: nothing to close, and it may go to other processes."""
        with _naming(self.path), open(self.path, "rb") as file:
            yield file


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Faults in the block become RecordingError that name the file."""
    try:
        yield
    except Fault as fault:
        raise RecordingError(f"{path}: {fault}") from None
    except OSError as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else error.strerror
        raise RecordingError(f"{path}: {reason}") from None
