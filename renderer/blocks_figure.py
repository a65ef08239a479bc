"""What blocks huge pages: bars of pages in the way, a panel for each mechanism.

A bar is of one class and cause, its parts of one age each: the older, the darker.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Rectangle

from renderer.figure_plan import GAP_INCHES, notes_inches
from renderer.figure_style import (
    DEFAULT_SIZE,
    GRID,
    LINE_SPACING,
    SIZES,
    STYLE,
    Size,
    balanced,
    lines_inches,
    save,
    text_inches,
    wrapped,
)
from renderer.figures import draw_lines
from renderer.palette import BAND, INK, ON_DARK, QUIET_INK, class_colours, class_label

LABEL_SHARE = 0.36  # of the width, at most: what the bars are of
LIGHTEST = 0.25  # of its colour has the youngest age
ROW_EMS, BAR_SHARE = 1.8, 0.7
NARROW_INCHES = 5.0  # below it panels stand below each other
SWATCH_EMS = 1.7
NOTHING = "no page in the way"
KEY_TITLE = "age, from the left:"
LUMA = np.array([0.2126, 0.7152, 0.0722])
NUMBER_SHARE = 0.16  # of the axis, beyond the longest bar: its number


@dataclass(frozen=True)
class Part:
    """A part of a bar: its age (a place in the figure's ages; None: not told) and length."""

    age: int | None
    value: float


@dataclass(frozen=True)
class BlockBar:
    """Pages of one class (empty: not told) that are there for one cause."""

    page_class: str
    cause: str
    parts: list[Part]

    @property
    def length(self) -> float:
        """All parts together."""
        return sum(part.value for part in self.parts)

    @property
    def label(self) -> str:
        """What stands beside it."""
        return f"{class_label(self.page_class)}: {self.cause}" if self.page_class else self.cause


@dataclass(frozen=True)
class BlockPanel:
    """One mechanism; its bars are of the same classes and causes as those of the other panels."""

    title: str
    bars: list[BlockBar]


@dataclass(frozen=True)
class BlocksFigure:
    """`unit`: what the bars count; `ages`: from the youngest; `notes`: paragraphs below."""

    title: str
    unit: str
    ages: list[str]
    panels: list[BlockPanel]
    notes: list[str]
    metadata: dict = field(default_factory=dict)

    def longest(self) -> float:
        """Length of the longest bar: all panels have one scale."""
        return max(bar.length for panel in self.panels for bar in panel.bars)


def write_blocks(figure: BlocksFigure, base: Path, size: Size = SIZES[DEFAULT_SIZE]) -> None:
    """Write `base`.png, .svg and .pdf, each whole or not at all. Raises RenderError."""
    save(draw(figure, size), figure.title, figure.metadata, base)


@dataclass(frozen=True)
class _Row:
    """Panels beside each other: their places in the figure, the bars that one of them has.

    `labels`: the lines beside each bar; `axes_inches`: the height of the panels.
    """

    panels: range
    bars: list[int]
    labels: list[list[str]]
    axes_inches: float


@dataclass(frozen=True)
class _Plan:
    """Heights and widths in inches, rows from the top."""

    height: float
    left: float
    width: float
    pitch: float
    head: float
    foot: float
    rows: list[_Row]


def draw(figure: BlocksFigure, size: Size = SIZES[DEFAULT_SIZE]) -> Canvas:
    """The figure, ready to be saved."""
    margin, inner = size.margin_inches, size.width_inches - 2 * size.margin_inches
    title = wrapped(figure.title, inner, size.title_points, bold=True)
    notes = [wrapped(note, inner, size.small_points) for note in figure.notes if note]
    key = _key(figure.ages, inner, size)
    under_title = margin + lines_inches(len(title), size.title_points) + GAP_INCHES
    top = under_title + lines_inches(1 + key[-1][0], size.small_points) + GAP_INCHES
    below = notes_inches(notes, size) + margin
    places = _plan(figure, top + below, size)
    with matplotlib.rc_context(STYLE):
        height = places.height
        canvas = Canvas(figsize=(size.width_inches, height), dpi=size.dots_per_inch)
        draw_lines(canvas, title, margin, height - margin, size.title_points, fontweight="bold")
        _draw_key(canvas, figure, key, margin, height - under_title, size)
        y = height - top
        for row in places.rows:
            for column, number in enumerate(row.panels):
                _draw_panel(figure, number, column, row, places, canvas, y, size)
            y -= places.head + row.axes_inches + places.foot
        for lines in notes:
            draw_lines(canvas, lines, margin, y, size.small_points, color=QUIET_INK)
            y -= lines_inches(len(lines), size.small_points) + GAP_INCHES
    return canvas


def _plan(figure: BlocksFigure, fixed: float, size: Size) -> _Plan:
    """`fixed`: the height of all that stands above and below the panels."""
    em, count = size.small_points / 72, len(figure.panels)
    columns = min(1 if size.width_inches < NARROW_INCHES else 2, count)
    most = LABEL_SHARE * (size.width_inches - 2 * size.margin_inches)
    labels = [wrapped(bar.label, most, size.small_points) for bar in figure.panels[0].bars]
    left = size.margin_inches + em
    left += max(text_inches(line, size.small_points) for lines in labels for line in lines)
    width = (size.width_inches - size.margin_inches - left - 2 * em * (columns - 1)) / columns
    titles = max(len(balanced(p.title, width, size.text_points)) for p in figure.panels)
    head = lines_inches(titles, size.text_points) + GAP_INCHES
    foot = lines_inches(2, size.small_points) + 2 * GAP_INCHES
    rows = []
    for start in range(0, count, columns):
        panels = range(start, min(start + columns, count))
        bars = [
            n for n in range(len(labels)) if any(figure.panels[p].bars[n].parts for p in panels)
        ]
        shown = [labels[n] for n in bars]
        heights = [max(ROW_EMS * em, len(ln) * LINE_SPACING * em + 0.4 * em) for ln in shown]
        rows.append(
            _Row(panels, bars, shown, max(heights, default=ROW_EMS * em) * max(len(bars), 1))
        )
    height = fixed + sum(head + row.axes_inches + foot for row in rows)
    spare = max(size.least_inches - height, 0) / len(rows)
    rows = [replace(row, axes_inches=row.axes_inches + spare) for row in rows]
    return _Plan(height + spare * len(rows), left, width, width + 2 * em, head, foot, rows)


def _draw_panel(
    figure: BlocksFigure,
    number: int,
    column: int,
    row: _Row,
    places: _Plan,
    canvas: Canvas,
    top: float,
    size: Size,
) -> None:
    panel = figure.panels[number]
    left = places.left + column * places.pitch
    bottom = top - places.head - row.axes_inches
    box = np.array([left, bottom, places.width, row.axes_inches])
    axis = canvas.add_axes(tuple(box / ([size.width_inches, places.height] * 2)))
    axis.set_xlim(0, (figure.longest() or 1) * (1 + NUMBER_SHARE))
    title = balanced(panel.title, places.width, size.text_points)
    draw_lines(canvas, title, left, top, size.text_points)
    _draw_bars(figure, [panel.bars[bar] for bar in row.bars], axis, size)
    names = ["\n".join(lines) if column == 0 else "" for lines in row.labels]
    axis.set_yticks(range(len(names)), names, fontsize=size.small_points, linespacing=1.1)


def shade(colour: np.ndarray, age: int | None, ages: int) -> np.ndarray:
    """A colour f8[3] by age, from light to itself; half of it where no age is told."""
    share = 0.5 if age is None else LIGHTEST + (1 - LIGHTEST) * age / max(ages - 1, 1)
    return 1 - share * (1 - colour)


def _colour(page_class: str) -> np.ndarray:
    if not page_class:
        return matplotlib.colors.to_rgb(QUIET_INK) * np.ones(3)
    return class_colours([page_class])[0] / 255


def _draw_bars(figure: BlocksFigure, bars: list[BlockBar], axis: Axes, size: Size) -> None:
    for place, bar in enumerate(bars):
        start = 0.0
        if place % 2:
            axis.axhspan(place - 0.5, place + 0.5, color=BAND, alpha=0.45, linewidth=0, zorder=0)
        for part in bar.parts:
            _draw_part(figure, bar, part, (start, place), axis, size)
            start += part.value
        axis.annotate(
            _number(start), (start, place), (2, 0), textcoords="offset points",
            fontsize=size.small_points, va="center_baseline", color=INK if start else QUIET_INK,
        )  # fmt: skip
    axis.set_ylim(max(len(bars), 1) - 0.5, -0.5)
    if not bars:
        axis.annotate(
            NOTHING, (0, 0), (4, 0), textcoords="offset points", fontsize=size.small_points,
            va="center_baseline", color=QUIET_INK,
        )  # fmt: skip
    axis.set_xlabel(figure.unit, fontsize=size.small_points, labelpad=1)
    axis.tick_params(axis="y", length=0, pad=3)
    axis.tick_params(axis="x", labelsize=size.small_points, length=2.5, width=0.6, pad=1.5)
    axis.spines[["left", "bottom"]].set_linewidth(0.6)
    axis.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(5))
    axis.grid(axis="x", **GRID)
    axis.set_axisbelow(True)


