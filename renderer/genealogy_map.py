"""A map of pageblocks over time: pageblocks down, frames across, the state as colour.

It shows every frame and pageblock as long as it has room; beyond that several stand in one cell,
and the worst of them wins.
"""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from renderer.figure_style import Size, lines_inches
from renderer.palette import INK, QUIET_INK, class_colours, rgb

# What a pageblock holds, from best to worst: the worst wins where a cell stands for several.
STATES = ("not counted", "free", "movable only", "huge page", "cannot move only", "mixed")
_FREE, _MOVABLE, _HUGE, _KERNEL, _HOLE = class_colours(
    ["free", "movable", "hugetlb", "kernel_unknown", "hole"]
)
COLOURS = np.array([_HOLE, _FREE, _MOVABLE, _HUGE, _KERNEL, rgb("#F9AE4B")], np.uint8)
LEGEND = ("free", "movable only", "mixed", "cannot move only", "huge page", "not counted")

MAP_INCHES = 1.45  # the height
CLAIM_POINTS = 2.3
CELLS_AN_INCH = 300
NO_PAGEBLOCK = "no pageblock: memory is smaller than one"


@dataclass(frozen=True)
class BlockMap:
    """Of one mechanism: `states` u1[frames, blocks], indices into STATES; each claim.

    `claim_frames`, `claim_blocks`, `claim_types` i8[n]; `claim_back` bool[n]: for a movable
    request. `zones`: names with their first pageblock.
    """

    name: str
    states: np.ndarray
    claim_frames: np.ndarray
    claim_blocks: np.ndarray
    claim_types: np.ndarray
    claim_back: np.ndarray
    zones: list[tuple[str, int]]


def draw_map(drawn: BlockMap, size: Size, axis: Axes) -> None:
    """Pageblocks down, frames across, claims as ticks; without a pageblock that is said."""
    frames, blocks = drawn.states.shape
    if not blocks:
        axis.text(0.5, 0.5, NO_PAGEBLOCK, transform=axis.transAxes, ha="center", va="center",
                  fontsize=size.small_points, color=QUIET_INK)  # fmt: skip
        axis.set_xlim(-0.5, frames - 0.5)
        axis.set_xticks([])
        axis.set_yticks([])
        return
    cells = reduced(drawn.states.T, _most_cells(MAP_INCHES), _most_cells(_width_inches(axis)))
    axis.imshow(
        COLOURS[cells], aspect="auto", interpolation="none",
        extent=(-0.5, frames - 0.5, blocks - 0.5, -0.5),
    )  # fmt: skip
    for back, marker, face, edge in ((False, "v", INK, "white"), (True, "^", "white", INK)):
        of = drawn.claim_back == back
        axis.plot(
            drawn.claim_frames[of], drawn.claim_blocks[of], linestyle="none", marker=marker,
            markersize=CLAIM_POINTS, markerfacecolor=face, markeredgecolor=edge,
            markeredgewidth=0.3,
        )  # fmt: skip
    _draw_zones(drawn, size, axis)
    axis.set_xlim(-0.5, frames - 0.5)
    axis.set_ylim(blocks - 0.5, -0.5)
    axis.set_xticks([])
    axis.yaxis.get_major_locator().set_params(nbins=5, integer=True, min_n_ticks=1)
    for spine in axis.spines.values():
        spine.set_visible(True)


def _draw_zones(drawn: BlockMap, size: Size, axis: Axes) -> None:
    """A line where a zone begins, its name below where the zone has room for it."""
    frames, blocks = drawn.states.shape
    starts = [*(start for _, start in drawn.zones), blocks]
    for (name, start), end in zip(drawn.zones, starts[1:], strict=True):
        if 0 < start < blocks:
            axis.axhline(start - 0.5, color=INK, linewidth=0.6)
        if (end - start) / blocks * MAP_INCHES < 1.1 * lines_inches(1, size.small_points):
            continue
        axis.annotate(
            name, (frames - 0.5, start - 0.5), xytext=(-2.5, -2.5), textcoords="offset points",
            ha="right", va="top", fontsize=size.small_points - 1, color=INK,
            bbox={"facecolor": "white", "alpha": 0.85, "edgecolor": "none", "pad": 0.8},
        )  # fmt: skip


def _width_inches(axis: Axes) -> float:
    """The width of an axis."""
    return axis.get_position().width * axis.figure.get_size_inches()[0]


def _most_cells(inches: float) -> int:
    return max(int(inches * CELLS_AN_INCH), 1)


def reduced(states: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """u1[n, m] in no more cells than that: neighbours share one, and the worst of them wins."""
    for axis, most in ((0, rows), (1, columns)):
        each = -(-states.shape[axis] // most)
        if each > 1:
            starts = np.arange(0, states.shape[axis], each)
            states = np.maximum.reduceat(states, starts, axis=axis)
    return states
