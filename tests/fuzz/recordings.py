"""Damaged recordings: any bytes, and files with right checksums and wrong contents."""

import json
import struct
import tempfile
from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path
from random import Random

import numpy as np
import zstandard

from allocator.mechanism import load_mechanism
from pipeline.measures import measures_of, sample_frames
from pipeline.metadata import labels_of, of_recording
from pipeline.recording import Recording, RecordingError
from pipeline.recording_format import (
    BLAM,
    EVNT,
    FRAM,
    FRAME_HEAD,
    HEAD,
    INDX,
    MAGIC,
    TAIL,
    pack_chunk,
    read_chunk,
)
from pipeline.show import show_info
from pipeline.simulate import simulate
from tests.fuzz.judge import Case, Target
from tests.fuzz.mutate import NUMBERS, json_bytes, mutated_bytes, mutated_json
from workloads import load_workload

_FRAMES = 6  # looked at in each accepted recording
_MEASURED = 0.01  # of those: the figures take much longer than the reading
_UNPACKED_BYTES = 1 << 20  # what claims to be more isn't unpacked to be changed again
_LARGE_PAGES = 1 << 22  # a frame of more isn't decoded: it may be as large as it claims


@cache
def samples() -> tuple[bytes, ...]:
    """Whole small recordings, with and without marks and blame, with failures and without."""
    small = {"memory_mib": "1", "requests": "150"}
    full = small | {
        "memory_mib": "12",
        "requests": "3000",
        "high_order_share": "0.5",
        "used_share": "1",
    }
    made = (("6.1-list", small, True), ("2007-vanilla", small, False), ("6.1-both", full, True))
    result = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.reel"
        for name, parameters, watched in made:
            stream = load_workload("churn", parameters)
            stops = np.linspace(0, len(stream.ops), 5).astype(np.int64)
            simulate(stream, load_mechanism(name), path, stops=stops, key_every=3, watched=watched)
            result.append(path.read_bytes())
    return tuple(result)


