"""The clock of a figure: requests and seconds below, phases above, both where their frame is.

Frames stand evenly, as in the videos and in series.csv; so the marks of the clocks don't.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from renderer.figure_style import Size, lines_inches, literal, text_inches
from renderer.labels import placed
from renderer.palette import INK, QUIET_INK, RULE

TICK_INCHES = 0.035
LEAST_APART_INCHES = 0.3  # ticks; labels in large type need more
MINUTES_FROM_S = 7200
ANGLES = (45, 90)  # of phases' names: the first at which they fit
MAX_NAME = 24  # characters
NAME_PITCH = 1.25  # from name to name, across them, of the font's size
LEADER_INCHES = 0.09


@dataclass(frozen=True)
class Phase:
    """A stretch of the stream. `key`: named even where there is no room for all."""

    name: str
    start_op: int
    key: bool = False

    @property
    def label(self) -> str:
        """The name, cut where it is very long."""
        text = literal(self.name)
        return text if len(text) <= MAX_NAME else f"{text[:MAX_NAME]}\N{HORIZONTAL ELLIPSIS}"


@dataclass(frozen=True)
class Clock:
    """What was done by when, at each frame: `ops` (requests and frees), `times_us` i8[frames]."""

    ops: np.ndarray
    times_us: np.ndarray
    phases: Sequence[Phase]

    def starts(self) -> list[int]:
        """The frame at which each phase begins."""
        starts = np.searchsorted(self.ops, [phase.start_op for phase in self.phases])
        return np.minimum(starts, len(self.ops) - 1).tolist()


@dataclass(frozen=True)
class Scale:
    """Ticks of one clock: their frames, which may lie between two, with what stands there."""

    title: str
    frames: list[float]
    labels: list[str]


def scales(clock: Clock, width_inches: float, points: float) -> list[Scale]:
    """Requests, and seconds where the stream has any, with round ticks where there is room."""
    ops, unit, words = float(clock.ops[-1]), 1.0, "requests and frees"
    for factor, word in ((1e6, "million "), (1e3, "thousand ")):
        if ops >= 2 * factor:
            unit, words = factor, word + words
            break
    result = [_scale(words, clock.ops / unit, width_inches, points)]
    seconds = clock.times_us / 1e6
    if seconds[-1] > seconds[0]:
        minutes = seconds[-1] >= MINUTES_FROM_S
        values, word = (seconds / 60, "minutes") if minutes else (seconds, "seconds")
        result.append(_scale(word, values, width_inches, points))
    return result


def _scale(title: str, values: np.ndarray, width_inches: float, points: float) -> Scale:
    """The coarsest ticks first; finer ones where they leave room."""
    frames, labels, edges = [], [], []
    last = max(len(values) - 1, 1)
    for value, label in _round_values(float(values[0]), float(values[-1])):
        frame = float(np.interp(value, values, np.arange(len(values))))
        middle = frame / last * width_inches
        half = max(text_inches(label, points) / 2 + 0.4 * points / 72, LEAST_APART_INCHES / 2)
        if all(middle + half <= low or middle - half >= high for low, high in edges):
            frames.append(frame)
            labels.append(label)
            edges.append((middle - half, middle + half))
    order = np.argsort(frames, kind="stable")
    return Scale(title, [frames[n] for n in order], [labels[n] for n in order])


def _round_values(low: float, high: float) -> Iterator[tuple[float, str]]:
    """Round values within, each once, the roundest first, with their text."""
    told = set()
    power = int(np.floor(np.log10(max(high - low, high, 1e-9))))
    for step in (10.0**power, 10.0**power / 2, 10.0 ** (power - 1)):
        for number in range(int(np.ceil(low / step)), int(high / step + 1e-9) + 1):
            text = f"{round(number * step, 9):,.9f}".rstrip("0").rstrip(".")
            if text not in told:
                told.add(text)
                yield number * step, text


def clock_inches(count: int, size: Size) -> float:
    """The height of so many scales below an axis."""
    return count * (TICK_INCHES + lines_inches(2, size.small_points) + 0.05)


def draw_scales(
    axis: Axes, shown: Sequence[Scale], left: float, bottom: float, width: float, size: Size
) -> None:
    """Scales below an axis that stands there (inches) in its canvas."""
    canvas, last = axis.figure, max(axis.get_xlim()[1], 1e-9)
    line_inches = lines_inches(1, size.small_points)
    inches = {"transform": canvas.dpi_scale_trans}
    for number, scale in enumerate(shown):
        y = bottom - number * clock_inches(1, size)
        canvas.add_artist(Line2D([left, left + width], [y, y], color=INK, linewidth=0.6, **inches))
        style = {"fontsize": size.small_points, "va": "top", "ha": "center", "color": INK}
        for frame, label in zip(scale.frames, scale.labels, strict=True):
            x = left + frame / last * width
            ends = [y, y - TICK_INCHES]
            canvas.add_artist(Line2D([x, x], ends, color=INK, linewidth=0.6, **inches))
            canvas.text(x, y - TICK_INCHES - 0.02, label, **style, **inches)
        y -= TICK_INCHES + 0.01 + line_inches
        canvas.text(left + width / 2, y, scale.title, **style, **inches)


def shade_phases(clock: Clock, axis: Axes) -> None:
    """A shade for every other phase."""
    starts = clock.starts()
    for start, end in list(zip(starts, [*starts[1:], len(clock.ops) - 1], strict=True))[1::2]:
        axis.axvspan(start, end, color="0.5", alpha=0.12, linewidth=0, zorder=0)


@dataclass(frozen=True)
class Names:
    """Names of phases above a graph: which phases, at what angle, their middles (inches)."""

    phases: list[int]
    angle: int
    middles: list[float]
    height_inches: float


def name_phases(clock: Clock, width_inches: float, size: Size) -> Names:
    """All names where they fit beside each other, else the key phases', else as many as fit."""
    everything = list(range(len(clock.phases)))
    key = [number for number in everything if clock.phases[number].key] or everything
    pitches = [NAME_PITCH * size.small_points / 72 / np.sin(np.radians(a)) for a in ANGLES]
    for shown in (everything, key) if size.all_phases else (key,):
        for angle, pitch in zip(ANGLES, pitches, strict=True):
            if len(shown) * pitch <= width_inches:
                return _names(clock, shown, angle, pitch, width_inches, size)
    most = max(int(width_inches / pitches[-1]), 1)
    every = -(-len(key) // most)
    return _names(clock, key[::every], ANGLES[-1], pitches[-1], width_inches, size)


def _names(
    clock: Clock, shown: list[int], angle: int, pitch: float, width_inches: float, size: Size
) -> Names:
    starts, last = clock.starts(), max(len(clock.ops) - 1, 1)
    wanted = [starts[number] / last * width_inches for number in shown]
    # A name stands to the left of its line's middle by half its height: the first one too.
    middles = placed(wanted, [pitch] * len(shown), -pitch / 2, width_inches + pitch / 2)
    longest = max(text_inches(clock.phases[n].label, size.small_points) for n in shown)
    slope = np.radians(angle)
    height = longest * np.sin(slope) + size.small_points / 72 * np.cos(slope)
    return Names(shown, angle, middles, float(height) + LEADER_INCHES + 0.03)


def draw_names(
    clock: Clock, names: Names, canvas, left: float, bottom: float, width: float, size: Size
) -> None:
    """Names above an axis, each led to where its phase begins; all in inches."""
    starts, last = clock.starts(), max(len(clock.ops) - 1, 1)
    inches = {"transform": canvas.dpi_scale_trans}
    for number, middle in zip(names.phases, names.middles, strict=True):
        x, top = left + middle, bottom + LEADER_INCHES
        ends = [left + starts[number] / last * width, x]
        canvas.add_artist(Line2D(ends, [bottom, top], color=RULE, linewidth=0.6, **inches))
        canvas.text(
            x, top + 0.015, clock.phases[number].label, rotation=names.angle,
            rotation_mode="anchor", fontsize=size.small_points, color=QUIET_INK,
            ha="left", va="center", **inches,
        )  # fmt: skip
