"""The look of all figures: sizes for print and slides, fonts, lines; and how a figure is saved.

Same data, same bytes: no dates, fixed ids, the font that comes with matplotlib.
"""

import io
import json
import re
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure as Canvas
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text
from matplotlib.textpath import text_to_path

from renderer.output import whole_file
from renderer.palette import LINES

FORMATS = ("png", "svg", "pdf")
FONT = "DejaVu Sans"
# Text in SVG stays text: it can be found, copied, read aloud and edited. Where the font isn't
# there, Verdana has the same widths, and the usual sans-serif fonts are narrower: what stands free
# here collides nowhere.
SVG_FONTS = f"'{FONT}', Verdana, sans-serif"
DASHES = (
    "-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)),
    (0, (9, 1.5)), (0, (2.5, 1)), (0, (6, 1.2, 1.2, 1.2, 1.2, 1.2)), (0, (1, 2.5)),
)  # fmt: skip
STYLE = {
    "font.family": FONT,
    "font.size": 9,
    "svg.hashsalt": "pagereel",
    "svg.fonttype": "none",
    "pdf.fonttype": 42,  # TrueType: text can be selected, and journals refuse Type 3
    "text.parse_math": False,  # a "$" in a title is a "$"
    "axes.spines.top": False,
    "axes.spines.right": False,
    "hatch.linewidth": 0.4,
    "figure.dpi": 150,
}
# "fi" stays two letters, for whoever searches a PDF; and its fonts are half as many, and quicker.
NO_LIGATURES = ("-liga",)
_WORD = re.compile(r"\S+(?: %\S*)?")  # "5 %" stays on one line
GRID = {"linewidth": 0.4, "alpha": 0.5}
LINE_SPACING = 1.25  # of the font's size, from line to line
_FONT_IN_SVG = re.compile(rf"(style=\"[^\"]*(?:font-family: |font: [^;\"]*))'{FONT}'")


@dataclass(frozen=True)
class Size:
    """A figure at the size at which it is printed or shown; fonts and lines in points.

    `graph_inches`: the least height of one graph's axes; `least_inches`: of the figure. `abreast`:
    as many graphs stand beside each other. `all_phases`: not only the key ones are named.
    """

    width_inches: float
    margin_inches: float
    graph_inches: float
    small_points: float
    text_points: float
    title_points: float
    line_points: float
    dots_per_inch: int
    abreast: int = 1
    least_inches: float = 0.0
    all_phases: bool = True


SIZES = {
    "one": Size(3.5, 0.04, 1.35, 7, 7, 8, 1.0, 300),  # 89 mm
    "two": Size(7.16, 0.06, 1.6, 7, 8, 9.5, 1.3, 300),  # 182 mm
    "slide": Size(40 / 3, 0.3, 0.9, 11, 13, 19, 2.0, 144, 2, 7.5, all_phases=False),  # 16:9
}
DEFAULT_SIZE = "two"


def dashes(number: int):
    """The dashes of a line by its number: none has the dashes and the colour of another."""
    return DASHES[(number + number // len(LINES)) % len(DASHES)]


def literal(text: str) -> str:
    """A text as one line, without characters that a file cannot hold."""
    text = text.encode("utf-8", "replace").decode()
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


@lru_cache(maxsize=4096)  # else most of the time of drawing
def text_inches(text: str, points: float, *, bold: bool = False) -> float:
    """Width of a line of text."""
    font = FontProperties(family=FONT, size=points, weight="bold" if bold else "normal")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a glyph that the font lacks: drawn as a box
        return text_to_path.get_text_width_height_descent(text, font, ismath=False)[0] / 72


def lines_inches(lines: int, points: float) -> float:
    """Height of lines of text."""
    return lines * points * LINE_SPACING / 72


def wrapped(text: str, width_inches: float, points: float, *, bold: bool = False) -> list[str]:
    """The lines of a text, broken at blanks; a longer word after . _ - and their like, or anywhere.

    At least one line, which may be empty.
    """

    def fits(line: str) -> bool:
        return text_inches(line, points, bold=bold) <= width_inches

    lines = [""]
    for word in _WORD.findall(literal(text)):
        if not lines[-1] or fits(f"{lines[-1]} {word}"):
            lines[-1] = f"{lines[-1]} {word}".strip()
        else:
            lines.append(word)
        while not fits(lines[-1]) and len(lines[-1]) > 1:
            end = _break(lines[-1], fits)
            lines[-1:] = [lines[-1][:end], lines[-1][end:]]
    return lines


def balanced(text: str, width_inches: float, points: float) -> list[str]:
    """The same, in as many lines of about the same width: no word is left alone in the last."""
    lines = wrapped(text, width_inches, points)
    while len(lines) > 1 and width_inches > points / 36:
        width_inches -= points / 72
        narrower = wrapped(text, width_inches, points)
        if len(narrower) > len(lines):
            break
        lines = narrower
    return lines


def _break(word: str, fits) -> int:
    """Where to break a word that is too long for a line: as late as can be."""
    most = next(n for n in range(len(word) - 1, 0, -1) if n == 1 or fits(word[:n]))
    marks = [match.end() for match in re.finditer(r"[-._/+=,:; ]", word[:most])]
    return marks[-1] if marks and marks[-1] > most // 2 else most


def save(canvas: Canvas, title: str, metadata: dict, base: Path) -> None:
    """Write a canvas drawn under STYLE as `base`.png, .svg and .pdf, each whole or not at all.

    Raises RenderError.
    """
    for text in canvas.findobj(Text):
        if hasattr(text, "set_fontfeatures"):  # matplotlib 3.11
            text.set_fontfeatures(NO_LIGATURES)
    for kind in FORMATS:
        with whole_file(base.with_name(f"{base.name}.{kind}")) as partial:
            partial.write_bytes(_picture(canvas, kind, _metadata(literal(title), metadata, kind)))


def _picture(canvas: Canvas, kind: str, about: dict) -> bytes:
    drawn = io.BytesIO()
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        canvas.savefig(drawn, format=kind, metadata=about)
    if kind != "svg":
        return drawn.getvalue()
    return _FONT_IN_SVG.sub(rf"\1{SVG_FONTS}", drawn.getvalue().decode()).encode()


def _metadata(title: str, metadata: dict, kind: str) -> dict:
    text = json.dumps(metadata, sort_keys=True)
    return {
        "png": {"Title": title, "Comment": text, "Software": None},
        "svg": {"Title": title, "Description": text, "Date": None, "Creator": "pagereel"},
        "pdf": {
            "Title": title,
            "Subject": text,
            "CreationDate": None,
            "Creator": "pagereel",
            "Producer": None,
        },
    }[kind]
