"""The running chart."""

from pathlib import Path

import numpy as np

from renderer.chart import draw_chart, spread
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
