"""A measure over two swept parameters: a panel of cells for each mechanism, all on one scale, and
below it the difference to the first mechanism.

What is drawn is what is given: means, differences and what is beyond noise come from outside.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Rectangle

from renderer.figure_style import (
    DEFAULT_SIZE,
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
from renderer.palette import DIFFERENCE, INK, ON_DARK, QUIET_INK, RULE

CELL_INCHES, LEAST_CELL_INCHES = 0.33, 0.36  # height, and width where no text asks for more
GAP_INCHES, PAD_INCHES = 0.16, 0.05
SMALLER = 0.74  # an interval's letters, of those of the figure above it
SCALE_INCHES, SCALE_STEPS = 0.1, 48  # width of a colour scale; it is drawn as so many boxes
LEAST_SHARE = 0.55  # of the page's width, for title and notes
NO_VALUE = "#FFFFFF"
VALUES = LinearSegmentedColormap.from_list("values", ["#F4F6F3", "#7FB8A4", "#0B5A47"])
_WORSE, _SAME, _BETTER = (
    DIFFERENCE.swatches[name].colour for name in ("spoiled_64", "same", "spared_64")
)
DIFFERENCES = LinearSegmentedColormap.from_list("differences", [_WORSE, _SAME, _BETTER])
HATCH = "#C9CDD4"


@dataclass(frozen=True)
class HeatPanel:
    """A mechanism: f8[rows][columns], NaN for none, and what is printed in each cell.

    `intervals`: what stands below that, smaller; "" for nothing. `quiet`, bool[rows][columns]: the
    cells that are marked as no more than noise.
    """

    name: str
    values: Sequence[Sequence[float]]
    texts: Sequence[Sequence[str]]
    intervals: Sequence[Sequence[str]]
    quiet: Sequence[Sequence[bool]] | None = None


@dataclass(frozen=True)
class HeatFigure:
    """Panels side by side, and below each but the first its difference to the first.

    `columns` and `rows`: the parameters and the texts of their values; the first row stands at the
    bottom. `better`: which way differences are good, "higher", "lower" or "-". `decimals`: of the
    figures on the two colour scales, of values and of differences.
    """

    title: str
    heading: str
    columns: tuple[str, Sequence[str]]
    rows: tuple[str, Sequence[str]]
    panels: Sequence[HeatPanel]
    differences: Sequence[HeatPanel]
    better: str = "-"
    decimals: tuple[int, int] = (1, 1)
    notes: Sequence[str] = ()
    metadata: dict = field(default_factory=dict)


def write_heat_map(figure: HeatFigure, base: Path, size: Size = SIZES[DEFAULT_SIZE]) -> None:
    """Write `base`.png, .svg and .pdf, each whole or not at all. Raises RenderError."""
    save(draw(figure, size), figure.title, figure.metadata, base)


@dataclass(frozen=True)
class _Plan:
    """Where everything stands, in inches. `abreast`: panels in a row of them."""

    size: Size
    cell: float
    abreast: int
    left: float
    scale: float
    width: float

    def panel_inches(self, figure: HeatFigure) -> tuple[float, float]:
        """Width and height of a panel's cells."""
        return self.cell * len(figure.columns[1]), CELL_INCHES * len(figure.rows[1])


