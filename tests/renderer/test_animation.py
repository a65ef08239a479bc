"""The animation: exact pages at half the size of a frame."""

from pathlib import Path

import numpy as np
from PIL import Image

from renderer.animation import LAST_FRAME_MS, write_animation
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
