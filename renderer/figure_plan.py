"""What a figure of series shows, and where everything stands in it, in inches.

All is measured and placed here: the paper's size is exact, and nothing collides.
"""

from dataclasses import dataclass, field

import numpy as np
from matplotlib.ticker import EngFormatter, MaxNLocator

from renderer.figure_clock import Clock, Names, Scale, clock_inches, name_phases, scales
from renderer.figure_style import Size, balanced, lines_inches, text_inches, wrapped

GAP_INCHES = 0.04  # between paragraphs, and what stands below one another
BETWEEN_INCHES = 0.14  # below a graph without a clock
LABEL_SHARE = 0.25  # of a graph's width, at most: the labels
LEADER_EMS, HANDLE_EMS = 1.0, 1.9  # between the axis and its labels
SWATCH_EMS = 2.2  # before the note on hatched stretches
NOISE = 1e-9  # a smaller reach is no curve, but what rounding left
ROOM = 0.04  # of the values' range, above them and below
THOUSANDS_FROM = 1e5  # from here on an axis counts in thousands or millions
LONE_GRAPH = 1.35  # so much higher is a graph that stands alone


@dataclass(frozen=True)
class Curve:
    """One mechanism's values, f8[frames]; `low`, `high` f8[frames]: the edges of its band."""

    name: str
    values: np.ndarray
    low: np.ndarray | None = None
    high: np.ndarray | None = None

    @property
    def end(self) -> int | None:
        """The last frame at which there is a value."""
        told = np.flatnonzero(np.isfinite(self.values))
        return int(told[-1]) if len(told) else None


@dataclass(frozen=True)
class Graph:
    """One metric of several mechanisms."""

    name: str
    title: str
    unit: str
    curves: list[Curve]

    @property
    def heading(self) -> str:
        """What stands above it."""
        unit = "" if self.unit == "1" else f" ({self.unit})"
        return f"{self.name}{unit}: {self.title}"

    def reach(self) -> tuple[float, float]:
        """Least and greatest value that are drawn; zero is among them."""
        drawn = [part for c in self.curves for part in (c.values, c.low, c.high)]
        values = np.concatenate([np.asarray(part, float) for part in drawn if part is not None])
        values = values[np.isfinite(values)]
        low, high = min([0.0, *values]), max([0.0, *values])
        return (low, high) if high - low > NOISE else (low, low + 1)

    def limits(self) -> tuple[float, float]:
        """The ends of the axis: a curve at zero stays clear of it."""
        low, high = self.reach()
        return low - ROOM * (high - low), high + ROOM * (high - low)


@dataclass(frozen=True)
class Figure:
    """Graphs on one clock; `notes`: paragraphs below them.

    `spans`: first and last frame of stretches that are hatched; `spans_note`: what they are.
    """

    title: str
    notes: list[str]
    clock: Clock
    graphs: list[Graph]
    spans: list[tuple[int, int]] = field(default_factory=list)
    spans_note: str = ""
    metadata: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Box:
    """A rectangle, in inches from the lower left corner."""

    left: float
    bottom: float
    width: float
    height: float


@dataclass(frozen=True)
class Labels:
    """Labels of a graph's curves from the bottom up: which curve, lines, heights in inches."""

    curves: list[int]
    lines: list[list[str]]
    heights: list[float]


@dataclass(frozen=True)
class GraphPlan:
    """A graph's axes, its texts and its ticks; `text_left`: where its column begins, in inches."""

    graph: Graph
    axes: Box
    text_left: float
    heading: list[str]
    ticks: list[float]
    tick_texts: list[str]
    labels: Labels
    first_row: bool
    has_clock: bool


@dataclass(frozen=True)
class Plan:
    """Where everything stands."""

    size: Size
    height: float
    title: list[str]
    notes: list[list[str]]
    graphs: list[GraphPlan]
    scales: list[Scale]
    names: Names


@dataclass(frozen=True)
class _Column:
    """The widths of a column of graphs: ticks, axes and labels, in inches."""

    pitch: float
    whole: float
    left: float
    width: float


