"""A small animation: some frames of a video at half its size, exact, for a web page or a chat."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from renderer.canvas import RgbCanvas
from renderer.frame import Painter
from renderer.output import whole_file
from renderer.panel import Panel
from renderer.png import to_json
from renderer.scene import compose
from renderer.still import picture_metadata

FRAMES = 60
FRAME_MS, LAST_FRAME_MS = 150, 2000


def write_animation(
    panels: Sequence[Panel],
    path: Path,
    *,
    layout: str = "blocks",
    metadata: dict | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write an endless WebP of FRAMES frames, evenly chosen; cells of 2 px become one pixel.

    Lossless: page grids are smaller that way, and true. Raises as write_video.
    """
    scene = compose(panels, layout)
    painter = Painter(scene, RgbCanvas)
    images = []
    chosen = np.unique(np.linspace(0, scene.frames - 1, FRAMES).round().astype(int)).tolist()
    for frame in chosen:
        images.append(Image.fromarray(painter.draw(frame).image).reduce(2))
        if progress:
            progress(len(images), len(chosen))
    about = (metadata or {}) | {"picture": picture_metadata(scene, frames=chosen)}
    exif = Image.Exif()
    exif[0x9286] = to_json(about)  # UserComment
    with whole_file(Path(path)) as partial:
        images[0].save(
            partial,
            "WEBP",
            save_all=True,
            append_images=images[1:],
            duration=[FRAME_MS] * (len(images) - 1) + [LAST_FRAME_MS],
            loop=0,
            lossless=True,
            method=4,  # without it five times as large
            quality=60,
            exif=exif,
        )
