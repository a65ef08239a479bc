"""Labels: beside what they name, in order, never over one another."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderer.labels import placed

SIZES = st.lists(st.floats(0.01, 3), min_size=1, max_size=12)
EPSILON = 1e-6


@given(SIZES, st.data())
def test_labels_keep_their_order_and_their_distance(sizes: list[float], data) -> None:
    values = st.floats(-100, 100)
    wanted = sorted(data.draw(st.lists(values, min_size=len(sizes), max_size=len(sizes))))
    low = data.draw(st.floats(-50, 50))
    high = low + sum(sizes) + data.draw(st.floats(0, 40))
    middles = placed(wanted, sizes, low, high)
    edges = [(m - s / 2, m + s / 2) for m, s in zip(middles, sizes, strict=True)]
    assert edges[0][0] >= low - EPSILON
    assert edges[-1][1] <= high + EPSILON
    for (_, end), (start, _) in pairwise(edges):
        assert start >= end - EPSILON


@given(SIZES, st.floats(-10, 10))
def test_labels_that_collide_nowhere_stay_where_they_are(sizes: list[float], start: float) -> None:
    wanted, edge = [], start
    for size in sizes:
        wanted.append(edge + size / 2)
        edge += size + 0.01
    assert placed(wanted, sizes, start - 1, edge + 1) == pytest.approx(wanted)


def test_equal_ends_lie_around_their_place() -> None:
    assert placed([5, 5, 5], [1, 1, 1], 0, 10) == pytest.approx([4, 5, 6])
    assert placed([0, 0, 9], [2, 1, 1], 0, 10) == pytest.approx([1, 2.5, 9])


def test_what_does_not_fit_or_is_out_of_order_is_told() -> None:
    with pytest.raises(ValueError, match="don't fit"):
        placed([1, 2], [3, 3], 0, 5)
    with pytest.raises(ValueError, match="order"):
        placed([2, 1], [1, 1], 0, 5)
