"""What each pageblock held at each frame, read from a recording once."""

import numpy as np

from pipeline.metrics.evidence import eligible_blocks
from pipeline.recording import Recording

# What a pageblock holds, as bits; free pages, on buddy or per-CPU lists, set none.
MOVABLE, UNMOVABLE, RECLAIMABLE, UNKNOWN, HUGE, LOST = (1 << bit for bit in range(6))
KERNEL = UNMOVABLE | RECLAIMABLE | UNKNOWN  # cannot move
BIT_OF_CLASS = {
    "free": 0,
    "pcp_free": 0,
    "movable": MOVABLE,
    "unmovable": UNMOVABLE,
    "reclaimable": RECLAIMABLE,
    "kernel_unknown": UNKNOWN,
    "hugetlb": HUGE,
    "reserved": LOST,
    "hole": LOST,
}


class History:
    """What the whole pageblocks of a recording held. Raises RecordingError when damaged.

    `held` u1[frames, blocks]: bits of what is in each; `kernel_pages` i4[frames, blocks]: pages
    that cannot move; `lone_pfn` i4[frames, blocks]: the pfn of the only such page, -1 where there
    is none or more than one; `types` u1[frames, blocks]: migratetypes of the pageblocks;
    `eligible` bool[blocks]: those that the metrics count.
    """

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.header = recording.header
        geometry = self.header["geometry"]
        self.zones = geometry["zones"]
        self.block_order = geometry["pageblock_order"]
        self.blocks = geometry["pages"] >> self.block_order
        self.eligible = eligible_blocks(recording)
        shape = (len(recording), self.blocks)
        self.held, self.types = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
        self.kernel_pages, self.lone_pfn = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
        names = self.header["page_classes"]
        bits = np.array([BIT_OF_CLASS.get(name, UNKNOWN) for name in names], np.uint8)
        for frame, grid in enumerate(recording.grids()):
            self.types[frame] = recording.block_types(frame)[: self.blocks]
            self._read(frame, bits[grid[: self.blocks << self.block_order]])

    def __len__(self) -> int:
        """Frames."""
        return len(self.recording)

    def _read(self, frame: int, bits: np.ndarray) -> None:
        tiles = bits.reshape(self.blocks, 1 << self.block_order)
        self.held[frame] = np.bitwise_or.reduce(tiles, axis=1)
        kernel = tiles & KERNEL > 0
        count = kernel.sum(axis=1, dtype=np.int32)
        first = (np.arange(self.blocks) << self.block_order) + kernel.argmax(axis=1)
        self.kernel_pages[frame] = count
        self.lone_pfn[frame] = np.where(count == 1, first, -1)

    @property
    def grouping(self) -> bool:
        """Whether the mechanism groups pages by mobility, so that pageblock types tell something.

        A real kernel's recording, whose mechanism says nothing of it, is taken to group.
        """
        grouping = self.header["mechanism"].get("grouping", {})
        return grouping.get("rule") != "none" and grouping.get("enabled") is not False

    @property
    def own_block_order(self) -> int:
        """The order of the mechanism's pageblocks: that of the recording where it says nothing."""
        grouping = self.header["mechanism"].get("grouping", {})
        return grouping.get("block_order", self.block_order)

    def start_pfn(self, block: int) -> int:
        """First pfn of a pageblock."""
        return int(block) << self.block_order

    def last_pfn(self, block: int) -> int:
        """Last pfn of a pageblock."""
        return self.start_pfn(int(block) + 1) - 1

    def zone_blocks(self, zone: dict) -> np.ndarray:
        """Which pageblocks lie wholly in a zone, bool[blocks]."""
        inside = np.zeros(self.blocks, bool)
        first = -(-zone["start_pfn"] >> self.block_order)
        inside[first : zone["end_pfn"] >> self.block_order] = True
        return inside

    def zone_of(self, block: int) -> str:
        """Name of the zone in which a pageblock begins, "" where it is in none."""
        start = self.start_pfn(block)
        for zone in self.zones:
            if zone["start_pfn"] <= start < zone["end_pfn"]:
                return zone["name"]
        return ""

    def frames_of(self, ops: np.ndarray) -> np.ndarray:
        """The first frame that shows what each operation did, i8[n]; len(self) where none does."""
        return np.searchsorted(self.recording.ops, ops, side="right")


def runs(there: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the runs of True in bool[n] begin and end (exclusive), both i8[runs]."""
    edges = np.diff(np.concatenate(([0], there.astype(np.int8), [0])))
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)


def longest_run(there: np.ndarray) -> tuple[int, int]:
    """Begin and end (exclusive) of the first longest run of True; (0, 0) where there is none."""
    starts, ends = runs(there)
    if not len(starts):
        return 0, 0
    longest = int(np.argmax(ends - starts))
    return int(starts[longest]), int(ends[longest])
