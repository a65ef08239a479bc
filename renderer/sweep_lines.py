"""A measure over one swept parameter: a line a mechanism, its seeds as points, intervals as bars.

What is drawn is what is given: means and intervals come from outside.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.transforms import ScaledTranslation

from renderer.figure_style import (
    DEFAULT_SIZE,
    GRID,
    SIZES,
    STYLE,
    Size,
    balanced,
    dashes,
    lines_inches,
    save,
    text_inches,
    wrapped,
)
from renderer.figures import draw_lines
from renderer.labels import placed
from renderer.palette import QUIET_INK, line_colour

GRAPH_INCHES = 2.5
APART_POINTS = 3.6  # between the bars of two mechanisms at one value
LEAD_INCHES, HANDLE_INCHES, GAP_INCHES = 0.16, 0.2, 0.06
LABEL_SHARE = 0.3  # of the width, at most, for names beside the lines
MARGIN = 0.06  # of the range, above and below what is drawn
FROM_ZERO = 0.5  # where the least value is below this part of the greatest, the axis begins at 0


@dataclass(frozen=True)
class SweptLine:
    """A mechanism: means f8[values], ends of intervals (NaN: none), and f8[values][seeds]."""

    name: str
    means: Sequence[float]
    lows: Sequence[float]
    highs: Sequence[float]
    seeds: Sequence[Sequence[float]]


@dataclass(frozen=True)
class LineFigure:
    """`places` of the parameter's values, with the text of each; None where they are no numbers.

    `heading` stands above the graph, `notes` below it.
    """

    title: str
    heading: str
    parameter: str
    texts: Sequence[str]
    places: Sequence[float] | None
    lines: Sequence[SweptLine]
    notes: Sequence[str] = ()
    metadata: dict = field(default_factory=dict)


def write_lines(figure: LineFigure, base: Path, size: Size = SIZES[DEFAULT_SIZE]) -> None:
    """Write `base`.png, .svg and .pdf, each whole or not at all. Raises RenderError."""
    save(draw(figure, size), figure.title, figure.metadata, base)


def draw(figure: LineFigure, size: Size = SIZES[DEFAULT_SIZE]) -> Canvas:
    """The figure, ready to be saved."""
    margin, width = size.margin_inches, size.width_inches
    names = _names(figure, size)
    right = LEAD_INCHES + HANDLE_INCHES + 0.04 + max(text_width for _, text_width in names)
    inside = width - 2 * margin
    title = wrapped(figure.title, inside, size.title_points, bold=True)
    heading = wrapped(figure.heading, inside, size.text_points)
    notes = [balanced(note, inside, size.small_points) for note in figure.notes]
    head = lines_inches(len(title), size.title_points) + lines_inches(
        len(heading) + 0.5, size.text_points
    )
    low, high = _limits(figure)
    ticks = _ticks(low, high)
    left = margin + max(text_inches(text, size.small_points) for _, text in ticks) + 0.09
    graph_inches = max(GRAPH_INCHES, sum(_name_heights(names, size)) * 1.02)
    below = lines_inches(2.6, size.small_points)
    foot = sum(lines_inches(len(lines), size.small_points) for lines in notes) + GAP_INCHES
    height = margin + head + graph_inches + below + foot + margin
    with matplotlib.rc_context(STYLE):
        canvas = Canvas(figsize=(width, height), dpi=size.dots_per_inch)
        top = height - margin
        draw_lines(canvas, title, margin, top, size.title_points, fontweight="bold")
        top -= lines_inches(len(title) + 0.2, size.title_points)
        draw_lines(canvas, heading, margin, top, size.text_points)
        box = (left, margin + foot + below, width - margin - right - left, graph_inches)
        axis = canvas.add_axes(tuple(np.array(box) / [width, height, width, height]))
        _graph(figure, axis, size, box[2])
        axis.set_ylim(low, high)
        axis.set_yticks([v for v, _ in ticks], [t for _, t in ticks], fontsize=size.small_points)
        _label_lines(figure, names, canvas, box, (low, high), size)
        top = margin + foot - GAP_INCHES
        for lines in notes:
            draw_lines(canvas, lines, margin, top, size.small_points, color=QUIET_INK)
            top -= lines_inches(len(lines), size.small_points)
    return canvas


def _graph(figure: LineFigure, axis: Axes, size: Size, width_inches: float) -> None:
    places = _axis_places(figure)
    for number, line in enumerate(figure.lines):
        joined = figure.places is not None  # between other values than numbers there is nothing
        _draw_line(line, places, number, len(figure.lines), joined, axis, size)
    first, last = places[0], places[-1]
    around = (last - first or 1.0) * 0.05 if len(places) > 1 else 0.5
    axis.set_xlim(first - around, last + around)
    texts = _with_room(figure.texts, places, width_inches, size)
    axis.set_xticks(places, texts, fontsize=size.small_points)
    axis.set_xlabel(figure.parameter, fontsize=size.small_points, labelpad=2)
    axis.tick_params(length=2.5, width=0.6, pad=2)
    axis.spines[["left", "bottom"]].set_linewidth(0.6)
    axis.grid(axis="y", **GRID)
    axis.set_axisbelow(True)


def _axis_places(figure: LineFigure) -> np.ndarray:
    """Where the values stand: by their numbers, or by the logarithms where those step evenly."""
    if figure.places is None or len(figure.places) < 2:
        return np.arange(len(figure.texts), dtype=float)
    places = np.asarray(figure.places, float)
    if (places <= 0).any() or len(places) < 3:
        return places
    steps, ratios = np.diff(places), np.diff(np.log2(places))
    uneven, log_uneven = np.ptp(steps) / steps.mean(), np.ptp(ratios) / ratios.mean()
    return np.log2(places) if log_uneven < uneven else places


def _with_room(
    texts: Sequence[str], places: np.ndarray, width_inches: float, size: Size
) -> list[str]:
    """The texts of the ticks; those that would touch the one before are left out."""
    inches = (places - places[0]) / (places[-1] - places[0] or 1.0) * width_inches * 0.91
    result, end = [], -np.inf
    for text, at in zip(texts, inches.tolist(), strict=True):
        half = text_inches(text, size.small_points) / 2
        fits = at - half > end + 0.04
        result.append(text if fits else "")
        end = at + half if fits else end
    return result


def _draw_line(
    line: SweptLine, places: np.ndarray, number: int, of: int, joined: bool, axis: Axes, size: Size
) -> None:
    """Mechanisms stand a little apart, so that equal ones are seen."""
    aside = (number - (of - 1) / 2) * min(APART_POINTS, 24 / of) / 72
    where = axis.transData + ScaledTranslation(aside, 0, axis.figure.dpi_scale_trans)
    colour, means = line_colour(number), np.asarray(line.means, float)
    style = {"color": colour, "transform": where, "zorder": 3 + 0.01 * number}
    axis.plot(
        places, means, linestyle=dashes(number) if joined else "", linewidth=size.line_points,
        marker="o", markersize=2.6 * size.line_points, markeredgewidth=0, **style,
    )  # fmt: skip
    for place, seeds in zip(places, line.seeds, strict=True):
        axis.plot(
            np.full(len(seeds), place), seeds, linestyle="", marker="o", alpha=0.45,
            markersize=1.3 * size.line_points, markeredgewidth=0, **style,
        )  # fmt: skip
    for place, low, high in zip(places, line.lows, line.highs, strict=True):
        if low < high:
            axis.plot([place, place], [low, high], linewidth=0.8 * size.line_points, **style)
            axis.plot(
                [place, place], [low, high], linestyle="", marker="_",
                markersize=3.4 * size.line_points, markeredgewidth=0.8 * size.line_points, **style,
            )  # fmt: skip


def _limits(figure: LineFigure) -> tuple[float, float]:
    values = [
        np.ravel(part) for line in figure.lines for part in (line.means, line.lows, line.highs)
    ]
    values += [np.asarray(seeds, float) for line in figure.lines for seeds in line.seeds]
    told = np.concatenate(values)
    told = told[np.isfinite(told)]
    low, high = float(told.min(initial=np.inf)), float(told.max(initial=-np.inf))
    if not low <= high:
        return 0.0, 1.0
    if 0 <= low < FROM_ZERO * high:
        return 0.0 - MARGIN * high / 2, high * (1 + MARGIN)
    around = (high - low) * MARGIN or max(abs(high), 1.0) * 0.1
    return low - around, high + around


def _ticks(low: float, high: float) -> list[tuple[float, str]]:
    values = matplotlib.ticker.MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)
    values = [v for v in values.tolist() if low <= v <= high]
    step = min((b - a for a, b in pairwise(values)), default=1.0)
    decimals = next(d for d in range(8) if d == 7 or abs(step * 10**d - round(step * 10**d)) < 1e-6)
    return [(v, f"{v:,.{decimals}f}") for v in values]


def _names(figure: LineFigure, size: Size) -> list[tuple[list[str], float]]:
    """The lines of each mechanism's name, and their width."""
    most = size.width_inches * LABEL_SHARE
    result = []
    for line in figure.lines:
        lines = wrapped(line.name, most, size.text_points)
        result.append((lines, max(text_inches(text, size.text_points) for text in lines)))
    return result


