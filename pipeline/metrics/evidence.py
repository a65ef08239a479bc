"""What the metrics of a recording are computed from, read from it once."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from allocator.terms import MIGRATETYPES, NR_ORDERS
from pipeline.recording import Recording

# What a pageblock holds, as bits; free pages, on buddy or per-CPU lists, set none.
MOVABLE_PAGES, UNMOVABLE_PAGES, RECLAIMABLE_PAGES, UNKNOWN_PAGES, HUGE_PAGES, LOST_PAGES = (
    1 << bit for bit in range(6)
)
KERNEL_PAGES = UNMOVABLE_PAGES | RECLAIMABLE_PAGES | UNKNOWN_PAGES  # cannot move
KIND_OF_CLASS = {
    "free": 0,
    "pcp_free": 0,
    "movable": MOVABLE_PAGES,
    "unmovable": UNMOVABLE_PAGES,
    "reclaimable": RECLAIMABLE_PAGES,
    "kernel_unknown": UNKNOWN_PAGES,
    "hugetlb": HUGE_PAGES,
    "reserved": LOST_PAGES,
    "hole": LOST_PAGES,
}


class Evidence:
    """A recording's frames, reduced to what the metrics need. Raises RecordingError when damaged.

    `block_kinds` u1[frames, blocks]: bits of what each whole pageblock holds; `class_pages`
    i8[frames, classes]; `eligible` bool[blocks], see `eligible_blocks`.
    """

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.header = recording.header
        geometry = recording.header["geometry"]
        self.zones, self.block_order = geometry["zones"], geometry["pageblock_order"]
        self.blocks = geometry["pages"] >> self.block_order
        classes, frames = len(self.header["page_classes"]), len(recording)
        self.block_kinds = np.zeros((frames, self.blocks), np.uint8)
        self.class_pages = np.zeros((frames, classes), np.int64)
        kind_of = _kinds_of(self.header)
        for frame, grid in enumerate(recording.grids()):
            # Class by class: five times as fast as bincount, which makes eight bytes of each page.
            self.class_pages[frame] = [np.count_nonzero(grid == n) for n in range(classes)]
            self._read(frame, _tiles(grid, kind_of, self.block_order))
        self.eligible = eligible_blocks(recording)

    def _read(self, frame: int, tiles: np.ndarray) -> None:
        """Keep what is needed of a frame; `tiles` u1[blocks, pages]: the bit of each page."""
        self.block_kinds[frame] = np.bitwise_or.reduce(tiles, axis=1)

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


def eligible_zones(zones: Sequence[dict]) -> list[dict]:
    """Those whose pageblocks the metrics count: not ZONE_DMA, unless no kernel zone is higher."""
    higher = any(zone["name"] not in ("DMA", "Movable") for zone in zones)
    return [zone for zone in zones if zone["name"] != "DMA" or not higher]


def eligible_blocks(recording: Recording) -> np.ndarray:
    """Which whole pageblocks the metrics count, bool[blocks], as at the first frame.

    In an eligible zone, without a reserved page or a hole.
    """
    geometry = recording.header["geometry"]
    order = geometry["pageblock_order"]
    eligible = np.zeros(geometry["pages"] >> order, bool)
    for zone in eligible_zones(geometry["zones"]):
        eligible[-(-zone["start_pfn"] >> order) : zone["end_pfn"] >> order] = True
    if len(recording):
        tiles = _tiles(recording.grid(0), _kinds_of(recording.header), order)
        eligible &= np.bitwise_or.reduce(tiles, axis=1) & LOST_PAGES == 0
    return eligible


def _kinds_of(header: dict) -> np.ndarray:
    """The bit of each page class, u1[classes]; one that isn't known is of pages that can't move."""
    names = header["page_classes"]
    return np.array([KIND_OF_CLASS.get(name, UNKNOWN_PAGES) for name in names], np.uint8)


def _tiles(grid: np.ndarray, kind_of: np.ndarray, block_order: int) -> np.ndarray:
    """The bit of each page of the whole pageblocks, u1[blocks, pages]; the last cut one is out."""
    blocks = len(grid) >> block_order
    return kind_of[grid[: blocks << block_order]].reshape(blocks, 1 << block_order)
