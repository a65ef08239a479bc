"""How long pageblocks stay polluted: survival curves, and each pageblock over time.

What is drawn is what is given: curves, intervals and states are computed outside.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isnan
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from renderer.figure_clock import (
    Clock,
    Phase,
    clock_inches,
    draw_names,
    draw_scales,
    name_phases,
    scales,
)  # fmt: skip
from renderer.figure_style import (
    DEFAULT_SIZE,
    GRID,
    SIZES,
    STYLE,
    Size,
    dashes,
    lines_inches,
    save,
    text_inches,
    wrapped,
)  # fmt: skip
from renderer.genealogy_map import COLOURS, LEGEND, MAP_INCHES, STATES, BlockMap, draw_map
from renderer.palette import INK, QUIET_INK, line_colour

MARGIN, GAP, RIGHT = 0.12, 0.3, 0.14  # inches; right of the maps a phase's name may reach out
CURVE_INCHES, CURVE_SHARE = 1.75, 0.44  # of the width
ROW_LABEL_INCHES = 0.44  # what stands beside an axis
COLUMNS = 2


@dataclass(frozen=True)
class SurvivalCurve:
    """Of one mechanism: share of polluted pageblocks that haven't recovered, by time since then.

    `times_us` i8[n]: where it steps down; `at_risk`, `ended` i8[n], `surviving`, `low`, `high`
    f8[n]: see pipeline/genealogy/survival.py. `observed_us`: how far it is known. `episodes`: that
    began in the recording; `at_start`: others, which no curve shows. `half_life_s`: NaN where it
    isn't reached; `half_life_texts`: it in words, line by line.
    """

    name: str
    times_us: np.ndarray
    at_risk: np.ndarray
    ended: np.ndarray
    surviving: np.ndarray
    low: np.ndarray
    high: np.ndarray
    observed_us: int
    episodes: int
    recovered: int
    at_start: int
    half_life_s: float
    half_life_texts: Sequence[str]


@dataclass(frozen=True)
class GenealogyFigure:
    """Curves and maps of the same mechanisms in the same order, on one clock.

    `ops`, `times_us` i8[frames]; `phases`: names, first operation, whether it is a key one.
    """

    title: str
    source: str
    phases: list[tuple[str, int, bool]]
    ops: np.ndarray
    times_us: np.ndarray
    curves: list[SurvivalCurve]
    maps: list[BlockMap]
    metadata: dict = field(default_factory=dict)


def write_genealogy(figure: GenealogyFigure, base: Path) -> None:
    """Write `base`.png, .svg and .pdf, each whole or not at all. Raises RenderError."""
    save(draw(figure), figure.title, figure.metadata, base)


def draw(figure: GenealogyFigure, size: Size = SIZES[DEFAULT_SIZE]) -> Canvas:
    """The figure, ready to be saved."""
    with matplotlib.rc_context(STYLE):
        return _Page(figure, size).canvas


class _Page:
    """The figure's canvas, filled from the top down; all lengths in inches."""

    def __init__(self, figure: GenealogyFigure, size: Size) -> None:
        self.figure, self.size = figure, size
        self.width = size.width_inches - 2 * MARGIN
        self.clock = Clock(figure.ops, figure.times_us, [Phase(*p) for p in figure.phases])
        self.columns = min(COLUMNS, len(figure.maps))
        abreast = self.width - RIGHT - (self.columns - 1) * GAP
        self.map_width = abreast / self.columns - ROW_LABEL_INCHES
        self.names = name_phases(self.clock, self.map_width, size)
        self.scales = scales(self.clock, self.map_width, size.small_points)
        text = self._texts()
        rows = -(-len(figure.maps) // self.columns)
        self.line = lines_inches(1, size.small_points)
        self.notes = wrapped(_notes(figure), self._table_width(), size.small_points)
        life = sum(len(curve.half_life_texts) for curve in figure.curves)
        self.upper = max(CURVE_INCHES, self.line * (life + 2.5 + len(self.notes)))
        map_head = 1.25 * lines_inches(1, size.text_points)
        below = clock_inches(len(self.scales), size)
        height = 2 * MARGIN + sum(lines_inches(len(lines), points) for lines, points, _ in text)
        height += self.upper + 3.4 * self.line + self.names.height_inches + below
        height += rows * (map_head + MAP_INCHES)
        self.canvas = Canvas(figsize=(size.width_inches, height), dpi=size.dots_per_inch)
        self.y = height - MARGIN
        for lines, points, style in text:
            self._text(lines, points, **style)
        self._upper()
        self._legend()
        self.y -= self.names.height_inches
        for row in range(rows):
            self.y -= map_head + MAP_INCHES
            self._maps(row, last=row == rows - 1)

    def _table_width(self) -> float:
        return (1 - CURVE_SHARE) * self.width - GAP

    def _texts(self) -> list[tuple[list[str], float, dict]]:
        size, figure = self.size, self.figure
        title = wrapped(figure.title, self.width, size.title_points, bold=True)
        source = wrapped(figure.source, self.width, size.small_points)
        return [
            (title, size.title_points, {"fontweight": "bold"}),
            (source, size.small_points, {"color": QUIET_INK}),
        ]

    def _text(self, lines: list[str], points: float, **style) -> None:
        for line in lines:
            self._put(MARGIN, self.y, line, points, va="top", **style)
            self.y -= lines_inches(1, points)

    def _put(self, x: float, y: float, text: str, points: float, **style) -> None:
        style = {"color": INK, **style}
        self.canvas.text(
            x, y, text, fontsize=points, transform=self.canvas.dpi_scale_trans, **style
        )

    def _axes(self, left: float, bottom: float, width: float, height: float) -> Axes:
        inches = self.canvas.get_size_inches()
        box = (left / inches[0], bottom / inches[1], width / inches[0], height / inches[1])
        axis = self.canvas.add_axes(box)
        axis.tick_params(labelsize=self.size.small_points, width=0.6, length=2.5)
        for spine in axis.spines.values():
            spine.set_linewidth(0.6)
        return axis

    def _upper(self) -> None:
        """The curves, and beside them what they say in numbers."""
        left, width = MARGIN + ROW_LABEL_INCHES, CURVE_SHARE * self.width - ROW_LABEL_INCHES
        self.y -= 1.9 * self.line
        self._put(MARGIN, self.y + 0.06, "Polluted pageblocks that haven't recovered",
                  self.size.text_points, va="bottom", fontweight="bold")  # fmt: skip
        axis = self._axes(left, self.y - self.upper + 2.5 * self.line, width,
                          self.upper - 2.5 * self.line)  # fmt: skip
        _draw_curves(self.figure.curves, self.size, axis)
        x = left + width / 2
        self._put(x, self.y - self.upper - 0.1 * self.line, "seconds since it was polluted",
                  self.size.small_points, ha="center", va="bottom")  # fmt: skip
        self._table(left + width + GAP, self.y)
        self.y -= self.upper

    def _table(self, left: float, top: float) -> None:
        """One line a mechanism: episodes, recovered, half-life with its interval."""
        small = self.size.small_points
        widest = max(text_inches(curve.name, small, bold=True) for curve in self.figure.curves)
        marks = left + 0.34
        heads = text_inches("mechanism", small), text_inches("recovered", small)
        gone = marks + max(widest, heads[0]) + max(heads[1], 0.55) + 0.12
        life, right, y = gone + 0.16, MARGIN + self.width, top
        self._put(marks, y, "mechanism", small, va="top", color=QUIET_INK)
        self._put(gone, y, "recovered", small, va="top", ha="right", color=QUIET_INK)
        self._put(life, y, "half-life, with 95 % interval", small, va="top", color=QUIET_INK)
        rule = top - 1.3 * self.line
        self.canvas.add_artist(
            Line2D([left, right], [rule, rule], color=QUIET_INK, linewidth=0.5,
                   transform=self.canvas.dpi_scale_trans)
        )  # fmt: skip
        y = rule - 0.35 * self.line
        for number, curve in enumerate(self.figure.curves):
            middle = y - 0.5 * self.line
            self.canvas.add_artist(
                Line2D([left, left + 0.27], [middle, middle], color=line_colour(number),
                       linestyle=dashes(number), linewidth=self.size.line_points,
                       transform=self.canvas.dpi_scale_trans)
            )  # fmt: skip
            self._put(marks, y, curve.name, small, va="top", fontweight="bold")
            of = f"{curve.recovered:,} of {curve.episodes:,}"
            self._put(gone, y, of, small, va="top", ha="right")
            for line in curve.half_life_texts:
                self._put(life, y, line, small, va="top")
                y -= self.line
        y -= 0.5 * self.line
        for line in self.notes:
            self._put(left, y, line, small, va="top", color=QUIET_INK)
            y -= self.line

    def _legend(self) -> None:
        small, x = self.size.small_points, MARGIN
        self.y -= 1.2 * self.line
        self._put(x, self.y, "Each pageblock over time", self.size.text_points, va="center",
                  fontweight="bold")  # fmt: skip
        x += text_inches("Each pageblock over time", self.size.text_points, bold=True) + 0.2
        for state in LEGEND:
            colour = COLOURS[STATES.index(state)] / 255
            box = Rectangle((x, self.y - 0.045), 0.13, 0.09, facecolor=colour, edgecolor=QUIET_INK,
                            linewidth=0.4, transform=self.canvas.dpi_scale_trans)  # fmt: skip
            self.canvas.add_artist(box)
            self._put(x + 0.17, self.y, state, small, va="center")
            x += 0.17 + text_inches(state, small) + 0.12
        self.y -= 0.8 * self.line

    def _maps(self, row: int, *, last: bool) -> None:
        first = row * self.columns
        for column, drawn in enumerate(self.figure.maps[first : first + self.columns]):
            left = MARGIN + column * (self.map_width + ROW_LABEL_INCHES + GAP) + ROW_LABEL_INCHES
            axis = self._axes(left, self.y, self.map_width, MAP_INCHES)
            draw_map(drawn, self.size, axis)
            if column == 0:
                self._put(MARGIN, self.y + MAP_INCHES / 2, "pageblock", self.size.small_points,
                          rotation=90, ha="left", va="center")  # fmt: skip
            number = first + column
            top = self.y + MAP_INCHES
            if row == 0:
                head = 1.25 * lines_inches(1, self.size.text_points)
                draw_names(self.clock, self.names, self.canvas, left, top + head, self.map_width,
                           self.size)  # fmt: skip
            self._put(left, top + 0.035, drawn.name, self.size.text_points, va="bottom",
                      fontweight="bold", color=line_colour(number))  # fmt: skip
            below = number + self.columns >= len(self.figure.maps)
            if last or below:
                draw_scales(axis, self.scales, left, self.y, self.map_width, self.size)


def _notes(figure: GenealogyFigure) -> str:
    return (
        "Polluted: it holds a page that cannot move beside movable ones, or holds one and is of "
        "movable type. Recovered: it holds none any more. Estimate by Kaplan and Meier, as if "
        "pageblocks were independent; those polluted at the first frame "
        f"({_at_start(figure.curves)}) are left out. Marks in the maps: claims for movable "
        "requests (white) and for others (dark)."
    )


def _at_start(curves: Sequence[SurvivalCurve]) -> str:
    counts = [curve.at_start for curve in curves]
    return str(counts[0]) if len(set(counts)) == 1 else f"{min(counts)} to {max(counts)}"


def _draw_curves(curves: Sequence[SurvivalCurve], size: Size, axis: Axes) -> None:
    """Steps, their intervals as bands, a dot where a half is reached."""
    longest = max((curve.observed_us for curve in curves), default=0)
    for number, curve in enumerate(curves):
        if not curve.episodes:
            continue
        colour = line_colour(number)
        times = np.concatenate(([0], curve.times_us, [curve.observed_us])) / 1e6
        values = np.concatenate(([1.0], curve.surviving, curve.surviving[-1:]))
        if len(values) < len(times):
            values = np.append(values, 1.0)
        axis.step(
            times, values, where="post", color=colour, linewidth=size.line_points,
            linestyle=dashes(number), label=curve.name,
        )  # fmt: skip
        _draw_band(curve, times, colour, axis)
        if not isnan(curve.half_life_s):
            axis.plot([curve.half_life_s], [0.5], "o", color=colour, markersize=3.5)
    axis.axhline(0.5, color=QUIET_INK, linewidth=0.6, linestyle=(0, (1, 2)))
    axis.set_xlim(0, longest / 1e6 or 1)
    if not longest:
        axis.set_xticks([0])
    axis.set_ylim(0, 1.02)
    axis.set_yticks([0, 0.5, 1], ["0", "half", "all"])
    axis.grid(axis="y", **GRID)


def _draw_band(curve: SurvivalCurve, times: np.ndarray, colour: str, axis: Axes) -> None:
    if not len(curve.times_us):
        return
    low, high = (np.concatenate(([1.0], band, band[-1:])) for band in (curve.low, curve.high))
    axis.fill_between(times, low, high, step="post", color=colour, alpha=0.12, linewidth=0)
