"""Text in figures: measured, broken into lines, never read as markup; and how files are saved."""

import re
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from PIL import Image

from renderer.figure_style import (
    SIZES,
    STYLE,
    balanced,
    dashes,
    literal,
    save,
    text_inches,
    wrapped,
)
from renderer.palette import line_colour

HOSTILE = 'cost $x^2$ & <b>"q"</b>\n under_scores \x01 数 \ud800 100%'


def test_the_widths_are_those_of_journals() -> None:
    assert SIZES["one"].width_inches * 25.4 == pytest.approx(89, abs=0.2)
    assert SIZES["two"].width_inches * 25.4 == pytest.approx(182, abs=0.2)
    assert SIZES["slide"].width_inches / SIZES["slide"].least_inches == pytest.approx(16 / 9)
    for name in ("one", "two"):
        points = SIZES[name].small_points, SIZES[name].text_points
        assert all(7 <= size <= 9 for size in points)


def test_no_line_looks_like_another() -> None:
    assert len({str(dashes(n)) for n in range(8)}) == 8  # without colour
    looks = {(line_colour(n), str(dashes(n))) for n in range(32)}
    assert len(looks) == 32


@given(st.text(max_size=80), st.floats(0.3, 4))
@settings(deadline=None, max_examples=60)
def test_lines_hold_the_whole_text_within_the_width(text: str, width: float) -> None:
    lines = wrapped(text, width, 8)
    assert "".join(lines).replace(" ", "") == literal(text).replace(" ", "")
    assert all(len(line) <= 1 or text_inches(line, 8) <= width for line in lines)


def test_a_long_name_is_broken_after_its_marks() -> None:
    assert wrapped("6.1-list-with-a-long-label", 0.8, 8) == ["6.1-list-with-", "a-long-label"]


def test_no_word_is_left_alone() -> None:
    text = "share of free memory that is too scattered for order 9"
    width = text_inches(text, 8) - 0.05
    assert wrapped(text, width, 8)[-1] == "9"
    lines = balanced(text, width, 8)
    assert len(lines) == 2
    assert len(lines[1]) > 15


def test_letters_below_each_other_are_balanced() -> None:
    assert balanced("ab", 0.01, 8) == ["a", "b"]


def test_a_text_is_one_line_of_what_files_hold() -> None:
    assert literal(HOSTILE) == 'cost $x^2$ & <b>"q"</b> under_scores 数 ? 100%'


def test_a_measured_text_is_as_wide_as_the_drawn_one() -> None:
    with matplotlib.rc_context(STYLE):
        canvas = Canvas(figsize=(6, 1), dpi=300)
        text = canvas.text(0, 0.5, "mixed2_huge $5 <&>", fontsize=8)
        renderer = FigureCanvasAgg(canvas).get_renderer()
        drawn = text.get_window_extent(renderer).width / 300
    assert text_inches("mixed2_huge $5 <&>", 8) == pytest.approx(drawn, rel=0.03)


def test_files_hold_hostile_text_literally(tmp_path: Path) -> None:
    with matplotlib.rc_context(STYLE):
        canvas = Canvas(figsize=(3.5, 1))
        canvas.text(0, 0.5, literal(HOSTILE), fontsize=8)
    save(canvas, HOSTILE, {"title": HOSTILE}, tmp_path / "a")
    root = ElementTree.parse(tmp_path / "a.svg").getroot()
    texts = ["".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == [literal(HOSTILE)]
    with Image.open(tmp_path / "a.png") as image:
        assert image.text["Title"] == literal(HOSTILE)


def test_pdf_fonts_are_embedded_as_truetype(tmp_path: Path) -> None:
    with matplotlib.rc_context(STYLE):
        canvas = Canvas(figsize=(3.5, 1))
        canvas.text(0, 0.5, "text", fontsize=8)
    save(canvas, "a title", {}, tmp_path / "a")
    pdf = (tmp_path / "a.pdf").read_bytes()
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf
    assert set(re.findall(rb"/BaseFont /[A-Z]+\+(\S+)", pdf)) == {b"DejaVuSans"}
    assert b"/MediaBox [ 0 0 252 72 ]" in pdf


def test_svg_text_has_fonts_to_fall_back_to(tmp_path: Path) -> None:
    with matplotlib.rc_context(STYLE):
        canvas = Canvas(figsize=(3.5, 1))
        canvas.text(0, 0.5, "text", fontsize=8)
    save(canvas, "a title", {}, tmp_path / "a")
    styles = re.findall(r'<text style="([^"]*)"', (tmp_path / "a.svg").read_text())
    assert len(styles) == 1
    assert "font-family: 'DejaVu Sans', Verdana, sans-serif" in styles[0]
