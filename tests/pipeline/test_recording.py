"""Recordings: what goes in comes out; cuts, damage and full disks are told, never garbage."""

import os
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pipeline.recording
import pipeline.recording_writer
from allocator.terms import EVENT_DTYPE
from pipeline.recording import Recording, RecordingError, RecordingWriter
from pipeline.recording_format import (
    BLAM,
    BLAME_DTYPE,
    EVNT,
    FRAM,
    FRAME_HEAD,
    HEAD,
    INDX,
    MAGIC,
    TAIL_BYTES,
    pack_chunk,
    pack_header,
    read_chunk,
)

PAGES, BLOCK_ORDER = 40, 4  # three pageblocks, the last one cut
COLUMNS = ["a", "b", "c"]


def header(**changes) -> dict:
    return {
        "format": "pagereel recording",
        "version": 3,
        "title": "small",
        "source": {"kind": "test", "text": "made by a test"},
        "mechanism": {"name": "m", "title": "a mechanism"},
        "workload": {"name": "w", "title": "a workload"},
        "seed": 3,
        "geometry": {
            "pages": PAGES,
            "pageblock_order": BLOCK_ORDER,
            "zones": [{"name": "DMA", "start_pfn": 0, "end_pfn": PAGES}],
        },
        "page_classes": ["free", "used", "other"],
        "migratetypes": ["unmovable", "movable"],
        "marks": True,
        "phases": [
            {"name": "one", "title": "first", "start_op": 0, "sample_op": 5},
            {"name": "two", "title": "second", "start_op": 5, "sample_op": 9},
        ],
        "series_columns": COLUMNS,
    } | changes


def frame(number: int) -> dict:
    """Frame `number`: all its arrays differ from those of every other one."""
    random = np.random.default_rng(number)
    return {
        "op": 10 * number,
        "time_us": 1_000_000 * number,
        "phase": int(number > 3),
        "grid": random.integers(0, 3, PAGES, dtype=np.uint8),
        "block_types": random.integers(0, 2, 3, dtype=np.uint8),
        "series": random.integers(-(2**62), 2**62, 3),
        "marks": random.integers(0, 256, PAGES, dtype=np.uint8),
    }


def events(count: int, first: int = 0) -> np.ndarray:
    result = np.zeros(count, EVENT_DTYPE)
    result["op"] = np.arange(first, first + count)
    result["pfn"] = result["op"] * 7
    result["kind"] = result["op"] % 3
    return result


def blame(number: int) -> np.ndarray:
    result = np.zeros(3, BLAME_DTYPE)
    result["failed_op"], result["pfn"], result["cause"] = number, [7, 8, 9], 4
    return result


def write(path: Path, frames: int = 7, *, key_every: int = 3, dropped: int = 0) -> Path:
    """Frames with two events and three rows of blame behind each odd one."""
    with RecordingWriter(path, header(), key_every=key_every) as writer:
        for number in range(frames):
            writer.append(**frame(number))
            if number % 2:
                writer.add_events(events(2, 10 * number))
                writer.add_blame(blame(number))
        writer.dropped_events = dropped
    return path


def assert_frames(recording: Recording, count: int) -> None:
    """The recording holds the first `count` frames of `write`."""
    assert len(recording) == count
    assert recording.header == header()
    assert recording.ops.tolist() == [10 * n for n in range(count)]
    assert recording.times_us.tolist() == [1_000_000 * n for n in range(count)]
    assert recording.phases.tolist() == [int(n > 3) for n in range(count)]
    for number in range(count):
        wanted = frame(number)
        assert np.array_equal(recording.grid(number), wanted["grid"])
        assert np.array_equal(recording.marks(number), wanted["marks"])
        assert np.array_equal(recording.block_types(number), wanted["block_types"])
        assert np.array_equal(recording.series[number], wanted["series"])


def all_events(frames: int) -> list:
    odd = range(1, frames, 2)
    return np.concatenate([events(0), *(events(2, 10 * n) for n in odd)]).tolist()


# What goes in comes out.


