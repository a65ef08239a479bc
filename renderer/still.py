"""A still: one frame of a video as an exact PNG."""

from collections.abc import Sequence
from pathlib import Path

from renderer.canvas import RgbCanvas
from renderer.frame import Painter
from renderer.panel import Panel
from renderer.png import write_png
from renderer.scene import Scene, compose


def write_still(
    panels: Sequence[Panel],
    frame: int,
    path: Path,
    *,
    layout: str = "blocks",
    cell_px: int | None = None,
    metadata: dict | None = None,
) -> None:
    """Write frame `frame` of the video that write_video makes of the panels, as RGB.

    Raises RenderError where the file cannot be written, ValueError for panels without a common
    clock, LayoutError, IndexError for a frame that there isn't.
    """
    scene = compose(panels, layout, cell_px)
    if not 0 <= frame < scene.frames:
        raise IndexError(f"frame {frame} of {scene.frames}")
    image = Painter(scene, RgbCanvas).draw(frame).image
    write_png(image, path, (metadata or {}) | {"picture": picture_metadata(scene, frame=frame)})


def picture_metadata(scene: Scene, **more: object) -> dict:
    """What is needed to find the pages in a picture again."""
    placement = scene.views[0].placement
    return {
        "layout": scene.layout,
        "cell_px": placement.cell_px,
        "pages_per_cell": placement.pages_per_cell,
        "panels": [view.panel.name for view in scene.views],
        **more,
    }
