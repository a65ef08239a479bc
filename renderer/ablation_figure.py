"""Differences as bars: a row of panels for each metric, a column for each phase.

What is drawn is what is given: means, errors and what is beyond noise come from outside.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from renderer.figure_style import GRID, STYLE, save
from renderer.palette import BAND, INK, QUIET_INK

BEYOND, WITHIN = "#1D5FA8", "#B9C6DA"
BAR_INCHES = 0.155
COLUMN_INCHES, LABEL_INCHES, ROW_HEAD_INCHES = 1.36, 1.55, 0.62
HEAD_INCHES, NOTE_INCHES, LEAST_INCHES = 0.45, 0.16, 7.6  # the least: for the notes
NUMBER_POINTS = 6
NUMBER_ROOM, ROOM = 0.62, 0.06  # beside the bars, of their reach: with numbers there, and without
LARGE = 1e5  # from here on an axis counts in thousands or millions


@dataclass(frozen=True)
class Bar:
    """A mean difference with what it may be off by; NaN where there is none.

    `text` stands beside the bar of a difference beyond noise.
    """

    label: str
    difference: float
    error: float
    beyond_noise: bool
    text: str


@dataclass(frozen=True)
class BarRow:
    """One metric: the same bars in each of its columns, which have a title of their own."""

    title: str
    columns: list[tuple[str, list[Bar]]]


@dataclass(frozen=True)
class BarFigure:
    """Rows of one shape; `notes`: lines below the title."""

    title: str
    notes: Sequence[str]
    rows: list[BarRow]
    metadata: dict = field(default_factory=dict)


def write_bars(figure: BarFigure, base: Path) -> None:
    """Write `base`.png, .svg and .pdf, each whole or not at all. Raises RenderError."""
    with matplotlib.rc_context(STYLE):
        save(draw(figure), figure.title, figure.metadata, base)


def draw(figure: BarFigure) -> Canvas:
    """The figure, ready to be saved under STYLE."""
    columns, bars = len(figure.rows[0].columns), len(figure.rows[0].columns[0][1])
    head = HEAD_INCHES + NOTE_INCHES * len(figure.notes)
    width = max(LABEL_INCHES + COLUMN_INCHES * columns, LEAST_INCHES)
    height = head + (ROW_HEAD_INCHES + BAR_INCHES * bars) * len(figure.rows)
    canvas = Canvas(figsize=(width, height))
    left = 0.12 / width
    title = {"fontsize": 11, "fontweight": "bold", "va": "top"}
    canvas.text(left, 1 - 0.12 / height, figure.title, **title)
    for number, note in enumerate(figure.notes):
        y = 1 - (0.40 + NOTE_INCHES * number) / height
        canvas.text(left, y, note, fontsize=7.5, va="top", color=QUIET_INK)
    axes = canvas.subplots(
        len(figure.rows), columns, sharex="row", sharey=True, squeeze=False,
        gridspec_kw={
            "left": LABEL_INCHES / width, "right": 1 - left,
            "top": 1 - (head + 0.40) / height, "bottom": 0.22 / height,
            "hspace": ROW_HEAD_INCHES / (BAR_INCHES * bars), "wspace": 0.07,
        },
    )  # fmt: skip
    for row, of_row in zip(figure.rows, axes, strict=True):
        _row(row, of_row)
    return canvas


def _row(row: BarRow, axes: Sequence[Axes]) -> None:
    for (name, bars), axis in zip(row.columns, axes, strict=True):
        _bars(bars, axis)
        axis.set_title(name, fontsize=7.5, pad=2.5)
    low, high = _reach(row)
    axes[0].set_xlim(low, high)
    if high - low >= LARGE:
        for axis in axes:
            axis.xaxis.set_major_formatter(matplotlib.ticker.EngFormatter(sep=""))
    axes[0].annotate(
        row.title, (0, 1), (-(LABEL_INCHES - 0.12) * 72, 15), xycoords="axes fraction",
        textcoords="offset points", fontsize=8.5, va="bottom", annotation_clip=False,
    )  # fmt: skip


def _reach(row: BarRow) -> tuple[float, float]:
    """Ends of the axis that a row's panels share; zero is inside, with room for numbers."""
    bars = [bar for _, bars in row.columns for bar in bars if np.isfinite(bar.difference)]
    low = min([0, *(bar.difference - bar.error for bar in bars)])
    high = max([0, *(bar.difference + bar.error for bar in bars)])
    numbers = [bar.difference for bar in bars if bar.beyond_noise]
    reach = high - low or 1.0
    return (
        low - reach * (NUMBER_ROOM if min(numbers, default=0) < 0 else ROOM),
        high + reach * (NUMBER_ROOM if max(numbers, default=0) > 0 else ROOM),
    )


def _bars(bars: Sequence[Bar], axis: Axes) -> None:
    places = np.arange(len(bars))
    differences = np.array([bar.difference for bar in bars])
    errors = np.array([bar.error for bar in bars])
    colours = [BEYOND if bar.beyond_noise else WITHIN for bar in bars]
    axis.barh(places, differences, 0.7, color=colours, zorder=2)
    told = np.isfinite(errors)
    axis.errorbar(
        differences[told], places[told], xerr=errors[told], fmt="none", ecolor=INK,
        elinewidth=0.7, zorder=3,
    )  # fmt: skip
    for place, bar in zip(places, bars, strict=True):
        if bar.beyond_noise:
            sign = 1 if bar.difference > 0 else -1
            axis.annotate(
                bar.text, (bar.difference + sign * bar.error, place), (2 * sign, 0),
                textcoords="offset points", fontsize=NUMBER_POINTS, va="center_baseline",
                ha="left" if sign > 0 else "right", zorder=4,
            )  # fmt: skip
    for place in places[1::2]:
        axis.axhspan(place - 0.5, place + 0.5, color=BAND, alpha=0.45, linewidth=0, zorder=0)
    axis.axvline(0, color=INK, linewidth=0.7, zorder=3)
    axis.set_yticks(places, [bar.label for bar in bars], fontsize=7.5)
    axis.set_ylim(len(bars) - 0.4, -0.6)
    axis.tick_params(axis="y", length=0)
    axis.tick_params(axis="x", labelsize=6.5, length=2, pad=1.5)
    axis.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(3))
    axis.grid(axis="x", **GRID)
    axis.spines["left"].set_visible(False)
