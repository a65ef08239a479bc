"""The bytes of a recording file (.reel): a magic line, then chunks.

A chunk is its type (4 bytes), its length (u4), the crc32 (u4) of type, length and payload, and the
payload. All numbers are little-endian. In their order in the file:

HEAD  the header as JSON, keys sorted, no spaces
FRAM  one frame: FRAME_HEAD, then the grid as zstd, then the side as zstd. The grid is a u1 for each
      page, and where the header has "marks" a second one, see Recording.marks. The side is a u1 for
      each pageblock and an i8 for each series column. In a key frame both stand as they are. In the
      others the u1 are XORed with the frame before, the i8 are the difference from it
EVNT  some events as zstd, at any place among the frames
BLAM  rows of blame as zstd, at any place among the frames
INDX  INDEX_HEAD; for each frame its offset u8, op i8, time i8, phase i4; offsets u8 of EVNT chunks,
      offsets u8 of BLAM chunks
TAIL  the offset u8 of INDX

A file that ends before TAIL was cut short or is still being written; the chunks before the cut
hold.
"""

import json
import os
import struct
from dataclasses import dataclass
from typing import BinaryIO
from zlib import crc32

import numpy as np
import zstandard

FORMAT, VERSION = "pagereel recording", 3
MAGIC_START = b"pagereel recording "
MAGIC = MAGIC_START + b"%d\n" % VERSION

HEAD, FRAM, EVNT, BLAM, INDX, TAIL = b"HEAD", b"FRAM", b"EVNT", b"BLAM", b"INDX", b"TAIL"
_CHUNK_TYPES = (HEAD, FRAM, EVNT, BLAM, INDX, TAIL)
_PREFIX = struct.Struct("<4sII")  # type, length, crc32
FRAME_HEAD = struct.Struct("<IIqqiI")  # number, frames since the key, op, time_us, phase, grid size
INDEX_HEAD = struct.Struct("<IIIQQ")  # frames, EVNT, BLAM chunks, dropped events, rows of blame
_INDEX_DTYPES = ("<u8", "<i8", "<i8", "<i4", "<u8", "<u8")  # as in Index
TAIL_BODY = struct.Struct("<Q")
TAIL_BYTES = _PREFIX.size + TAIL_BODY.size

MAX_EVENTS = 1 << 22  # in one recording; a reader's memory is bounded by it
EVENTS_A_CHUNK = 1 << 16
MAX_BLAME = 1 << 20  # rows
RENEWED = 0x80  # bit of a page's mark, see Recording.marks
ORDER_OF_MARK = 0x0F
MAX_PAGES = 2**31 - 1  # a pfn is an i4
MAX_OP = 2**63 - 1
MAX_COLUMNS = 1 << 14  # of the series, which is kept whole in memory

# A page that stood in the way of a failed request; see pipeline/blame.py. `failed_op`: of the
# request. `held_order`, `placed_op`: of the allocation that holds the page; -1: before the first.
BLAME_DTYPE = np.dtype(
    [
        ("failed_op", "<i8"),
        ("placed_op", "<i8"),
        ("start_pfn", "<i4"),
        ("pfn", "<i4"),
        ("order", "u1"),
        ("page_class", "u1"),
        ("held_order", "u1"),
        ("cause", "u1"),
    ]
)
BLAME_CAUSES = (
    "before the recording",
    "in a pageblock of another type",
    "in a pageblock claimed for its type",
    "in a pageblock of its own type",
    "types are not told apart",
    "on a per-CPU list",
)

# Level 1 packs 1.6 to 2.6 GB/s of deltas 30 to 50 times; level 6 gains a tenth at a quarter of
# the speed (bench: the real recordings' snapshots).
ZSTD_LEVEL = 1


class RecordingError(Exception):
    """A recording that cannot be read; one line that names the file and the fault."""


class Fault(Exception):
    """What is wrong with some bytes; the reader adds the file's name."""


def blocks_of(header: dict) -> int:
    """Pageblocks of a recording; the last one may be cut by the end of memory."""
    geometry = header["geometry"]
    return -(-geometry["pages"] >> geometry["pageblock_order"])


@dataclass(frozen=True)
class Index:
    """Where a file's chunks stand, and what the index tells of each frame."""

    offsets: np.ndarray
    ops: np.ndarray
    times_us: np.ndarray
    phases: np.ndarray
    event_offsets: np.ndarray
    blame_offsets: np.ndarray
    dropped_events: int = 0
    dropped_blame: int = 0


def pack_chunk(kind: bytes, payload: bytes) -> bytes:
    """One chunk, ready to be written."""
    checksum = crc32(payload, crc32(struct.pack("<4sI", kind, len(payload))))
    return _PREFIX.pack(kind, len(payload), checksum) + payload


