"""Drawing only what changed gives the same frames as drawing all."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.recording import Recording, RecordingWriter
from pipeline.views.difference import CLASSES
from renderer import frame as module
from renderer.annotations import Annotation
from renderer.canvas import RgbCanvas, YuvCanvas
from renderer.frame import Painter
from renderer.layouts import LAYOUTS
from renderer.scene import Scene, compose
from tests.renderer.synthetic import grid, header, panel, panels

FRAMES = 8


def slowly_changing(
    path: Path, pages: int = 4096, share: float = 0.03, **more: object
) -> Recording:
    """A recording in which a few pages change from frame to frame."""
    about = header(pages, **more)
    codes = len(about["page_classes"])
    rng = np.random.default_rng(5)
    now = grid(pages, 1, codes)
    with RecordingWriter(path, about) as writer:
        for number in range(FRAMES):
            at = rng.integers(0, pages, int(share * pages))
            now[at] = rng.integers(0, codes, len(at))
            writer.append(
                op=1000 * number, time_us=2_000_000 * number, phase=2 * number // FRAMES,
                grid=now.copy(), block_types=np.zeros(-(-pages >> 9), np.uint8),
                series=np.array([pages // 2, number, number], np.int64),
            )  # fmt: skip
    return Recording.open(path)


def assert_same_frames(scene: Scene, order: list[int]) -> None:
    for canvas in (RgbCanvas, YuvCanvas):
        painter = Painter(scene, canvas)
        for number in order:
            shown = painter.draw(number).buffer
            assert np.array_equal(shown, Painter(scene, canvas).draw(number).buffer), number


@pytest.mark.parametrize("layout", LAYOUTS)
def test_few_changes_in_each_layout(tmp_path: Path, layout: str) -> None:
    shown = [panel(slowly_changing(tmp_path / "a.reel"))]
    assert_same_frames(compose(shown, layout, size="720p"), [0, 1, 2, 6, 3])


@pytest.mark.parametrize("share", [0.0, 0.03, 0.9])
def test_however_much_changes(tmp_path: Path, share: float) -> None:
    shown = [panel(slowly_changing(tmp_path / "a.reel", share=share))]
    assert_same_frames(compose(shown, size="720p"), [0, 1, 2])


def test_cells_of_many_pages_and_a_machine_that_ends_within_one(tmp_path: Path) -> None:
    shown = [panel(slowly_changing(tmp_path / "a.reel", 300_001, share=0.0001))]
    scene = compose(shown, size="720p")
    assert scene.views[0].placement.pages_per_cell > 1
    assert_same_frames(scene, [0, 1, 2])


def test_hatched_classes(tmp_path: Path) -> None:
    shown = [panel(slowly_changing(tmp_path / "a.reel", classes=CLASSES))]
    assert_same_frames(compose(shown, palette="difference", size="720p"), [0, 1, 2])


def test_marks_that_come_and_go(tmp_path: Path) -> None:
    shown = [panel(slowly_changing(tmp_path / "a.reel"))]
    said = [
        Annotation(1, 3, 0, "one pageblock", ((600, 610),)),
        Annotation(3, 4, None, "another", ((2048, 2100),)),
    ]
    assert_same_frames(compose(shown, annotations=said, size="720p"), [0, 1, 2, 3, 4, 5, 1])


@settings(max_examples=8, deadline=None)
@given(order=st.lists(st.integers(0, 5), min_size=2, max_size=5))
def test_any_order(tmp_path_factory: pytest.TempPathFactory, order: list[int]) -> None:
    shown = panels(tmp_path_factory.mktemp("order"), 1)
    assert_same_frames(compose(shown, size="720p"), order)


def test_few_changes_are_drawn_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = compose([panel(slowly_changing(tmp_path / "a.reel"))], size="720p")
    painter = Painter(scene, YuvCanvas)
    painter.draw(0)
    monkeypatch.setattr(YuvCanvas, "look_up", lambda *_: pytest.fail("drawn as a whole"))
    painter.draw(1)
    monkeypatch.setattr(module, "_FEW", 0.0)
    with pytest.raises(pytest.fail.Exception, match="drawn as a whole"):
        painter.draw(2)
