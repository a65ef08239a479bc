"""Difference: pageblock by pageblock, one recording against another on the same clock.

Counted are the pages that cannot move: one of them keeps a pageblock from becoming a huge page. So
it is told first whether the difference decides over that, then how many pages it is of. Grouping
does not make such pages fewer, it brings them together: a pageblock with 500 instead of 4 of them
is no loss, one with 0 instead of 4 is won.
"""

import numpy as np

from pipeline.config import UsageError
from pipeline.metrics.evidence import KERNEL_PAGES, KIND_OF_CLASS, eligible_blocks
from pipeline.recording import Recording
from pipeline.views.view import View

# spoiled: some of them here, none in the other; spared: none here, some in the other; more, fewer:
# some in both. Each by the pages that it differs by, from 1, 8 or 64 on (DIFFERENCE in
# renderer/palette.py has a colour for each).
STEPS = (1, 8, 64)
NOT_COUNTED, SAME = 0, 1
SPARED, SPOILED, FEWER, MORE = (2 + len(STEPS) * n for n in range(4))
KINDS = ("spared", "spoiled", "fewer", "more")
CLASSES = ("not_counted", "same", *(f"{kind}_{step}" for kind in KINDS for step in STEPS))


class Difference(View):
    """`of` against `base`: a grid whose pages have the code of their pageblock.

    Only pageblocks that are eligible in both are compared. Raises UsageError for recordings of
    other pages.
    """

    def __init__(self, of: Recording, base: Recording) -> None:
        geometry = of.header["geometry"]
        for key in ("pages", "pageblock_order"):
            if geometry[key] != base.header["geometry"][key]:
                raise UsageError(f"{of.path} and {base.path} differ in {key}")
        super().__init__(of, of.header | {"page_classes": list(CLASSES), "series_columns": []})
        self.base = base
        mine, others = eligible_blocks(of), eligible_blocks(base)
        self.eligible = mine & others
        self.counted_in_one = int((mine ^ others).sum())
        self._order = geometry["pageblock_order"]
        self._last: tuple[int, np.ndarray] | None = None

    def blocks(self, index: int) -> np.ndarray:
        """Codes of the whole pageblocks at a frame, u1[blocks]."""
        if self._last is None or self._last[0] != index:
            codes = compared(self._pages(self.of, index), self._pages(self.base, index))
            codes[~self.eligible] = NOT_COUNTED
            self._last = (index, codes)
        return self._last[1]

    def spared(self, index: int) -> int:
        """Pageblocks without such a page here that have some in the other."""
        return _within(self.blocks(index), SPARED)

    def spoiled(self, index: int) -> int:
        """Pageblocks with such pages here that have none in the other."""
        return _within(self.blocks(index), SPOILED)

    def grid(self, index: int) -> np.ndarray:
        """Codes of a frame, u1[pages]."""
        pages = self.header["geometry"]["pages"]
        grid = np.full(pages, NOT_COUNTED, np.uint8)  # a pageblock cut by the end isn't counted
        codes = np.repeat(self.blocks(index), 1 << self._order)
        grid[: len(codes)] = codes
        return grid

    def _pages(self, recording: Recording, index: int) -> np.ndarray:
        """Pages that cannot move in each whole pageblock, i4[blocks]."""
        names = recording.header["page_classes"]
        stays = np.array([KIND_OF_CLASS.get(n, KERNEL_PAGES) & KERNEL_PAGES > 0 for n in names])
        blocks = len(self.eligible)
        tiles = stays[recording.grid(index)[: blocks << self._order]].reshape(
            blocks, 1 << self._order
        )
        return tiles.sum(axis=1, dtype=np.int32)


def compared(here: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Codes of pageblocks by their pages that cannot move, i4[n] each; u1[n]."""
    difference = here - there
    step = np.digitize(abs(difference), STEPS) - 1
    kind = np.select(
        [difference == 0, (difference > 0) & (there == 0), difference > 0, here == 0],
        [SAME, SPOILED, MORE, SPARED],
        FEWER,
    )
    return (kind + np.where(difference == 0, 0, step)).astype(np.uint8)


def _within(codes: np.ndarray, first: int) -> int:
    return int(((codes >= first) & (codes < first + len(STEPS))).sum())
