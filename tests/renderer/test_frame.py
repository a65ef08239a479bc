"""Frames: the pages exactly, on both canvases; the worst class wins."""

from pathlib import Path

import numpy as np
import pytest

from allocator.terms import PAGE_CLASSES
from renderer.canvas import RgbCanvas, YuvCanvas
from renderer.frame import Painter, cell_classes
from renderer.layouts import LAYOUTS, Extent, fit
from renderer.palette import class_colours, class_ranks, to_yuv
from renderer.scene import compose
from tests.renderer.synthetic import panel, panels, recording


def shown_classes(image: np.ndarray, view) -> np.ndarray:
    """Classes that an RGB image shows in a panel, all pixels of each cell checked, u1[cells]."""
    colours = class_colours(view.panel.recording.header["page_classes"], view.palette)
    placement = view.placement
    x, y = view.x_px + placement.x_px, view.y_px + placement.y_px
    first = image[y, x]
    for down in range(placement.cell_height_px):
        for right in range(placement.cell_width_px):
            assert np.array_equal(image[y + down, x + right], first)
    same = (first[:, None] == colours[None]).all(axis=2)
    assert (same.sum(axis=1) == 1).all()
    return same.argmax(axis=1).astype(np.uint8)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8])
def test_an_image_shows_every_page(tmp_path: Path, count: int, layout: str) -> None:
    scene = compose(panels(tmp_path, count), layout)
    assert scene.width_px % 2 == scene.height_px % 2 == 0
    image = Painter(scene, RgbCanvas).draw(3).image
    for view in scene.views:
        assert np.array_equal(shown_classes(image, view), view.panel.recording.grid(3))


def test_four_panels_of_512_mib_make_2560_x_1440(tmp_path: Path) -> None:
    scene = compose(panels(tmp_path, 4, 131072, frames=2))
    assert (scene.width_px, scene.height_px) == (2560, 1440)
    assert {view.placement.cell_px for view in scene.views} == {2}
    assert {view.placement.pages_per_cell for view in scene.views} == {1}


def test_the_planes_hold_the_colours_of_the_image(tmp_path: Path) -> None:
    scene = compose(panels(tmp_path, 2))
    y, u, v = Painter(scene, YuvCanvas).draw(2).planes
    expected = to_yuv(Painter(scene, RgbCanvas).draw(2).image)
    assert np.array_equal(y, expected[..., 0])
    for view in scene.views:
        x, down = view.x_px + view.placement.x_px, view.y_px + view.placement.y_px
        assert np.array_equal(u[down // 2, x // 2], expected[down, x, 1])
        assert np.array_equal(v[down // 2, x // 2], expected[down, x, 2])


def test_a_frame_does_not_depend_on_those_drawn_before(tmp_path: Path) -> None:
    scene = compose(panels(tmp_path, 3))
    painter = Painter(scene, RgbCanvas)
    for frame in (5, 0, 3):
        fresh = Painter(scene, RgbCanvas).draw(frame).image
        assert np.array_equal(painter.draw(frame).image, fresh)


def test_the_worst_class_of_a_cell_wins() -> None:
    placement = fit("rows", [Extent(64, 1, ())], 8, 8, lambda _: (0, 0))[0]
    assert placement.pages_per_cell == 4
    grid = np.zeros(64, np.uint8)
    grid[5] = PAGE_CLASSES.index("unmovable")
    grid[4] = PAGE_CLASSES.index("kernel_unknown")
    grid[8:12] = PAGE_CLASSES.index("movable")
    grid[9] = PAGE_CLASSES.index("reclaimable")
    grid[12:16] = PAGE_CLASSES.index("hole")
    classes = cell_classes(grid, placement, class_ranks(PAGE_CLASSES))
    names = [PAGE_CLASSES[code] for code in classes]
    assert names[:5] == ["free", "unmovable", "reclaimable", "hole", "free"]


@pytest.mark.parametrize("chunk", [1, 64, 1000])
def test_large_machines_are_looked_at_in_parts(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    ranks = class_ranks(PAGE_CLASSES)
    placement = fit("rows", [Extent(3001, 1, ())], 40, 40, None)[0]
    pages = np.random.default_rng(1).integers(0, len(PAGE_CLASSES), 3001).astype(np.uint8)
    each = placement.pages_per_cell
    expected = [
        max(pages[start : start + each], key=lambda code: (ranks[code], code))
        for start in range(0, 3001, each)
    ]
    monkeypatch.setattr("renderer.frame._CHUNK_PAGES", chunk)
    assert each > 1
    assert cell_classes(pages, placement, ranks).tolist() == expected


def test_a_lone_unmovable_page_of_4_gib_is_seen(tmp_path: Path) -> None:
    scene = compose([panel(recording(tmp_path / "a.reel", 1 << 20, frames=1))])
    view = scene.views[0]
    per_cell = view.placement.pages_per_cell
    assert per_cell > 1
    image = Painter(scene, RgbCanvas).draw(0).image
    unmovable = PAGE_CLASSES.index("unmovable")
    pages = view.panel.recording.grid(0).reshape(-1, per_cell)
    assert np.array_equal(shown_classes(image, view) == unmovable, (pages == unmovable).any(axis=1))


def test_panels_of_different_clocks_are_refused(tmp_path: Path) -> None:
    one = panel(recording(tmp_path / "a.reel"))
    other = panel(recording(tmp_path / "b.reel", frames=5))
    with pytest.raises(ValueError, match=r"b\.reel has 5 frames and .*a\.reel 6"):
        compose([one, other])


def test_too_many_panels_are_refused(tmp_path: Path) -> None:
    one = panel(recording(tmp_path / "a.reel"))
    for wrong in ([], [one] * 9):
        with pytest.raises(ValueError, match="holds 1 to 8"):
            compose(wrong)


def test_values_for_other_frames_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="3 values for 6 frames"):
        compose([panel(recording(tmp_path / "a.reel"), np.zeros(3))])
