"""Views: what is drawn like a recording and made of recordings."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocator.terms import PAGE_CLASSES
from pipeline.artefacts.panels import Drawing, panels
from pipeline.config import UsageError
from pipeline.metrics import METRICS
from pipeline.metrics.evidence import Evidence
from pipeline.recording import Recording, RecordingWriter
from pipeline.views.clock import OnClock, clock_of
from pipeline.views.difference import CLASSES, STEPS, Difference, compared
from pipeline.views.zoom import Zoom, pfn_range
from renderer.palette import DIFFERENCE
from renderer.panel import PanelError
from tests.renderer.synthetic import header, recording

MOVABLE, UNMOVABLE = PAGE_CLASSES.index("movable"), PAGE_CLASSES.index("unmovable")
FREE, RESERVED = PAGE_CLASSES.index("free"), PAGE_CLASSES.index("reserved")
BLOCKS, PAGES = 12, 12 * 512


def written(path: Path, grids: list[np.ndarray], **more: object) -> Recording:
    with RecordingWriter(path, header(len(grids[0]), **more)) as writer:
        for number, grid in enumerate(grids):
            writer.append(
                op=number, time_us=number, phase=0, grid=grid,
                block_types=np.zeros(-(-len(grid) >> 9), np.uint8),
                series=np.zeros(3, np.int64),
            )  # fmt: skip
    return Recording.open(path)


def scattered(seed: int, frames: int = 4) -> list[np.ndarray]:
    """Pageblocks of free and movable pages; half of them hold others, few or many."""
    rng = np.random.default_rng(seed)
    grids = []
    for _ in range(frames):
        grid = np.where(rng.random(PAGES) < 0.5, FREE, MOVABLE).astype(np.uint8)
        for block in np.flatnonzero(rng.random(BLOCKS) < 0.5):
            count = int(rng.choice([1, 7, 8, 63, 64, 512]))
            grid[512 * block + rng.choice(512, count, replace=False)] = UNMOVABLE
        grid[-600:-500] = RESERVED
        grids.append(grid)
    return grids


@pytest.mark.parametrize(
    ("text", "pages"), [("0-511", (0, 511)), ("0x200-0x3ff", (512, 1023)), (" 7-7 ", (7, 7))]
)
def test_a_pfn_range_is_read(text: str, pages: tuple[int, int]) -> None:
    assert pfn_range(text) == pages


@pytest.mark.parametrize("text", ["", "7", "7-", "a-b", "9-7", "-1-7", "1-2-3"])
def test_what_is_no_pfn_range_is_told(text: str) -> None:
    with pytest.raises(UsageError, match="pfn range"):
        pfn_range(text)


def test_a_zoom_shows_the_whole_pageblocks_of_its_pages(tmp_path: Path) -> None:
    whole = recording(tmp_path / "a.reel", 4096)
    view = Zoom(whole, 600, 1030)
    assert (view.first_pfn, view.last_pfn) == (512, 1535)
    geometry = view.header["geometry"]
    assert (geometry["pages"], geometry["first_pfn"]) == (1024, 512)
    for frame in (3, 0):
        assert np.array_equal(view.grid(frame), whole.grid(frame)[512:1536])
    assert len(view) == len(whole)
    assert np.array_equal(view.series, whole.series)


def test_a_zoom_keeps_the_zones_that_it_shows(tmp_path: Path) -> None:
    view = Zoom(recording(tmp_path / "a.reel", 4096), 1536, 2600)
    zones = [(z["name"], z["start_pfn"], z["end_pfn"]) for z in view.header["geometry"]["zones"]]
    assert zones == [("in DMA", 0, 512), ("Movable", 512, 1536)]


def test_a_zoom_ends_with_the_memory(tmp_path: Path) -> None:
    whole = recording(tmp_path / "a.reel", 1300)
    assert Zoom(whole, 1290, 10**9).last_pfn == 1299
    with pytest.raises(UsageError, match="there is no pfn 1300"):
        Zoom(whole, 1300, 1301)


@given(st.integers(0, 512), st.integers(0, 512))
def test_a_pageblock_is_compared_by_its_fate_and_then_by_pages(here: int, there: int) -> None:
    code = CLASSES[int(compared(np.array([here]), np.array([there]))[0])]
    if here == there:
        assert code == "same"
        return
    kind, step = code.split("_")
    if here > there:
        assert kind == ("more" if there else "spoiled")
    else:
        assert kind == ("fewer" if here else "spared")
    assert int(step) == max(step for step in STEPS if step <= abs(here - there))


def test_every_class_of_a_difference_has_its_colour() -> None:
    assert set(CLASSES) == set(DIFFERENCE.swatches) - {""}


@pytest.mark.parametrize("seed", range(4))
def test_spared_less_spoiled_is_the_difference_of_potential_huge(tmp_path: Path, seed: int) -> None:
    one = written(tmp_path / "a.reel", scattered(seed))
    other = written(tmp_path / "b.reel", scattered(seed + 100))
    view = Difference(one, other)
    measure = METRICS["potential_huge"].measure
    expected = measure(Evidence(one)) - measure(Evidence(other))
    told = [view.spared(frame) - view.spoiled(frame) for frame in range(len(view))]
    assert told == expected.tolist()
    assert any(told)


def test_pages_show_their_pageblock_and_what_is_not_eligible_recedes(tmp_path: Path) -> None:
    one = written(tmp_path / "a.reel", scattered(1))
    view = Difference(one, written(tmp_path / "b.reel", scattered(2)))
    assert view.counted_in_one == 0
    for frame in (2, 0):
        tiles = view.grid(frame).reshape(BLOCKS, 512)
        assert (tiles == tiles[:, :1]).all()
        not_counted = tiles[:, 0] == CLASSES.index("not_counted")
        assert np.array_equal(not_counted, ~view.eligible)
    assert 0 < view.eligible.sum() < BLOCKS


def test_a_pageblock_cut_by_the_end_is_not_counted(tmp_path: Path) -> None:
    one, other = (recording(tmp_path / f"{n}.reel", 1300, seed=n) for n in (1, 2))
    assert (Difference(one, other).grid(0)[1024:] == CLASSES.index("not_counted")).all()


def test_recordings_of_other_pages_are_refused(tmp_path: Path) -> None:
    one, other = (recording(tmp_path / f"{n}.reel", n) for n in (4096, 8192))
    with pytest.raises(UsageError, match="differ in pages"):
        Difference(one, other)


def of_requests(path: Path, ops: list[int], digest: str = "cafe") -> Recording:
    """A recording with frames at these operations; each frame's first page tells its number."""
    head = header(PAGES)
    head["workload"] = head["workload"] | {"digest": digest}
    with RecordingWriter(path, head) as writer:
        for number, op in enumerate(ops):
            grid = np.zeros(PAGES, np.uint8)
            grid[0] = number
            writer.append(
                op=op, time_us=10 * op, phase=0, grid=grid,
                block_types=np.zeros(BLOCKS, np.uint8), series=np.array([number, 0, 0], np.int64),
            )  # fmt: skip
    return Recording.open(path)


