"""Layouts: where each page of a panel stands.

A layout divides memory into tiles, puts them along a walk through a grid of slots, and puts the
cells of a tile along a walk through the tile. A cell stands for one page, or for `pages_per_cell`
successive ones. Names of zones take some slots where their zone starts, as headings in a text.
Tiles that are too small for it have no gap between them; large ones have a band above them, for the
name of the zone that starts there and for their first pfn. A new layout is one line in LAYOUTS.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from renderer.curve import hilbert_walk, row_walk
from renderer.slots import LINE, Label, Segment, flow, heading_slots

CELL_PX_MAX = 48
GAP_PX = 2  # between tiles; even, so that cells stay on even coordinates
GAPPED_PX = (16, 8)  # tiles from this size on have a gap: it would be too much of smaller ones
BAND_SHARE = 4  # a tile so many times as high as a name has a band above it for names
BOX_PAGES = 1024  # a box of 2007 on x86: MAX_ORDER_NR_PAGES

Walk = Callable[[int, int], np.ndarray]  # columns, rows -> slots in order
LabelSize = Callable[[str], tuple[int, int]]
CellSize = int | Sequence[int]  # px: of a square, or width and height


class LayoutError(ValueError):
    """No such layout, or pages that it cannot place; one line."""


@dataclass(frozen=True)
class Layout:
    """How tiles and the cells in them follow one another."""

    title: str
    walk: Walk
    tiles: bool = True  # a tile is a pageblock; otherwise a single cell
    least_pages: int = 1  # of a tile
    turns: bool = False  # mirror a tile whose successor stands to the left


LAYOUTS = {
    "blocks": Layout("pageblocks as tiles, line after line", row_walk),
    "rows": Layout("pages line after line", row_walk, tiles=False),
    "boxes": Layout("boxes of 1,024 pages, as in 2007", row_walk, least_pages=BOX_PAGES),
    "hilbert": Layout("pageblocks and their pages along Hilbert curves", hilbert_walk, turns=True),
}


def layout_named(name: str) -> Layout:
    """Raises LayoutError, naming those that exist."""
    if name not in LAYOUTS:
        raise LayoutError(f"no layout {name!r}; there are {', '.join(LAYOUTS)}")
    return LAYOUTS[name]


@dataclass(frozen=True)
class Extent:
    """What a layout places: pages, pages of a pageblock, zones as name and first page.

    `first_pfn`: of the pages; zones are counted from there.
    """

    pages: int
    block_pages: int
    zones: tuple[tuple[str, int], ...]
    first_pfn: int = 0

    @classmethod
    def of(cls, header: dict) -> "Extent":
        """The pages of a recording."""
        geometry = header["geometry"]
        zones = [z for z in geometry["zones"] if z["end_pfn"] > z["start_pfn"]]
        zones.sort(key=lambda zone: zone["start_pfn"])
        starts = tuple((zone["name"], zone["start_pfn"]) for zone in zones)
        block_pages, first_pfn = 1 << geometry["pageblock_order"], geometry.get("first_pfn", 0)
        return cls(geometry["pages"], block_pages, starts, first_pfn)


@dataclass(frozen=True)
class Placement:
    """Where the cells of an extent stand, from the corner of its picture.

    `tiles_shown`: there are gaps between the tiles, GAP_PX wide.
    `x_px`, `y_px` i4[cells] even. `index` i4[height/2, width/2] gives for each 2x2 px the cell that
    shows there, or one of the three codes after the last cell: nothing, gap, zone boundary.
    """

    pages: int
    pages_per_cell: int
    cell_width_px: int
    cell_height_px: int
    tile_pages: int
    tiles_shown: bool
    width_px: int
    height_px: int
    x_px: np.ndarray
    y_px: np.ndarray
    index: np.ndarray
    labels: tuple[Label, ...]

    @property
    def cells(self) -> int:
        """Cells, the last of which may stand for fewer pages."""
        return len(self.x_px)

    @property
    def cell_px(self) -> int:
        """The side of the square at a cell's corner that is all its own."""
        return min(self.cell_width_px, self.cell_height_px)

    @property
    def cell_size(self) -> CellSize:
        """What `fit` makes the same cells of."""
        if self.cell_width_px == self.cell_height_px:
            return self.cell_width_px
        return self.cell_width_px, self.cell_height_px


NOTHING, GAP, BOUNDARY = range(3)  # added to the number of cells


