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


class Evidence:
    """A recording's frames, reduced to what the metrics need. Raises RecordingError when damaged.

    `block_kinds` u1[frames, blocks]: bits of what each whole pageblock holds; `class_pages`
    i8[frames, classes]; `eligible` bool[blocks]: outside ZONE_DMA (unless that is the only zone),
    without a reserved page or a hole, as at the first frame.
    """

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.header = recording.header
        self.zones = recording.header["geometry"]["zones"]
        self.block_order = recording.header["geometry"]["pageblock_order"]
        self.block_kinds, self.class_pages = _reduce(recording, self.block_order)
        self.eligible = self._eligible()

    def __len__(self) -> int:
        """Frames."""
        return len(self.recording)

    def column(self, name: str) -> np.ndarray:
        """A series column, i8[frames]. Raises KeyError."""
        return self.recording.column(name)

    @cached_property
    def free_blocks(self) -> np.ndarray:
        """Free blocks by zone, order and migratetype, i8[frames, zones, orders, migratetypes].

        Raises KeyError for a recording without them.
        """
        columns = self.header["series_columns"]
        places = [
            columns.index(f"nr_free:{zone['name']}:{order}:{migratetype}")
            for zone in self.zones
            for order in range(NR_ORDERS)
            for migratetype in MIGRATETYPES
        ]
        shape = (len(self), len(self.zones), NR_ORDERS, len(MIGRATETYPES))
        return self.recording.series[:, places].reshape(shape)

    def _eligible(self) -> np.ndarray:
        eligible = np.zeros(self.block_kinds.shape[1], bool)
        zones = [z for z in self.zones if z["name"] != "DMA"] or self.zones
        for zone in zones:
            first = -(-zone["start_pfn"] >> self.block_order)
            eligible[first : zone["end_pfn"] >> self.block_order] = True
        if len(self):
            eligible &= self.block_kinds[0] & LOST_PAGES == 0
        return eligible


def _reduce(recording: Recording, block_order: int) -> tuple[np.ndarray, np.ndarray]:
    """`block_kinds` and `class_pages` of all frames; a cut pageblock at the end is left out."""
    names = recording.header["page_classes"]
    kind_of = np.zeros(256, np.uint8)
    kind_of[: len(names)] = [KIND_OF_CLASS.get(name, KERNEL_PAGES) for name in names]
    blocks = recording.header["geometry"]["pages"] >> block_order
    kinds = np.zeros((len(recording), blocks), np.uint8)
    class_pages = np.zeros((len(recording), len(names)), np.int64)
    for frame, grid in enumerate(recording.grids()):
        tiles = kind_of[grid[: blocks << block_order]].reshape(blocks, -1)
        kinds[frame] = np.bitwise_or.reduce(tiles, axis=1)
        class_pages[frame] = np.bincount(grid, minlength=len(names))
    return kinds, class_pages
