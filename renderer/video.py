"""Videos: one video frame for each frame of the recordings."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from renderer.canvas import YuvCanvas
from renderer.ffmpeg import encode
from renderer.frame import Painter
from renderer.output import whole_file
from renderer.panel import Panel
from renderer.png import to_json
from renderer.scene import Scene, compose
from renderer.still import picture_metadata


def write_video(
    panels: Sequence[Panel],
    path: Path,
    *,
    layout: str = "blocks",
    cell_px: int | None = None,
    fps: float = 20,
    metadata: dict | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write an MP4 (H.264, yuv420p) of one to eight panels on one clock.

    `cell_px` even; without it cells are as large as fits. `metadata` stands as JSON in the file's
    comment, with what is needed to find the pages again under "picture". `progress(done, all)` is
    called with frames. Raises ValueError for panels that don't share a clock, LayoutError,
    RenderError where the file cannot be written; nothing is left then.
    """
    path = Path(path)
    scene = compose(panels, layout, cell_px)
    about = picture_metadata(scene, frames=scene.frames, fps=fps)
    comment = to_json((metadata or {}) | {"picture": about})
    with whole_file(path) as partial:
        size_px = (scene.width_px, scene.height_px)
        encode(_frames(scene, progress), size_px, fps, partial, path, comment)


def _frames(scene: Scene, progress: Callable[[int, int], None] | None) -> Iterator[np.ndarray]:
    painter = Painter(scene, YuvCanvas)
    for frame in range(scene.frames):
        yield painter.draw(frame).buffer
        if progress:
            progress(frame + 1, scene.frames)
