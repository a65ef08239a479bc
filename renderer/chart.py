"""The running chart: the figure of every panel up to the frame that is shown.

All lines are drawn once. A frame shows their picture up to its own place and the empty chart
beyond, and at the end of each line the letter of its panel.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw

from renderer import palette
from renderer.labels import ascending
from renderer.panel import Panel
from renderer.text import (
    chip_image,
    even_up,
    line_height_px,
    text_image,
    text_width_px,
    wrapped,
)

LETTERS = "ABCDEFGHI"  # of eight panels, and of eight that are held against a ninth
_FINER = 4  # lines are drawn so many times larger, then reduced: smooth, the same everywhere


@dataclass(frozen=True)
class Chart:
    """Pictures of a chart, u1[h, w, 3], and where frames and values stand in it.

    `empty` has the axes, `full` the lines as well. `frame_x_px` i4[frames] even; `line_y_px`
    i4[panels, frames], -1 where a panel has no figure.
    """

    empty: np.ndarray
    full: np.ndarray
    frame_x_px: np.ndarray
    line_y_px: np.ndarray
    top_px: int
    bottom_px: int
    chip_px: int

    def chips(self, frame: int) -> list[tuple[int, int, int]]:
        """Letters at the lines' ends: x, y, panel; beneath one another where lines are near."""
        ends = [(int(y), n) for n, y in enumerate(self.line_y_px[:, frame]) if y >= 0]
        ends.sort()
        wanted = [y - self.chip_px // 2 for y, _ in ends]
        # Not below the axis, where its labels stand.
        low, high = self.top_px - self.chip_px // 2, self.bottom_px + 4 - self.chip_px
        tops = spread(wanted, self.chip_px + 2, low, high)
        x_px = int(self.frame_x_px[frame]) + 6
        return [(x_px, top // 2 * 2, n) for top, (_, n) in zip(tops, ends, strict=True)]


def letter_chip(panel: Panel, number: int, size_px: int) -> np.ndarray:
    """The letter of a picture's panel `number` on its colour, u1[size, size, 3]."""
    place = _place(panel, number)
    colour = palette.line_colour(place)
    return chip_image(
        LETTERS[place], round(size_px * 0.72), colour, width_px=size_px, height_px=size_px
    )


def _place(panel: Panel, number: int) -> int:
    """The place that gives the panel its letter and colour."""
    return number if panel.place is None else panel.place


def spread(wanted: Sequence[float], pitch: float, low: float, high: float) -> list[int]:
    """Places for ascending wanted ones, as near as can be, `pitch` apart and within low..high.

    Those that would touch form a pile around the mean of their wanted places.
    """
    levels = ascending([value - number * pitch for number, value in enumerate(wanted)])
    top = high - (len(wanted) - 1) * pitch
    return [
        round(min(max(level, low), top) + number * pitch) for number, level in enumerate(levels)
    ]


def draw_chart(panels: Sequence[Panel], width_px: int, height_px: int, font_px: int) -> Chart:
    """The chart of panels on one clock, in a box with even sides."""
    frames = len(panels[0].values)
    minimum = min(float(panel.minimum) for panel in panels)
    maximum = max(float(panel.maximum) for panel in panels)
    maximum = maximum if maximum > minimum else minimum + 1.0
    line_px, chip_px = line_height_px(font_px), even_up(font_px * 1.15)
    titles = wrapped(panels[0].chart_title, font_px, width_px, bold=True, max_lines=2)
    ticks = _ticks(minimum, maximum)
    left = even_up(max(text_width_px(t, font_px) for t in (f"{v:,g}" for v in ticks)) + 8)
    right = width_px - chip_px - 8
    top = even_up(len(titles) * line_px + line_px + 10)
    bottom = height_px - even_up(line_px + 6)
    frame_x = _places(frames, left, right)
    scale = (bottom - top) / (maximum - minimum)
    empty = Image.new("RGB", (width_px, height_px), palette.PAPER)
    for row, title in enumerate(titles):
        _text(empty, 0, row * line_px, title, font_px, bold=True)
    _draw_phases(empty, panels[0], frame_x, right, top, bottom, font_px)
    zero_y = bottom + minimum * scale
    _draw_axis(empty, ticks, left, right, zero_y, scale, font_px)
    _draw_ends(empty, frames, left, right, bottom + 6, font_px)
    values = np.array([np.asarray(panel.values, float) for panel in panels])
    known = np.isfinite(values)
    clipped = np.clip(np.where(known, values, 0), minimum, maximum)
    line_y = np.where(known, zero_y - clipped * scale, -1)
    colours = [palette.line_colour(_place(panel, n)) for n, panel in enumerate(panels)]
    full = _with_lines(empty, frame_x, line_y, max(2, font_px // 6), colours)
    return Chart(
        np.array(empty), np.array(full), frame_x, np.rint(line_y).astype(np.int32),
        top, bottom, chip_px,
    )  # fmt: skip


def _places(frames: int, left: int, right: int) -> np.ndarray:
    return (np.rint(np.linspace(left, right, max(frames, 2))[:frames]) // 2 * 2).astype(np.int32)


def _ticks(minimum: float, maximum: float) -> list[float]:
    """Round values, at most five steps, and the bounds themselves; 0 is among the round ones."""
    span = maximum - minimum
    power = 10.0 ** np.floor(np.log10(span))
    step = next(s * power for s in (0.1, 0.2, 0.5, 1, 2, 5) if span / (s * power) <= 5)
    first, last = int(np.ceil(minimum / step)), int(np.floor(maximum / step))
    near = 0.55 * step  # nearer to a bound a label would touch the bound's
    ticks = [
        n * step
        for n in range(first, last + 1)
        if n == 0 or (near <= n * step - minimum and near <= maximum - n * step)
    ]
    bounds = [b for b in (minimum, maximum) if all(abs(b - tick) >= near for tick in ticks)]
    return sorted({*ticks, *bounds})


def _draw_phases(
    image: Image.Image,
    panel: Panel,
    frame_x: np.ndarray,
    right: int,
    top: int,
    bottom: int,
    font_px: int,
) -> None:
    """Bands, every other one shaded; those that are wide enough carry their phase's name."""
    phases = panel.recording.phases
    starts = np.flatnonzero(np.diff(phases, prepend=phases[0] - 1))
    edges = [*frame_x[starts].tolist(), right]
    strip_px = line_height_px(font_px) + 4
    for number, (start, end) in enumerate(pairwise(edges)):
        colour = palette.BAND if number % 2 == 0 else palette.PAPER
        box = (start, top - strip_px, end - 1, bottom)
        if end > start:
            ImageDraw.Draw(image).rectangle(box, fill=colour)
        name = panel.recording.header["phases"][int(phases[starts[number]])]["name"]
        width_px = text_width_px(name, font_px)
        if width_px + 4 <= end - start:
            x = start + (end - start - width_px) // 2
            _text(image, x, top - strip_px, name, font_px, palette.QUIET_INK, colour)


def _draw_axis(
    image: Image.Image,
    ticks: Sequence[float],
    left: int,
    right: int,
    zero_y: float,
    scale: float,
    font_px: int,
) -> None:
    for value in ticks:
        y, label = round(zero_y - value * scale), f"{value:,g}"
        colour = palette.QUIET_INK if value == 0 > ticks[0] else palette.RULE
        ImageDraw.Draw(image).rectangle((left, y - 1, right, y), fill=colour)
        x = left - 8 - text_width_px(label, font_px)
        _text(image, x, y - line_height_px(font_px) // 2, label, font_px, palette.QUIET_INK)


def _draw_ends(
    image: Image.Image, frames: int, left: int, right: int, y: int, font_px: int
) -> None:
    """The axis counts frames, as series.csv does: nearer in time where more happens."""
    last = f"{frames - 1:,}"
    _text(image, left, y, "frame 0", font_px, palette.QUIET_INK)
    _text(image, right - text_width_px(last, font_px), y, last, font_px, palette.QUIET_INK)


def _with_lines(
    empty: Image.Image,
    frame_x: np.ndarray,
    line_y: np.ndarray,
    thick_px: int,
    colours: Sequence[str],
) -> Image.Image:
    full = empty.copy()
    for number in reversed(range(len(line_y))):
        mask = Image.new("L", (empty.width * _FINER, empty.height * _FINER))
        draw = ImageDraw.Draw(mask)
        for run in _runs(line_y[number] >= 0):
            points = [
                (float(x) * _FINER, float(y) * _FINER)
                for x, y in zip(frame_x[run], line_y[number, run], strict=True)
            ]
            draw.line(points * (2 if len(points) == 1 else 1), 255, thick_px * _FINER, "curve")
        full.paste(colours[number], mask=mask.reduce(_FINER))
    return full


def _runs(known: np.ndarray) -> list[slice]:
    """Stretches of frames that have a figure."""
    edges = np.flatnonzero(np.diff(known, prepend=False, append=False))
    return [slice(a, b) for a, b in edges.reshape(-1, 2).tolist()]


def _text(
    image: Image.Image,
    x: int,
    y: int,
    text: str,
    font_px: int,
    colour: str = palette.INK,
    paper: str = palette.PAPER,
    *,
    bold: bool = False,
) -> None:
    picture = text_image(text, font_px, bold=bold, colour=colour, paper=paper)
    image.paste(Image.fromarray(picture), (x, y))