def read_chunk(file: BinaryIO, offset: int, size: int) -> tuple[bytes, bytes, int] | None:
    """Type and payload of the chunk at `offset` of a file of `size` bytes, and where it ends.

    None where the file ends before the chunk does. Raises Fault where the chunk is damaged.
    Reads no more than the file has, whatever length the chunk claims.
    """
    if offset + _PREFIX.size > size:
        return None
    file.seek(offset)
    prefix = file.read(_PREFIX.size)
    if len(prefix) < _PREFIX.size:
        return None
    kind, length, checksum = _PREFIX.unpack(prefix)
    if kind not in _CHUNK_TYPES:
        raise Fault(f"damaged at byte {offset}: no chunk starts there")
    end = offset + _PREFIX.size + length
    if end > size:
        return None
    payload = file.read(length)
    if crc32(payload, crc32(prefix[:8])) != checksum:
        raise Fault(f"damaged: the {kind.decode()} chunk at byte {offset} fails its checksum")
    return kind, payload, end


def pack_header(header: dict) -> bytes:
    """Canonical JSON. Raises ValueError where the header lacks something or is no JSON."""
    check_header(header)
    text = json.dumps(
        header, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def unpack_header(payload: bytes) -> dict:
    """The header of a recording. Raises Fault."""
    try:
        header = json.loads(payload)
        check_header(header)
        check_characters(header, payload)
    except (ValueError, RecursionError) as error:
        raise Fault(f"its header is no recording's: {error}") from None
    return header


def check_characters(table: object, payload: bytes) -> None:
    """Raise ValueError where JSON holds half of a character: that can't be printed."""
    if b"\\u" in payload:  # the only way to write one; we escape none
        json.dumps(table, ensure_ascii=False).encode()


def check_header(header: dict) -> None:
    """Raise ValueError where the header lacks what every reader relies on."""
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise ValueError(f"format isn't {FORMAT!r}")
    if header.get("version") != VERSION:
        raise ValueError(f"version isn't {VERSION}")
    _check_keys(
        header, "header",
        title=str, source=dict, mechanism=dict, workload=dict, seed=int, geometry=dict,
        page_classes=list, migratetypes=list, phases=list, series_columns=list,
    )  # fmt: skip
    _check_keys(header["mechanism"], "mechanism", name=str, title=str)
    _check_keys(header["workload"], "workload", name=str, title=str)
    _check_geometry(header["geometry"])
    for key in ("page_classes", "migratetypes", "series_columns"):
        names = header[key]
        if not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
            raise ValueError(f"{key} aren't names, each once")
    if len(header["page_classes"]) > 256 or len(header["series_columns"]) > MAX_COLUMNS:
        raise ValueError(f"more than 256 page classes, or {MAX_COLUMNS:,} series columns")
    _check_phases(header["phases"])
    _check_optional(header)


def _check_geometry(geometry: dict) -> None:
    _check_keys(geometry, "geometry", pages=int, pageblock_order=int, zones=list)
    if not 1 <= geometry["pages"] <= MAX_PAGES:
        raise ValueError(f"pages isn't 1 to {MAX_PAGES}")
    if not 0 <= geometry["pageblock_order"] <= 30:
        raise ValueError("pageblock_order isn't 0 to 30")
    for zone in geometry["zones"]:
        _check_keys(zone, "zone", name=str, start_pfn=int, end_pfn=int)
        if not 0 <= zone["start_pfn"] <= zone["end_pfn"] <= geometry["pages"]:
            raise ValueError(f"zone {zone['name']!r} lies outside the pages")


def _check_phases(phases: list) -> None:
    for phase in phases:
        _check_keys(phase, "phase", name=str, title=str, start_op=int, sample_op=int)
        if not 0 <= phase["start_op"] <= MAX_OP or not 0 <= phase["sample_op"] <= MAX_OP:
            raise ValueError(f"phase {phase['name']!r} lies at no operation")
    if not phases:
        raise ValueError("there is no phase")


def _check_optional(header: dict) -> None:
    """What may be missing, but must not be anything else than readers take it for."""
    optional = (
        *((header["source"], key, str) for key in ("kind", "text")),
        (header, "marks", bool),
        *((header[of], "parameters", dict) for of in ("mechanism", "workload")),
        (header["mechanism"], "grouping", dict),
        *((zone, "min_pages", int) for zone in header["geometry"]["zones"]),
        *((zone, "lowmem_reserve_pages", (list, tuple)) for zone in header["geometry"]["zones"]),
    )
    for table, key, kind in optional:
        if key in table and not isinstance(table[key], kind):
            raise ValueError(f"{key} is of another kind")
    grouping = header["mechanism"].get("grouping", {})
    if not isinstance(grouping.get("block_order", 0), int):
        raise ValueError("grouping.block_order isn't a number")
    for zone in header["geometry"]["zones"]:
        numbers = [zone.get("min_pages", 0), *zone.get("lowmem_reserve_pages", [])]
        if not all(isinstance(n, int) and 0 <= n <= MAX_PAGES for n in numbers):
            raise ValueError(f"zone {zone['name']!r} has watermarks or reserves out of range")


def _check_keys(table: dict, what: str, **types: type) -> None:
    if not isinstance(table, dict):
        raise ValueError(f"{what} isn't a table")
    for key, kind in types.items():
        if not isinstance(table.get(key), kind) or isinstance(table.get(key), bool):
            raise ValueError(f"{what} has no {key}")


def decompress(packed: bytes, expected_bytes: int, *, at_most: bool = False) -> bytes:
    """What was packed, of exactly (or `at_most`) the expected size. Raises Fault.

    The size that the zstd frame claims is checked before anything is allocated.
    """
    try:
        claimed = zstandard.get_frame_parameters(packed).content_size
        if claimed > expected_bytes or (claimed < expected_bytes and not at_most):
            raise Fault(f"damaged: {claimed:,} bytes are packed where {expected_bytes:,} belong")
        return zstandard.ZstdDecompressor().decompress(packed, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise Fault(f"damaged: {error}") from None


def check_magic(start: bytes) -> None:
    """Raise Fault where the first bytes of a file aren't a recording's of this version."""
    if not start:
        raise Fault("the file is empty")
    if start == MAGIC:
        return
    if start.startswith(MAGIC_START):
        version = start[len(MAGIC_START) :].split(b"\n")[0].decode("ascii", "replace")
        raise Fault(f"version {version!r} of the format; this pagereel reads version {VERSION}")
    if MAGIC.startswith(start):
        raise Fault("the file ends in its first line")
    raise Fault("not a pagereel recording")


def promised_chunk(file: BinaryIO, offset: int, kind: bytes) -> bytes:
    """Payload of the chunk that must stand whole at `offset`. Raises Fault."""
    chunk = read_chunk(file, offset, os.fstat(file.fileno()).st_size)
    if chunk is None or chunk[0] != kind:
        raise Fault(f"damaged: no whole {kind.decode()} chunk at byte {offset}")
    return chunk[1]


def frame_head(payload: bytes, number: int) -> tuple[int, ...]:
    """The FRAME_HEAD of frame `number`. Raises Fault."""
    if len(payload) < FRAME_HEAD.size:
        raise Fault(f"damaged: frame {number} is cut")
    head = FRAME_HEAD.unpack_from(payload)
    if head[0] != number:
        raise Fault(f"damaged: frame {head[0]} stands where frame {number} belongs")
    return head


def index_arrays(
    frames: list[tuple[int, int, int, int]], event_offsets: list[int], blame_offsets: list[int]
) -> list[np.ndarray]:
    """The columns of the index from offset, op, time_us, phase of each frame, offsets of chunks."""
    columns = [*(zip(*frames, strict=True) if frames else [()] * 4), event_offsets, blame_offsets]
    return [np.array(c, dtype) for c, dtype in zip(columns, _INDEX_DTYPES, strict=True)]


def read_index(file: BinaryIO, size: int) -> Index | None:
    """The index, or None for a file without its last chunk. Raises Fault for a damaged index."""
    try:
        tail = read_chunk(file, max(size - TAIL_BYTES, 0), size)
    except Fault:
        return None
    if tail is None or tail[0] != TAIL or tail[2] != size:
        return None
    return _index(promised_chunk(file, *TAIL_BODY.unpack(tail[1]), INDX))


def _index(payload: bytes) -> Index:
    head = INDEX_HEAD.unpack_from(payload.ljust(INDEX_HEAD.size, b"\0"))
    frames, event_chunks, blame_chunks, *dropped = head
    counts = (frames, frames, frames, frames, event_chunks, blame_chunks)
    bounds = [INDEX_HEAD.size]
    for dtype, count in zip(_INDEX_DTYPES, counts, strict=True):
        bounds.append(bounds[-1] + np.dtype(dtype).itemsize * count)
    if bounds[-1] != len(payload):
        raise Fault("damaged: its index is of the wrong size")
    arrays = [
        np.frombuffer(payload[start:end], dtype)
        for dtype, start, end in zip(_INDEX_DTYPES, bounds, bounds[1:], strict=False)
    ]
    return Index(*arrays, *dropped)


def scan(file: BinaryIO, offset: int, size: int) -> Index:
    """The index made anew from the whole chunks of a file that has none. Raises Fault."""
    frames, event_offsets, blame_offsets, dropped = [], [], [], (0, 0)
    while chunk := read_chunk(file, offset, size):
        kind, payload, end = chunk
        if kind == FRAM:
            _, _, op, time_us, phase, _ = frame_head(payload, len(frames))
            frames.append((offset, op, time_us, phase))
        elif kind == EVNT:
            event_offsets.append(offset)
        elif kind == BLAM:
            blame_offsets.append(offset)
        elif kind == INDX:
            index = _index(payload)
            dropped = index.dropped_events, index.dropped_blame
        else:
            raise Fault(f"damaged: a {kind.decode()} chunk at byte {offset}")
        offset = end
    arrays = index_arrays(frames, event_offsets, blame_offsets)
    return Index(*arrays, *dropped)
