"""Words read back from a video: other ones, and none, are found out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from renderer.annotations import Annotation
from renderer.canvas import YuvCanvas, planes_of
from renderer.ffmpeg import decoded
from renderer.frame import Painter
from renderer.panel import Panel
from renderer.parts import Field
from renderer.read_back import read_back
from renderer.read_text import TextReader
from renderer.scene import compose
from renderer.video import write_video
from tests.renderer.synthetic import panels

VALUES = np.array([8, 7, 7, 5, 4, 3])


def with_values(shown: list[Panel], values: np.ndarray) -> list[Panel]:
    return [replace(panel, values=values, text="{value:,.0f} of {maximum:,.0f}") for panel in shown]


def luma_of(field: Field, text: str) -> np.ndarray:
    """A frame's luma that shows a text in a field's place."""
    canvas = YuvCanvas(640, 200, "#F0F1F3")
    image = replace(field, text=lambda _: text).image(0)
    canvas.put(field.x_px, field.y_px, canvas.ready(image))
    return canvas.planes[0]


@pytest.mark.parametrize("font_px", [12, 28])
@pytest.mark.parametrize(
    "shown", ["1,234 blocks", "1,235 blocks", "1,284 blocks", "1,233 blocks", ""]
)
def test_each_digit_counts(font_px: int, shown: str) -> None:
    field = Field(20, 40, 400, font_px, lambda frame: f"{1234 + frame:,} blocks")
    reader = TextReader(field, 5)
    reader.compare(luma_of(field, shown), 0)
    assert (reader.checked, reader.right) == (1, int(shown == "1,234 blocks"))
    assert reader.first_wrong == (None if reader.right else (0, "1,234 blocks"))


def test_a_text_that_was_not_drawn_anew_is_found_out() -> None:
    field = Field(20, 40, 400, 28, lambda frame: "load" if frame < 3 else "at rest")
    reader = TextReader(field, 5)
    for frame in range(5):
        reader.compare(luma_of(field, "load"), frame)
    assert (reader.checked, reader.right) == (5, 3)
    assert reader.first_wrong == (3, "at rest")


def test_a_blank_line_must_be_blank() -> None:
    field = Field(20, 40, 400, 28, lambda frame: "" if frame == 0 else "something")
    reader = TextReader(field, 2)
    reader.compare(luma_of(field, "something"), 0)
    assert reader.right == 0
    reader.compare(luma_of(field, ""), 0)
    assert reader.right == 1


def test_figures_of_a_video_are_those_that_are_given(tmp_path: Path) -> None:
    shown = with_values(panels(tmp_path, 1), VALUES)
    path = tmp_path / "a.mp4"
    write_video(shown, path, size="720p")
    back = read_back(path, shown)
    assert back.texts_checked == back.texts_right > 6 * 5
    assert back.wrong_text is None
    other = VALUES.copy()
    other[3] = 6
    wrong = read_back(path, with_values(shown, other))
    assert wrong.share_right == back.share_right
    assert wrong.texts_right == wrong.texts_checked - 1
    assert wrong.wrong_text == (3, "6 of 8")


def test_captions_are_read_back(tmp_path: Path) -> None:
    shown = panels(tmp_path, 1)
    said = [Annotation(1, 2, 0, "claims pageblock 3"), Annotation(3, 5, None, "all quiet")]
    path = tmp_path / "a.mp4"
    write_video(shown, path, size="720p", annotations=said)
    back = read_back(path, shown, annotations=said)
    assert back.whole
    assert back.texts_right == back.texts_checked
    other = [said[0], replace(said[1], text="all gone")]
    assert read_back(path, shown, annotations=other).wrong_text[0] == 3


def test_what_is_drawn_is_read_before_any_encoder(tmp_path: Path) -> None:
    scene = compose(panels(tmp_path, 4), size="720p")
    painter = Painter(scene, YuvCanvas)
    readers = [TextReader(field, scene.frames) for field in scene.fields]
    for frame in range(scene.frames):
        for reader in readers:
            reader.compare(painter.draw(frame).planes[0], frame)
    assert all(reader.right == reader.checked == scene.frames for reader in readers)


def test_a_decoded_frame_is_valid_until_the_next(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    write_video(panels(tmp_path, 1, frames=3), path, size="720p")
    with decoded(path) as (size_px, pictures):
        lumas = [planes_of(picture, *size_px)[0].copy() for picture in pictures]
    assert len(lumas) == 3
    assert not np.array_equal(lumas[0], lumas[1])