def _draw_part(
    figure: BlocksFigure,
    bar: BlockBar,
    part: Part,
    at: tuple[float, int],
    axis: Axes,
    size: Size,
) -> None:
    """A part with its age in it where there is room; the key tells all."""
    start, place = at
    colour = shade(_colour(bar.page_class), part.age, len(figure.ages))
    axis.barh(place, part.value, BAR_SHARE, start, **_fill(colour, part.age))
    if part.age is None:
        return
    axes_inches = axis.get_position().width * size.width_inches
    room = part.value / axis.get_xlim()[1] * axes_inches
    age = figure.ages[part.age]
    if text_inches(age, size.small_points) + 0.5 * size.small_points / 72 <= room:
        axis.text(
            start + part.value / 2, place, age, fontsize=size.small_points, ha="center",
            va="center_baseline", zorder=3, color=INK if colour @ LUMA > 0.45 else ON_DARK,
        )  # fmt: skip


def _fill(colour: np.ndarray, age: int | None) -> dict:
    hatch = "//////" if age is None else ""
    return {"facecolor": colour, "edgecolor": INK, "linewidth": 0.4, "hatch": hatch, "zorder": 2}


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == 0 else f"{value:.{3 if value >= 10 else 2}g}"


def _key(ages: list[str], width: float, size: Size) -> list[tuple[int, float, str, int | None]]:
    """Row, place (inches), text and age of each entry; the first says what it is about."""
    em, x, row = size.small_points / 72, 0.0, 0
    entries: list[tuple[int, float, str, int | None]] = []
    for number, text in enumerate([KEY_TITLE, *ages]):
        own = text_inches(text, size.small_points) + (SWATCH_EMS * em if number else 0)
        if x and x + own > width:
            x, row = 0.0, row + 1
        entries.append((row, x, text, number - 1 if number else None))
        x += own + 1.2 * em
    return entries


def _draw_key(
    canvas: Canvas, figure: BlocksFigure, key: list, left: float, top: float, size: Size
) -> None:
    em, inches = size.small_points / 72, {"transform": canvas.dpi_scale_trans}
    for row, x, text, age in key:
        y = top - lines_inches(row, size.small_points)
        if age is not None:
            fill = _fill(shade(_colour(""), age, len(figure.ages)), age)
            canvas.add_artist(Rectangle((left + x, y - em), 1.2 * em, em, **fill, **inches))
            x += SWATCH_EMS * em
        draw_lines(canvas, [text], left + x, y, size.small_points, color=INK)
