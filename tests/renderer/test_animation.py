"""The animation: exact pages at half the size of a frame."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from renderer.animation import LAST_FRAME_MS, write_animation
from renderer.output import RenderError
from renderer.palette import class_colours
from renderer.scene import compose
from renderer.still import write_still
from tests.renderer.synthetic import panels


def test_each_image_is_a_frame_at_half_size(tmp_path: Path) -> None:
    shown = panels(tmp_path, 2, frames=3)
    write_animation(shown, tmp_path / "a.webp")
    with Image.open(tmp_path / "a.webp") as animation:
        assert animation.n_frames == 3
        for frame in range(3):
            animation.seek(frame)
            write_still(shown, frame, tmp_path / "still.png")
            with Image.open(tmp_path / "still.png") as still:
                expected = np.asarray(still.reduce(2))
            assert np.array_equal(np.asarray(animation.convert("RGB")), expected)
        assert animation.info["duration"] == LAST_FRAME_MS
        assert "picture" in animation.getexif()[0x9286]


def test_the_same_bytes_each_time(tmp_path: Path) -> None:
    shown = panels(tmp_path, 1, frames=3)
    for name in ("a.webp", "b.webp"):
        write_animation(shown, tmp_path / name)
    assert (tmp_path / "a.webp").read_bytes() == (tmp_path / "b.webp").read_bytes()


def test_a_gif_has_the_very_colours_of_the_classes(tmp_path: Path) -> None:
    shown = panels(tmp_path, 1, frames=3)
    made = write_animation(shown, tmp_path / "a.gif")
    assert made.frames == (0, 1, 2)
    placement, view = compose(shown).views[0].placement, compose(shown).views[0]
    colours = class_colours(shown[0].recording.header["page_classes"])
    x, y = (view.x_px + placement.x_px) // 2, (view.y_px + placement.y_px) // 2
    with Image.open(tmp_path / "a.gif") as animation:
        assert animation.n_frames == 3
        assert json.loads(animation.info["comment"])["picture"]["frames"] == [0, 1, 2]
        for frame in range(3):
            animation.seek(frame)
            pixels = np.asarray(animation.convert("RGB"))
            assert np.array_equal(pixels[y, x], colours[shown[0].recording.grid(frame)])


def test_a_limit_of_size_takes_frames_then_pixels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("renderer.animation.LEAST_FRAMES", 3)
    shown = panels(tmp_path, 1, 2048, frames=16)
    whole = write_animation(shown, tmp_path / "a.webp", size="720p")
    assert (len(whole.frames), whole.of_frames) == (16, 16)
    assert whole.bytes == (tmp_path / "a.webp").stat().st_size
    most = whole.bytes * 3 // 4
    fewer = write_animation(shown, tmp_path / "b.webp", size="720p", max_bytes=most)
    assert 3 <= len(fewer.frames) < 16
    assert (fewer.width_px, fewer.height_px) == (whole.width_px, whole.height_px) == (640, 360)
    assert (tmp_path / "b.webp").stat().st_size == fewer.bytes <= most
    smaller = write_animation(shown, tmp_path / "c.webp", size="1080p", max_bytes=fewer.bytes)
    assert smaller.bytes <= fewer.bytes
    assert (len(smaller.frames), smaller.width_px) < (16, 961)


def test_what_cannot_be_so_small_is_told(tmp_path: Path) -> None:
    shown = panels(tmp_path, 1, frames=2)
    with pytest.raises(RenderError, match=r"a\.gif: 2 frames of 640 x 360 px take [\d,]+ bytes"):
        write_animation(shown, tmp_path / "a.gif", max_bytes=1000)
    assert [path.name for path in tmp_path.iterdir()] == ["0.reel"]
