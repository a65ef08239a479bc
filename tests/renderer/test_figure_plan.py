"""Where all of a figure stands, for any curves, names and notes."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from renderer.figure_clock import Clock, Phase
from renderer.figure_plan import Curve, Figure, Graph, notes_inches, plan
from renderer.figure_style import SIZES, Size

FRAMES = 4
VALUES = st.lists(
    st.one_of(st.just(np.nan), st.floats(-1e9, 1e9), st.floats(-1e-9, 1e-9)),
    min_size=FRAMES, max_size=FRAMES,
)  # fmt: skip
CURVES = st.lists(st.tuples(st.text(min_size=1, max_size=70), VALUES), min_size=1, max_size=9)


def figure(graphs: list[list[tuple[str, list[float]]]], note: str = "a note") -> Figure:
    clock = Clock(np.arange(FRAMES) * 1000, np.arange(FRAMES) * 1000, [Phase("all", 0)])
    made = [
        Graph("metric", "what it is", "blocks", [Curve(n, np.array(values)) for n, values in each])
        for each in graphs
    ]
    return Figure("a title", [note], clock, made)


@given(st.lists(CURVES, min_size=1, max_size=5), st.text(max_size=300), st.sampled_from([*SIZES]))
@settings(deadline=None, max_examples=50)
def test_everything_has_its_place(graphs: list, note: str, name: str) -> None:
    size: Size = SIZES[name]
    places = plan(figure(graphs, note), size)
    assert places.height >= size.least_inches - 1e-9
    boxes = [of.axes for of in places.graphs]
    below = size.margin_inches + notes_inches(places.notes, size)
    for box, of in zip(boxes, places.graphs, strict=True):
        assert box.left > of.text_left >= size.margin_inches
        assert box.left + box.width < size.width_inches - size.margin_inches
        assert box.width > 0.3 * size.width_inches / size.abreast
        assert box.bottom > below
        assert box.bottom + box.height < places.height
        assert sum(of.labels.heights) <= box.height + 1e-9
        low, high = of.graph.limits()
        assert all(low <= tick <= high for tick in of.ticks)
        assert len(set(of.tick_texts)) == len(of.tick_texts) >= 2
    for one, other in combinations(boxes, 2):
        beside = one.left + one.width < other.left or other.left + other.width < one.left
        above = one.bottom >= other.bottom + other.height or other.bottom >= one.bottom + one.height
        assert beside or above


def test_labels_are_in_the_order_of_the_ends() -> None:
    """From the bottom: what has no value, then the least; of equal ones the first is on top."""
    curves = [("a", [0, 0, 0, 2]), ("b", [9, 9, 9, 1]), ("c", [np.nan] * 4), ("d", [5, 2, 2, 2])]
    labels = plan(figure([curves]), SIZES["two"]).graphs[0].labels
    assert [lines for lines in labels.lines] == [["c (no value)"], ["b"], ["d"], ["a"]]


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([0, 0.5, 1, 1], ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        ([-1, 0, 0, 1], ["−1.0", "−0.5", "0.0", "0.5", "1.0"]),
        ([0, 199, 7, 0], ["0", "50", "100", "150", "200"]),
        ([0, 2_000_000, 0, 0], ["0", "500k", "1M", "1.5M", "2M"]),
        ([0, 0, 0, 0], ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
    ],
)
def test_ticks_are_round(values: list[float], texts: list[str]) -> None:
    assert plan(figure([[("m", values)]]), SIZES["two"]).graphs[0].tick_texts == texts
