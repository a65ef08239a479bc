"""Figures of one run that only the claims need, beside those of every run."""

import numpy as np

from allocator.mechanism import load_mechanism
from allocator.terms import COUNTERS, FREE_OP, HUGE_ORDER, MAX_ORDER, MOVABLE
from allocator.zones import MOVABLE_ZONE
from pipeline.recording import Recording
from pipeline.samples import TOTAL, Figures, figures_of
from workloads.stream import Stream

BOX_ORDER = MAX_ORDER  # a box of the videos of 2007
ONE_COLOUR_PERCENT = 95
KERNEL_CLASSES = ("unmovable", "reclaimable", "kernel_unknown")
USED_CLASSES = ("movable", *KERNEL_CLASSES)


def measured(stream: Stream, mechanism: str, parameters: dict[str, str]) -> Figures:
    """Figures of a run under a mechanism: those of `figures_of`, all counters, and these:

    `huge_blocks` and `huge_blocks:ZONE`: huge pages of 2 MiB held at the end of a phase's attempts;
    `mixed_movable`: of the pageblocks of movable type, those with a page that can't move, %. In
    total, of the frames at phases' borders and before huge pages are freed:
    `kernel_pages_in_movable`: the most in any frame; `one_colour`: of the boxes in kernel zones
    that are used at all, how many show one class in 95 % of their used pages, %, median of the
    frames.
    """
    table = load_mechanism(mechanism, parameters)
    return figures_of(stream, table, _before_release(stream), _more)


def _before_release(stream: Stream) -> np.ndarray:
    """Operations done when the huge pages of a phase are about to be freed."""
    release = (stream.ops.kind == FREE_OP) & (stream.ops.order >= HUGE_ORDER)
    return np.flatnonzero(release & ~np.concatenate(([False], release[:-1])))


def _more(recording: Recording) -> Figures:
    figures: Figures = {}
    phases = recording.header["phases"]
    frames = np.searchsorted(recording.ops, [phase["sample_op"] for phase in phases])
    for phase, frame in zip(phases, frames, strict=True):
        for name in COUNTERS:
            figures[phase["name"], name] = float(recording.column(name)[frame])
        figures[phase["name"], "mixed_movable"] = _mixed_movable(recording, int(frame))
    return figures | _held(recording) | _colours(recording)


def _mixed_movable(recording: Recording, frame: int) -> float:
    """Source: pagetypeinfo's mixed blocks, of movable ones."""
    order, names = recording.header["geometry"]["pageblock_order"], recording.header["page_classes"]
    kernel = np.isin(recording.grid(frame), [names.index(name) for name in KERNEL_CLASSES])
    blocks = len(kernel) >> order
    tiles = kernel[: blocks << order].reshape(blocks, 1 << order).any(axis=1)
    movable = recording.block_types(frame)[:blocks] == MOVABLE
    return 100 * float(tiles[movable].mean()) if movable.any() else float("nan")


def _held(recording: Recording) -> Figures:
    """`huge_blocks:ZONE` of each phase, the most in any of its frames."""
    geometry, phases = recording.header["geometry"], recording.header["phases"]
    hugetlb = recording.header["page_classes"].index("hugetlb")
    figures: Figures = {}
    for frame, grid in enumerate(recording.grids()):
        op = recording.ops[frame]
        name = [p["name"] for p in phases if p["start_op"] < op or not p["start_op"]][-1]
        for zone in geometry["zones"]:
            pages = int((grid[zone["start_pfn"] : zone["end_pfn"]] == hugetlb).sum())
            key = name, f"huge_blocks:{zone['name']}"
            figures[key] = max(figures.get(key, 0.0), pages / (1 << HUGE_ORDER))
        held = float((grid == hugetlb).sum()) / (1 << HUGE_ORDER)
        figures[name, "huge_blocks"] = max(figures.get((name, "huge_blocks"), 0.0), held)
    return figures


def _colours(recording: Recording) -> Figures:
    names, zones = recording.header["page_classes"], recording.header["geometry"]["zones"]
    kernel = [names.index(name) for name in KERNEL_CLASSES]
    used = [names.index(name) for name in USED_CLASSES]
    movable_start = min(
        (z["start_pfn"] for z in zones if z["name"] == MOVABLE_ZONE),
        default=recording.header["geometry"]["pages"],
    )
    most, shares = 0, []
    for grid in recording.grids():
        most = max(most, int(np.isin(grid[movable_start:], kernel).sum()))
        boxes = grid[: movable_start >> BOX_ORDER << BOX_ORDER].reshape(-1, 1 << BOX_ORDER)
        counts = np.array([(boxes == code).sum(axis=1) for code in used])
        in_use = counts.sum(axis=0)
        if in_use.any():
            pure = 100 * counts.max(axis=0) >= ONE_COLOUR_PERCENT * in_use
            shares.append(100 * float(pure[in_use > 0].mean()))
    return {
        (TOTAL, "kernel_pages_in_movable"): float(most),
        (TOTAL, "one_colour"): float(np.median(shares)) if shares else float("nan"),
    }
