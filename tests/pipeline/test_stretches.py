"""Stretches of frames in which something stays as it is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.stretches import equal_stretches, longest_stretch, stretches


@pytest.mark.parametrize(
    ("text", "found", "longest"),
    [("", [], (0, 0)), ("..", [], (0, 0)), ("#", [(0, 1)], (0, 1)),
     (".##.#", [(1, 3), (4, 5)], (1, 3)), ("#.#", [(0, 1), (2, 3)], (0, 1))],
)  # fmt: skip
def test_where_something_holds(text: str, found: list, longest: tuple[int, int]) -> None:
    there = np.array([letter == "#" for letter in text], bool)
    assert list(zip(*map(list, stretches(there)), strict=True)) == found
    assert longest_stretch(there) == longest


@given(st.integers(0, 5), st.integers(0, 6), st.data())
def test_equal_values_make_one_stretch(rows: int, columns: int, data: st.DataObject) -> None:
    drawn = data.draw(st.lists(st.integers(0, 2), min_size=rows * columns, max_size=rows * columns))
    values = np.array(drawn, np.uint8).reshape(rows, columns)
    back = np.full(values.shape, 9)
    before = None
    for row, start, end in zip(*equal_stretches(values), strict=True):
        assert start < end
        assert len(set(values[row, start:end].tolist())) == 1
        if start:
            assert before == (row, start)
            assert values[row, start - 1] != values[row, start]
        back[row, start:end], before = values[row, start], (row, end)
    assert np.array_equal(back, values)
