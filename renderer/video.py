"""Videos: one video frame for each frame of the recordings."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from renderer.annotations import Annotation
from renderer.canvas import RgbCanvas, YuvCanvas
from renderer.ffmpeg import LOSSLESS, MP4, encode
from renderer.frame import Painter
from renderer.layouts import CellSize
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
    cell_px: CellSize | None = None,
    palette: str = "standard",
    size: str | None = None,
    annotations: Sequence[Annotation] = (),
    fps: float = 20,
    lossless: bool = False,
    metadata: dict | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write an MP4 (H.264, yuv420p) of one to eight panels on one clock.

    `cell_px` even; without it cells are as large as fits. `palette`, `size` and `annotations` as of
    scene.compose. `lossless`: every pixel as a still has it, RGB, into Matroska (a name in .mkv);
    browsers don't play it. `metadata` stands as JSON in the file's comment, with what is needed to
    find the pages again under "picture". `progress(done, all)` is called with frames. Raises
    ValueError for panels that don't share a clock, LayoutError, RenderError where the file cannot
    be written; nothing is left then.
    """
    path = Path(path)
    look = {"palette": palette, "size": size, "annotations": annotations}
    scene = compose(panels, layout, cell_px, **look)
    about = picture_metadata(scene, frames=scene.frames, fps=fps)
    comment = to_json((metadata or {}) | {"picture": about})
    with whole_file(path) as partial:
        size_px = (scene.width_px, scene.height_px)
        frames = _frames(scene, RgbCanvas if lossless else YuvCanvas, progress)
        coding = LOSSLESS if lossless else MP4
        encode(frames, size_px, fps, partial, path, comment, coding)


def _frames(
    scene: Scene,
    canvas_type: type[RgbCanvas | YuvCanvas],
    progress: Callable[[int, int], None] | None,
) -> Iterator[np.ndarray]:
    painter = Painter(scene, canvas_type)
    for frame in range(scene.frames):
        yield painter.draw(frame).buffer
        if progress:
            progress(frame + 1, scene.frames)
