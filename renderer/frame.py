"""Drawing a frame: the page grids by table look-up, text only where it changed."""

from collections.abc import Sequence

import numpy as np

from renderer import palette
from renderer.canvas import Ready, RgbCanvas, YuvCanvas, columns
from renderer.chart import letter_chip
from renderer.layouts import BOUNDARY, GAP, NOTHING, Placement
from renderer.parts import MapView, hatched
from renderer.scene import Scene

Canvas = RgbCanvas | YuvCanvas

_FEW = 0.2  # of all cells: more that change are drawn sooner by drawing all
_CHUNK_PAGES = 1 << 20  # looked at together: machines of a TiB need no more memory for it


def cell_classes(grid: np.ndarray, placement: Placement, ranks: np.ndarray) -> np.ndarray:
    """The class that each cell shows, u1[cells]: of its pages, the one with the highest rank.

    `grid` u1[pages], `ranks` u1[classes] as of palette.class_ranks. A lone unmovable page is never
    hidden, however many pages share its cell.
    """
    if placement.pages_per_cell == 1:
        return grid
    by_severity = np.argsort(ranks, kind="stable").astype(np.uint8)  # codes, the worst last
    severity = np.empty_like(by_severity)
    severity[by_severity] = np.arange(len(ranks), dtype=np.uint8)
    worst = np.empty(placement.cells, np.uint8)
    cells = max(_CHUNK_PAGES // placement.pages_per_cell, 1)
    for start in range(0, placement.cells, cells):
        end = min(start + cells, placement.cells)
        pages = severity[grid[start * placement.pages_per_cell : end * placement.pages_per_cell]]
        missing = (end - start) * placement.pages_per_cell - len(pages)
        if missing:
            pages = np.concatenate((pages, np.zeros(missing, np.uint8)))
        worst[start:end] = _greatest(pages, placement.pages_per_cell)
    return by_severity[worst]


def _greatest(values: np.ndarray, each: int) -> np.ndarray:
    """The greatest of each `each` (a power of two) successive values u1[n * each], u1[n]."""
    while each > 1:  # by halves: many times quicker than .max(axis=1) for few values each
        values, each = np.maximum(values[0::2], values[1::2]), each // 2
    return values


class MapPainter:
    """Draws the pages of one panel on a canvas; after the first frame only cells that change."""

    def __init__(self, view: MapView, canvas: Canvas) -> None:
        self._view, self._canvas = view, canvas
        names = view.panel.recording.header["page_classes"]
        self._ranks = palette.class_ranks(names, view.palette)
        beside = np.array([palette.rgb(palette.PAPER)] * 3)
        beside[GAP], beside[BOUNDARY] = palette.rgb(palette.RULE), palette.rgb(palette.ZONE)
        plain, hatch = (
            of(names, view.palette) for of in (palette.class_colours, palette.hatch_colours)
        )
        self._table = canvas.table(np.concatenate((plain, beside, hatch)))
        self._index, cells = view.placement.index, view.placement.cells
        self._hatched = not np.array_equal(plain, hatch)
        self._codes = np.empty(cells + 3 + (cells if self._hatched else 0), np.uint8)
        self._codes[cells : cells + 3] = len(names) + np.array([NOTHING, GAP, BOUNDARY])
        if self._hatched:  # each cell has a second code, that of the lines across it
            lines = hatched(*self._index.shape, view.hatch_px) & (self._index < cells)
            self._index = np.where(lines, self._index + cells + 3, self._index)
            self._to_lines = np.uint8(len(names) + 3)
        self._spots = self._spots_of_cells()
        self._drawn = False

    def draw(self, frame: int, *, anew: bool = False) -> bool:
        """Draw the pages as they were at a frame; `anew`: the gaps between them too.

        Whether they were: what stands over them has to be drawn again then.
        """
        view = self._view
        grid, cells = view.panel.recording.grid(frame), view.placement.cells
        classes = cell_classes(grid, view.placement, self._ranks)
        changed = np.flatnonzero(classes != self._codes[:cells])
        self._codes[:cells] = classes
        if self._hatched:
            self._codes[cells + 3 :] = self._codes[:cells] + self._to_lines
        if anew or not self._drawn or len(changed) > _FEW * cells:
            self._canvas.look_up(view.x_px, view.y_px, self._codes[self._index], self._table)
            self._drawn = True
            return True
        self._canvas.fill(
            self._spots, changed, self._codes[self._code_places[changed]], self._table
        )
        return False

    def _spots_of_cells(self) -> Ready:
        """The spots of each cell, [cells, 2x2 px in a cell]."""
        placement = self._view.placement
        down, right = np.indices((placement.cell_height_px // 2, placement.cell_width_px // 2))
        rows = placement.y_px[:, None] // 2 + down.ravel()
        columns = placement.x_px[:, None] // 2 + right.ravel()
        self._code_places = self._index[rows, columns]
        return self._canvas.spots(self._view.x_px, self._view.y_px, rows, columns)


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
        self._images: list[np.ndarray | None] = [None] * len(scene.fields)
        self._chart_shown: tuple[int | None, list] = None, []
        self._chart = ready(scene.chart.empty), ready(scene.chart.full)
        chip_px = scene.chart.chip_px
        self._chips = [
            ready(letter_chip(view.panel, n, chip_px)) for n, view in enumerate(scene.views)
        ]
        self._marked: list[int] = []  # by which captions
        self._marks: dict[int, list[tuple[int, int, Ready]]] = {}

    def draw(self, frame: int) -> Canvas:
        """The canvas with a frame on it; the next one is drawn over it."""
        marked = [number for number, _ in self._scene.marks.at(frame)]
        anew = marked != self._marked
        self._marked = marked
        if any([painter.draw(frame, anew=anew) for painter in self._maps]):
            for sprite in self._over_maps:
                self.canvas.put(*sprite)
            self._draw_marks(frame)
        for number, field in enumerate(self._scene.fields):
            text = field.text(frame)
            if text != self._shown[number]:
                image, before = field.image(frame), self._images[number]
                start_px, end_px = _changed_columns(image, before)
                part = self.canvas.ready(image[:, start_px:end_px])
                self.canvas.put(field.x_px + start_px, field.y_px, part)
                self._shown[number], self._images[number] = text, image
        self._draw_chart(frame)
        return self.canvas

    def _draw_marks(self, frame: int) -> None:
        for sprite in self._scene.marks.cleared():
            self.canvas.put(sprite.x_px, sprite.y_px, self.canvas.ready(sprite.image))
        for number, sprites in self._scene.marks.at(frame):
            if number not in self._marks:
                self._marks[number] = [
                    (s.x_px, s.y_px, self.canvas.ready(s.image)) for s in sprites
                ]
            for mark in self._marks[number]:
                self.canvas.put(*mark)

    def _draw_chart(self, frame: int) -> None:
        scene, (empty, full) = self._scene, self._chart
        chart, box = scene.chart, scene.chart_box
        now_px = int(chart.frame_x_px[frame]) + 4  # with the thickness of a line
        chips = chart.chips(frame)
        if (now_px, chips) == self._chart_shown:
            return
        start_px, end_px = self._chart_changes(now_px)
        self._chart_shown = now_px, chips
        self.canvas.put(box.x_px + start_px, box.y_px, columns(full, start_px, now_px))
        self.canvas.put(box.x_px + now_px, box.y_px, columns(empty, now_px, end_px))
        for x_px, y_px, number in chips:
            self.canvas.put(box.x_px + x_px, box.y_px + y_px, self._chips[number])

    def _chart_changes(self, now_px: int) -> tuple[int, int]:
        """First and end of the chart's columns that differ from the frame before."""
        before_px = self._chart_shown[0]
        width_px = self._scene.chart_box.width_px
        if before_px is None:
            return 0, width_px
        letters_px = self._scene.chart.chip_px + 8  # at the lines' ends, and the gap before them
        return min(before_px, now_px), min(max(before_px, now_px) + letters_px, width_px)


def _changed_columns(image: np.ndarray, before: np.ndarray | None) -> tuple[int, int]:
    """First and end of the columns, even, in which two pictures of one size differ."""
    if before is None:
        return 0, image.shape[1]
    samples = np.flatnonzero((image != before).reshape(len(image), -1).any(axis=0))
    if not len(samples):
        return 0, 0
    return int(samples[0]) // 6 * 2, int(samples[-1]) // 6 * 2 + 2


def _over_a_map(x_px: int, y_px: int, views: Sequence[MapView]) -> bool:
    return any(
        view.x_px <= x_px < view.x_px + view.placement.width_px
        and view.y_px <= y_px < view.y_px + view.placement.height_px
        for view in views
    )