@pytest.mark.parametrize("key_every", [1, 2, 3, 64])
@pytest.mark.parametrize("frames", [0, 1, 2, 7])
def test_round_trip(tmp_path, frames, key_every):
    recording = Recording.open(write(tmp_path / "a.reel", frames, key_every=key_every, dropped=5))
    assert recording.complete
    assert recording.dropped_events == 5
    assert_frames(recording, frames)
    assert recording.events.tolist() == all_events(frames)
    assert recording.events.dtype == EVENT_DTYPE
    rows = [blame(number) for number in range(1, frames, 2)]
    assert recording.blame.tolist() == np.concatenate([blame(0)[:0], *rows]).tolist()
    assert recording.blame.dtype == BLAME_DTYPE


def test_columns_by_name(tmp_path):
    recording = Recording.open(write(tmp_path / "a.reel"))
    for place, name in enumerate(COLUMNS):
        assert recording.column(name).tolist() == [int(frame(n)["series"][place]) for n in range(7)]
    with pytest.raises(KeyError):
        recording.column("d")


@settings(
    derandomize=True,
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(st.integers(-7, 6), min_size=1, max_size=25))
def test_frames_in_any_order(tmp_path, order):
    path = tmp_path / "a.reel"
    if not path.exists():
        write(path)
    recording = Recording.open(path)
    for number in order:
        assert np.array_equal(recording.grid(number), frame(number % 7)["grid"])
        assert np.array_equal(recording.block_types(number), frame(number % 7)["block_types"])


def test_grids_in_order(tmp_path):
    grids = list(Recording.open(write(tmp_path / "a.reel")).grids())
    assert [grid.tolist() for grid in grids] == [frame(n)["grid"].tolist() for n in range(7)]


def test_there_is_no_frame_beyond_the_last(tmp_path):
    recording = Recording.open(write(tmp_path / "a.reel"))
    for number in (7, -8):
        with pytest.raises(IndexError, match=f"has 7 frames; there is no frame {number}"):
            recording.grid(number)


def test_arrays_are_read_only(tmp_path):
    recording = Recording.open(write(tmp_path / "a.reel"))
    for array in (
        recording.grid(2),
        recording.block_types(2),
        recording.series,
        recording.events,
        recording.ops,
    ):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_same_content_same_bytes(tmp_path):
    assert write(tmp_path / "a").read_bytes() == write(tmp_path / "b").read_bytes()


def test_the_header_comes_first_and_can_be_read_as_text(tmp_path):
    data = write(tmp_path / "a.reel").read_bytes()
    assert data.startswith(MAGIC + HEAD)
    text = data[len(MAGIC) + 12 :]
    assert text.startswith(b'{"format":"pagereel recording","geometry":{')
    assert data[: len(MAGIC)] == b"pagereel recording 3\n"


# Writing.


def test_the_file_gets_its_name_when_it_is_closed(tmp_path):
    path = tmp_path / "a.reel"
    writer = RecordingWriter(path, header())
    writer.append(**frame(0))
    assert [p.name for p in tmp_path.iterdir()] == ["a.reel.partial"]
    writer.close()
    assert [p.name for p in tmp_path.iterdir()] == ["a.reel"]


def write_and_interrupt(path: Path) -> None:
    with RecordingWriter(path, header()) as writer:
        writer.append(**frame(0))
        raise KeyboardInterrupt


def test_an_exception_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        write_and_interrupt(tmp_path / "a.reel")
    assert list(tmp_path.iterdir()) == []


