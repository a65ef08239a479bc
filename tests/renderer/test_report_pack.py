"""What is packed into a report can be had back: every class, order and holder of every frame."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.recording_format import ORDER_OF_MARK, RENEWED
from renderer import palette
from renderer.frame import cell_classes
from renderer.layouts import LAYOUTS
from renderer.report import pack, places
from tests.renderer import reports, synthetic


@given(st.binary(max_size=300))
def test_text_is_the_bytes_and_ends_no_element(data: bytes) -> None:
    text = pack.as_text(data)
    assert reports.bytes_of(text) == data
    assert text.isascii()
    assert not set(text) & set("<>&\"'\\\n")


@given(st.lists(st.integers(0, (1 << 21) - 1)))
def test_varints_are_the_numbers(values: list[int]) -> None:
    packed = pack.varints(np.array(values, np.int64))
    assert numbers(packed, len(values)) == (values, b"")


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory):
    return reports.recording(tmp_path_factory.mktemp("pack") / "a.reel", 5)


def numbers(data: bytes, count: int) -> tuple[list[int], bytes]:
    """Varints, and what follows them."""
    found = []
    for _ in range(count):
        value = shift = 0
        while True:
            byte, data = data[0], data[1:]
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        found.append(value)
    return found, data


def planes(text: str, packed: pack.PackedPanel, frames: int) -> np.ndarray:
    """The planes of a group, u1[planes, cells], read run by run."""
    data = reports.inflated(text)
    counts = np.frombuffer(data, "<u4", frames + 1)
    gaps, data = numbers(data[4 * (frames + 1) :], int(counts.sum()))
    lengths, values = numbers(data, len(gaps))
    assert len(values) == len(gaps)
    result = np.zeros((frames + 1, packed.cells.cells), np.uint8)
    runs = iter(zip(gaps, lengths, values, strict=True))
    for plane, count in zip(result, counts, strict=True):
        cell = 0
        for _ in range(count):
            gap, length, value = next(runs)
            plane[cell + gap : cell + gap + length + 1] = value
            cell += gap + length + 1
    return result


def all_planes(groups: tuple[str, ...], packed: pack.PackedPanel, frames: int) -> list[np.ndarray]:
    """The planes of each group of a recording with so many frames."""
    each = packed.group_frames
    counts = [min(each, frames - first) for first in range(0, frames, each)]
    return [planes(group, packed, n) for group, n in zip(groups, counts, strict=True)]


def unpacked(groups: tuple[str, ...], packed: pack.PackedPanel, count: int) -> np.ndarray:
    """Values at each frame, u1[frames, cells], each group read on its own."""
    frames = []
    for before, *changes in all_planes(groups, packed, count):
        now = before.copy()
        for change in changes:
            there = (change != 0) & (change != pack.SAME)
            now[there] = change[there]
            frames.append(now.copy())
    return np.array(frames)


@pytest.mark.parametrize("classes", [9, 40])
def test_every_frame_is_packed_page_by_page(tmp_path: Path, classes: int) -> None:
    names = [f"class {n}" for n in range(classes)]
    recording = synthetic.recording(tmp_path / "a.reel", 2049, frames=67, classes=names)
    [packed] = pack.pack([recording])
    found = unpacked(packed.classes, packed, 67) - 1
    assert np.array_equal(found, np.array(list(recording.grids())))
    assert packed.orders == ()


def test_orders_of_pages_in_use_are_packed(recording) -> None:
    [packed] = pack.pack([recording])
    found = unpacked(packed.orders, packed, len(recording)).astype(int) - 1
    held = [n for n, name in enumerate(recording.header["page_classes"]) if name not in
            pack.FREE_CLASSES]  # fmt: skip
    for frame in range(len(recording)):
        used = np.isin(recording.grid(frame), held)
        marks = recording.marks(frame) & ORDER_OF_MARK
        assert np.array_equal(found[frame][used], marks[used])


def test_a_new_holder_of_the_same_class_is_told(recording) -> None:
    [packed] = pack.pack([recording])
    groups = all_planes(packed.classes, packed, len(recording))
    changes = np.concatenate([group[1:] for group in groups])
    for frame in range(1, len(recording)):
        same_class = recording.grid(frame) == recording.grid(frame - 1)
        renewed = (recording.marks(frame) ^ recording.marks(frame - 1)) & RENEWED != 0
        assert np.array_equal(changes[frame] == pack.SAME, renewed & same_class)
    assert changes[reports.RENEWAL_FRAME, reports.LONE_PFN] == pack.SAME


def test_too_many_pages_share_cells_and_the_worst_class_wins(recording, monkeypatch) -> None:
    monkeypatch.setattr(pack, "CELLS_MAX", reports.PAGES // 3)
    [packed] = pack.pack([recording])
    assert packed.cells == (1250, 4)
    ranks = palette.class_ranks(recording.header["page_classes"])
    expected = [cell_classes(grid, packed.cells, ranks) for grid in recording.grids()]
    assert np.array_equal(unpacked(packed.classes, packed, len(recording)) - 1, np.array(expected))


def test_too_many_bytes_share_cells_as_well(recording, monkeypatch) -> None:
    large = synthetic.recording(recording.path.with_name("large.reel"), 8192, frames=3)
    [whole] = pack.pack([large])
    monkeypatch.setattr(pack, "PACKED_BYTES_MAX", sum(map(len, whole.classes)) // 2)
    [packed] = pack.pack([large])
    assert packed.cells.pages_per_cell > 1


def test_progress_counts_the_frames_of_all(recording) -> None:
    told = []
    pack.pack([recording, recording], lambda done, of: told.append((done, of)))
    assert told == [(64, 140), (70, 140), (134, 140), (140, 140)]


def test_places_are_those_of_the_layouts() -> None:
    extent = places.extent_in_cells(synthetic.header(4096), pack.Cells(4096, 1))
    made, texts = places.pack_places([extent])
    assert {place["layout"] for place in made} == set(LAYOUTS)
    for place in made:
        [placed] = [p for [p] in places.shapes(place["layout"], [extent])
                    if p.width_px == 2 * place["width"][0]]  # fmt: skip
        raw = np.frombuffer(reports.inflated(texts[place["text"][0]]), np.uint8)
        steps = raw[: 4 * 4096].view("<u2").reshape(2, 4096)
        x, y = np.cumsum(steps, axis=1, dtype=np.uint16)
        assert np.array_equal(x * 2, placed.x_px)
        assert np.array_equal(y * 2, placed.y_px)
        here = raw[4 * 4096 :].reshape(place["height"][0], place["width"][0])
        assert np.array_equal(
            np.argwhere(here == places.CELL_HERE), np.argwhere(placed.index < 4096)
        )


def test_panels_of_one_shape_share_their_places() -> None:
    extent = places.extent_in_cells(synthetic.header(4096), pack.Cells(4096, 1))
    alone, together = places.pack_places([extent])[1], places.pack_places([extent, extent])[1]
    assert alone == together