def _plan(figure: HeatFigure, size: Size) -> _Plan:
    """Cells as wide as their texts; as many panels beside each other as the page holds."""
    small, margin = size.small_points, size.margin_inches
    panels = [*figure.panels, *figure.differences]
    texts = [*(t for p in panels for row in p.texts for t in row), *figure.columns[1]]
    inches = [text_inches(text, small) for text in texts]
    inches += [text_inches(t, SMALLER * small) for p in panels for r in p.intervals for t in r]
    cell = max(LEAST_CELL_INCHES, max(inches) + 2 * PAD_INCHES)
    least = max(text_inches(panel.name, size.text_points) for panel in panels)
    cell = max(cell, least / len(figure.columns[1]))
    left = margin + 0.06 + max(text_inches(text, small) for text in figure.rows[1])
    scale = 0.16 + SCALE_INCHES + 0.08 + max(text_inches(t, small) for t in _scale_texts(figure))
    panel, of = cell * len(figure.columns[1]) + GAP_INCHES, len(figure.panels)
    room = size.width_inches - left - scale - margin
    abreast = max(min(int((room + GAP_INCHES) // panel), of), 1)
    needed = left + abreast * panel - GAP_INCHES + scale + margin
    width = max(needed, LEAST_SHARE * size.width_inches)
    return _Plan(size, cell, abreast, left, scale, width)


def draw(figure: HeatFigure, size: Size = SIZES[DEFAULT_SIZE]) -> Canvas:
    """The figure, ready to be saved."""
    places = _plan(figure, size)
    margin, inside = size.margin_inches, places.width - 2 * size.margin_inches
    title = wrapped(figure.title, inside, size.title_points, bold=True)
    heading = wrapped(figure.heading, inside, size.text_points)
    notes = [balanced(note, inside, size.small_points) for note in figure.notes]
    head = lines_inches(len(title) + 0.2, size.title_points)
    head += lines_inches(len(heading) + 0.4, size.text_points)
    foot = sum(lines_inches(len(lines), size.small_points) for lines in notes) + 0.06
    bands = _bands(figure, places)
    panel_height = places.panel_inches(figure)[1]
    band_inches = lines_inches(1.3, size.text_points) + panel_height
    under = lines_inches(1.3, size.small_points)
    body = lines_inches(1.6, size.small_points) + len(bands) * (band_inches + under + 0.08)
    height = margin + head + body + foot + margin
    with matplotlib.rc_context(STYLE):
        canvas = Canvas(figsize=(places.width, height), dpi=size.dots_per_inch)
        top = height - margin
        draw_lines(canvas, title, margin, top, size.title_points, fontweight="bold")
        top -= lines_inches(len(title) + 0.2, size.title_points)
        draw_lines(canvas, heading, margin, top, size.text_points)
        top -= lines_inches(len(heading) + 0.4, size.text_points)
        row_name = f"\N{UPWARDS ARROW} {figure.rows[0]}   \N{RIGHTWARDS ARROW} {figure.columns[0]}"
        draw_lines(canvas, [row_name], margin, top, size.small_points, color=QUIET_INK)
        top -= lines_inches(1.6, size.small_points)
        for band in bands:
            _draw_band(figure, band, top, places, canvas)
            top -= band_inches + under + 0.08
        top = margin + foot - 0.06
        for lines in notes:
            draw_lines(canvas, lines, margin, top, size.small_points, color=QUIET_INK)
            top -= lines_inches(len(lines), size.small_points)
    return canvas


@dataclass(frozen=True)
class _Band:
    """Panels beside each other with one colour scale."""

    panels: Sequence[HeatPanel | None]
    colours: LinearSegmentedColormap
    limits: tuple[float, float]
    signed: bool
    decimals: int


def _bands(figure: HeatFigure, places: _Plan) -> list[_Band]:
    """Of each row of mechanisms their values, and below them their differences."""
    limits, reach = _limits(figure.panels), _reach(figure.differences)
    colours = DIFFERENCES.reversed() if figure.better == "lower" else DIFFERENCES
    below: list[HeatPanel | None] = [None, *figure.differences]
    bands = []
    for first in range(0, len(figure.panels), places.abreast):
        some = slice(first, first + places.abreast)
        bands.append(_Band(figure.panels[some], VALUES, limits, False, figure.decimals[0]))
        if any(below[some]):
            bands.append(_Band(below[some], colours, (-reach, reach), True, figure.decimals[1]))
    return bands


def _limits(panels: Sequence[HeatPanel]) -> tuple[float, float]:
    values = np.concatenate([np.ravel(panel.values) for panel in panels]).astype(float)
    values = values[np.isfinite(values)]
    low, high = float(values.min(initial=np.inf)), float(values.max(initial=-np.inf))
    if not low < high:
        low = high = low if np.isfinite(low) else 0.0
        return low - 1.0, high + 1.0
    return low, high


def _reach(panels: Sequence[HeatPanel]) -> float:
    if not panels:
        return 1.0
    values = np.concatenate([np.ravel(panel.values) for panel in panels]).astype(float)
    return float(np.abs(values[np.isfinite(values)]).max(initial=0.0)) or 1.0


def _draw_band(figure: HeatFigure, band: _Band, top: float, places: _Plan, canvas: Canvas) -> None:
    size, (width, height) = places.size, places.panel_inches(figure)
    bottom = top - lines_inches(1.3, size.text_points) - height
    first = next(number for number, panel in enumerate(band.panels) if panel is not None)
    for number, panel in enumerate(band.panels):
        if panel is None:
            continue
        left = places.left + number * (width + GAP_INCHES)
        draw_lines(canvas, [panel.name], left, top, size.text_points)
        _draw_cells(panel, band, left, bottom, places, canvas)
        _draw_texts(figure.columns[1], left, bottom, places, canvas)
        if number == first:
            _draw_rows(figure.rows[1], left, bottom, places, canvas)
    _draw_scale(band, places.width - places.scale, bottom, height, places, canvas)


def _draw_cells(
    panel: HeatPanel, band: _Band, left: float, bottom: float, places: _Plan, canvas: Canvas
) -> None:
    low, high = band.limits
    for row, values in enumerate(panel.values):
        for column, value in enumerate(values):
            told, quiet = np.isfinite(value), panel.quiet is not None and panel.quiet[row][column]
            colour = NO_VALUE
            if told and not quiet:
                colour = matplotlib.colors.to_hex(band.colours((value - low) / (high - low)))
            at = (left + column * places.cell, bottom + row * CELL_INCHES)
            canvas.add_artist(Rectangle(
                at, places.cell, CELL_INCHES, facecolor=colour, edgecolor=HATCH if quiet else RULE,
                linewidth=0.5, hatch="////" if quiet else "", transform=canvas.dpi_scale_trans,
            ))  # fmt: skip
            _draw_figure(panel, row, column, at, colour, places, canvas)


def _draw_figure(
    panel: HeatPanel,
    row: int,
    column: int,
    at: tuple[float, float],
    colour: str,
    places: _Plan,
    canvas: Canvas,
) -> None:
    """A cell's figure and below it its interval, on a plain ground where the cell is hatched."""
    small, interval = places.size.small_points, panel.intervals[row][column]
    lines = [(panel.texts[row][column], small, 0.66 if interval else 0.5)]
    lines += [(interval, SMALLER * small, 0.27)] if interval else []
    quiet = panel.quiet is not None and panel.quiet[row][column]
    for text, points, height in lines:
        canvas.text(
            at[0] + places.cell / 2, at[1] + height * CELL_INCHES, text, fontsize=points,
            ha="center", va="center_baseline", color=_ink_on(colour),
            transform=canvas.dpi_scale_trans,
            bbox={"facecolor": NO_VALUE, "edgecolor": "none", "pad": 0.4} if quiet else None,
        )  # fmt: skip


def _ink_on(colour: str) -> str:
    """Dark or light, whichever is read better there."""
    red, green, blue = matplotlib.colors.to_rgb(colour)
    return INK if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.52 else ON_DARK


def _draw_texts(
    texts: Sequence[str], left: float, bottom: float, places: _Plan, canvas: Canvas
) -> None:
    for column, text in enumerate(texts):
        canvas.text(
            left + (column + 0.5) * places.cell, bottom - 0.04, text, ha="center", va="top",
            fontsize=places.size.small_points, transform=canvas.dpi_scale_trans,
        )  # fmt: skip


def _draw_rows(
    texts: Sequence[str], left: float, bottom: float, places: _Plan, canvas: Canvas
) -> None:
    for row, text in enumerate(texts):
        canvas.text(
            left - 0.05, bottom + (row + 0.5) * CELL_INCHES, text, ha="right",
            va="center_baseline", fontsize=places.size.small_points,
            transform=canvas.dpi_scale_trans,
        )  # fmt: skip


def _draw_scale(
    band: _Band, left: float, bottom: float, height: float, places: _Plan, canvas: Canvas
) -> None:
    """The colours from least to greatest, with the figures at both ends and, of signed ones, 0."""
    x, step = left + 0.16, height / SCALE_STEPS
    for number in range(SCALE_STEPS):
        canvas.add_artist(Rectangle(
            (x, bottom + number * step), SCALE_INCHES, step * 1.02, linewidth=0,
            facecolor=matplotlib.colors.to_hex(band.colours(number / (SCALE_STEPS - 1))),
            transform=canvas.dpi_scale_trans,
        ))  # fmt: skip
    ends = [(0.0, band.limits[0], "bottom"), (1.0, band.limits[1], "top")]
    if band.signed:
        ends.append((0.5, 0.0, "center_baseline"))
    for share, value, vertical in ends:
        text = _scale_text(value, band.signed, band.decimals)
        canvas.text(
            x + SCALE_INCHES + 0.04, bottom + share * height, text,
            va=vertical, fontsize=places.size.small_points, transform=canvas.dpi_scale_trans,
        )  # fmt: skip


def _scale_text(value: float, signed: bool, decimals: int) -> str:
    if value == 0:
        return "0"
    return f"{value:+,.{decimals}f}" if signed else f"{value:,.{decimals}f}"


def _scale_texts(figure: HeatFigure) -> list[str]:
    reach = _reach(figure.differences)
    values = [_scale_text(value, False, figure.decimals[0]) for value in _limits(figure.panels)]
    return [*values, _scale_text(reach, True, figure.decimals[1])]