def test_an_exception_leaves_the_file_of_before(tmp_path):
    before = write(tmp_path / "a.reel").read_bytes()
    with pytest.raises(ValueError, match="stop"), RecordingWriter(tmp_path / "a.reel", header()):
        raise ValueError("stop")
    assert (tmp_path / "a.reel").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"phase": 2}, "phase 2 isn't in the header"),
        ({"phase": -1}, "phase -1 isn't in the header"),
        ({"grid": np.zeros(PAGES + 1, np.uint8)}, r"grid is uint8\[41\], not uint8\[40\]"),
        ({"grid": np.zeros(PAGES, np.int64)}, "grid is int64"),
        ({"grid": np.full(PAGES, 3, np.uint8)}, "grid has code 3; the header names 3"),
        ({"block_types": np.full(3, 2, np.uint8)}, "block_types has code 2"),
        ({"block_types": np.zeros(2, np.uint8)}, "block_types is"),
        ({"series": np.zeros(3, np.int32)}, "series is int32"),
        ({"series": np.zeros((1, 3), np.int64)}, "series is"),
    ],
)
def test_frames_that_do_not_fit_the_header(tmp_path, changes, message):
    writer = RecordingWriter(tmp_path / "a.reel", header())
    with pytest.raises(ValueError, match=message):
        writer.append(**frame(0) | changes)
    writer.abort()


def test_events_of_another_kind(tmp_path):
    writer = RecordingWriter(tmp_path / "a.reel", header())
    for wrong in (np.zeros(3), events(4).reshape(2, 2)):
        with pytest.raises(ValueError, match="events are"):
            writer.add_events(wrong)
    writer.abort()


def test_dropped_events_are_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline.recording_writer, "MAX_EVENTS", 10)
    with RecordingWriter(tmp_path / "a.reel", header()) as writer:
        for start in (0, 8, 16):
            writer.add_events(events(8, start))
        writer.dropped_events = 100  # those that never came here
    recording = Recording.open(tmp_path / "a.reel")
    assert recording.dropped_events == 100 + 14
    assert recording.events["op"].tolist() == list(range(10))


def test_no_request_is_blamed_by_half(tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline.recording_writer, "MAX_BLAME", 10)
    with RecordingWriter(tmp_path / "a.reel", header()) as writer:
        for number in range(2):
            writer.add_blame(blame(number))
        writer.add_blame(np.concatenate([blame(2), blame(3), blame(4)]))
        writer.add_blame(blame(5))
    recording = Recording.open(tmp_path / "a.reel")
    assert recording.blame["failed_op"].tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert recording.dropped_blame == 9


def test_phases_of_operations(tmp_path):
    recording = Recording.open(write(tmp_path / "a.reel"))
    assert recording.phases_of(np.array([0, 4, 5, 9, 100])).tolist() == [0, 0, 1, 1, 1]


