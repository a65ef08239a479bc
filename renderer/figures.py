"""Figures of series: curves of several mechanisms over the frames, as PNG, SVG and PDF."""

from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from renderer.figure_clock import draw_names, draw_scales, shade_phases
from renderer.figure_plan import (
    GAP_INCHES,
    HANDLE_EMS,
    LEADER_EMS,
    SWATCH_EMS,
    Curve,
    Figure,
    Graph,
    GraphPlan,
    Plan,
    label_start,
    notes_inches,
    plan,
)
from renderer.figure_style import (
    DEFAULT_SIZE,
    FORMATS,
    GRID,
    SIZES,
    STYLE,
    Size,
    dashes,
    lines_inches,
    save,
)
from renderer.labels import placed
from renderer.palette import QUIET_INK, class_colours, line_colour

__all__ = ["FORMATS", "STYLE", "Curve", "Figure", "Graph", "draw", "save", "write_figure"]


def write_figure(figure: Figure, base: Path, size: Size = SIZES[DEFAULT_SIZE]) -> None:
    """Write `base`.png, .svg and .pdf, each whole or not at all. Raises RenderError."""
    save(draw(figure, size), figure.title, figure.metadata, base)


def draw(figure: Figure, size: Size = SIZES[DEFAULT_SIZE]) -> Canvas:
    """The figure, ready to be saved."""
    places = plan(figure, size)
    with matplotlib.rc_context(STYLE):
        canvas = Canvas(figsize=(size.width_inches, places.height), dpi=size.dots_per_inch)
        top = places.height - size.margin_inches
        draw_lines(
            canvas, places.title, size.margin_inches, top, size.title_points, fontweight="bold"
        )
        for of in places.graphs:
            _draw_graph(figure, places, of, canvas)
        _draw_notes(bool(figure.spans), places, canvas)
    return canvas


def draw_lines(
    canvas: Canvas, lines: list[str], left: float, top: float, points: float, **style: object
) -> None:
    """Lines of text below one another from a corner on, in inches."""
    for row, line in enumerate(lines):
        y = top - lines_inches(row, points)
        transform = canvas.dpi_scale_trans
        canvas.text(left, y, line, fontsize=points, va="top", transform=transform, **style)


def _draw_graph(figure: Figure, places: Plan, of: GraphPlan, canvas: Canvas) -> None:
    size, box = places.size, of.axes
    paper = np.array([size.width_inches, places.height] * 2)
    axis = canvas.add_axes(tuple(np.array([box.left, box.bottom, box.width, box.height]) / paper))
    axis.set_xlim(0, max(len(figure.clock.ops) - 1, 1))
    axis.set_ylim(*of.graph.limits())
    shade_phases(figure.clock, axis)
    for first, last in figure.spans:
        axis.axvspan(max(first - 0.5, 0), last + 0.5, zorder=1, **_hatch())
    for number, curve in enumerate(of.graph.curves):
        _draw_curve(curve, number, axis, size)
    axis.set_yticks(of.ticks, of.tick_texts, fontsize=size.small_points)
    axis.set_xticks(places.scales[0].frames, [""] * len(places.scales[0].frames))
    axis.tick_params(length=2.5, width=0.6, pad=2)
    axis.spines[["left", "bottom"]].set_linewidth(0.6)
    axis.grid(axis="y", **GRID)
    axis.set_axisbelow(True)
    _draw_labels(of, size, canvas)
    top = box.bottom + box.height
    if of.first_row:
        draw_names(figure.clock, places.names, canvas, box.left, top, box.width, size)
        top += places.names.height_inches
    top += GAP_INCHES / 2 + lines_inches(len(of.heading), size.text_points)
    draw_lines(canvas, of.heading, of.text_left, top, size.text_points)
    if of.has_clock:
        draw_scales(axis, places.scales, box.left, box.bottom, box.width, size)


