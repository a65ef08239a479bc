"""Figures over swept parameters: what stands in them, the same bytes for the same data."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Rectangle
from PIL import Image

from renderer import sweep_heat_map, sweep_lines
from renderer.figure_style import SIZES, wrapped
from renderer.sweep_heat_map import HATCH, HeatFigure, HeatPanel, write_heat_map
from renderer.sweep_lines import LineFigure, SweptLine, write_lines

NONE = float("nan")


def lines(places: list[float] | None, **changes: object) -> LineFigure:
    """Two mechanisms at three values; the second has one interval and lacks one value."""
    made = {
        "title": "churn: potential_huge (blocks) at rest",
        "heading": "of what it is; higher is better",
        "parameter": "memory_mib",
        "texts": ["64", "128", "256"],
        "places": places,
        "lines": [
            SweptLine("6.1-off", [1, 2, 3], [NONE] * 3, [NONE] * 3, [[1], [2], [3]]),
            SweptLine("6.1-list", [5, 7, NONE], [5, 6, NONE], [5, 8, NONE], [[5, 5], [6, 8], []]),
        ],
        "notes": ["a note"],
        "metadata": {"seeds": 2},
    }
    return LineFigure(**(made | changes))


def heat_map(better: str = "higher", mechanisms: int = 2) -> HeatFigure:
    """Three columns and two rows; the first difference is no more than noise."""
    panels = [
        HeatPanel(f"m{n}", [[n, 1, 2], [3, 4, NONE]], [["a"] * 3] * 2, [["[1, 2]"] * 3] * 2)
        for n in range(mechanisms)
    ]
    difference = HeatPanel(
        "m1 - m0", [[1.0, 2.0, -2.0], [0.0, 1.0, NONE]],
        [["~ +1", "+2", "-2"], ["0", "+1", "-"]], [[""] * 3] * 2,
        [[True, False, False], [False, False, False]],
    )  # fmt: skip
    return HeatFigure(
        title="churn: nonmov_blocks", heading="of what it is",
        columns=("kernelcore", ["30%", "50%", "70%"]), rows=("memory_mib", ["64", "128"]),
        panels=panels, differences=[difference] * (mechanisms - 1), better=better,
        metadata={"seeds": 2},
    )  # fmt: skip


def texts_of(canvas: Canvas) -> list[str]:
    return [text.get_text() for text in canvas.texts]


@pytest.mark.parametrize(
    ("write", "figure"), [(write_lines, lines([64, 128, 256])), (write_heat_map, heat_map())]
)
def test_same_data_same_bytes_with_metadata(tmp_path: Path, write, figure) -> None:
    for name in ("one", "two"):
        write(figure, tmp_path / name)
    for kind in ("png", "svg", "pdf"):
        assert (tmp_path / f"one.{kind}").read_bytes() == (tmp_path / f"two.{kind}").read_bytes()
    with Image.open(tmp_path / "one.png") as picture:
        assert json.loads(picture.text["Comment"]) == {"seeds": 2}
        assert picture.text["Title"] == figure.title


def test_values_that_double_stand_evenly() -> None:
    def ticks(figure: LineFigure) -> list[float]:
        return sweep_lines.draw(figure).axes[0].get_xticks().tolist()

    assert np.diff(ticks(lines([64, 128, 256]))) == pytest.approx([1, 1])
    assert np.diff(ticks(lines([100, 200, 300]))) == pytest.approx([100, 100])
    assert np.diff(ticks(lines(None))) == pytest.approx([1, 1])


def test_lines_show_means_seeds_and_intervals() -> None:
    canvas = sweep_lines.draw(lines([64, 128, 256]))
    (axis,) = canvas.axes
    drawn = [line.get_ydata().tolist() for line in axis.lines]
    assert [1, 2, 3] in drawn
    assert [6, 8] in drawn  # seeds, and the interval's ends
    assert drawn.count([6, 8]) == 3
    assert [5, 5] in drawn  # two equal seeds; no bar
    assert {"6.1-off", "6.1-list", "a note"} <= set(texts_of(canvas))


def test_what_nothing_is_known_of_still_has_axes() -> None:
    empty = [SweptLine("m", [NONE] * 3, [NONE] * 3, [NONE] * 3, [[], [], []])]
    assert sweep_lines.draw(lines(None, lines=empty)).axes[0].get_ylim() == (0, 1)


def cells_of(canvas: Canvas) -> list[Rectangle]:
    found = canvas.findobj(Rectangle)
    return [r for r in found if r.get_height() == pytest.approx(sweep_heat_map.CELL_INCHES)]


def test_a_difference_that_is_noise_is_hatched_and_without_colour() -> None:
    canvas = sweep_heat_map.draw(heat_map())
    cells = cells_of(canvas)
    assert len(cells) == 3 * 6
    hatched = [cell for cell in cells if cell.get_hatch()]
    assert [to_hex(cell.get_facecolor()).upper() for cell in hatched] == ["#FFFFFF"]
    assert to_hex(hatched[0].get_edgecolor()).upper() == HATCH
    assert "~ +1" in texts_of(canvas)


def test_blue_is_better_whichever_way_that_is() -> None:
    def colour_of_most(better: str) -> str:
        cells = cells_of(sweep_heat_map.draw(heat_map(better)))
        return to_hex(cells[12 + 1].get_facecolor())  # +2, the greatest

    blue, orange = "#123f7a", "#a33b00"
    assert colour_of_most("higher") == colour_of_most("-") == blue
    assert colour_of_most("lower") == orange


def test_notes_break_where_they_are_read_on() -> None:
    """Never before a "%", and no word is left alone in a last line."""
    note = "~ and hatched: not significant (5 %, same seeds, all cells tested together)."
    for width in range(20, 70):
        lines = wrapped(note, width / 10, 9)
        assert " ".join(lines) == note
        assert not any(line.startswith("%") for line in lines)
    size = SIZES["one"]
    canvas = sweep_heat_map.draw(replace(heat_map(), notes=[note]), size)
    told = [text for text in texts_of(canvas) if text and text in note and len(text) > 5]
    assert " ".join(told) == note
    assert len(told) > 1
    assert len(told[-1]) > len(told[0]) / 2


@pytest.mark.parametrize("mechanisms", [1, 8])
def test_as_many_panels_as_there_are_mechanisms(mechanisms: int) -> None:
    canvas = sweep_heat_map.draw(heat_map(mechanisms=mechanisms))
    assert [f"m{n}" in texts_of(canvas) for n in range(mechanisms)] == [True] * mechanisms
    assert len(cells_of(canvas)) == 6 * (2 * mechanisms - 1)
    width, height = canvas.get_size_inches()
    for cell in cells_of(canvas):
        assert cell.get_x() >= 0
        assert cell.get_x() + cell.get_width() <= width
        assert 0 <= cell.get_y() <= height - cell.get_height()


def test_values_that_are_no_numbers_are_not_joined() -> None:
    def joined(figure: LineFigure) -> bool:
        drawn = sweep_lines.draw(figure).axes[0].lines
        return any(line.get_linestyle() != "None" and len(line.get_xdata()) == 3 for line in drawn)

    assert joined(lines([64, 128, 256]))
    assert not joined(lines(None))