@cache
def chunks_of(data: bytes) -> tuple[tuple[bytes, bytes], ...]:
    """Kind and payload of each chunk of a whole recording."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        found, offset = [], len(MAGIC)
        while chunk := read_chunk(file, offset, len(data)):
            found.append(chunk[:2])
            offset = chunk[2]
    return tuple(found)


def make(random: Random, folder: Path) -> Case:
    data = random.choice(samples())
    data = mutated_bytes(random, data) if random.random() < 0.3 else _forged(random, data)
    path = folder / "a.reel"
    path.write_bytes(data)
    measured = random.random() < _MEASURED
    return Case(lambda: use(path, measured), str(path))


def use(path: Path, measured: bool) -> None:
    """All that can be read of a recording."""
    recording = Recording.open(path)
    labels_of([recording.header, recording.header])
    of_recording(recording.header)
    with redirect_stdout(StringIO()) as told:
        show_info(path, as_json=False)
    told.getvalue().encode()
    if recording.header["geometry"]["pages"] > _LARGE_PAGES:
        return
    for index in [*range(min(len(recording), _FRAMES)), -1 if len(recording) else 0][
        : len(recording)
    ]:
        assert recording.grid(index).shape == (recording.header["geometry"]["pages"],)
        recording.marks(index)
        recording.block_types(index)
    assert len(recording.series) == len(recording)
    recording.phases_of(recording.events["op"])
    sample_frames(recording)
    len(recording.blame)
    if measured:
        measures_of(recording)


# Files with right checksums.


def _forged(random: Random, data: bytes) -> bytes:
    chunks = [list(chunk) for chunk in chunks_of(data)[:-2]]
    for _ in range(random.choice((1, 1, 2))):
        victim = random.choice(chunks) if random.random() < 0.8 else chunks[0]
        edit = random.randrange(10)
        if edit < 7:
            victim[1] = _mutated_payload(random, *victim)
        elif edit == 7:
            chunks.remove(victim)
        elif edit == 8:
            chunks.insert(random.randrange(len(chunks) + 1), list(victim))
        else:
            victim[0] = random.choice((HEAD, FRAM, EVNT, BLAM, INDX, TAIL, b"ABCD"))
        if not chunks:
            return MAGIC
    return _sealed(random, chunks)


def _mutated_payload(random: Random, kind: bytes, payload: bytes) -> bytes:
    if kind == HEAD:
        try:
            return json_bytes(random, mutated_json(random, json.loads(payload)))
        except (ValueError, RecursionError):
            return mutated_bytes(random, payload)
    if kind == FRAM and len(payload) > FRAME_HEAD.size:
        return _mutated_frame(random, payload)
    if kind in (EVNT, BLAM):
        return _repacked(random, payload)
    return mutated_bytes(random, payload)


def _mutated_frame(random: Random, payload: bytes) -> bytes:
    head = list(FRAME_HEAD.unpack_from(payload))
    grid = payload[FRAME_HEAD.size : FRAME_HEAD.size + head[-1]]
    side = payload[FRAME_HEAD.size + head[-1] :]
    edit = random.randrange(3)
    if edit == 0:
        place = random.randrange(len(head))
        bits = (32, 32, 64, 64, 32, 32)[place]
        head[place] = random.choice(NUMBERS) % 2**bits
        if place in (2, 3, 4) and head[place] >= 2 ** (bits - 1):
            head[place] -= 2**bits
        return FRAME_HEAD.pack(*head) + grid + side
    grid, side = (_repacked(random, grid), side) if edit == 1 else (grid, _repacked(random, side))
    return FRAME_HEAD.pack(*head[:-1], len(grid)) + grid + side


def _repacked(random: Random, packed: bytes) -> bytes:
    """What was packed with other contents; of any size; a frame that zstd passes over; a bomb."""
    edit = random.randrange(12)
    if edit == 0:
        return mutated_bytes(random, packed)
    if edit == 1:
        length = random.choice((0, 1, 8, 1024, 2**32 - 1))
        return struct.pack("<II", 0x184D2A50, length) + bytes(min(length, 1024))
    if edit == 2:
        return _bomb()
    try:
        if zstandard.get_frame_parameters(packed).content_size > _UNPACKED_BYTES:
            return packed
        raw = zstandard.decompress(packed)
    except zstandard.ZstdError:
        return mutated_bytes(random, packed)
    if edit == 3:
        return zstandard.ZstdCompressor(write_content_size=False).compress(raw)
    if edit == 4:
        return zstandard.compress(raw) + zstandard.compress(raw)
    return zstandard.compress(mutated_bytes(random, raw), 1)


@cache
def _bomb() -> bytes:
    """128 MiB of zeros in a frame that doesn't tell its size."""
    packer = zstandard.ZstdCompressor(level=1).compressobj()
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(128)) + packer.flush()


def _sealed(random: Random, chunks: list[list[bytes]]) -> bytes:
    """The chunks with checksums; then an index made anew, a damaged one, or none."""
    data, frames, others = bytearray(MAGIC), [], {EVNT: [], BLAM: []}
    for kind, payload in chunks:
        if kind == FRAM and len(payload) >= FRAME_HEAD.size:
            frames.append((len(data), *FRAME_HEAD.unpack_from(payload)[2:5]))
        elif kind in others:
            others[kind].append(len(data))
        data += pack_chunk(kind, payload)
    if random.random() < 0.4:
        return bytes(data)
    columns = [list(column) for column in zip(*frames, strict=True)] or [[], [], [], []]
    index = _index(columns, others[EVNT], others[BLAM])
    if random.random() < 0.3:
        index = mutated_bytes(random, index)
    at = len(data)
    data += pack_chunk(INDX, index)
    if random.random() < 0.05:
        at = random.choice(NUMBERS) % 2**64
    return bytes(data + pack_chunk(TAIL, struct.pack("<Q", at)))


def _index(columns: list[list[int]], events: list[int], blame: list[int]) -> bytes:
    head = struct.pack("<IIIQQ", len(columns[0]), len(events), len(blame), 0, 0)
    kinds = ("<u8", "<i8", "<i8", "<i4", "<u8", "<u8")
    arrays = [np.array(c, k) for c, k in zip([*columns, events, blame], kinds, strict=True)]
    return head + b"".join(array.tobytes() for array in arrays)


TARGET = Target("recording", 0.20, (RecordingError,), make)
