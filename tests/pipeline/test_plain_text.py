"""Figures as they are read."""

import pytest

from pipeline.plain_text import figure_text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.00005, "0.00005"), (0.25, "0.25"), (0.999, "1"), (1.44, "1.4"), (3, "3"),
     (9.96, "10"), (10.4, "10"), (2999.7, "3,000")],
)  # fmt: skip
def test_two_digits_below_ten_and_whole_figures_above(value: float, text: str) -> None:
    assert figure_text(value) == text
