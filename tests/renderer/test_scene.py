"""Frames of every size: what stands in them, and that nothing is cut."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from allocator.terms import PAGE_CLASSES
from renderer import palette
from renderer.annotations import Annotation
from renderer.canvas import RgbCanvas
from renderer.frame import Painter, cell_classes
from renderer.layouts import Extent, LayoutError, fit
from renderer.palette import class_ranks
from renderer.panel import Panel
from renderer.parts import MapView, scale_notes, zone_label_px
from renderer.read_back import composed_as
from renderer.scene import SIZES, Scene, compose
from renderer.still import picture_metadata
from renderer.text import text_image
from tests.renderer.synthetic import panel, panels, recording
from tests.renderer.test_frame import shown_classes


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8])
def test_a_frame_has_the_size_asked_for_and_holds_all(
    tmp_path: Path, size: str, count: int
) -> None:
    scene = compose(panels(tmp_path, count), size=size)
    width_px, height_px = SIZES[size]
    assert (scene.width_px, scene.height_px) == (width_px, height_px)
    for field in scene.fields:
        assert 0 <= field.x_px <= field.x_px + field.width_px <= width_px
        assert 0 <= field.y_px <= field.y_px + field.image(0).shape[0] <= height_px
    for sprite in scene.sprites:
        high, wide = sprite.image.shape[:2]
        assert sprite.x_px + wide <= width_px
        assert sprite.y_px + high <= height_px
    boxes = [(v.x_px, v.y_px, v.placement.width_px, v.placement.height_px) for v in scene.views]
    for x, y, wide, high in boxes:
        assert x + wide <= width_px
        assert y + high <= height_px
    image = Painter(scene, RgbCanvas).draw(3).image
    for view in scene.views:
        assert np.array_equal(shown_classes(image, view), view.panel.recording.grid(3))


def test_text_grows_with_the_frame(tmp_path: Path) -> None:
    made = panels(tmp_path, 4)
    heights = [compose(made, size=size).fields[0].font_px for size in SIZES]
    assert heights == sorted(set(heights))
    assert heights[0] >= 14


def test_512_mib_fill_a_frame_of_2160p(tmp_path: Path) -> None:
    made = panels(tmp_path, 4, 131072, frames=1)
    placement = compose(made, size="2160p").views[0].placement
    assert placement.pages_per_cell == 1
    assert placement.cell_width_px * placement.cell_height_px > 4


def test_what_a_cell_stands_for_is_said(tmp_path: Path) -> None:
    made = panels(tmp_path, 4, 131072, frames=1)
    scene = compose(made, size="720p")
    each = scene.views[0].placement.pages_per_cell
    assert each > 1
    assert says(scene, f"one cell: {each} pages; it shows the")
    assert says(compose(made), "one cell: a page")


def test_an_unknown_size_names_those_that_exist(tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match="no size '8k'; there are 720p, 1080p"):
        compose(panels(tmp_path), size="8k")


def says(scene: Scene, text: str, colour: str = palette.QUIET_INK) -> bool:
    """Whether a text stands in a scene, in any size."""
    images = [
        text_image(text, px, colour=colour, bold=bold)
        for px in range(8, 72)
        for bold in (False, True)
    ]
    return any(
        sprite.image.shape == image.shape and np.array_equal(sprite.image, image)
        for sprite in scene.sprites
        for image in images
    )


@pytest.mark.parametrize("size", [None, "720p", "2160p"])
@pytest.mark.parametrize("count", [1, 4, 5, 8])
def test_names_are_whole(tmp_path: Path, count: int, size: str | None) -> None:
    made = [
        replace(one, title="grouping and ZONE_MOVABLE", name=f"6.1-both, kernelcore={n}0%")
        for n, one in enumerate(panels(tmp_path, count))
    ]
    scene = compose(made, size=size)
    for one in made:
        assert says(scene, one.name)
        assert says(scene, one.title, palette.INK)


@pytest.mark.parametrize("title", ["grouping", "grouping and ZONE_MOVABLE"])
@pytest.mark.parametrize("name", ["6.1-both", "6.1-both, kernelcore=30%"])
@pytest.mark.parametrize("count", [4, 6, 8])
def test_512_mib_keep_one_page_to_a_cell(tmp_path: Path, count: int, name: str, title: str) -> None:
    made = panels(tmp_path, 1, 131072, frames=1)[0]
    made = replace(made, title=title, name=name, text_short=SHORT, maximum=214.0)
    assert compose([made] * count).views[0].placement.pages_per_cell == 1


def test_the_legend_names_what_occurs(tmp_path: Path) -> None:
    made = panels(tmp_path, 2)
    present = [replace(one, classes_present=("movable", "free")) for one in made]
    for name, shown in (("movable", True), ("free", True), ("hugetlb", False)):
        assert says(compose(present), name, palette.INK) is shown
        assert says(compose(made), name, palette.INK)


def test_colours_of_2007_are_said_to_be(tmp_path: Path) -> None:
    made = panels(tmp_path, 2)
    assert says(compose(made, palette="2007"), "colours of 2007")
    assert not says(compose(made), "colours of 2007")


@pytest.mark.parametrize("size", [None, "720p", "2160p"])
@pytest.mark.parametrize("captions", [False, True])
def test_a_picture_tells_how_to_make_its_scene_again(
    tmp_path: Path, size: str | None, captions: bool
) -> None:
    made = panels(tmp_path, 4, 32768, frames=1)
    notes = (Annotation(0, 0, 1, "a page"),) if captions else ()
    scene = compose(made, palette="2007", size=size, annotations=notes)
    about = picture_metadata(scene)
    again = composed_as(about, made, notes)
    assert again.palette is scene.palette
    for one, other in zip(scene.views, again.views, strict=True):
        assert (one.x_px, one.y_px) == (other.x_px, other.y_px)
        assert np.array_equal(one.placement.index, other.placement.index)
    assert (again.width_px, again.height_px) == (scene.width_px, scene.height_px)


GIB = 1 << 18
SHORT = "{value:,.0f} of {maximum:,.0f} blocks can be huge"


def machine(tmp_path: Path, pages: int) -> Panel:
    return panel(recording(tmp_path / f"{pages}.reel", pages, frames=1))


def test_16_mib_stand_in_large_tiles_with_their_pfns(tmp_path: Path) -> None:
    placement = compose([machine(tmp_path, 4096)]).views[0].placement
    assert 12 <= placement.cell_px < 64
    assert [label.name for label in placement.labels][:2] == ["DMA: pfn 0", "pfn 512"]
    assert placement.labels[4].name == "Movable: pfn 2,048"


def test_a_machine_too_large_for_tiles_shows_cells_and_says_so(tmp_path: Path) -> None:
    made = panel(recording(tmp_path / "a.reel", 64 * GIB, frames=1, order=6))
    scene = compose([made] * 4, size="720p")
    placement = scene.views[0].placement
    assert not placement.tiles_shown
    assert placement.pages_per_cell == 512
    note = "one cell: 512 pages, 8 pageblocks; it shows the worst of them, in this order"
    assert note in scale_notes(scene.views[0])
    image = Painter(scene, RgbCanvas).draw(0).image
    assert np.array_equal(
        shown_classes(image, scene.views[0]),
        cell_classes(made.recording.grid(0), placement, class_ranks(PAGE_CLASSES)),
    )


@pytest.mark.parametrize(
    ("pages", "notes"),
    [
        (GIB // 8, ["one tile: a pageblock, 512 pages", "one cell: a page"]),
        (4 * GIB, ["one tile: a pageblock, 512 pages", "one cell: 16 pages; it shows the worst"]),
        (64 * GIB, ["one cell: 128 pages, 4 cells a pageblock; it shows the worst of them"]),
        (1024 * GIB, ["one cell: 2,048 pages, 4 pageblocks; it shows the worst of them"]),
    ],
)
def test_from_mib_to_tib_it_is_said_what_a_cell_is(
    tmp_path: Path, pages: int, notes: list[str]
) -> None:
    """Placed only: no grid of a TiB is drawn here."""
    extent = Extent(pages, 512, (("DMA", 0), ("DMA32", 4096), ("Normal", pages // 2)))
    placement = fit("blocks", [extent], 992, 614, zone_label_px(28))[0]
    assert placement.width_px <= 992
    assert placement.height_px <= 614
    view = MapView(panel(recording(tmp_path / "b.reel")), placement, 0, 0)
    told = scale_notes(view)
    assert len(told) == len(notes)
    for text, begin in zip(told, notes, strict=True):
        assert text.startswith(begin)


def test_a_figure_is_told_in_fewer_words_before_it_becomes_small(tmp_path: Path) -> None:
    made = [replace(one, text_short=SHORT) for one in panels(tmp_path, 8)]
    told = [
        field
        for field in compose(made, size="720p").fields
        if field.text(0) == "8 of 8 blocks can be huge"
    ]
    assert len(told) == 8
    assert all(field.font_px >= 12 for field in told)
    assert any(
        field.text(0).endswith("can become a huge page") for field in compose(made[:1]).fields
    )
