"""Captions: what happened in some frames and where, said below the maps and marked in them.

A mark covers no page, so that each keeps its colour: an outline in the gaps around a pageblock,
ticks in it at the rows and columns of the pages that are meant, an arrow at the map's left edge.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from renderer import palette
from renderer.chart import letter_chip
from renderer.layouts import GAP_PX
from renderer.parts import Box, MapView, Sprite
from renderer.text import (
    even_up,
    line_height_px,
    plain_image,
    text_image,
    wrapped,
)

LINES = 2  # captions at one time
WIDE = 60  # sizes of its text that a strip must have for captions of one line
ARROW_PX = 12  # even, and less than what lies to the left of any map
TICKED_SHARE = 1 / 8  # of a pageblock's cells: so many get ticks; more are the pageblock


@dataclass(frozen=True)
class Annotation:
    """A caption of the frames from `first_frame` to `last_frame`, both included.

    `panel`: the panel that it tells of, whose letter stands before it; None: all. `pfns`: first and
    last page of each range to be marked in that panel, or in all.
    """

    first_frame: int
    last_frame: int
    panel: int | None
    text: str
    pfns: tuple[tuple[int, int], ...] = ()

    def shown(self, frame: int) -> bool:
        """Whether it belongs to a frame."""
        return self.first_frame <= frame <= self.last_frame


def strip_px(width_px: int, font_px: int) -> int:
    """Height of a strip of captions."""
    return LINES * _rows(width_px, font_px) * _step_px(font_px)


def _rows(width_px: int, font_px: int) -> int:
    """Lines that a caption may take beside others."""
    return 1 if width_px >= WIDE * font_px else 2


def _step_px(font_px: int) -> int:
    return line_height_px(font_px) + 2


def _indent_px(font_px: int) -> int:
    return even_up(font_px * 1.6)


@lru_cache(maxsize=256)
def _lines(text: str, font_px: int, width_px: int, most: int) -> tuple[int, tuple[str, ...]]:
    """A text in at most some lines, and its size: smaller, down to two thirds, where it must be."""
    for size_px in range(font_px, max(font_px * 2 // 3, 8) - 1, -2):
        lines = tuple(wrapped(text, size_px, width_px))
        if len(lines) <= most:
            return size_px, lines
    return size_px, tuple(wrapped(text, size_px, width_px, max_lines=most))


class _Said(NamedTuple):
    """What a line of the strip shows; `first`: the caption begins there."""

    text: str
    font_px: int
    annotation: Annotation
    first: bool


@dataclass(frozen=True)
class CaptionLine:
    """A line of the strip of captions, from 0 on; a field of a scene."""

    annotations: tuple[Annotation, ...]
    views: tuple[MapView, ...]
    number: int
    x_px: int
    y_px: int
    width_px: int
    font_px: int

    def text(self, frame: int) -> str:
        """What tells one picture of the line from another."""
        said = self._said(frame)
        if said is None:
            return ""
        panel = said.annotation.panel if said.first else None
        return f"{'' if panel is None else panel} {said.font_px} {said.text}"

    def image(self, frame: int) -> np.ndarray:
        """The line at a frame, u1[h, w, 3]; always of the same size."""
        image = plain_image(self.width_px, _step_px(self.font_px), palette.PAPER).copy()
        said = self._said(frame)
        if said is None:
            return image
        indent_px, chip_px = _indent_px(self.font_px), even_up(self.font_px * 1.15)
        panel = said.annotation.panel
        if panel is not None and said.first:
            image[2 : 2 + chip_px, :chip_px] = letter_chip(self.views[panel].panel, panel, chip_px)
        line = text_image(said.text, said.font_px, width_px=self.width_px - indent_px)
        down_px = (image.shape[0] - line.shape[0]) // 2
        image[down_px : down_px + line.shape[0], indent_px:] = line
        return image

    def _said(self, frame: int) -> _Said | None:
        """What the line shows at a frame: captions one below the other, one alone in all lines."""
        shown = newest(self.annotations, frame)
        rows = _rows(self.width_px, self.font_px)
        most = LINES * rows if len(shown) == 1 else rows
        place, number = divmod(self.number, most)
        if place >= len(shown):
            return None
        room_px = self.width_px - _indent_px(self.font_px)
        font_px, lines = _lines(shown[place].text, self.font_px, room_px, most)
        if number >= len(lines):
            return None
        return _Said(lines[number], font_px, shown[place], number == 0)


def caption_lines(
    annotations: Sequence[Annotation], views: Sequence[MapView], box: Box, font_px: int
) -> list[CaptionLine]:
    """The strip of captions in a box of strip_px."""
    step_px = _step_px(font_px)
    return [
        CaptionLine(
            tuple(annotations), tuple(views), number,
            box.x_px, box.y_px + number * step_px, box.width_px, font_px,
        )
        for number in range(box.height_px // step_px)
    ]  # fmt: skip


def newest(annotations: Sequence[Annotation], frame: int) -> list[Annotation]:
    """The captions of a frame, at most LINES, those that began last first."""
    shown = [annotation for annotation in annotations if annotation.shown(frame)]
    return sorted(shown, key=lambda annotation: -annotation.first_frame)[:LINES]


@dataclass
class Marks:
    """The marks of a scene's captions."""

    annotations: Sequence[Annotation]
    views: Sequence[MapView]
    _made: dict[int, list[Sprite]] = field(default_factory=dict)

    def cleared(self) -> list[Sprite]:
        """Where the arrows stand, without any: drawn first in each frame."""
        return [
            Sprite(
                view.x_px - ARROW_PX,
                view.y_px,
                plain_image(ARROW_PX, view.placement.height_px, palette.PAPER),
            )
            for view in self.views
        ]

    def at(self, frame: int) -> Iterator[tuple[int, list[Sprite]]]:
        """Number and marks of each annotation whose caption stands in a frame."""
        for annotation in reversed(newest(self.annotations, frame)):
            number = self.annotations.index(annotation)
            if number not in self._made:
                self._made[number] = list(self._of(annotation))
            yield number, self._made[number]

    def _of(self, annotation: Annotation) -> Iterator[Sprite]:
        views = self.views if annotation.panel is None else [self.views[annotation.panel]]
        for view in views:
            yield from marks(view, annotation.pfns)