def test_many_events_go_in_several_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline.recording_writer, "EVENTS_A_CHUNK", 10)
    monkeypatch.setattr(pipeline.recording, "EVENTS_A_CHUNK", 10)
    with RecordingWriter(tmp_path / "a.reel", header()) as writer:
        writer.add_events(events(25))
    assert (tmp_path / "a.reel").read_bytes().count(EVNT) == 3
    assert Recording.open(tmp_path / "a.reel").events["op"].tolist() == list(range(25))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "another"}, "format isn't 'pagereel recording'"),
        ({"version": 4}, "version isn't 3"),
        ({"title": None}, "header has no title"),
        ({"seed": True}, "header has no seed"),
        ({"mechanism": {"name": "m"}}, "mechanism has no title"),
        ({"workload": []}, "header has no workload"),
        ({"phases": []}, "no phase"),
        ({"phases": [{"name": "a", "title": "b", "start_op": 0}]}, "phase has no sample_op"),
        ({"phases": ["a"]}, "phase isn't a table"),
        ({"page_classes": [str(n) for n in range(257)]}, "more than 256 page classes"),
        ({"page_classes": ["a", "a"]}, "page_classes aren't names, each once"),
        ({"series_columns": [1]}, "series_columns aren't names"),
        ({"geometry": {"pages": 0, "pageblock_order": 9, "zones": []}}, "pages isn't 1 to"),
        ({"geometry": {"pages": 2**31, "pageblock_order": 9, "zones": []}}, "pages isn't 1 to"),
        ({"geometry": {"pages": 4, "pageblock_order": 31, "zones": []}}, "pageblock_order isn't"),
        (
            {
                "geometry": {
                    "pages": 4,
                    "pageblock_order": 9,
                    "zones": [{"name": "DMA", "start_pfn": 0, "end_pfn": 5}],
                }
            },
            "zone 'DMA' lies outside the pages",
        ),
        ({"more": float("nan")}, "not JSON compliant"),
    ],
)
def test_headers_that_lack_something(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        RecordingWriter(tmp_path / "a.reel", header(**changes))
    assert list(tmp_path.iterdir()) == []


def test_missing_folder(tmp_path):
    with pytest.raises(FileNotFoundError):
        RecordingWriter(tmp_path / "none" / "a.reel", header())


# Full disks.


def fill(path: Path) -> None:
    """Write frames that do not compress until the disk is full."""
    random = np.random.default_rng(1)
    pages = 1 << 16
    big = header(geometry={"pages": pages, "pageblock_order": 16, "zones": []})
    with RecordingWriter(path, big, key_every=1) as writer:
        for number in range(100):
            grid = random.integers(0, 3, pages, dtype=np.uint8)
            shown = {"grid": grid, "marks": grid, "block_types": np.zeros(1, np.uint8)}
            writer.append(**frame(number) | shown)


def test_full_disk_at_the_first_byte(tmp_path):
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("left out: no /dev/full here")
    (tmp_path / "a.reel.partial").symlink_to(full)
    with pytest.raises(OSError, match="No space left"):
        fill(tmp_path / "a.reel")
    assert list(tmp_path.iterdir()) == []


def test_full_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    try:
        mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        pytest.skip(f"left out: no mount here: {error}")
    if mounted.returncode:
        pytest.skip(f"left out: a small tmpfs cannot be mounted here: {mounted.stderr.strip()}")
    try:
        with pytest.raises(OSError, match="No space left"):
            fill(disk / "a.reel")
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


# Growing, cut and damaged files.


def test_readable_while_it_grows(tmp_path):
    path = tmp_path / "a.reel"
    writer = RecordingWriter(path, header(), key_every=3)
    for number in range(7):
        recording = Recording.open(tmp_path / "a.reel.partial")
        assert not recording.complete
        assert_frames(recording, number)
        writer.append(**frame(number))
    writer.close()
    assert_frames(Recording.open(path), 7)


def test_cut_at_every_byte(tmp_path):
    path, counts = write(tmp_path / "a.reel"), set()
    data = path.read_bytes()
    for length in range(len(data) - 1, -1, -1):
        os.truncate(path, length)
        try:
            recording = Recording.open(path)
        except RecordingError as error:
            message = str(error)
        else:
            assert not recording.complete
            assert_frames(recording, len(recording))
            kept = recording.events.tolist()
            assert kept == all_events(7)[: len(kept)]
            counts.add(len(recording))
            continue
        assert message.startswith(f"{path}: ")
        assert length < data.index(FRAM)  # once the header is whole, the rest can be read
    assert counts == set(range(8))


def test_index_made_anew_equals_the_written_one(tmp_path):
    data = write(tmp_path / "a.reel", dropped=4).read_bytes()
    whole = Recording.open(tmp_path / "a.reel")
    for cut_bytes in (TAIL_BYTES, 1):
        (tmp_path / "cut.reel").write_bytes(data[:-cut_bytes])
        cut = Recording.open(tmp_path / "cut.reel")
        assert not cut.complete
        assert cut.dropped_events == 4
        for name in ("ops", "times_us", "phases", "_offsets", "_event_offsets"):
            assert np.array_equal(getattr(cut, name), getattr(whole, name)), name
        assert np.array_equal(cut.series, whole.series)
        assert np.array_equal(cut.events, whole.events)
    (tmp_path / "cut.reel").write_bytes(data[: data.index(INDX)])
    assert Recording.open(tmp_path / "cut.reel").dropped_events == 0  # it stands in the index


def read_all(path: Path) -> tuple:
    recording = Recording.open(path)
    return (
        [recording.grid(n).tolist() for n in range(len(recording))],
        [recording.marks(n).tolist() for n in range(len(recording))],
        [recording.block_types(n).tolist() for n in range(len(recording))],
        recording.blame.tolist(),
        recording.series.tolist(),
        recording.events.tolist(),
        recording.ops.tolist(),
        recording.times_us.tolist(),
        recording.phases.tolist(),
        recording.header,
    )


def put_byte(path: Path, place: int, byte: int) -> None:
    with open(path, "r+b") as file:
        file.seek(place)
        file.write(bytes([byte]))


def test_a_flipped_byte_anywhere(tmp_path):
    """RecordingError, or nothing but the same content: never something else."""
    path, refused = write(tmp_path / "a.reel", 5), 0
    data, whole = path.read_bytes(), read_all(path)
    for place, byte in enumerate(data):
        put_byte(path, place, byte ^ 1 << (place % 8))
        try:
            read = read_all(path)
        except RecordingError as error:
            message = str(error)
        else:
            assert read == whole
            assert not Recording.open(path).complete  # the end was hit, and that is told
            message = f"{path}: "
            refused -= 1
        refused += 1
        put_byte(path, place, byte)
        assert message.startswith(f"{path}: ")
        assert "\n" not in message
    assert refused > len(data) - TAIL_BYTES


def test_bytes_after_the_end(tmp_path):
    path = write(tmp_path / "a.reel")
    path.write_bytes(path.read_bytes() + b"more")
    with pytest.raises(RecordingError, match="TAIL chunk"):
        Recording.open(path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        (b"pagereel rec", "the file ends in its first line"),
        (MAGIC, "the file ends in its header"),
        (b"pagereel recording 4\n" + b"x" * 40, "version '4' of the format"),
        (b"\x89PNG" + b"x" * 40, "not a pagereel recording"),
        (MAGIC + pack_chunk(FRAM, b""), "no header"),
        (MAGIC + pack_chunk(HEAD, b"{}"), "its header is no recording's"),
        (MAGIC + pack_chunk(HEAD, b"[" * 100_000), "its header is no recording's"),
        (MAGIC + pack_chunk(HEAD, b'{"a":' + b"9" * 5000 + b"}"), "its header is no recording's"),
        (MAGIC + pack_chunk(HEAD, b"\xff\xfe"), "its header is no recording's"),
        (MAGIC + b"what is this?" * 9, "no chunk starts there"),
    ],
)
def test_files_that_are_no_recordings(tmp_path, data, message):
    (tmp_path / "a.reel").write_bytes(data)
    with pytest.raises(RecordingError, match=message):
        Recording.open(tmp_path / "a.reel")


