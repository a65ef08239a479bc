"""The running chart."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from renderer.chart import _ticks, draw_chart, letter_chip, spread
from tests.renderer.synthetic import panel, panels, recording


def test_places_that_are_far_apart_stay() -> None:
    assert spread([10, 100, 300], 30, 0, 400) == [10, 100, 300]


def test_places_that_would_touch_form_a_pile_around_their_middle() -> None:
    assert spread([100, 100, 100], 30, 0, 400) == [70, 100, 130]


def test_places_stay_within_bounds() -> None:
    places = spread([0, 1, 2, 395, 399, 400], 30, 0, 400)
    assert places[0] == 0
    assert places[-1] == 400
    assert min(np.diff(places)) >= 30


def test_the_letters_never_collide(tmp_path: Path) -> None:
    made = panels(tmp_path, 8)
    chart = draw_chart(made, 464, 500, 28)
    for frame in range(6):
        tops = [y for _, y, _ in chart.chips(frame)]
        assert len(tops) == 8
        assert min(np.diff(tops)) >= chart.chip_px


def test_a_line_ends_where_its_value_is(tmp_path: Path) -> None:
    made = panel(recording(tmp_path / "a.reel"), np.array([0, 2, 4, 6, 8, 8]))
    chart = draw_chart([made], 464, 500, 28)
    heights = chart.bottom_px - chart.line_y_px[0]
    assert np.allclose(heights / heights[-1], [0, 0.25, 0.5, 0.75, 1, 1], atol=0.01)
    assert (np.diff(chart.frame_x_px) > 0).all()
    assert not (chart.frame_x_px % 2).any()


def test_a_frame_without_a_figure_has_no_end(tmp_path: Path) -> None:
    made = panel(recording(tmp_path / "a.reel"), np.array([1, np.nan, 3, 4, 5, 6]))
    chart = draw_chart([made], 464, 500, 28)
    assert chart.chips(1) == []
    assert len(chart.chips(2)) == 1
    assert made.figure(1) == "no figure here"


def test_a_chart_of_differences_goes_below_zero(tmp_path: Path) -> None:
    values = np.array([0, -3, 5, np.nan, 5, -3])
    made = replace(panel(recording(tmp_path / "a.reel"), values), minimum=-3.0, maximum=5.0)
    chart = draw_chart([made], 464, 500, 28)
    zero_y, low_y, high_y = chart.line_y_px[0, :3]
    assert (low_y, high_y) == (chart.bottom_px, chart.top_px)
    assert np.isclose((low_y - zero_y) / (low_y - high_y), 3 / 8, atol=0.01)
    assert chart.line_y_px[0, 3] == -1


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ((0, 214), [0, 50, 100, 150, 214]),
        ((0, 200), [0, 50, 100, 150, 200]),
        ((-3, 182), [0, 50, 100, 150, 182]),
        ((-50, 50), [-50, -20, 0, 20, 50]),
        ((0, 1), [0, 0.2, 0.4, 0.6, 0.8, 1]),
    ],
)
def test_an_axis_has_round_values_and_its_bounds(bounds: tuple, expected: list) -> None:
    assert np.allclose(_ticks(*bounds), expected)


def test_a_panel_may_keep_the_letter_of_another_picture(tmp_path: Path) -> None:
    made = panels(tmp_path, 1)[0]
    kept = letter_chip(replace(made, place=2), 0, 40)
    assert np.array_equal(kept, letter_chip(made, 2, 40))
    assert not np.array_equal(kept, letter_chip(made, 0, 40))
