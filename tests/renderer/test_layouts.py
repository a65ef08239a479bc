"""Each page has one place, of even size, on even coordinates."""

import numpy as np
import pytest

from renderer.curve import hilbert_walk
from renderer.layouts import BOUNDARY, GAP, LAYOUTS, Extent, LayoutError, fit, tile_shape

ZONES = (("DMA", 1), ("DMA32", 4096), ("Movable", 66560))
MEMORIES = {
    "512 MiB": Extent(131072, 512, ZONES),
    "16 MiB": Extent(4096, 512, (("DMA", 0),)),
    "4 GiB": Extent(1 << 20, 512, (("DMA", 0), ("DMA32", 4096), ("Normal", 1 << 19))),
    "odd": Extent(70001, 1024, (("Normal", 5000),)),
    "one block": Extent(300, 1024, ()),
    "one page": Extent(1, 1, (("DMA", 0),)),
}
BOX = (994, 618)


def label_px(name: str) -> tuple[int, int]:
    return 18 * len(name) + 10, 32


def placed(layout: str, memory: Extent, cell_px: int | None = None):
    return fit(layout, [memory], *BOX, label_px, cell_px)[0]


@pytest.mark.parametrize("memory", MEMORIES.values(), ids=MEMORIES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_is_a_bijection_of_cells_to_places(layout: str, memory: Extent) -> None:
    placement = placed(layout, memory)
    cells = placement.cells
    wide, high = placement.cell_width_px // 2, placement.cell_height_px // 2
    assert cells == -(-memory.pages // placement.pages_per_cell)
    counts = np.bincount(placement.index[placement.index < cells], minlength=cells)
    assert (counts == wide * high).all()
    x, y = placement.x_px // 2, placement.y_px // 2
    for down in range(high):
        for right in range(wide):
            shown = placement.index[y + down, x + right]
            assert np.array_equal(shown, np.arange(cells))


@pytest.mark.parametrize("memory", MEMORIES.values(), ids=MEMORIES)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_cells_are_even_and_inside_the_box(layout: str, memory: Extent) -> None:
    placement = placed(layout, memory)
    assert placement.cell_px >= 2
    for value in (*np.ravel(placement.cell_size), placement.width_px, placement.height_px):
        assert value % 2 == 0
    assert not ((placement.x_px | placement.y_px) & 1).any()
    assert placement.width_px <= BOX[0]
    assert placement.height_px <= BOX[1]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_names_of_zones_cover_no_page(layout: str) -> None:
    placement = placed(layout, MEMORIES["512 MiB"])
    assert [label.name for label in placement.labels] == ["DMA", "DMA32", "Movable"]
    for label in placement.labels:
        box = np.s_[
            label.y // 2 : (label.y + label.height) // 2,
            label.x // 2 : (label.x + label.width) // 2,
        ]
        assert (placement.index[box] >= placement.cells).all()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_zones_are_divided_by_a_line(layout: str) -> None:
    placement = placed(layout, MEMORIES["512 MiB"])
    assert (placement.index == placement.cells + BOUNDARY).any()


def test_512_mib_keep_one_page_to_a_cell() -> None:
    for layout in LAYOUTS:
        assert placed(layout, MEMORIES["512 MiB"]).pages_per_cell == 1


def test_a_pageblock_is_a_tile_of_32_by_16_cells() -> None:
    placement = placed("blocks", MEMORIES["512 MiB"])
    x = placement.x_px.reshape(-1, 512)
    y = placement.y_px.reshape(-1, 512)
    assert (np.ptp(x, axis=1) == 31 * 2).all()
    assert (np.ptp(y, axis=1) == 15 * 2).all()
    assert (placement.index == placement.cells + GAP).any()
    assert tile_shape(512) == (32, 16)
    # Tiles in pfn order, line after line.
    corner = y[:, 0] * 10_000 + x[:, 0]
    assert (np.diff(corner) > 0).all()


def test_rows_go_line_after_line() -> None:
    placement = placed("rows", Extent(4096, 512, ()))
    place = placement.y_px * 10_000 + placement.x_px
    assert (np.diff(place) > 0).all()


@pytest.mark.parametrize(("columns", "rows"), [(32, 16), (16, 18), (15, 18), (1, 7), (8, 1)])
def test_a_hilbert_walk_goes_everywhere_by_touching_steps(columns: int, rows: int) -> None:
    walk = hilbert_walk(columns, rows)
    assert sorted(walk.tolist()) == list(range(columns * rows))
    row, column = np.divmod(walk, columns)
    steps = np.maximum(abs(np.diff(row)), abs(np.diff(column)))
    assert (steps == 1).all()


def test_hilbert_keeps_neighbours_near() -> None:
    """Pages 32 apart stand nearer to one another than line after line."""
    memory = Extent(131072, 512, ())

    def spread(layout: str) -> float:
        placement = placed(layout, memory)
        x, y = placement.x_px.reshape(-1, 512), placement.y_px.reshape(-1, 512)
        far = np.hypot(x[:, 48:] - x[:, :-48], y[:, 48:] - y[:, :-48])
        return float(far.mean())

    assert spread("hilbert") < 0.8 * spread("blocks")


def test_an_unknown_layout_names_those_that_exist() -> None:
    with pytest.raises(LayoutError, match="'spiral'; there are blocks, rows, boxes, hilbert"):
        placed("spiral", MEMORIES["16 MiB"])


@pytest.mark.parametrize("cell_px", [0, 1, 3, -2])
def test_odd_cells_are_refused(cell_px: int) -> None:
    with pytest.raises(LayoutError, match="even"):
        placed("blocks", MEMORIES["16 MiB"], cell_px)


def test_cells_too_large_are_refused() -> None:
    with pytest.raises(LayoutError, match="don't fit"):
        placed("blocks", MEMORIES["16 MiB"], 5000)


def test_larger_cells_are_given_when_asked_for() -> None:
    assert placed("blocks", MEMORIES["512 MiB"], 4).pages_per_cell > 1