def test_no_file_and_a_folder(tmp_path):
    with pytest.raises(RecordingError, match="no such file"):
        Recording.open(tmp_path / "none.reel")
    with pytest.raises(RecordingError, match="directory"):
        Recording.open(tmp_path)


def test_the_file_vanishes_under_a_reader(tmp_path):
    recording = Recording.open(write(tmp_path / "a.reel"))
    (tmp_path / "a.reel").unlink()
    with pytest.raises(RecordingError, match="no such file"):
        recording.grid(0)


# Files with right checksums and wrong contents.


def forged(path: Path, *chunks: tuple[bytes, bytes]) -> Path:
    start = MAGIC + pack_chunk(HEAD, pack_header(header()))
    path.write_bytes(start + b"".join(pack_chunk(*chunk) for chunk in chunks))
    return path


def frame_payload(number=0, since_key=0, phase=0, grid=bytes(PAGES), side=bytes(3 + 24)) -> bytes:
    packed = zstandard.compress(grid + bytes(PAGES))  # with no marks
    head = FRAME_HEAD.pack(number, since_key, 0, 0, phase, len(packed))
    return head + packed + zstandard.compress(side)


# A frame that zstd passes over.
SKIPPED = struct.pack("<II", 0x184D2A50, 2 * PAGES) + bytes(2 * PAGES)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        bytes(10),
        frame_payload(number=1),
        frame_payload(since_key=1),
        frame_payload(phase=2),
        frame_payload(phase=-1),
        frame_payload(grid=bytes(PAGES - 1)),
        frame_payload(grid=bytes(PAGES + 1)),
        frame_payload(grid=bytes(10_000_000)),
        frame_payload(grid=b""),
        frame_payload(grid=b"\x03" * PAGES),
        frame_payload(side=bytes(26)),
        frame_payload(side=bytes(28)),
        frame_payload(side=b"\x02" * 27),
        FRAME_HEAD.pack(0, 0, 0, 0, 0, 5) + b"no zstd at all",
        FRAME_HEAD.pack(0, 0, 0, 0, 0, 2**32 - 1) + zstandard.compress(bytes(2 * PAGES)),
        FRAME_HEAD.pack(0, 0, 0, 0, 0, len(SKIPPED)) + SKIPPED + zstandard.compress(bytes(27)),
        frame_payload() + b"more",
    ],
)
def test_forged_frames(tmp_path, payload):
    path = forged(tmp_path / "a.reel", (FRAM, payload))
    with pytest.raises(RecordingError) as caught:
        read_all(path)
    assert "\n" not in str(caught.value)