def marks(view: MapView, pfns: Sequence[tuple[int, int]]) -> Iterator[Sprite]:
    """Outlines of the tiles that hold pages of these ranges, and ticks at few pages of a tile.

    pfns of the whole machine; those that the view doesn't show are left out. Where tiles have no
    gaps, only the arrow.
    """
    first_pfn = view.panel.recording.header["geometry"].get("first_pfn", 0)
    of_tile: dict[int, set[int]] = {}
    placement = view.placement
    for first, last in pfns:
        first, last = max(first - first_pfn, 0), min(last - first_pfn, placement.pages - 1)
        if not placement.tiles_shown:
            if first <= last:
                yield _arrow(view, _cells_box(view, first, last))
            continue
        for tile in range(first // placement.tile_pages, last // placement.tile_pages + 1):
            start = tile * placement.tile_pages
            inside = range(max(first, start), min(last, start + placement.tile_pages - 1) + 1)
            of_tile.setdefault(tile, set()).update(p // placement.pages_per_cell for p in inside)
    ticks: list[Sprite] = []
    for tile, cells in sorted(of_tile.items()):
        box = _tile_box(view, tile)
        yield from _frame(box)
        yield _arrow(view, box)
        if len(cells) <= TICKED_SHARE * placement.tile_pages / placement.pages_per_cell:
            ticks += [tick for cell in sorted(cells) for tick in _ticks(view, box, cell)]
    yield from ticks


def _tile_box(view: MapView, tile: int) -> Box:
    """The cells of a tile, without the gaps around them."""
    pages = view.placement.tile_pages
    return _cells_box(view, tile * pages, (tile + 1) * pages - 1)


def _cells_box(view: MapView, first: int, last: int) -> Box:
    """The smallest box around the cells of some pages, both ends included."""
    placement = view.placement
    part = slice(first // placement.pages_per_cell, last // placement.pages_per_cell + 1)
    x, y = placement.x_px[part], placement.y_px[part]
    left, top = int(x.min()), int(y.min())
    return Box(
        view.x_px + left,
        view.y_px + top,
        int(x.max()) - left + placement.cell_width_px,
        int(y.max()) - top + placement.cell_height_px,
    )


def _frame(box: Box) -> list[Sprite]:
    """Four lines in the gaps around a box."""
    across = plain_image(box.width_px + 2 * GAP_PX, GAP_PX, palette.MARK)
    down = plain_image(GAP_PX, box.height_px, palette.MARK)
    left, right = box.x_px - GAP_PX, box.x_px + box.width_px
    return [
        Sprite(left, box.y_px - GAP_PX, across),
        Sprite(left, box.y_px + box.height_px, across),
        Sprite(left, box.y_px, down),
        Sprite(right, box.y_px, down),
    ]


def _arrow(view: MapView, box: Box) -> Sprite:
    """At the left edge of the map, pointing at a tile's row."""
    image = plain_image(ARROW_PX, 2 * ARROW_PX, palette.PAPER).copy()
    down, right = np.indices(image.shape[:2])
    image[right // 2 < ARROW_PX // 2 - abs(down // 2 - ARROW_PX // 2)] = palette.rgb(palette.MARK)
    lowest = view.placement.height_px - image.shape[0]
    y_px = box.y_px - view.y_px + (box.height_px - image.shape[0]) // 4 * 2
    return Sprite(view.x_px - ARROW_PX, view.y_px + min(max(y_px, 0), lowest), image)


def _ticks(view: MapView, box: Box, cell: int) -> list[Sprite]:
    """In the gaps around a tile: where a cell's row and column are."""
    placement = view.placement
    x_px, y_px = view.x_px + int(placement.x_px[cell]), view.y_px + int(placement.y_px[cell])
    across = plain_image(placement.cell_width_px, GAP_PX, palette.PAGE_MARK)
    down = plain_image(GAP_PX, placement.cell_height_px, palette.PAGE_MARK)
    return [
        Sprite(x_px, box.y_px - GAP_PX, across),
        Sprite(x_px, box.y_px + box.height_px, across),
        Sprite(box.x_px - GAP_PX, y_px, down),
        Sprite(box.x_px + box.width_px, y_px, down),
    ]
