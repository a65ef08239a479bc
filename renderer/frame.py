"""Drawing a frame: the page grids by table look-up, text only where it changed."""

from collections.abc import Sequence

import numpy as np

from renderer import palette
from renderer.canvas import Ready, RgbCanvas, YuvCanvas, columns
from renderer.chart import letter_chip
from renderer.layouts import BOUNDARY, GAP, NOTHING, Placement
from renderer.parts import MapView
from renderer.scene import Scene

Canvas = RgbCanvas | YuvCanvas


def cell_classes(grid: np.ndarray, placement: Placement, ranks: np.ndarray) -> np.ndarray:
    """The class that each cell shows, u1[cells]: of its pages, the one with the highest rank.

    `grid` u1[pages], `ranks` u1[classes] as of palette.class_ranks. A lone unmovable page is never
    hidden, however many pages share its cell.
    """
    if placement.pages_per_cell == 1:
        return grid
    best = int(np.argmin(ranks))
    missing = placement.cells * placement.pages_per_cell - len(grid)
    grid = np.concatenate((grid, np.full(missing, best, np.uint8)))
    # Several classes may have one rank: the code breaks the tie.
    keyed = ranks[grid].astype(np.uint16) << 8 | grid
    return (keyed.reshape(-1, placement.pages_per_cell).max(axis=1) & 255).astype(np.uint8)


class MapPainter:
    """Draws the pages of one panel on a canvas."""

    def __init__(self, view: MapView, canvas: Canvas) -> None:
        self._view, self._canvas = view, canvas
        names = view.panel.recording.header["page_classes"]
        self._ranks = palette.class_ranks(names)
        beside = np.array([palette.rgb(palette.PAPER)] * 3)
        beside[GAP], beside[BOUNDARY] = palette.rgb(palette.RULE), palette.rgb(palette.ZONE)
        colours = np.concatenate((palette.class_colours(names), beside))
        self._table = canvas.table(colours)
        cells = view.placement.cells
        self._codes = np.empty(cells + 3, np.uint8)
        self._codes[cells:] = len(names) + np.array([NOTHING, GAP, BOUNDARY])

    def draw(self, frame: int) -> None:
        """Draw the pages as they were at a frame."""
        view = self._view
        grid = view.panel.recording.grid(frame)
        self._codes[: view.placement.cells] = cell_classes(grid, view.placement, self._ranks)
        codes = self._codes[view.placement.index]
        self._canvas.look_up(view.x_px, view.y_px, codes, self._table)


class Painter:
    """Draws frames of a scene on a canvas, in any order."""

    def __init__(self, scene: Scene, canvas_type: type[Canvas]) -> None:
        self.canvas = canvas_type(scene.width_px, scene.height_px, palette.PAPER)
        self._scene = scene
        self._maps = [MapPainter(view, self.canvas) for view in scene.views]
        ready = self.canvas.ready
        self._over_maps: list[tuple[int, int, Ready]] = []
        for sprite in scene.sprites:
            made = (sprite.x_px, sprite.y_px, ready(sprite.image))
            self.canvas.put(*made)
            if _over_a_map(sprite.x_px, sprite.y_px, scene.views):
                self._over_maps.append(made)
        self._shown: list[str | None] = [None] * len(scene.fields)
        self._chart = ready(scene.chart.empty), ready(scene.chart.full)
        chip_px = scene.chart.chip_px
        self._chips = [ready(letter_chip(n, chip_px)) for n in range(len(scene.views))]

    def draw(self, frame: int) -> Canvas:
        """The canvas with a frame on it; the next one is drawn over it."""
        for painter in self._maps:
            painter.draw(frame)
        for sprite in self._over_maps:
            self.canvas.put(*sprite)
        for number, field in enumerate(self._scene.fields):
            text = field.text(frame)
            if text != self._shown[number]:
                image = self.canvas.ready(field.image(frame))
                self.canvas.put(field.x_px, field.y_px, image)
                self._shown[number] = text
        self._draw_chart(frame)
        return self.canvas

    def _draw_chart(self, frame: int) -> None:
        scene, (empty, full) = self._scene, self._chart
        chart, box = scene.chart, scene.chart_box
        now_px = int(chart.frame_x_px[frame]) + 4  # with the thickness of a line
        self.canvas.put(box.x_px, box.y_px, columns(full, 0, now_px))
        rest = columns(empty, now_px, box.width_px)
        self.canvas.put(box.x_px + now_px, box.y_px, rest)
        for x_px, y_px, number in chart.chips(frame):
            self.canvas.put(box.x_px + x_px, box.y_px + y_px, self._chips[number])


def _over_a_map(x_px: int, y_px: int, views: Sequence[MapView]) -> bool:
    return any(
        view.x_px <= x_px < view.x_px + view.placement.width_px
        and view.y_px <= y_px < view.y_px + view.placement.height_px
        for view in views
    )