def test_the_forger_can_write_a_sound_frame(tmp_path):
    assert read_all(forged(tmp_path / "a.reel", (FRAM, frame_payload())))[0] == [[0] * PAGES]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"no zstd",
        zstandard.compress(bytes(EVENT_DTYPE.itemsize + 1)),
        zstandard.compress(bytes(EVENT_DTYPE.itemsize * 65_537)),
        struct.pack("<II", 0x184D2A50, 18) + bytes(18),
    ],
)
def test_forged_events(tmp_path, payload):
    path = forged(tmp_path / "a.reel", (EVNT, payload))
    with pytest.raises(RecordingError):
        read_all(path)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"no zstd",
        zstandard.compress(bytes(BLAME_DTYPE.itemsize + 1)),
        zstandard.compress(bytes(BLAME_DTYPE.itemsize * ((1 << 20) + 1))),
    ],
)
def test_forged_blame(tmp_path, payload):
    path = forged(tmp_path / "a.reel", (BLAM, payload))
    with pytest.raises(RecordingError):
        read_all(path)


def test_a_recording_without_marks(tmp_path):
    about = header()
    del about["marks"]
    with RecordingWriter(tmp_path / "a.reel", about) as writer:
        for number in range(3):
            shown = frame(number)
            with pytest.raises(ValueError, match="don't agree on marks"):
                writer.append(**shown)
            del shown["marks"]
            writer.append(**shown)
    recording = Recording.open(tmp_path / "a.reel")
    assert recording.marks(1) is None
    assert recording.grid(2).tolist() == frame(2)["grid"].tolist()


def test_marks_are_not_forgotten(tmp_path):
    shown = frame(0)
    del shown["marks"]
    with RecordingWriter(tmp_path / "a.reel", header()) as writer:
        with pytest.raises(ValueError, match="don't agree on marks"):
            writer.append(**shown)
        with pytest.raises(ValueError, match="rows are"):
            writer.add_blame(events(1))


@settings(
    derandomize=True,
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_mutated_payloads_with_right_checksums(tmp_path, data):
    """Whatever a chunk holds: RecordingError or arrays of the right shape."""
    whole = tmp_path / "whole.reel"
    if not whole.exists():
        write(whole, 4)
    chunks, offset, size = [], len(MAGIC), whole.stat().st_size
    with open(whole, "rb") as file:
        while chunk := read_chunk(file, offset, size):
            chunks.append(list(chunk[:2]))
            offset = chunk[2]
    victim = data.draw(st.sampled_from(chunks))
    payload = bytearray(victim[1])
    for _ in range(data.draw(st.integers(1, 3))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    victim[1] = bytes(payload)
    path = tmp_path / "a.reel"
    path.write_bytes(MAGIC + b"".join(pack_chunk(*chunk) for chunk in chunks))
    try:
        read = read_all(path)
    except RecordingError as error:
        message = str(error)
    else:
        assert len(read[0]) == len(read[1]) == len(read[4]) == len(read[6])
        return
    assert message.startswith(f"{path}: ")
