"""Writing recordings: frames, events and rows of blame, appended to a file.

The bytes: recording_format.py. What comes of a file whose writer was killed: recording.py.
"""

from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import zstandard

from allocator.terms import EVENT_DTYPE
from pipeline.growing_file import GrowingFile
from pipeline.recording_format import (
    BLAM,
    BLAME_DTYPE,
    EVENTS_A_CHUNK,
    EVNT,
    FRAM,
    FRAME_HEAD,
    HEAD,
    INDEX_HEAD,
    INDX,
    MAGIC,
    MAX_BLAME,
    MAX_EVENTS,
    TAIL,
    TAIL_BODY,
    ZSTD_LEVEL,
    blocks_of,
    index_arrays,
    pack_chunk,
    pack_header,
)


class RecordingWriter:
    """Writes a recording to `path` + ".partial" and gives it its name when it is closed.

    As a context manager it closes at the end and aborts on an exception. `go_on`: with what a
    writer of the same recording left there when it died; then an interrupt leaves it there too.
    Raises ValueError for a header that lacks something, OSError where the file cannot be written.
    `dropped_events`, which may be set at any time before the close, counts those that never came
    here; the writer adds what it drops itself.
    """

    def __init__(
        self, path: Path, header: dict, *, key_every: int = 64, go_on: bool = False
    ) -> None:
        self.dropped_events = 0
        self._key_every = key_every
        head = pack_header(header)
        self._pages = header["geometry"]["pages"]
        self._classes, self._types = len(header["page_classes"]), len(header["migratetypes"])
        self._phases = len(header["phases"])
        self._blocks, self._columns = blocks_of(header), len(header["series_columns"])
        self._compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL)
        self._has_marks = bool(header.get("marks"))
        self._before: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
        self._frames: list[tuple[int, int, int, int]] = []  # offset, op, time_us, phase
        self._event_offsets: list[int] = []
        self._blame_offsets: list[int] = []
        self._events = self._not_kept = self._blamed = self._not_kept_blame = 0
        self._file = GrowingFile(Path(path), MAGIC + pack_chunk(HEAD, head), go_on=go_on)

    def append(
        self,
        *,
        op: int,
        time_us: int,
        phase: int,
        grid: np.ndarray,
        block_types: np.ndarray,
        series: np.ndarray,
        marks: np.ndarray | None = None,
    ) -> None:
        """One frame: `grid` u1[pages], `block_types` u1[blocks], `series` i8[columns].

        `marks` u1[pages] where the header has them. Raises ValueError for arrays that don't fit
        the header, OSError.
        """
        grid = _fitting("grid", grid, np.uint8, self._pages, self._classes)
        if self._has_marks != (marks is not None):
            raise ValueError("the header and the frame don't agree on marks")
        if self._has_marks:
            grid = np.concatenate((grid, _fitting("marks", marks, np.uint8, self._pages)))
        block_types = _fitting("block_types", block_types, np.uint8, self._blocks, self._types)
        series = _fitting("series", series, np.int64, self._columns)
        if not 0 <= phase < self._phases:
            raise ValueError(f"phase {phase} isn't in the header")
        since_key = len(self._frames) % self._key_every
        shown = (grid, block_types, series)
        if since_key:
            grid_before, types_before, series_before = self._before
            shown = (grid ^ grid_before, block_types ^ types_before, series - series_before)
        self._before = (grid.copy(), block_types.copy(), series.copy())
        packed = self._compressor.compress(np.ascontiguousarray(shown[0]))
        side = self._compressor.compress(shown[1].tobytes() + shown[2].tobytes())
        head = FRAME_HEAD.pack(len(self._frames), since_key, op, time_us, phase, len(packed))
        self._frames.append((self._file.size_bytes, op, time_us, phase))
        self._file.append(pack_chunk(FRAM, head + packed + side))

    def add_events(self, events: np.ndarray) -> None:
        """Events EVENT_DTYPE[n], in order. Those above MAX_EVENTS are counted as dropped."""
        if events.dtype != EVENT_DTYPE or events.ndim != 1:
            raise ValueError(f"events are {events.dtype}, not {EVENT_DTYPE}")
        kept = events[: MAX_EVENTS - self._events]
        self._not_kept += len(events) - len(kept)
        self._events += len(kept)
        for start in range(0, len(kept), EVENTS_A_CHUNK):
            part = np.ascontiguousarray(kept[start : start + EVENTS_A_CHUNK])
            self._event_offsets.append(self._file.size_bytes)
            self._file.append(pack_chunk(EVNT, self._compressor.compress(part.tobytes())))

    def add_blame(self, rows: np.ndarray) -> None:
        """Rows BLAME_DTYPE[n], in order. Requests whose rows would be above MAX_BLAME are left out
        whole, and their rows counted as dropped.
        """
        if rows.dtype != BLAME_DTYPE or rows.ndim != 1:
            raise ValueError(f"rows are {rows.dtype}, not {BLAME_DTYPE}")
        room = MAX_BLAME - self._blamed
        if len(rows) > room:  # no request is told by half
            room = int(np.searchsorted(rows["failed_op"], rows["failed_op"][room]))
        kept = np.ascontiguousarray(rows[:room])
        self._blamed += len(kept)
        self._not_kept_blame += len(rows) - len(kept)
        if len(kept):
            self._blame_offsets.append(self._file.size_bytes)
            self._file.append(pack_chunk(BLAM, self._compressor.compress(kept.tobytes())))

    def close(self) -> None:
        """Write the index, bring all to the disk and give the file its name. Raises OSError."""
        try:
            index = self._file.size_bytes
            self._file.append(pack_chunk(INDX, self._index()))
            self._file.append(pack_chunk(TAIL, TAIL_BODY.pack(index)))
            self._file.finish()
        except BaseException as error:
            self._file.leave(error)
            raise

    def abort(self) -> None:
        """Remove what was written."""
        self._file.leave(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self._file.leave(error)

    def _index(self) -> bytes:
        dropped = self.dropped_events + self._not_kept
        chunks = len(self._event_offsets), len(self._blame_offsets)
        head = INDEX_HEAD.pack(len(self._frames), *chunks, dropped, self._not_kept_blame)
        arrays = index_arrays(self._frames, self._event_offsets, self._blame_offsets)
        return head + b"".join(array.tobytes() for array in arrays)


def _fitting(
    what: str, values: np.ndarray, dtype: type, length: int, codes: int | None = None
) -> np.ndarray:
    values = np.asarray(values)
    if values.dtype != dtype or values.shape != (length,):
        raise ValueError(
            f"{what} is {values.dtype}{list(values.shape)}, not {np.dtype(dtype)}[{length}]"
        )
    if codes is not None and values.max() >= codes:
        raise ValueError(f"{what} has code {values.max()}; the header names {codes}")
    return values
