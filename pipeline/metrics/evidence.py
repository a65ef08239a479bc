"""What the metrics of a recording are computed from, read from it once."""

from functools import cached_property

import numpy as np

from allocator.terms import MIGRATETYPES, NR_ORDERS
from pipeline.recording import Recording

# What a pageblock holds, as bits; free pages, on buddy or per-CPU lists, set none.
MOVABLE_PAGES, KERNEL_PAGES, HUGE_PAGES, LOST_PAGES = 1, 2, 4, 8
KIND_OF_CLASS = {
    "free": 0,
    "pcp_free": 0,
    "movable": MOVABLE_PAGES,
    "unmovable": KERNEL_PAGES,
    "reclaimable": KERNEL_PAGES,
    "kernel_unknown": KERNEL_PAGES,
    "hugetlb": HUGE_PAGES,
    "reserved": LOST_PAGES,
    "hole": LOST_PAGES,
}

_COUNTED_PAGES = 1 << 18  # at a time: bincount makes eight bytes of each, 2 GiB for a TiB of pages


class Evidence:
    """A recording's frames, reduced to what the metrics need. Raises RecordingError when damaged.

    `block_kinds` u1[frames, blocks]: bits of what each whole pageblock holds; `class_pages`
    i8[frames, classes]; `eligible` bool[blocks], see `eligible_blocks`.
    """

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.header = recording.header
        self.zones = recording.header["geometry"]["zones"]
        self.block_order = recording.header["geometry"]["pageblock_order"]
        self.block_kinds, self.class_pages = _reduce(recording)
        self.eligible = eligible_blocks(recording)

    def __len__(self) -> int:
        """Frames."""
        return len(self.recording)

    def column(self, name: str) -> np.ndarray:
        """A series column, i8[frames]. Raises KeyError."""
        return self.recording.column(name)

    def pages_of(self, page_class: str) -> np.ndarray:
        """Pages of a class, i8[frames]; none where the recording doesn't have the class."""
        names = self.header["page_classes"]
        if page_class not in names:
            return np.zeros(len(self), np.int64)
        return self.class_pages[:, names.index(page_class)]

    @cached_property
    def free_blocks(self) -> np.ndarray:
        """Free blocks by zone, order and migratetype, i8[frames, zones, orders, migratetypes].

        Raises KeyError for a recording without them.
        """
        columns = {name: n for n, name in enumerate(self.header["series_columns"])}
        places = [
            columns[f"nr_free:{zone['name']}:{order}:{migratetype}"]
            for zone in self.zones
            for order in range(NR_ORDERS)
            for migratetype in MIGRATETYPES
        ]
        shape = (len(self), len(self.zones), NR_ORDERS, len(MIGRATETYPES))
        return self.recording.series[:, places].reshape(shape)


def eligible_blocks(recording: Recording) -> np.ndarray:
    """Which whole pageblocks the metrics count, bool[blocks], as at the first frame.

    Outside ZONE_DMA (unless there is no higher kernel zone), without a reserved page or a hole.
    """
    geometry = recording.header["geometry"]
    order = geometry["pageblock_order"]
    eligible = np.zeros(geometry["pages"] >> order, bool)
    zones = geometry["zones"]
    if any(zone["name"] not in ("DMA", "Movable") for zone in zones):
        zones = [zone for zone in zones if zone["name"] != "DMA"]
    for zone in zones:
        eligible[-(-zone["start_pfn"] >> order) : zone["end_pfn"] >> order] = True
    if len(recording):
        eligible &= _block_kinds(recording.grid(0), recording.header) & LOST_PAGES == 0
    return eligible


def _block_kinds(grid: np.ndarray, header: dict) -> np.ndarray:
    """Bits of what each whole pageblock holds, u1[blocks]; one cut by the end is left out."""
    names, order = header["page_classes"], header["geometry"]["pageblock_order"]
    kind_of = np.array([KIND_OF_CLASS.get(name, KERNEL_PAGES) for name in names], np.uint8)
    blocks = len(grid) >> order
    tiles = kind_of[grid[: blocks << order]].reshape(blocks, 1 << order)
    return np.bitwise_or.reduce(tiles, axis=1)


def _reduce(recording: Recording) -> tuple[np.ndarray, np.ndarray]:
    """`block_kinds` and `class_pages` of all frames."""
    header = recording.header
    classes, geometry = len(header["page_classes"]), header["geometry"]
    blocks = geometry["pages"] >> geometry["pageblock_order"]
    kinds = np.zeros((len(recording), blocks), np.uint8)
    class_pages = np.zeros((len(recording), classes), np.int64)
    for frame, grid in enumerate(recording.grids()):
        kinds[frame] = _block_kinds(grid, header)
        for start in range(0, len(grid), _COUNTED_PAGES):
            part = grid[start : start + _COUNTED_PAGES]
            class_pages[frame] += np.bincount(part, minlength=classes)
    return kinds, class_pages
