"""What each pageblock held at each frame, read from a recording once."""

import numpy as np

from pipeline.grouping import grouping_of, tells_types
from pipeline.metrics.evidence import KERNEL_PAGES, Evidence
from pipeline.recording import Recording


class History(Evidence):
    """What the whole pageblocks of a recording held. Raises RecordingError when damaged.

    Besides what the metrics need: `kernel_pages` i4[frames, blocks]: pages that cannot move;
    `lone_pfn` i4[frames, blocks]: the pfn of the only such page, -1 where there is none or more
    than one; `types` u1[frames, blocks]: migratetypes of the pageblocks.
    """

    def __init__(self, recording: Recording) -> None:
        geometry = recording.header["geometry"]
        shape = (len(recording), geometry["pages"] >> geometry["pageblock_order"])
        self.types = np.zeros(shape, np.uint8)
        self.kernel_pages, self.lone_pfn = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
        super().__init__(recording)  # reads the frames

    def _read(self, frame: int, tiles: np.ndarray) -> None:
        super()._read(frame, tiles)
        self.types[frame] = self.recording.block_types(frame)[: self.blocks]
        kernel = tiles & KERNEL_PAGES > 0
        count = kernel.sum(axis=1, dtype=np.int32)
        first = (np.arange(self.blocks) << self.block_order) + kernel.argmax(axis=1)
        self.kernel_pages[frame] = count
        self.lone_pfn[frame] = np.where(count == 1, first, -1)

    @property
    def grouping(self) -> bool:
        """Whether pageblock types tell something: the mechanism groups pages by mobility."""
        return tells_types(self.header)

    @property
    def own_block_order(self) -> int:
        """The order of the mechanism's pageblocks: that of the recording where it says nothing."""
        return grouping_of(self.header)["block_order"]

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
