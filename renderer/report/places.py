"""Where cells stand in the page's panels: placements of renderer.layouts, packed.

A panel's picture has one unit for each cell; the browser shows a unit as a whole number of device
pixels. So that it fills any window, each layout comes in several shapes, from tall to wide.
"""

from collections.abc import Sequence
from math import sqrt

import numpy as np

from renderer.layouts import (
    BOUNDARY,
    GAP,
    GAP_PX,
    LAYOUTS,
    Extent,
    LayoutError,
    Placement,
    fit,
    tile_shape,
)
from renderer.report.pack import Cells, deflated_text

SHAPES = {"blocks": (0.6, 0.9, 1.3, 1.8, 2.6, 3.3, 4.0)}  # width to height; others: two
TWO_SHAPES = (0.75, 1.7)
UNIT_PX = 2  # renderer.layouts works on even pixels; a unit is the smallest cell
_LETTER, _LETTER_SIDES, _LINE = 8, 6, 14  # of a zone's name, units
NOTHING_HERE, GAP_HERE, BOUNDARY_HERE, CELL_HERE = range(4)


def extent_in_cells(header: dict, cells: Cells) -> Extent:
    """What a layout places where a cell stands for several pages."""
    extent = Extent.of(header)
    per_cell = cells.pages_per_cell
    zones = tuple((name, pfn // per_cell) for name, pfn in extent.zones)
    return Extent(cells.cells, max(extent.block_pages // per_cell, 1), zones)


def pack_places(extents: Sequence[Extent]) -> tuple[list[dict], list[str]]:
    """Every layout in its shapes for some panels: what they are, and the texts they refer to.

    A place: `layout`, `width`, `height` in units, `labels` (zones' names and boxes in units), and
    `text`, the number of a text for each panel. A text is the deflated u2 columns of the cells,
    each less the one before, then their rows likewise, then a u1 for each unit, line by line: 0
    nothing, 1 gap, 2 zone boundary, 3 cell.
    """
    places, texts = [], []
    numbers: dict[str, int] = {}
    for layout in LAYOUTS:
        for made in shapes(layout, extents):
            packed = [_packed(placement) for placement in made]
            for text in packed:
                if text not in numbers:
                    numbers[text] = len(texts)
                    texts.append(text)
            places.append(
                {
                    "layout": layout,
                    "width": [placement.width_px // UNIT_PX for placement in made],
                    "height": [placement.height_px // UNIT_PX for placement in made],
                    "labels": [_labels(placement) for placement in made],
                    "text": [numbers[text] for text in packed],
                }
            )
    return places, texts


def shapes(layout: str, extents: Sequence[Extent]) -> list[list[Placement]]:
    """The panels' placements in each shape; a shape that has no room for the names is left out."""
    made: dict[int, list[Placement]] = {}
    for shape in SHAPES.get(layout, TWO_SHAPES):
        width_px, height_px = _box_px(layout, max(extents, key=lambda e: e.pages), shape)
        if width_px not in made:
            try:
                placed = fit(layout, extents, width_px, height_px, _label_px, UNIT_PX)
            except LayoutError:
                continue
            if all(placement.pages_per_cell == 1 for placement in placed):
                made[width_px] = placed
    return list(made.values())


def _box_px(layout: str, extent: Extent, shape: float) -> tuple[int, int]:
    """A box about `shape` times as wide as its contents are high, and high enough for them."""
    whole = LAYOUTS[layout].tiles
    tile = tile_shape(min(extent.block_pages, 1 << (extent.pages - 1).bit_length())) if whole else (
        1, 1)  # fmt: skip
    gap_px = GAP_PX if whole else 0
    pitch = [side * UNIT_PX + gap_px for side in tile]
    tiles = -(-extent.pages // (tile[0] * tile[1]))
    columns = max(round(sqrt(tiles * pitch[1] / pitch[0] * shape)), 1)
    widest = max((_label_px(name)[0] for name, _ in extent.zones), default=0)
    columns = max(columns, -(-(widest + gap_px) // pitch[0]))
    lines = -(-(_LINE * UNIT_PX + gap_px) // pitch[1])
    rows = -(-tiles // columns) + (3 * lines + 2) * (len(extent.zones) + 1)
    return columns * pitch[0] + gap_px, rows * pitch[1] + gap_px


def _label_px(name: str) -> tuple[int, int]:
    return UNIT_PX * (_LETTER * len(name) + _LETTER_SIDES), UNIT_PX * _LINE


def _packed(placement: Placement) -> str:
    places = [
        np.diff(place // UNIT_PX, prepend=0).astype("<u2").tobytes()
        for place in (placement.x_px, placement.y_px)
    ]
    here = np.full(placement.index.shape, CELL_HERE, np.uint8)
    codes = placement.index - placement.cells
    for code, is_here in ((0, NOTHING_HERE), (GAP, GAP_HERE), (BOUNDARY, BOUNDARY_HERE)):
        here[codes == code] = is_here
    return deflated_text(b"".join([*places, here.tobytes()]))


def _labels(placement: Placement) -> list[dict]:
    return [
        {
            "name": label.name,
            "x": label.x // UNIT_PX,
            "y": label.y // UNIT_PX,
            "width": label.width // UNIT_PX,
            "height": label.height // UNIT_PX,
        }
        for label in placement.labels
    ]
