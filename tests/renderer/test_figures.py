"""Figures by their data: what is drawn is what was given."""

from dataclasses import replace
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image

from renderer.figures import FORMATS, STYLE, Curve, Figure, Graph, draw, write_figure
from renderer.output import RenderError
from renderer.palette import line_colour

OPS = np.array([0, 10, 20, 1000, 1001])


def figure(graphs: int = 2) -> Figure:
    curves = [
        Curve("one", "the first", OPS, np.array([1.0, 2, 3, 4, 5])),
        Curve("two", "the second", OPS, np.array([5.0, np.nan, 3, 2, 1])),
    ]
    return Figure(
        title="a title",
        source="from a test",
        phases=[("start", 0), ("end", 1000)],
        graphs=[Graph(f"metric{n}", "what it is", "blocks", curves) for n in range(graphs)],
        metadata={"seed": 7},
    )


def test_lines_have_the_values_given() -> None:
    with matplotlib.rc_context(STYLE):
        canvas = draw(figure())
    assert len(canvas.axes) == 2
    for axis in canvas.axes:
        lines = {line.get_label(): line for line in axis.get_lines()}
        assert lines["one"].get_ydata().tolist() == [1, 2, 3, 4, 5]
        assert np.array_equal(lines["two"].get_ydata(), [5, np.nan, 3, 2, 1], equal_nan=True)
        assert lines["one"].get_xdata().tolist() == [0, 1, 2, 3, 4]
        colours = [line.get_color() for line in axis.get_lines()]
        assert colours == [line_colour(0), line_colour(1)]
        assert len({line.get_linestyle() for line in axis.get_lines()}) == 2


def test_phases_are_named_where_they_begin() -> None:
    with matplotlib.rc_context(STYLE):
        canvas = draw(figure())
    names = {text.get_text(): text.get_position()[0] for text in canvas.axes[0].texts}
    assert names == {"start": 0, "end": 3}
    assert not canvas.axes[1].texts


def test_three_files_the_same_each_time(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_figure(figure(1), tmp_path / name)
    for kind in FORMATS:
        first, second = ((tmp_path / f"{name}.{kind}").read_bytes() for name in ("a", "b"))
        assert first == second
    assert {path.suffix for path in tmp_path.iterdir()} == {".png", ".svg", ".pdf"}
    with Image.open(tmp_path / "a.png") as image:
        assert '"seed": 7' in image.text["Comment"]


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match=r"a\.png: No such file"):
        write_figure(figure(1), tmp_path / "none" / "a")


@pytest.mark.parametrize("graphs", [1, 4])
def test_a_long_source_stays_inside_the_figure(graphs: int) -> None:
    long = replace(figure(graphs), source="requests of a machine with a long history; " * 6)
    with matplotlib.rc_context(STYLE):
        canvas = draw(long)
        canvas.draw_without_rendering()
    (source,) = (text for text in canvas.texts if "long history" in text.get_text())
    assert " ".join(source.get_text().split()) == long.source.strip()
    box, first = source.get_window_extent(), canvas.axes[0].title.get_window_extent()
    assert box.x1 < canvas.bbox.x1
    assert box.y0 > canvas.axes[0]._left_title.get_window_extent().y1 > first.y0
