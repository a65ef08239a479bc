"""The figure of genealogy by its data: curves, texts and maps are what was given."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from renderer.figure_style import dashes
from renderer.genealogy_figure import GenealogyFigure, SurvivalCurve, draw
from renderer.genealogy_map import COLOURS, STATES, BlockMap, reduced
from renderer.palette import line_colour

NAN = float("nan")
CURVE = SurvivalCurve(
    name="one",
    times_us=np.array([2_000_000, 5_000_000]),
    at_risk=np.array([4, 2]),
    ended=np.array([1, 1]),
    surviving=np.array([0.75, 0.375]),
    low=np.array([0.3, 0.1]),
    high=np.array([0.9, 0.8]),
    observed_us=8_000_000,
    episodes=4,
    recovered=2,
    at_start=3,
    half_life_s=5,
    half_life_texts=["5 s (2 to \N{INFINITY})", "1.2 M operations (no interval)"],
)
NEVER = replace(
    CURVE, name="two", times_us=np.empty(0, int), at_risk=np.empty(0, int),
    ended=np.empty(0, int), surviving=np.empty(0), low=np.empty(0), high=np.empty(0), recovered=0,
    half_life_s=NAN, half_life_texts=["not reached: 100% still polluted"],
)  # fmt: skip


def block_map(name: str, states: np.ndarray) -> BlockMap:
    return BlockMap(
        name=name,
        states=states,
        claim_frames=np.array([1, 3]),
        claim_blocks=np.array([0, 2]),
        claim_types=np.array([0, 1]),
        claim_back=np.array([False, True]),
        zones=[("DMA32", 0), ("Movable", 2)],
    )


def figure(*curves: SurvivalCurve) -> GenealogyFigure:
    states = np.arange(24, dtype=np.uint8).reshape(6, 4) % len(STATES)
    return GenealogyFigure(
        title="a title",
        source="from a test",
        phases=[("load", 0, True), ("rest", 300, True)],
        ops=np.arange(6) * 100,
        times_us=np.arange(6) * 1_000_000,
        curves=list(curves),
        maps=[block_map(curve.name, states) for curve in curves],
        metadata={"seed": 7},
    )


def texts(canvas: Canvas) -> list[str]:
    return [text.get_text() for text in canvas.texts]


def test_curves_are_the_estimates_given() -> None:
    axis = draw(figure(CURVE, NEVER)).axes[0]
    lines = {line.get_label(): line for line in axis.get_lines()}
    assert lines["one"].get_xdata().tolist() == [0, 2, 5, 8]
    assert lines["one"].get_ydata().tolist() == [1, 0.75, 0.375, 0.375]
    assert lines["two"].get_xdata().tolist() == [0, 8]
    assert lines["two"].get_ydata().tolist() == [1, 1]
    assert lines["one"].get_color() == line_colour(0)
    assert lines["one"].get_linestyle() != lines["two"].get_linestyle()
    dots = [line for line in axis.get_lines() if line.get_marker() == "o"]
    assert [(dot.get_xdata()[0], dot.get_ydata()[0]) for dot in dots] == [(5, 0.5)]


def test_maps_show_every_state_and_claim() -> None:
    shown = figure(CURVE, NEVER)
    canvas = draw(shown)
    assert len(canvas.axes) == 3
    for axis, drawn in zip(canvas.axes[1:], shown.maps, strict=True):
        (image,) = axis.get_images()
        assert np.array_equal(image.get_array(), COLOURS[drawn.states.T])
        dark, white = (line for line in axis.get_lines() if line.get_marker() in "v^")
        assert (dark.get_xdata().tolist(), dark.get_ydata().tolist()) == ([1], [0])
        assert (white.get_xdata().tolist(), white.get_ydata().tolist()) == ([3], [2])
        assert axis.get_ylim() == (3.5, -0.5)  # low pfns above


def test_the_table_says_how_many_recovered() -> None:
    shown = texts(draw(figure(CURVE, NEVER)))
    assert "2 of 4" in shown
    assert "0 of 4" in shown
    assert "5 s (2 to \N{INFINITY})" in shown
    assert "(3)" in " ".join(shown)  # polluted at the first frame


def test_no_curve_looks_like_another() -> None:
    """The ninth has the colour of the first, and other dashes."""
    names = [str(number) for number in range(16)]
    canvas = draw(figure(*(replace(CURVE, name=name) for name in names)))
    drawn = [line for line in canvas.axes[0].get_lines() if line.get_label() in names]
    looks = {(line.get_color(), str(line._unscaled_dash_pattern)) for line in drawn}
    assert len(drawn) == len(looks) == len(names)
    assert dashes(0) != dashes(8)
    colours = [line.get_color() for line in drawn]
    samples = [a for a in canvas.artists if isinstance(a, Line2D) and a.get_color() in colours]
    assert [(s.get_color(), str(s._unscaled_dash_pattern)) for s in samples] == [
        (line.get_color(), str(line._unscaled_dash_pattern)) for line in drawn
    ]


def test_a_machine_without_a_pageblock_has_no_map() -> None:
    empty = replace(block_map("one", np.empty((6, 0), np.uint8)), claim_frames=np.empty(0, int),
                    claim_blocks=np.empty(0, int), claim_types=np.empty(0, int),
                    claim_back=np.empty(0, bool))  # fmt: skip
    canvas = draw(replace(figure(replace(NEVER, episodes=0)), maps=[empty]))
    canvas.draw_without_rendering()
    (axis,) = canvas.axes[1:]
    assert [text.get_text() for text in axis.texts] == ["no pageblock: memory is smaller than one"]
    assert not axis.get_images()


@pytest.mark.parametrize("count", [1, 3, 8])
def test_nothing_stands_outside_the_figure_or_on_other_text(count: int) -> None:
    names = [f"6.1-mechanism-{number}" for number in range(count)]
    canvas = draw(figure(*(replace(CURVE, name=name) for name in names)))
    canvas.draw_without_rendering()
    boxes = [text.get_window_extent() for text in canvas.texts if not text.get_rotation()]
    for number, box in enumerate(boxes):
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= canvas.bbox.x1
        assert box.y1 <= canvas.bbox.y1
        assert not any(_overlap(box, other) for other in boxes[:number])


def _overlap(box, other) -> bool:
    wide = min(box.x1, other.x1) - max(box.x0, other.x0)
    high = min(box.y1, other.y1) - max(box.y0, other.y0)
    return wide > 1 and high > 0.3 * min(box.height, other.height)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.data())
def test_the_worst_of_neighbours_wins(rows: int, columns: int, n: int, m: int, data) -> None:
    values = data.draw(st.binary(min_size=n * m, max_size=n * m))
    states = np.frombuffer(values, np.uint8).reshape(n, m) % len(STATES)
    cells = reduced(states, rows, columns)
    assert cells.shape[0] <= rows
    assert cells.shape[1] <= columns
    high, wide = -(-n // rows), -(-m // columns)
    for row, column in np.ndindex(cells.shape):
        part = states[row * high : (row + 1) * high, column * wide : (column + 1) * wide]
        assert cells[row, column] == part.max()