def _name_heights(names: Sequence[tuple[list[str], float]], size: Size) -> list[float]:
    return [lines_inches(len(lines), size.text_points) for lines, _ in names]


def _label_lines(
    figure: LineFigure,
    names: Sequence[tuple[list[str], float]],
    canvas: Canvas,
    box: tuple[float, float, float, float],
    limits: tuple[float, float],
    size: Size,
) -> None:
    """Beside each line's last value its name; a line leads there."""
    left, bottom, width, height = box
    ends = []
    for number, line in enumerate(figure.lines):
        told = [value for value in line.means if np.isfinite(value)]
        share = (told[-1] - limits[0]) / (limits[1] - limits[0]) if told else 0.0
        ends.append((share * height, number, bool(told)))
    ends.sort()
    heights = _name_heights(names, size)
    middles = placed([e[0] for e in ends], [heights[e[1]] for e in ends], 0, height)
    for (end, number, told), middle in zip(ends, middles, strict=True):
        style = {"color": line_colour(number), "transform": canvas.dpi_scale_trans}
        right, y = left + width, bottom + middle
        handle = right + LEAD_INCHES
        if told:
            canvas.add_artist(Line2D([right, handle], [bottom + end, y], linewidth=0.5, **style))
        canvas.add_artist(Line2D(
            [handle, handle + HANDLE_INCHES], [y, y], linewidth=size.line_points,
            linestyle=dashes(number), **style,
        ))  # fmt: skip
        lines = names[number][0]
        first = y + lines_inches(len(lines) - 1, size.text_points) / 2
        for row, text in enumerate(lines):
            canvas.text(
                handle + HANDLE_INCHES + 0.04, first - lines_inches(row, size.text_points), text,
                fontsize=size.text_points, va="center_baseline", **style,
            )  # fmt: skip