def fit(
    name: str,
    extents: Sequence[Extent],
    width_px: int,
    height_px: int,
    label_px: LabelSize | None,
    cell_px: CellSize | None = None,
) -> list[Placement]:
    """Place extents, each in a box, with the same number of pages to a cell and one size of cell.

    As few pages to a cell as possible, then cells as large as possible, or of `cell_px`. Cells are
    square, or twice as long as broad where that makes tiles square.
    `label_px(zone name)` is the width and height of a zone's name; None: names take no room, only
    the boundaries are marked. Raises LayoutError for an
    unknown layout, and for a `cell_px` that is odd, below 2 or larger than the box.
    """
    layout = layout_named(name)
    name_px = label_px("")[1] if label_px else 0
    sizes = _CELL_SIZES if cell_px is None else [_checked(cell_px)]
    box_px, per_cell = (width_px, height_px), 1
    while per_cell < 2 * max(extent.pages for extent in extents):
        for size in sizes:
            grids = [
                _Grid.of(layout, extent, per_cell, size, box_px, name_px) for extent in extents
            ]
            if cell_px is None and not all(grid.well_shaped for grid in grids):
                continue
            made = [
                _place(layout, extent, grid, label_px)
                for extent, grid in zip(extents, grids, strict=True)
            ]
            if None not in made:
                return made
        per_cell *= 2
    told = " x ".join(str(side) for side in dict.fromkeys(sizes[-1]))
    raise LayoutError(f"cells of {told} px don't fit into {width_px} x {height_px} px")