def plan(figure: Figure, size: Size) -> Plan:
    """Measure and place all of a figure."""
    columns = min(size.abreast, len(figure.graphs))
    inner = size.width_inches - 2 * size.margin_inches
    ticks = [_ticks(graph) for graph in figure.graphs]
    column = _column(figure, ticks, columns, inner, size)
    labels = [_labels(graph, LABEL_SHARE * column.whole, size) for graph in figure.graphs]
    headings = [balanced(g.heading, column.whole, size.text_points) for g in figure.graphs]
    title = wrapped(figure.title, inner, size.title_points, bold=True)
    notes = _notes(figure, inner, size)
    clock_scales = scales(figure.clock, column.width, size.small_points)
    names = name_phases(figure.clock, column.width, size)

    rows = [range(n, min(n + columns, len(labels))) for n in range(0, len(labels), columns)]
    last = {number for number in range(len(labels)) if number + columns >= len(labels)}
    heads = [
        lines_inches(max(len(headings[number]) for number in row), size.text_points) + GAP_INCHES
        for row in rows
    ]
    heads[0] += names.height_inches
    clock = clock_inches(len(clock_scales), size)
    feet = [clock if last & set(row) else BETWEEN_INCHES for row in rows]
    above = size.margin_inches + lines_inches(len(title), size.title_points) + GAP_INCHES
    fixed = above + sum(heads) + sum(feet) + notes_inches(notes, size) + size.margin_inches
    axes = size.graph_inches * (LONE_GRAPH if len(labels) == 1 else 1)
    axes = max(axes, (size.least_inches - fixed) / len(rows), *(sum(e.heights) for e in labels))
    height = fixed + len(rows) * axes

    graphs, top = [], height - above
    for row, head, foot in zip(rows, heads, feet, strict=True):
        for number in row:
            start = size.margin_inches + (number - row[0]) * column.pitch
            box = Box(start + column.left, top - head - axes, column.width, axes)
            graphs.append(GraphPlan(
                figure.graphs[number], box, start, headings[number], *ticks[number],
                labels[number], number < columns, number in last,
            ))  # fmt: skip
        top -= head + axes + foot
    return Plan(size, height, title, notes, graphs, clock_scales, names)


def _column(figure: Figure, ticks: list, columns: int, inner: float, size: Size) -> _Column:
    gutter = 2.5 * size.text_points / 72
    whole = (inner - gutter * (columns - 1)) / columns
    left = max(text_inches(text, size.small_points) for _, texts in ticks for text in texts)
    lines = [
        line
        for graph in figure.graphs
        for of in _labels(graph, LABEL_SHARE * whole, size).lines
        for line in of
    ]
    labels = max(text_inches(line, size.text_points) for line in lines)
    left, right = left + 0.08, labels * 1.02 + label_start(size)
    return _Column(whole + gutter, whole, left, whole - left - right)


def label_start(size: Size) -> float:
    """From the axis to its labels, in inches."""
    return (LEADER_EMS + HANDLE_EMS + 0.4) * size.text_points / 72


def notes_inches(notes: list[list[str]], size: Size) -> float:
    """The height of notes below each other."""
    return sum(lines_inches(len(lines), size.small_points) + GAP_INCHES for lines in notes)


def _notes(figure: Figure, width: float, size: Size) -> list[list[str]]:
    """The lines of each note; the first is that on the hatched stretches, where there are any."""
    points = size.small_points
    beside = width - SWATCH_EMS * points / 72
    spans = [wrapped(figure.spans_note, beside, points)] if figure.spans else []
    return spans + [wrapped(note, width, points) for note in figure.notes if note]


def _ticks(graph: Graph) -> tuple[list[float], list[str]]:
    """Ticks of a graph's values with their text."""
    low, high = graph.limits()
    locator = MaxNLocator(5, steps=[1, 2, 2.5, 5, 10])
    ticks = [float(tick) for tick in locator.tick_values(*graph.reach()) if low <= tick <= high]
    if high >= THOUSANDS_FROM:
        return ticks, [EngFormatter(sep="")(tick) for tick in ticks]
    exact = 1e-6 * (high - low)
    fitting = (d for d in range(12) if all(abs(round(t, d) - t) < exact for t in ticks))
    digits = next(fitting, 12)
    return ticks, [f"{tick + 0:,.{digits}f}".replace("-", "\N{MINUS SIGN}") for tick in ticks]


def _labels(graph: Graph, most_inches: float, size: Size) -> Labels:
    ends = [curve.end for curve in graph.curves]
    last = [-np.inf if e is None else c.values[e] for c, e in zip(graph.curves, ends, strict=True)]
    order = sorted(range(len(ends)), key=lambda number: (last[number], -number))
    names = [c.name if c.end is not None else f"{c.name} (no value)" for c in graph.curves]
    lines = [wrapped(names[number], most_inches, size.text_points) for number in order]
    return Labels(order, lines, [lines_inches(len(each), size.text_points) for each in lines])
