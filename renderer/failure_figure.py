"""Free memory by order, zone by zone, as a report of a failed request has it.

What is drawn is what is given: which blocks the request could use comes from outside.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Patch

from renderer.figure_style import GRID, STYLE, save, wrapped
from renderer.palette import BAND, INK, QUIET_INK, RULE

USABLE, SMALL, FOREIGN, KEPT = range(4)
COLOURS = {USABLE: "#1D5FA8", SMALL: "#B9C6DA", FOREIGN: "#D55E00", KEPT: "#E3B23C"}
NAMES = {
    USABLE: "large enough",
    KEPT: "large enough, but its zone must keep it",
    SMALL: "too small",
    FOREIGN: "large enough, but on other lists",
}
WIDTH_INCHES, MARGIN_INCHES = 7.16, 0.12
HEAD_INCHES, NOTE_INCHES, FOOT_INCHES = 0.42, 0.15, 0.75
ZONE_INCHES, GAP_INCHES = 1.45, 0.62
NOTE_POINTS = 7.5
ROOM = 1.32  # of the highest bar: for what stands above it


@dataclass(frozen=True)
class OrderBar:
    """Free memory in blocks of one order; `letters`: their migratetypes, "" where not told."""

    mib: float
    blocks: int
    letters: str
    use: int  # USABLE, SMALL, FOREIGN or KEPT


@dataclass(frozen=True)
class ZoneBars:
    """A zone with a bar for each order, from 0 on."""

    title: str
    bars: list[OrderBar]


@dataclass(frozen=True)
class FailureFigure:
    """`order`: what was asked for; `notes`: lines below the title."""

    title: str
    notes: Sequence[str]
    order: int
    zones: list[ZoneBars]
    metadata: dict = field(default_factory=dict)


def write_failure(figure: FailureFigure, base: Path) -> None:
    """Write `base`.png, .svg and .pdf, each whole or not at all. Raises RenderError."""
    with matplotlib.rc_context(STYLE):
        save(draw(figure), figure.title, figure.metadata, base)


def draw(figure: FailureFigure) -> Canvas:
    """The figure, ready to be saved under STYLE."""
    notes = [
        line
        for note in figure.notes
        for line in wrapped(note, WIDTH_INCHES - 2 * MARGIN_INCHES, NOTE_POINTS)
    ]
    head = HEAD_INCHES + NOTE_INCHES * len(notes)
    count = len(figure.zones)
    height = head + FOOT_INCHES + count * ZONE_INCHES + (count - 1) * GAP_INCHES + GAP_INCHES / 2
    canvas = Canvas(figsize=(WIDTH_INCHES, height))
    left = MARGIN_INCHES / WIDTH_INCHES
    canvas.text(
        left, 1 - 0.1 / height, figure.title, fontsize=10.5, fontweight="bold", va="top", color=INK
    )
    for number, note in enumerate(notes):
        y = 1 - (0.36 + NOTE_INCHES * number) / height
        canvas.text(left, y, note, fontsize=NOTE_POINTS, va="top", color=QUIET_INK)
    axes = canvas.subplots(
        count, 1, squeeze=False,
        gridspec_kw={
            "left": 0.75 / WIDTH_INCHES, "right": 1 - left,
            "top": 1 - (head + GAP_INCHES / 2) / height, "bottom": FOOT_INCHES / height,
            "hspace": GAP_INCHES / ZONE_INCHES,
        },
    )  # fmt: skip
    for zone, axis in zip(figure.zones, axes[:, 0], strict=True):
        _zone(zone, axis, figure.order)
    axes[-1, 0].set_xlabel("order of the free blocks", fontsize=8)
    used = [
        use
        for use in NAMES
        if any(bar.use == use and bar.blocks for z in figure.zones for bar in z.bars)
    ]
    canvas.legend(
        handles=[Patch(color=COLOURS[use], label=NAMES[use]) for use in used],
        loc="lower left", bbox_to_anchor=(left, 0.01), ncols=len(used) or 1, frameon=False,
        fontsize=7.5,
    )  # fmt: skip
    return canvas


def _zone(zone: ZoneBars, axis: Axes, order: int) -> None:
    heights = [bar.mib for bar in zone.bars]
    axis.bar(range(len(heights)), heights, 0.8, color=[COLOURS[bar.use] for bar in zone.bars])
    axis.axvspan(order - 0.5, len(heights) - 0.5, color=BAND, zorder=0)
    axis.axvline(order - 0.5, color=RULE, linewidth=1)
    top = max(heights, default=0) or 1
    for number, bar in enumerate(zone.bars):
        told = f"{bar.blocks:,}\n{bar.letters}" if bar.letters else f"{bar.blocks:,}"
        colour = INK if bar.blocks else QUIET_INK
        axis.text(
            number, bar.mib + 0.03 * top, told, ha="center", va="bottom", fontsize=6.5,
            color=colour, linespacing=1.0,
        )  # fmt: skip
    axis.set_title(zone.title, fontsize=8.5, loc="left", pad=3)
    axis.set_ylabel("MiB free", fontsize=8)
    axis.set_ylim(0, top * ROOM)
    axis.set_xlim(-0.6, len(heights) - 0.4)
    axis.set_xticks(range(len(heights)))
    axis.tick_params(labelsize=7.5)
    axis.grid(axis="y", **GRID)
    axis.set_axisbelow(True)
