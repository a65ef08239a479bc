"""PNG files: stills and sheets."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from renderer.canvas import RgbCanvas
from renderer.frame import Painter
from renderer.layouts import LayoutError
from renderer.output import RenderError
from renderer.scene import compose
from renderer.sheet import compose_sheet, write_sheet
from renderer.still import write_still
from tests.renderer.synthetic import panels
from tests.renderer.test_frame import shown_classes

PHASES = [("load", "load: files", 2), ("rest", "at rest", 5)]


def test_a_still_is_the_frame(tmp_path: Path) -> None:
    made = panels(tmp_path, 2)
    write_still(made, 4, tmp_path / "still.png", metadata={"seed": 3})
    with Image.open(tmp_path / "still.png") as image:
        shown, about = np.array(image), json.loads(image.text["pagereel"])
    scene = compose(made)
    assert np.array_equal(shown, Painter(scene, RgbCanvas).draw(4).image)
    for view in scene.views:
        assert np.array_equal(shown_classes(shown, view), view.panel.recording.grid(4))
    assert about["seed"] == 3
    assert about["picture"]["panels"] == ["m0", "m1"]
    assert about["picture"]["frame"] == 4


@pytest.mark.parametrize("layout", ["blocks", "rows", "hilbert"])
def test_a_sheet_shows_every_page_of_every_phase(tmp_path: Path, layout: str) -> None:
    made = panels(tmp_path, 3)
    write_sheet(made, PHASES, tmp_path / "sheet.png", layout=layout)
    with Image.open(tmp_path / "sheet.png") as image:
        shown = np.array(image)
    sheet = compose_sheet(made, PHASES, layout)
    assert shown.shape == (sheet.height_px, sheet.width_px, 3)
    assert len(sheet.views) == 6
    for view, frame in sheet.views:
        assert np.array_equal(shown_classes(shown, view), view.panel.recording.grid(frame))


def test_the_same_pictures_have_the_same_bytes(tmp_path: Path) -> None:
    made = panels(tmp_path, 2)
    for name in ("a", "b"):
        write_still(made, 1, tmp_path / f"still-{name}.png", metadata={"b": 1, "a": 2})
        write_sheet(made, PHASES, tmp_path / f"sheet-{name}.png")
    for kind in ("still", "sheet"):
        one, other = (tmp_path / f"{kind}-{name}.png" for name in ("a", "b"))
        assert one.read_bytes() == other.read_bytes()


def test_a_long_title_is_cut_on_a_sheet(tmp_path: Path) -> None:
    made = [replace(panel, title="grouping " * 40) for panel in panels(tmp_path, 2)]
    write_sheet(made, PHASES[:1], tmp_path / "sheet.png")
    sheet = compose_sheet(made, PHASES[:1])
    for sprite in sheet.sprites:
        assert sprite.x_px + sprite.image.shape[1] <= sheet.width_px


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    made = panels(tmp_path, 1)
    with pytest.raises(RenderError, match=r"still\.png: No such file or directory"):
        write_still(made, 1, tmp_path / "none" / "still.png")
    assert not list(tmp_path.glob("**/*partial*"))


def test_a_folder_in_the_way_is_told_and_nothing_left(tmp_path: Path) -> None:
    made = panels(tmp_path, 1)
    (tmp_path / "sheet.png").mkdir()
    with pytest.raises(RenderError, match=r"sheet\.png: Is a directory"):
        write_sheet(made, PHASES, tmp_path / "sheet.png")
    assert not list(tmp_path.glob(".*partial*"))


def test_a_frame_that_there_is_not(tmp_path: Path) -> None:
    made = panels(tmp_path, 1)
    with pytest.raises(IndexError, match="frame 6 of 6"):
        write_still(made, 6, tmp_path / "still.png")
    with pytest.raises(IndexError, match="frame 9 of 6"):
        write_sheet(made, [("load", "load", 9)], tmp_path / "sheet.png")


def test_a_layout_that_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match="there are blocks"):
        write_still(panels(tmp_path, 1), 0, tmp_path / "still.png", layout="spiral")
    assert not (tmp_path / "still.png").exists()


def test_a_sheet_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no phase"):
        write_sheet(panels(tmp_path, 1), [], tmp_path / "sheet.png")
