"""Figures of series: curves of several recordings over the frames, as PNG, SVG and PDF.

Same data, same bytes: no dates, fixed ids, the font that comes with matplotlib.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import wrap

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from renderer.output import whole_file
from renderer.palette import line_colour

FORMATS = ("png", "svg", "pdf")
SOURCE_CHARACTERS = 120  # on one line of the width
DASHES = ("-", (0, (5, 1.5)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)))
STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "svg.hashsalt": "pagereel",
    "svg.fonttype": "path",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.dpi": 150,
}


@dataclass(frozen=True)
class Curve:
    """One recording's values, f8[frames]; `ops`, i8[frames]: requests and frees done."""

    name: str
    title: str
    ops: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class Graph:
    """One metric of several recordings."""

    name: str
    title: str
    unit: str
    curves: list[Curve]


@dataclass(frozen=True)
class Figure:
    """Graphs above each other on one clock; `phases`: names with their first operation."""

    title: str
    source: str
    phases: list[tuple[str, int]]
    graphs: list[Graph]
    metadata: dict = field(default_factory=dict)


def write_figure(figure: Figure, base: Path) -> None:
    """Write `base`.png, .svg and .pdf, each whole or not at all. Raises RenderError."""
    with matplotlib.rc_context(STYLE):
        save(draw(figure), figure.title, figure.metadata, base)


def save(canvas: Canvas, title: str, metadata: dict, base: Path) -> None:
    """The same for a canvas drawn under STYLE."""
    for kind in FORMATS:
        with whole_file(base.with_name(f"{base.name}.{kind}")) as partial:
            canvas.savefig(partial, format=kind, metadata=_metadata(title, metadata, kind))


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


def draw(figure: Figure) -> Canvas:
    """The figure, ready to be saved under STYLE."""
    graphs = len(figure.graphs)
    canvas = Canvas(figsize=(8.6, 1.5 + 2.1 * graphs if graphs > 1 else 4.4), layout="constrained")
    source = wrap(figure.source, SOURCE_CHARACTERS) or [""]
    title = figure.title + "\n" * len(source)  # room for the source's lines below
    canvas.suptitle(title, x=0.01, ha="left", fontsize=11, fontweight="bold", linespacing=1.4)
    y = 1 - 0.32 / canvas.get_figheight()
    canvas.text(0.01, y, "\n".join(source), fontsize=7.5, va="top")
    axes = canvas.subplots(graphs, sharex=True, squeeze=False)[:, 0]
    for number, (graph, axis) in enumerate(zip(figure.graphs, axes, strict=True)):
        _graph(graph, axis, title_pad=44 if number == 0 else 6)
        _phases(figure, axis, named=number == 0)
    _clock(figure.graphs[0].curves[0].ops, axes[-1])
    return canvas


def _graph(graph: Graph, axis: Axes, title_pad: float) -> None:
    for number, curve in enumerate(graph.curves):
        axis.plot(
            np.arange(len(curve.values)),
            curve.values,
            color=line_colour(number),
            linestyle=DASHES[number % len(DASHES)],
            linewidth=1.6,
            label=curve.name,
        )
    unit = "" if graph.unit == "1" else f" ({graph.unit})"
    axis.set_title(f"{graph.name}{unit}: {graph.title}", loc="left", fontsize=8.5, pad=title_pad)
    axis.margins(x=0)
    low, high = min(0, _least(graph)), axis.get_ylim()[1]
    axis.set_ylim(low - 0.03 * (high - low), high)  # a curve at zero stays clear of the axis
    axis.grid(axis="y", linewidth=0.4, alpha=0.5)
    axis.legend(loc="center left", bbox_to_anchor=(1.005, 0.5), frameon=False, handlelength=2.6)


def _least(graph: Graph) -> float:
    values = np.concatenate([curve.values for curve in graph.curves])
    return float(np.nanmin(values)) if np.isfinite(values).any() else 0.0


def _phases(figure: Figure, axis: Axes, *, named: bool) -> None:
    """A shade for every other phase; the names slanting above the first graph."""
    ops = figure.graphs[0].curves[0].ops
    starts = np.searchsorted(ops, [op for _, op in figure.phases]).tolist()
    for number, (start, end) in enumerate(zip(starts, [*starts[1:], len(ops) - 1], strict=True)):
        if number % 2:
            axis.axvspan(start, end, color="0.5", alpha=0.12, linewidth=0)
        if named:
            axis.text(
                start, 1.01, figure.phases[number][0], transform=axis.get_xaxis_transform(),
                rotation=38, fontsize=6.5, ha="left", va="bottom", color="0.35",
            )  # fmt: skip


def _clock(ops: np.ndarray, axis: Axes) -> None:
    """Frames below, each with the requests and frees done by then."""
    ticks = np.linspace(0, len(ops) - 1, 7).round().astype(int)
    axis.set_xticks(ticks, [f"{tick}\n{ops[tick] / 1e6:.2f} M" for tick in ticks])
    axis.set_xlabel("frame, and requests and frees done by then")
