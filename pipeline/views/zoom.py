"""Zoom: some pageblocks of a recording."""

import re

import numpy as np

from pipeline.config import UsageError
from pipeline.recording import Recording
from pipeline.views.view import View

_RANGE = re.compile(r"(0[xX][0-9a-fA-F]{1,16}|[0-9]{1,19})-(0[xX][0-9a-fA-F]{1,16}|[0-9]{1,19})")


def pfn_range(text: str) -> tuple[int, int]:
    """The first and last pfn of "FIRST-LAST", decimal or with 0x. Raises UsageError."""
    match = _RANGE.fullmatch(text.strip())
    if not match:
        raise UsageError(f"pfn range {text!r}: not of the form FIRST-LAST, decimal or with 0x")
    first, last = (int(n, 16) if n[:2] in ("0x", "0X") else int(n) for n in match.groups())
    if first > last:
        raise UsageError(f"pfn range {text!r}: it ends before it begins")
    return first, last


class Zoom(View):
    """The pageblocks that hold the pages from `first_pfn` to `last_pfn`.

    Its header's geometry counts pages from the first one shown, whose pfn is "first_pfn" there.
    """

    def __init__(self, of: Recording | View, first_pfn: int, last_pfn: int) -> None:
        geometry = of.header["geometry"]
        order, pages = geometry["pageblock_order"], geometry["pages"]
        if first_pfn >= pages:
            raise UsageError(f"{of.path}: pages 0 to {pages - 1}; there is no pfn {first_pfn}")
        self.first_pfn = first_pfn >> order << order
        self.last_pfn = min(((last_pfn >> order) + 1 << order), pages) - 1
        shown = self.last_pfn + 1 - self.first_pfn
        zones = [self._clipped(zone, shown) for zone in geometry["zones"]]
        changed = {"pages": shown, "zones": zones, "first_pfn": self.first_pfn}
        super().__init__(of, of.header | {"geometry": geometry | changed})

    def _clipped(self, zone: dict, shown: int) -> dict:
        """A zone as far as it is shown; one that begins before says so."""
        begins_before = zone["start_pfn"] < self.first_pfn
        bounds = {
            key: min(max(zone[key] - self.first_pfn, 0), shown) for key in ("start_pfn", "end_pfn")
        }
        return zone | bounds | {"name": f"in {zone['name']}" if begins_before else zone["name"]}

    def grid(self, index: int) -> np.ndarray:
        """Page classes of the pages shown at a frame, u1[pages]."""
        return self.of.grid(index)[self.first_pfn : self.last_pfn + 1]
