"""The same picture as a video by matplotlib's own writer, as most such videos are made."""

import time
from collections.abc import Sequence
from pathlib import Path

import imageio_ffmpeg
import matplotlib
import numpy as np
from matplotlib.animation import FFMpegWriter
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from renderer.palette import class_colours, class_label
from renderer.parts import MapView
from renderer.scene import Scene

DOTS_PER_INCH = 100
POINTS_PER_PX = 72 / DOTS_PER_INCH


def matplotlib_s(scene: Scene, frames: Sequence[int], path: Path) -> float:
    """Seconds for some frames: the panels, the changing lines of text, legend and chart."""
    before = time.perf_counter()
    inches = scene.width_px / DOTS_PER_INCH, scene.height_px / DOTS_PER_INCH
    figure = Figure(figsize=inches, dpi=DOTS_PER_INCH)
    FigureCanvasAgg(figure)
    images = [_image(figure, scene, view) for view in scene.views]
    texts = [
        _text(figure, scene, field.x_px, field.y_px, "", field.font_px) for field in scene.fields
    ]
    _legend(figure, scene)
    lines = _chart(figure, scene)
    writer = FFMpegWriter(fps=20, extra_args=["-pix_fmt", "yuv420p"])
    with (
        matplotlib.rc_context({"animation.ffmpeg_path": imageio_ffmpeg.get_ffmpeg_exe()}),
        writer.saving(figure, path, DOTS_PER_INCH),
    ):
        for frame in frames:
            for view, image, line in zip(scene.views, images, lines, strict=True):
                image.set_data(_cells(view, frame))
                line.set_data(np.arange(frame + 1), view.panel.values[: frame + 1])
            for text, field in zip(texts, scene.fields, strict=True):
                text.set_text(field.text(frame))
            writer.grab_frame()
    return time.perf_counter() - before


def _box(scene: Scene, x: int, y: int, width: int, height: int) -> tuple[float, ...]:
    """A place of the frame, px, as matplotlib counts."""
    return (
        x / scene.width_px,
        1 - (y + height) / scene.height_px,
        width / scene.width_px,
        height / scene.height_px,
    )


def _image(figure: Figure, scene: Scene, view: MapView):
    placement = view.placement
    axes = figure.add_axes(
        _box(scene, view.x_px, view.y_px, placement.width_px, placement.height_px)
    )
    axes.set_axis_off()
    names = view.panel.recording.header["page_classes"]
    colours = ListedColormap(class_colours(names) / 255)
    limits = {"vmin": 0, "vmax": len(names) - 1}
    return axes.imshow(_cells(view, 0), cmap=colours, interpolation="nearest", **limits)


def _cells(view: MapView, frame: int) -> np.ndarray:
    """Classes u1[height/2, width/2]; what is no page counts as the last cell."""
    placement = view.placement
    grid = view.panel.recording.grid(frame)[:: placement.pages_per_cell]
    return grid[placement.index.clip(max=placement.cells - 1)]


def _text(figure: Figure, scene: Scene, x: int, y: int, text: str, size_px: int):
    left, bottom, _, height = _box(scene, x, y, 0, 0)
    return figure.text(left, bottom + height, text, fontsize=size_px * POINTS_PER_PX, va="top")


def _legend(figure: Figure, scene: Scene) -> None:
    box = scene.chart_box
    for row, name in enumerate(scene.views[0].panel.recording.header["page_classes"]):
        y_px = box.y_px - (row + 2) * 36
        _text(figure, scene, box.x_px + 60, y_px, class_label(name), 28)


def _chart(figure: Figure, scene: Scene) -> list:
    box = scene.chart_box
    axes = figure.add_axes(
        _box(scene, box.x_px + 60, box.y_px, box.width_px - 100, box.height_px - 60)
    )
    axes.set_xlim(0, scene.frames)
    axes.set_ylim(0, max(view.panel.maximum for view in scene.views))
    return [axes.plot([], [])[0] for _ in scene.views]
