"""Files that grow: what is kept of them when their writer dies, and how they are gone on with."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.growing_file import GrowingFile
from pipeline.recording import Recording, RecordingWriter
from tests.pipeline.test_recording import events, frame, header

START = b"a header"
CHUNKS = [b"first", b"second, longer", b"", b"third"]
WHOLE = START + b"".join(CHUNKS)


def write(path: Path, *, go_on: bool = True) -> None:
    file = GrowingFile(path, START, go_on=go_on)
    for chunk in CHUNKS:
        file.append(chunk)
    file.finish()


@settings(deadline=None)  # it waits for the disk
@given(st.integers(0, len(WHOLE)), st.binary(max_size=4))
def test_it_goes_on_behind_what_stands(tmp_path_factory, length: int, rubbish: bytes) -> None:
    path = tmp_path_factory.mktemp("grown") / "a.bin"
    partial = path.with_name("a.bin.partial")
    partial.write_bytes(WHOLE[:length] + rubbish)
    file = GrowingFile(path, START, go_on=True)
    least_bytes, at_bytes = len(START), len(START)
    for chunk in CHUNKS:
        if at_bytes <= length:  # this chunk stood there whole: it must never be gone
            least_bytes = max(least_bytes, at_bytes)
        file.append(chunk)
        at_bytes += len(chunk)
        assert partial.stat().st_size >= least_bytes
        assert partial.read_bytes()[:at_bytes] == WHOLE[:at_bytes]
    file.finish()
    assert [p.name for p in path.parent.iterdir()] == ["a.bin"]
    assert path.read_bytes() == WHOLE


def test_what_stands_is_not_written_again(tmp_path: Path, monkeypatch) -> None:
    partial = tmp_path / "a.bin.partial"
    partial.write_bytes(WHOLE)
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    os.utime(partial, ns=(1, 1))
    file = GrowingFile(tmp_path / "a.bin", START, go_on=True)
    for chunk in CHUNKS:
        file.append(chunk)
    assert partial.stat().st_mtime_ns == 1
    file.finish()


def test_without_going_on_it_is_written_anew(tmp_path: Path) -> None:
    (tmp_path / "a.bin.partial").write_bytes(START + b"of another")
    write(tmp_path / "a.bin", go_on=False)
    assert (tmp_path / "a.bin").read_bytes() == WHOLE


def test_it_is_never_there_without_its_start(tmp_path: Path, monkeypatch) -> None:
    sizes, replace = [], Path.replace

    def watched(self: Path, target: Path) -> Path:
        assert not (tmp_path / "a.bin.partial").exists()
        sizes.append(self.stat().st_size)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", watched)
    GrowingFile(tmp_path / "a.bin", START).leave(None)
    assert sizes == [len(START)]


@pytest.mark.parametrize(
    ("go_on", "error", "kept"),
    [
        (True, KeyboardInterrupt(), True),
        (True, OSError("full"), False),
        (False, KeyboardInterrupt(), False),
        (True, None, False),
    ],
)
def test_what_is_left(tmp_path: Path, go_on: bool, error: BaseException | None, kept: bool) -> None:
    file = GrowingFile(tmp_path / "a.bin", START, go_on=go_on)
    file.append(CHUNKS[0])
    file.leave(error)
    assert list(tmp_path.iterdir()) == ([tmp_path / "a.bin.partial"] if kept else [])


def recorded(path: Path, stop: int | None = None, *, go_on: bool = False) -> bytes:
    """A recording of nine frames and some events; an interrupt before frame `stop`."""
    with RecordingWriter(path, header(), key_every=4, go_on=go_on) as writer:
        for number in range(9):
            if number == stop:
                raise KeyboardInterrupt
            writer.append(**frame(number))
            writer.add_events(events(3, number))
        writer.dropped_events = 2
    return path.read_bytes()


@pytest.mark.parametrize("stop", range(9))
def test_an_interrupted_recording_goes_on(tmp_path: Path, stop: int) -> None:
    right = recorded(tmp_path / "right.reel")
    path = tmp_path / "a.reel"
    for stopped in (stop, stop // 2):  # the second one comes before it has caught up
        with pytest.raises(KeyboardInterrupt):
            recorded(path, stopped, go_on=True)
        left = Recording.open(tmp_path / "a.reel.partial")
        assert len(list(left.grids())) == stop
        assert not left.complete
    assert recorded(path, go_on=True) == right


def test_a_recording_cut_anywhere_goes_on(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)
    right = recorded(tmp_path / "right.reel")
    for length in range(0, len(right), 7):
        (tmp_path / "a.reel.partial").write_bytes(right[:length])
        assert recorded(tmp_path / "a.reel", go_on=True) == right
