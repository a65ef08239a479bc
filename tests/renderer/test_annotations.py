"""Captions and marks: said where and when, and no page hidden."""

from pathlib import Path

import numpy as np
import pytest

from renderer import palette
from renderer.annotations import ARROW_PX, Annotation, CaptionLine, newest
from renderer.canvas import RgbCanvas, YuvCanvas
from renderer.frame import Painter
from renderer.layouts import GAP_PX, LAYOUTS
from renderer.scene import Scene, compose
from tests.renderer.synthetic import panels
from tests.renderer.test_frame import shown_classes

LONE = Annotation(1, 3, 0, "One page spoils pageblock 2.", ((1100, 1100),))
BLOCK = Annotation(2, 4, 1, "Pageblock 1 is claimed.", ((512, 1023),))
BOTH = Annotation(5, 5, None, "All of it is at rest.", ((0, 5000),))
ALL = (LONE, BLOCK, BOTH)
MARK, PAGE_MARK = palette.rgb(palette.MARK), palette.rgb(palette.PAGE_MARK)


def scene_of(folder: Path, count: int = 2, layout: str = "blocks", **more: object) -> Scene:
    return compose(panels(folder, count), layout, annotations=ALL, **more)


def pixels(image: np.ndarray, colour: np.ndarray) -> int:
    return int((image == colour).all(axis=2).sum())


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", [None, "720p"])
def test_marks_hide_no_page(tmp_path: Path, layout: str, size: str | None) -> None:
    scene = scene_of(tmp_path, layout=layout, size=size)
    painter = Painter(scene, RgbCanvas)
    for frame in range(6):
        image = painter.draw(frame).image
        for view in scene.views:
            assert np.array_equal(shown_classes(image, view), view.panel.recording.grid(frame))


def test_a_frame_with_marks_does_not_depend_on_those_before(tmp_path: Path) -> None:
    scene = scene_of(tmp_path)
    painter = Painter(scene, RgbCanvas)
    for frame in (3, 0, 5, 4, 1):
        fresh = Painter(scene, RgbCanvas).draw(frame).image
        assert np.array_equal(painter.draw(frame).image, fresh)


def test_a_pageblock_is_framed_in_its_own_panel(tmp_path: Path) -> None:
    scene = scene_of(tmp_path)
    image = Painter(scene, RgbCanvas).draw(4).image
    view, placement = scene.views[1], scene.views[1].placement
    part = slice(512, 1024)
    left, top = (int(values[part].min()) for values in (placement.x_px, placement.y_px))
    right = int(placement.x_px[part].max()) + placement.cell_width_px
    bottom = int(placement.y_px[part].max()) + placement.cell_height_px
    box = image[view.y_px + top - GAP_PX : view.y_px + bottom + GAP_PX,
                view.x_px + left - GAP_PX : view.x_px + right + GAP_PX]  # fmt: skip
    inside = np.zeros(box.shape[:2], bool)
    inside[GAP_PX:-GAP_PX, GAP_PX:-GAP_PX] = True
    assert np.array_equal((box == MARK).all(axis=2), ~inside)
    arrow = image[view.y_px :, view.x_px - ARROW_PX : view.x_px]
    outside = pixels(image, MARK) - int((~inside).sum())
    assert outside == pixels(arrow, MARK) > 0  # nothing else, and nothing in the other panel


def test_a_lone_page_has_ticks_at_its_row_and_column(tmp_path: Path) -> None:
    scene = scene_of(tmp_path)
    painter = Painter(scene, RgbCanvas)
    image = painter.draw(1).image
    view, placement = scene.views[0], scene.views[0].placement
    x, y = view.x_px + int(placement.x_px[1100]), view.y_px + int(placement.y_px[1100])
    tile = slice(1024, 1536)
    left, top = (int(v[tile].min()) for v in (placement.x_px, placement.y_px))
    row = image[y : y + placement.cell_height_px, view.x_px + left - GAP_PX : view.x_px + left]
    column = image[view.y_px + top - GAP_PX : view.y_px + top, x : x + placement.cell_width_px]
    assert (row == PAGE_MARK).all()
    assert (column == PAGE_MARK).all()