def _hatch() -> dict:
    """How a stretch is marked: in grey it differs from a phase's shade too.

    Without transparency: SVG has only one for the ground and the hatching.
    """
    ground, lines = (1 - share * (1 - class_colours(["hugetlb"])[0] / 255) for share in (0.1, 0.5))
    return {"facecolor": ground, "edgecolor": lines, "hatch": "//////", "linewidth": 0}


def _draw_curve(curve: Curve, number: int, axis: Axes, size: Size) -> None:
    frames, values = np.arange(len(curve.values)), np.asarray(curve.values, float)
    told = np.isfinite(values)
    around = np.pad(told, 1)
    beside = around[:-2] | around[2:]
    alone = np.flatnonzero(told & ~beside).tolist()  # no line goes there: a point does
    axis.plot(
        frames, values, color=line_colour(number), linestyle=dashes(number),
        linewidth=size.line_points, label=curve.name, zorder=3 + 0.01 * number,
        marker="." if alone else "", markevery=alone, markersize=3 * size.line_points,
    )  # fmt: skip
    if curve.low is not None:
        axis.fill_between(
            frames, curve.low, curve.high, color=line_colour(number), alpha=0.2, linewidth=0,
            zorder=2,
        )  # fmt: skip


def _draw_labels(of: GraphPlan, size: Size, canvas: Canvas) -> None:
    """A label beside each curve's end: a line leads to it, a piece of the curve's own stands by."""
    box, (low, high) = of.axes, of.graph.limits()
    curves = [of.graph.curves[number] for number in of.labels.curves]
    heights = [
        0.0 if curve.end is None else (curve.values[curve.end] - low) / (high - low) * box.height
        for curve in curves
    ]
    middles = placed(heights, of.labels.heights, 0, box.height)
    rows = zip(of.labels.curves, curves, heights, middles, of.labels.lines, strict=True)
    for number, curve, height, middle, lines in rows:
        if curve.end is not None:
            _lead(of, number, box.bottom + height, box.bottom + middle, size, canvas)
        colour = QUIET_INK if curve.end is None else line_colour(number)
        first = box.bottom + middle + lines_inches(len(lines) - 1, size.text_points) / 2
        for row, line in enumerate(lines):
            canvas.text(
                box.left + box.width + label_start(size),
                first - lines_inches(row, size.text_points), line, fontsize=size.text_points,
                va="center_baseline", color=colour, transform=canvas.dpi_scale_trans,
            )  # fmt: skip


def _lead(of: GraphPlan, number: int, y: float, label_y: float, size: Size, canvas: Canvas) -> None:
    """Lines from the end of a curve, at height y, to its label."""
    curve, box, em = of.graph.curves[number], of.axes, size.text_points / 72
    right = box.left + box.width
    handle = right + LEADER_EMS * em
    style = {"color": line_colour(number), "transform": canvas.dpi_scale_trans}
    if curve.end < len(curve.values) - 1:
        x = box.left + curve.end / (len(curve.values) - 1) * box.width
        point = {"marker": "o", "markersize": 2 * size.line_points, "markevery": [0]}
        canvas.add_artist(
            Line2D([x, right], [y, y], linewidth=0.5, linestyle=":", **point, **style)
        )
    canvas.add_artist(Line2D([right, handle], [y, label_y], linewidth=0.5, **style))
    canvas.add_artist(Line2D(
        [handle, handle + HANDLE_EMS * em], [label_y, label_y], linewidth=size.line_points,
        linestyle=dashes(number), **style,
    ))  # fmt: skip


def _draw_notes(has_spans: bool, places: Plan, canvas: Canvas) -> None:
    size, em = places.size, places.size.small_points / 72
    left, top = size.margin_inches, size.margin_inches + notes_inches(places.notes, size)
    for number, lines in enumerate(places.notes):
        indent = 0.0
        if number == 0 and has_spans:
            indent = SWATCH_EMS * em
            style = _hatch() | {"transform": canvas.dpi_scale_trans}
            canvas.add_artist(Rectangle((left, top - em), 0.75 * indent, em, **style))
        draw_lines(canvas, lines, left + indent, top, size.small_points, color=QUIET_INK)
        top -= lines_inches(len(lines), size.small_points) + GAP_INCHES
