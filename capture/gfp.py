"""What a request's flags say of where it may be served and by which lists.

Source: include/linux/gfp.h, gfp_types.h and mm/page_alloc.c (gfp_zone, gfp_migratetype) of 2.6.24
to 6.18. Bits of the zone modifiers and of __GFP_HIGH have kept their places; those of the others
have not, so names count where they are printed (4.6 and later), and bare numbers are read as the
older kernels', which print no names.
"""

import re
from typing import NamedTuple

from allocator.terms import MOVABLE, RECLAIMABLE, UNMOVABLE

DMA_BIT, HIGHMEM_BIT, DMA32_BIT, MOVABLE_BIT = 0x01, 0x02, 0x04, 0x08
WAIT_BIT, HIGH_BIT, RECLAIMABLE_BIT = 0x10, 0x20, 0x80000  # to 4.3
# Names that stand for several flags; of these, what matters here.
COMPOSITE = {
    "GFP_HIGHUSER_MOVABLE": {"__GFP_HIGHMEM", "__GFP_MOVABLE", "__GFP_DIRECT_RECLAIM"},
    "GFP_TRANSHUGE": {"__GFP_HIGHMEM", "__GFP_MOVABLE", "__GFP_DIRECT_RECLAIM"},
    "GFP_TRANSHUGE_LIGHT": {"__GFP_HIGHMEM", "__GFP_MOVABLE"},
    "GFP_HIGHUSER": {"__GFP_HIGHMEM", "__GFP_DIRECT_RECLAIM"},
    "GFP_USER": {"__GFP_DIRECT_RECLAIM"},
    "GFP_KERNEL": {"__GFP_DIRECT_RECLAIM"},
    "GFP_KERNEL_ACCOUNT": {"__GFP_DIRECT_RECLAIM"},
    "GFP_NOFS": {"__GFP_DIRECT_RECLAIM"},
    "GFP_NOIO": {"__GFP_DIRECT_RECLAIM"},
    "GFP_TEMPORARY": {"__GFP_DIRECT_RECLAIM", "__GFP_RECLAIMABLE"},
    "GFP_ATOMIC": {"__GFP_HIGH"},
    "GFP_NOWAIT": set(),
    "GFP_DMA": {"__GFP_DMA"},
    "GFP_DMA32": {"__GFP_DMA32"},
    "__GFP_RECLAIM": {"__GFP_DIRECT_RECLAIM"},
    "__GFP_WAIT": {"__GFP_DIRECT_RECLAIM"},
}  # fmt: skip
ZONES = ("DMA", "DMA32", "Normal", "HighMem", "Movable", "Device")
NAMES = re.compile(r"[A-Z_a-z][A-Z_a-z0-9]*")


class Request(NamedTuple):
    """`highest_zone`: name of the highest that may serve it; `mobility` as in allocator.terms."""

    highest_zone: str
    mobility: int
    may_wait: bool
    high_priority: bool

    @property
    def zones(self) -> tuple[str, ...]:
        """All that may serve it, the highest first."""
        return ZONES[ZONES.index(self.highest_zone) :: -1]


def request_of(mode: int, names: str = "") -> Request:
    """Of the flags of a report: a number, and the names it printed beside it, if any."""
    flags = _flags(names) if names else _old_flags(mode)
    if "__GFP_DMA" in flags:
        zone = "DMA"
    elif "__GFP_DMA32" in flags:
        zone = "DMA32"
    elif {"__GFP_HIGHMEM", "__GFP_MOVABLE"} <= flags:
        zone = "Movable"
    else:
        zone = "HighMem" if "__GFP_HIGHMEM" in flags else "Normal"
    mobility = UNMOVABLE
    if "__GFP_MOVABLE" in flags:
        mobility = MOVABLE
    elif "__GFP_RECLAIMABLE" in flags:
        mobility = RECLAIMABLE
    return Request(zone, mobility, "__GFP_DIRECT_RECLAIM" in flags, "__GFP_HIGH" in flags)


def _flags(names: str) -> set[str]:
    flags: set[str] = set()
    for name in NAMES.findall(names):
        flags |= COMPOSITE.get(name, {name})
    return flags


def _old_flags(mode: int) -> set[str]:
    bits = {
        DMA_BIT: "__GFP_DMA",
        HIGHMEM_BIT: "__GFP_HIGHMEM",
        DMA32_BIT: "__GFP_DMA32",
        MOVABLE_BIT: "__GFP_MOVABLE",
        WAIT_BIT: "__GFP_DIRECT_RECLAIM",
        HIGH_BIT: "__GFP_HIGH",
        RECLAIMABLE_BIT: "__GFP_RECLAIMABLE",
    }
    return {name for bit, name in bits.items() if mode & bit}
