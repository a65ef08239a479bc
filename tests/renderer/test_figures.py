"""Figures by their data: what is drawn is what was given, and nothing lies over another."""

import subprocess
import sys
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from PIL import Image

from renderer.figure_clock import Clock, Phase
from renderer.figure_style import FORMATS, SIZES
from renderer.figures import Curve, Figure, Graph, draw, write_figure
from renderer.output import RenderError
from renderer.palette import line_colour

NAN = np.nan
OPS = np.array([0, 10, 20, 1000, 1001])
TIMES_US = np.array([0, 1, 2, 3, 4]) * 10_000_000
LONG = "a-label-as-long-as-anyone-could-give-one-to-a-mechanism-of-theirs"


def curves(count: int = 2) -> list[Curve]:
    values = [[1.0, 2, 3, 4, 5], [5.0, NAN, 3, 2, 1]]
    return [Curve(f"m{n}", np.array(values[n % 2])) for n in range(count)]


def figure(graphs: int = 2, of: list[Curve] | None = None, **changes: object) -> Figure:
    whole = Figure(
        title="a title",
        notes=["from a test"],
        clock=Clock(OPS, TIMES_US, [Phase("start", 0), Phase("end", 1000)]),
        graphs=[Graph(f"metric{n}", "what it is", "blocks", of or curves()) for n in range(graphs)],
        metadata={"seed": 7},
    )
    return replace(whole, **changes)


def boxes(canvas: Canvas) -> dict[str, tuple[float, float, float, float]]:
    """The boxes of all texts but ticks', in inches, by what they say."""
    renderer = FigureCanvasAgg(canvas).get_renderer()
    return {
        f"{number} {text.get_text()}": tuple(text.get_window_extent(renderer).extents / canvas.dpi)
        for number, text in enumerate(canvas.texts)
        if text.get_text() and not text.get_rotation()
    }


def over_one_another(placed: dict[str, tuple[float, float, float, float]]) -> list[tuple[str, str]]:
    def touch(one: tuple, other: tuple) -> bool:
        # A text's box has room for accents and descenders: a little of it may be shared.
        wide = min(one[2], other[2]) - max(one[0], other[0])
        high = min(one[3], other[3]) - max(one[1], other[1])
        return wide > 0.01 and high > 0.02

    return [(a, b) for a, b in combinations(placed, 2) if touch(placed[a], placed[b])]


def test_lines_have_the_values_given() -> None:
    canvas = draw(figure())
    assert len(canvas.axes) == 2
    for axis in canvas.axes:
        lines = {line.get_label(): line for line in axis.get_lines()}
        assert lines["m0"].get_ydata().tolist() == [1, 2, 3, 4, 5]
        assert np.array_equal(lines["m1"].get_ydata(), [5, NAN, 3, 2, 1], equal_nan=True)
        assert lines["m0"].get_xdata().tolist() == [0, 1, 2, 3, 4]
        colours = [line.get_color() for line in axis.get_lines()]
        assert colours == [line_colour(0), line_colour(1)]
        assert len({str(line.get_linestyle()) for line in axis.get_lines()}) == 2


def test_a_band_is_drawn_from_the_least_to_the_greatest() -> None:
    values = np.array([1.0, 2, 3, 4, 5])
    canvas = draw(figure(1, [Curve("m", values, values - 3, values + 2)]))
    (band,) = canvas.axes[0].collections
    ys = band.get_paths()[0].vertices[:, 1]
    assert (ys.min(), ys.max()) == (-2, 7)
    low, high = canvas.axes[0].get_ylim()
    assert low < -2
    assert high > 7


def test_a_lone_value_is_a_point() -> None:
    canvas = draw(figure(1, [Curve("m", np.array([NAN, 3, NAN, 1, 2]))]))
    assert canvas.axes[0].get_lines()[0].get_markevery() == [1]
    assert draw(figure(1)).axes[0].get_lines()[1].get_markevery() == [0]


def test_marked_stretches_are_hatched_and_explained() -> None:
    canvas = draw(figure(2, spans=[(2, 2)], spans_note="memory is in huge pages"))
    for axis in canvas.axes:
        (hatched,) = [patch for patch in axis.patches if patch.get_hatch()]
        assert (hatched.get_x(), hatched.get_width()) == (1.5, 1)
    assert "memory is in huge pages" in [text.get_text() for text in canvas.texts]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("graphs", [1, 3, 4])
def test_the_paper_has_its_size_and_holds_all(size: str, graphs: int) -> None:
    canvas = draw(figure(graphs, notes=["a long note " * 60]), SIZES[size])
    width, height = canvas.get_size_inches()
    assert width == SIZES[size].width_inches
    assert height >= SIZES[size].least_inches
    placed = boxes(canvas)
    assert all(x0 >= 0 and y0 >= 0 for x0, y0, _, _ in placed.values())
    assert all(x1 <= width and y1 <= height for _, _, x1, y1 in placed.values())
    assert over_one_another(placed) == []


