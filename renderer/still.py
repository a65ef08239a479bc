"""A still: one frame of a video as an exact PNG."""

from collections.abc import Sequence
from pathlib import Path

from renderer.annotations import Annotation
from renderer.canvas import RgbCanvas
from renderer.frame import Painter
from renderer.layouts import CellSize
from renderer.panel import Panel
from renderer.parts import MapView
from renderer.png import write_png
from renderer.scene import Scene, compose


def write_still(
    panels: Sequence[Panel],
    frame: int,
    path: Path,
    *,
    layout: str = "blocks",
    cell_px: CellSize | None = None,
    palette: str = "standard",
    size: str | None = None,
    annotations: Sequence[Annotation] = (),
    metadata: dict | None = None,
) -> None:
    """Write frame `frame` of the video that write_video makes of the panels, as RGB.

    `palette`, `size` and `annotations` as of scene.compose. Raises RenderError where the file
    cannot be written, ValueError for panels without a common clock, LayoutError, PaletteError,
    IndexError for a frame that there isn't.
    """
    look = {"palette": palette, "size": size, "annotations": annotations}
    scene = compose(panels, layout, cell_px, **look)
    if not 0 <= frame < scene.frames:
        raise IndexError(f"frame {frame} of {scene.frames}")
    image = Painter(scene, RgbCanvas).draw(frame).image
    write_png(image, path, (metadata or {}) | {"picture": picture_metadata(scene, frame=frame)})


def picture_metadata(scene: Scene, **more: object) -> dict:
    """What is needed to find the pages in a picture again."""
    about = picture_of(scene.views[0], scene.layout)
    if scene.size is not None:
        about["size"] = scene.size
    if scene.marks.annotations:
        about["captions"] = len(scene.marks.annotations)
    return about | {"panels": [view.panel.name for view in scene.views], **more}


def picture_of(view: MapView, layout: str) -> dict:
    """How the pages of a view are drawn, and which."""
    geometry, placement = view.panel.recording.header["geometry"], view.placement
    about: dict = {
        "layout": layout,
        "palette": view.palette.name,
        "cell_px": placement.cell_size,
        "pages_per_cell": placement.pages_per_cell,
    }
    if "first_pfn" in geometry:
        first = geometry["first_pfn"]
        about["pfn"] = [first, first + geometry["pages"] - 1]
    return about