def test_a_whole_pageblock_has_no_ticks(tmp_path: Path) -> None:
    scene = scene_of(tmp_path)
    painter = Painter(scene, RgbCanvas)
    view, placement = scene.views[1], scene.views[1].placement
    x, y = placement.x_px[512:1024], placement.y_px[512:1024]
    left, top = view.x_px + int(x.min()) - GAP_PX, view.y_px + int(y.min()) - GAP_PX
    right = left + int(np.ptp(x)) + placement.cell_width_px + 2 * GAP_PX
    bottom = top + int(np.ptp(y)) + placement.cell_height_px + 2 * GAP_PX
    box = painter.draw(4).image[top:bottom, left:right]
    assert (box[0] == MARK).all()
    assert (box[:, 0] == MARK).all()


def test_without_gaps_an_arrow_points_at_the_rows(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, layout="rows")
    image = Painter(scene, RgbCanvas).draw(4).image
    view, placement = scene.views[1], scene.views[1].placement
    arrow = image[:, view.x_px - ARROW_PX : view.x_px]
    assert pixels(image, MARK) == pixels(arrow, MARK) > 0
    rows = np.flatnonzero((arrow == MARK).all(axis=2).any(axis=1))
    pages = view.y_px + placement.y_px[512:1024]
    assert pages.min() <= rows.mean() <= pages.max() + placement.cell_height_px


def test_the_newest_captions_stand_at_one_time() -> None:
    many = [Annotation(n, 9, None, str(n)) for n in range(5)]
    assert [one.text for one in newest(many, 3)] == ["3", "2"]
    assert newest(many, 10) == []


def lines(scene: Scene, frame: int) -> list[tuple[str, str]]:
    """Letters and words of the lines of captions."""
    texts = [f.text(frame) for f in scene.fields if isinstance(f, CaptionLine)]
    split = [text.split(" ", 2) for text in texts]
    return [(parts[0], parts[2]) if len(parts) == 3 else ("", "") for parts in split]


def test_a_caption_is_said_in_its_frames(tmp_path: Path) -> None:
    scene = scene_of(tmp_path, 4)
    none = ("", "")
    assert lines(scene, 0) == [none, none]
    assert lines(scene, 1) == [("0", LONE.text), none]
    assert lines(scene, 3) == [("1", BLOCK.text), ("0", LONE.text)]
    assert lines(scene, 5) == [("", BOTH.text), none]


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("size", [None, "720p", "2160p"])
def test_captions_of_160_characters_are_whole(tmp_path: Path, count: int, size: str | None) -> None:
    long = Annotation(0, 3, 0, ("a pageblock that was stolen is not free " * 4).strip())
    other = Annotation(3, 3, count - 1, "x" + long.text)
    scene = compose(panels(tmp_path, count), size=size, annotations=(long, other))
    assert " ".join(text for _, text in lines(scene, 0)).strip() == long.text
    told = " ".join(text for _, text in lines(scene, 3)).strip()
    assert told == f"{other.text} {long.text}"
    assert [letter for letter, _ in lines(scene, 3) if letter] == [str(count - 1), "0"]
    shapes = {f.image(3).shape for f in scene.fields if isinstance(f, CaptionLine)}
    assert len(shapes) == 1


def test_captions_take_no_room_from_the_maps(tmp_path: Path) -> None:
    made = panels(tmp_path, 4)
    plain, captioned = compose(made), compose(made, annotations=ALL)
    assert captioned.height_px > plain.height_px
    assert captioned.height_px % 2 == 0
    for one, other in zip(plain.views, captioned.views, strict=True):
        assert np.array_equal(one.placement.index, other.placement.index)
    sized = compose(made, annotations=ALL, size="1440p")
    assert (sized.width_px, sized.height_px) == (2560, 1440)


def test_the_planes_show_the_marks_too(tmp_path: Path) -> None:
    scene = scene_of(tmp_path)
    luma = Painter(scene, YuvCanvas).draw(3).planes[0]
    expected = palette.to_yuv(Painter(scene, RgbCanvas).draw(3).image)[..., 0]
    assert np.array_equal(luma, expected)


def test_a_zoomed_panel_is_marked_by_pfns_of_the_machine(tmp_path: Path) -> None:
    from dataclasses import replace

    from pipeline.views.zoom import Zoom

    made = panels(tmp_path, 1)[0]
    zoomed = replace(made, recording=Zoom(made.recording, 1024, 2047))
    elsewhere = Annotation(0, 0, 0, "elsewhere", ((10, 10),))
    here = Annotation(1, 1, 0, "here", ((1100, 1100),))
    painter = Painter(compose([zoomed], annotations=(elsewhere, here)), RgbCanvas)
    assert pixels(painter.draw(0).image, MARK) == 0
    assert pixels(painter.draw(1).image, MARK) > 0