def tile_shape(cells: int) -> tuple[int, int]:
    """Columns and rows of a tile of 2^n cells: 32 x 16 for 512."""
    log2 = cells.bit_length() - 1
    return 1 << -(-log2 // 2), 1 << log2 // 2


def _sizes() -> list[tuple[int, int]]:
    """Widths and heights of cells, large ones first, and a square before what is as large."""
    sides = range(2, CELL_PX_MAX + 1, 2)
    sizes = [(side * a, side * b) for side in sides for a, b in ((1, 1), (1, 2), (2, 1))]
    sizes = [size for size in sizes if max(size) <= CELL_PX_MAX]
    return sorted(sizes, key=lambda size: (-size[0] * size[1], size[0] != size[1]))


_CELL_SIZES = _sizes()


def _checked(cell_px: CellSize) -> tuple[int, int]:
    width, height = (cell_px, cell_px) if isinstance(cell_px, int) else cell_px
    if min(width, height) < 2 or width % 2 or height % 2:
        raise LayoutError(f"cells of {cell_px} px: they must be even, from 2 px on")
    return width, height


@dataclass(frozen=True)
class _Grid:
    """Slots for tiles, all of one size: how large they are, and how many fit in a box."""

    pages_per_cell: int
    cell_px: tuple[int, int]
    tile_pages: int
    tile: tuple[int, int]  # columns and rows of cells
    gap_px: int
    band_px: int  # above the cells of a tile
    pitch_px: tuple[int, int]
    columns: int
    max_rows: int

    @property
    def well_shaped(self) -> bool:
        """Whether a tile is as broad as high, up to twice as broad."""
        width_px, height_px = (n * px for n, px in zip(self.tile, self.cell_px, strict=True))
        return height_px <= width_px <= 2 * height_px

    @classmethod
    def of(
        cls,
        layout: Layout,
        extent: Extent,
        per_cell: int,
        cell_px: tuple[int, int],
        box_px: tuple[int, int],
        name_px: int,
    ) -> "_Grid":
        wanted = max(extent.block_pages, layout.least_pages) if layout.tiles else 1
        tile_pages = max(min(wanted, 1 << (extent.pages - 1).bit_length()), per_cell)
        tile = tile_shape(tile_pages // per_cell)
        tile_px = (tile[0] * cell_px[0], tile[1] * cell_px[1])
        # Along a curve zones can be told apart by the gaps alone.
        room = tile_px[0] >= GAPPED_PX[0] and tile_px[1] >= GAPPED_PX[1]
        gap_px = GAP_PX if layout.tiles and (room or layout.turns) else 0
        banded = gap_px and not layout.turns and tile_px[1] >= BAND_SHARE * name_px > 0
        band_px = name_px if banded else 0
        pitch_px = (tile_px[0] + gap_px, band_px + tile_px[1] + gap_px)
        slots = [(side - gap_px) // pitch for side, pitch in zip(box_px, pitch_px, strict=True)]
        return cls(per_cell, cell_px, tile_pages, tile, gap_px, band_px, pitch_px, *slots)


def _place(
    layout: Layout, extent: Extent, grid: _Grid, label_px: LabelSize | None
) -> Placement | None:
    """The extent in a grid, or None where it doesn't fit."""
    cells, tiles = -(-extent.pages // grid.pages_per_cell), -(-extent.pages // grid.tile_pages)
    if tiles > grid.columns * grid.max_rows:
        return None
    starts = _starts(extent, grid)
    segments = _segments(starts, tiles, grid, None if grid.band_px else label_px)
    placed = flow(layout.walk, segments, grid.columns, grid.max_rows, new_line=not grid.gap_px)
    if placed is None:
        return None
    slot_of_tile, labels, zone_of_slot, rows = placed
    x_px, y_px = (part[:cells] for part in _corners(layout, slot_of_tile, grid))
    width_px = grid.columns * grid.pitch_px[0] + grid.gap_px
    height_px = rows * grid.pitch_px[1] + grid.gap_px
    index = np.full((height_px // 2, width_px // 2), cells + NOTHING, np.int32)
    if grid.gap_px:
        _draw_gaps(index, zone_of_slot.reshape(rows, -1), grid.pitch_px, cells)
    else:
        lines = (zone_of_slot.reshape(rows, -1) == LINE).any(axis=1)
        index.reshape(rows, grid.pitch_px[1] // 2, -1)[lines, -1] = cells + BOUNDARY
    for down, right in np.ndindex(grid.cell_px[1] // 2, grid.cell_px[0] // 2):
        index[y_px // 2 + down, x_px // 2 + right] = np.arange(cells)
    if grid.band_px:
        boxes = _bands(starts, extent, slot_of_tile, grid)
    else:
        boxes = tuple(label.in_px(grid.pitch_px, grid.gap_px) for label in labels)
    return Placement(
        extent.pages, grid.pages_per_cell, *grid.cell_px, grid.tile_pages, bool(grid.gap_px),
        width_px, height_px, x_px, y_px, index, boxes,
    )  # fmt: skip


def _starts(extent: Extent, grid: _Grid) -> dict[int, str]:
    """Tiles that zones start with, and the names of the zones."""
    tiles = -(-extent.pages // grid.tile_pages)
    starts: dict[int, str] = {}
    for number, (name, pfn) in enumerate(extent.zones):
        # The first zone starts with its pageblock (6.1's first page belongs to none). A pageblock
        # that two zones share stands with the lower one: no line may promise more than it keeps.
        pfn += -pfn % extent.block_pages if number else -(pfn % extent.block_pages)
        tile = min(pfn // grid.tile_pages, tiles - 1)
        starts[tile] = f"{starts[tile]}, {name}" if tile in starts else name
    if 0 not in starts:
        starts[0] = ""  # what lies before the first zone
    return starts


def _segments(
    starts: dict[int, str], tiles: int, grid: _Grid, label_px: LabelSize | None
) -> list[Segment]:
    """Runs of tiles, each from the start of a zone to that of the next."""
    firsts = sorted(starts)
    segments = []
    for first, end in zip(firsts, [*firsts[1:], tiles], strict=True):
        if label_px is None:
            segments.append(Segment("", end - first, 0, 0))
            continue
        size_px = label_px(starts[first])
        room = heading_slots(size_px, grid.pitch_px, grid.gap_px, grid.columns)
        segments.append(Segment(starts[first], end - first, *room))
    return segments


def _corners(
    layout: Layout, slot_of_tile: np.ndarray, grid: _Grid
) -> tuple[np.ndarray, np.ndarray]:
    """Corners of the cells of all tiles in pfn order, x and y i4[tiles * cells of a tile]."""
    tile_row, tile_column = np.divmod(slot_of_tile, grid.columns)
    row, column = np.divmod(layout.walk(*grid.tile), grid.tile[0])
    column = np.broadcast_to(column, (len(slot_of_tile), len(column)))
    if layout.turns:
        to_left = np.diff(tile_column, append=tile_column[-1:]) < 0
        column = np.where(to_left[:, None], grid.tile[0] - 1 - column, column)
    x_px = grid.gap_px + tile_column[:, None] * grid.pitch_px[0] + column * grid.cell_px[0]
    top_px = grid.gap_px + grid.band_px
    y_px = top_px + tile_row[:, None] * grid.pitch_px[1] + row * grid.cell_px[1]
    return x_px.ravel(), y_px.ravel()


def _bands(
    starts: dict[int, str], extent: Extent, slot_of_tile: np.ndarray, grid: _Grid
) -> tuple[Label, ...]:
    """The bands of all tiles: with the zone that starts there, or the tile's first pfn."""
    bands = []
    for tile, slot in enumerate(slot_of_tile.tolist()):
        row, column = divmod(slot, grid.columns)
        pfn = f"pfn {extent.first_pfn + tile * grid.tile_pages:,}"
        zone = starts.get(tile, "")
        x_px, y_px = (
            place * pitch + grid.gap_px
            for place, pitch in zip((column, row), grid.pitch_px, strict=True)
        )
        width_px, text = grid.pitch_px[0] - grid.gap_px, f"{zone}: {pfn}" if zone else pfn
        bands.append(Label(text, x_px, y_px, width_px, grid.band_px, quiet=not zone))
    return tuple(bands)


def _draw_gaps(
    index: np.ndarray, zone_of_slot: np.ndarray, pitch_px: tuple[int, int], cells: int
) -> None:
    """Frame each used slot, and mark the frames between two zones."""
    width, height, thick = pitch_px[0] // 2, pitch_px[1] // 2, GAP_PX // 2
    rows, columns = zone_of_slot.shape
    padded = np.pad(zone_of_slot, 1, constant_values=-1)
    for row, column in np.ndindex(rows + 1, columns + 1):
        here = padded[row + 1, column + 1]
        for before, box in (
            (padded[row, column + 1], np.s_[:thick, : width + thick]),
            (padded[row + 1, column], np.s_[: height + thick, :thick]),
        ):
            view = index[row * height :, column * width :][box]
            if before != here and min(before, here) >= 0:
                view[:] = cells + BOUNDARY
            elif max(before, here) >= 0:
                view[view != cells + BOUNDARY] = cells + GAP