@pytest.mark.parametrize("size", SIZES)
def test_no_label_lies_over_another(size: str) -> None:
    """Eight curves that end at one value, long names, one that ends early, one without a value."""
    same = [Curve(f"{n} {LONG}" if n % 3 else f"m{n}", np.array([n, 1, 2, 3, 4.0]))
            for n in range(6)]  # fmt: skip
    others = [Curve("early", np.array([1.0, 2, NAN, NAN, NAN])), Curve("none", np.full(5, NAN))]
    canvas = draw(figure(1, same + others), SIZES[size])
    placed = boxes(canvas)
    assert over_one_another(placed) == []
    axes = canvas.axes[0].get_position()
    right, (width, height) = axes.x1 * canvas.get_figwidth(), canvas.get_size_inches()
    labels = {text: box for text, box in placed.items() if box[0] > right}
    assert len(labels) >= 8
    assert max(box[2] for box in labels.values()) < width
    assert max(box[3] for box in labels.values()) < axes.y1 * height + 0.03
    assert min(box[1] for box in labels.values()) > axes.y0 * height - 0.03
    lowest = min(labels, key=lambda text: labels[text][1])
    assert "value)" in lowest or "none (no value)" in lowest
    text = "".join(label.split(" ", 1)[1] for label in labels)
    assert text.replace(" ", "").count(LONG) == 4


def test_labels_lead_to_the_ends_of_their_curves() -> None:
    canvas = draw(figure(1, [*curves(), Curve("early", np.array([2.0, 3, NAN, NAN, NAN]))]))
    axis, dpi = canvas.axes[0], canvas.dpi
    artists = [line for line in canvas.findobj(lambda a: hasattr(a, "get_xydata"))
               if line.axes is None]  # fmt: skip
    starts = {tuple(np.round(line.get_xydata()[0], 6)) for line in artists}
    for curve, end in (("m0", (4, 5)), ("m1", (4, 1)), ("early", (1, 3))):
        place = axis.transData.transform(end) / dpi
        assert any(np.allclose(place, start, atol=1e-4) for start in starts), curve


def test_phases_are_named_where_they_begin() -> None:
    canvas = draw(figure())
    named = {text.get_text(): text for text in canvas.texts if text.get_rotation()}
    assert set(named) == {"start", "end"}
    places = {
        name: canvas.axes[0].transData.inverted().transform(
            np.array(text.get_position()) * canvas.dpi
        )[0]
        for name, text in named.items()
    }  # fmt: skip
    assert places == pytest.approx({"start": 0, "end": 3}, abs=0.1)


def test_three_files_the_same_each_time_and_everywhere(tmp_path: Path) -> None:
    """Drawn twice; and in a process that orders sets otherwise."""
    write_figure(figure(1), tmp_path / "a")
    write_figure(figure(1), tmp_path / "b")
    code = (
        "import sys; from pathlib import Path; from tests.renderer.test_figures import figure\n"
        "from renderer.figures import write_figure; write_figure(figure(1), Path(sys.argv[1]))"
    )
    subprocess.run(
        [sys.executable, "-c", code, tmp_path / "c"], check=True,
        env={"PYTHONHASHSEED": "4711", "PATH": "", "HOME": str(tmp_path)},
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    for kind in FORMATS:
        first, *others = ((tmp_path / f"{name}.{kind}").read_bytes() for name in "abc")
        assert others == [first, first]
    with Image.open(tmp_path / "a.png") as image:
        assert '"seed": 7' in image.text["Comment"]
        assert image.width == round(7.16 * 300)


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with pytest.raises(RenderError, match=r"a\.png: No such file"):
        write_figure(figure(1), tmp_path / "none" / "a")


def test_a_figure_of_one_frame_without_time() -> None:
    clock = Clock(np.array([0]), np.array([0]), [Phase("all", 0)])
    canvas = draw(figure(1, [Curve("m", np.array([0.0]))], clock=clock))
    texts = [text.get_text() for text in canvas.texts]
    assert "requests and frees" in texts
    assert "seconds" not in texts
    assert canvas.axes[0].get_lines()[0].get_markevery() == [0]
    canvas.draw_without_rendering()


@pytest.mark.parametrize("unit", ["1", "blocks", "%"])
def test_markup_in_names_is_text(unit: str) -> None:
    hostile = "$x^2$ & <b> under_scores"
    graph = Graph(hostile, hostile, unit, [Curve(hostile, np.arange(5.0))])
    clock = Clock(OPS, TIMES_US, [Phase(f"{hostile}\n", 0)])
    hostile_all = replace(figure(), title=hostile, notes=[hostile], graphs=[graph], clock=clock)
    canvas = draw(hostile_all)
    texts = [text.get_text() for text in canvas.texts]
    assert texts.count(hostile) == 4  # title, label, phase, note
    assert not any(text.get_parse_math() for text in canvas.texts)