def test_recordings_of_the_same_requests_share_the_clock_with_the_fewest_frames(
    tmp_path: Path,
) -> None:
    few = of_requests(tmp_path / "few.reel", [0, 5, 9])
    many = of_requests(tmp_path / "many.reel", [0, 2, 4, 6, 9])
    assert clock_of([many, few]) is few
    view = OnClock(many, few)
    assert view.frames.tolist() == [0, 2, 4]  # the last at or before
    assert view.early_ops == 1
    assert [view.grid(n)[0] for n in range(len(view))] == [0, 2, 4]
    assert view.series[:, 0].tolist() == [0, 2, 4]
    assert (view.ops.tolist(), view.times_us.tolist()) == ([0, 5, 9], [0, 50, 90])
    late = of_requests(tmp_path / "late.reel", [3, 5])
    assert OnClock(late, few).frames.tolist() == [0, 1, 1]


def test_other_requests_share_no_clock(tmp_path: Path) -> None:
    one = of_requests(tmp_path / "a.reel", [0, 5, 9])
    assert clock_of([one, of_requests(tmp_path / "b.reel", [0, 5, 9], "beef")]) is None
    assert clock_of([one, of_requests(tmp_path / "c.reel", [0, 4], "beef")]) is None
    assert clock_of([of_requests(tmp_path / f"{n}.reel", [0, n], "") for n in (3, 4)]) is None
    with pytest.raises(PanelError, match="panels share one clock"):
        panels([one.path, of_requests(tmp_path / "d.reel", [0, 4], "beef").path], Drawing())


def test_pictures_of_a_kernel_and_of_its_replay_stand_side_by_side(tmp_path: Path) -> None:
    few = of_requests(tmp_path / "few.reel", [0, 5, 9])
    many = of_requests(tmp_path / "many.reel", [0, 2, 4, 6, 9])
    left, right = panels([few.path, many.path], Drawing())
    assert left.recording.path == few.path
    assert len(left.values) == len(right.values) == 3
    assert right.notes == (f"{right.name}: frames up to 1 request early",)
    same = panels([few.path, few.path], Drawing())
    assert [panel.notes for panel in same] == [(), ()]
