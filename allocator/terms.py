"""Words and codes of the simulated machine, shared by every layer.

Codes are the kernel's of 4.4 and later (include/linux/mmzone.h, enum migratetype). Page classes are
what a frame shows of a page; their codes stand in recordings, whose header names them.
"""

from typing import NamedTuple

import numpy as np

PAGE_SIZE_BYTES = 4096
MAX_ORDER = 10  # highest order, inclusive
NR_ORDERS = MAX_ORDER + 1
COSTLY_ORDER = 3  # above it, requests are given up early. Source: PAGE_ALLOC_COSTLY_ORDER
CLUSTER_PAGES = 32  # that are scanned, isolated or migrated at a time. Source: SWAP_CLUSTER_MAX
PFN_NONE = 2**31 - 1  # null pfn: fails loudly as an index, where -1 would write the last page

# Migratetypes.
UNMOVABLE, MOVABLE, RECLAIMABLE, HIGHATOMIC = range(4)
MIGRATETYPES = ("unmovable", "movable", "reclaimable", "highatomic")
NR_MIGRATETYPES = len(MIGRATETYPES)

# Classes of a page.
FREE, PCP_FREE, CLASS_MOVABLE, CLASS_UNMOVABLE, CLASS_RECLAIMABLE = range(5)
HUGETLB, RESERVED, HOLE, KERNEL_UNKNOWN = range(5, 9)
PAGE_CLASSES = (
    "free",
    "pcp_free",
    "movable",
    "unmovable",
    "reclaimable",
    "hugetlb",
    "reserved",
    "hole",
    "kernel_unknown",
)

# The class of a page by the mobility of the request that holds it.
CLASS_OF_MOBILITY = (CLASS_UNMOVABLE, CLASS_MOVABLE, CLASS_RECLAIMABLE)
# The migratetype that pages of each class suit, by code; unmovable for all that can't move.
TYPE_OF_CLASS = tuple(
    CLASS_OF_MOBILITY.index(code) if code in CLASS_OF_MOBILITY else UNMOVABLE
    for code in range(len(PAGE_CLASSES))
)

# Kinds of operation. USE: a page on the LRU lists is used, and brought in where it isn't in memory
# (yet, or any more). OBJECT, OBJECT_FREE: the same of an object in a slab, its release.
ALLOC, FREE_OP, DRAIN, COMPACT, USE, OBJECT, OBJECT_FREE, DROP_CACHES = range(8)

# Flags of a request.
ATOMIC = 1  # may not wait, may use reserves (GFP_ATOMIC)
HUGE = 2  # for the pool of huge pages: its pages are of class hugetlb
# Flags of a page on the LRU lists, the same in all its operations but DIRTY.
ANON = 8  # a process's own memory: mapped, written to swap before it is reclaimed
FILE = 16  # page cache
MAPPED = 32  # page cache that processes have mapped
DIRTY = 64  # written to: has to reach the disk before it is reclaimed
PINNED = 128  # of an object: in use, no shrinker frees it
ON_LRU = ANON | FILE
HUGE_ORDER = 9  # of such a page, 2 MiB

SCATTER = 2_654_435_761  # Knuth's multiplier: draws by a number, evenly and always the same

# Kinds of event.
EVENT_FALLBACK, EVENT_CLAIM, EVENT_FAILURE = range(3)
EVENT_KINDS = ("fallback", "claim", "failure")
EVENT_DTYPE = np.dtype(
    [
        ("op", "<i8"),
        ("pfn", "<i4"),
        ("kind", "u1"),
        ("order", "u1"),
        ("migratetype", "u1"),
        ("fallback_order", "u1"),
        ("fallback_migratetype", "u1"),
        ("claimed", "u1"),
        ("block_migratetype", "u1"),  # of the pageblock before; fallback_migratetype is the list's
        # What the choice to claim a pageblock was made by: its free pages, and its pages in use
        # that suit the new type. -1 where nothing was counted. Of a failure: free pages of the
        # block that came nearest (`pfn`), where that was looked for.
        ("free_pages", "<i2"),
        ("alike_pages", "<i2"),
    ]
)


class SlabCache(NamedTuple):
    """A cache of small objects: its slabs have 2**`order` pages and hold `objects` each.

    `shrinkable`: unused objects are freed under pressure (dentries, inodes), the longest unused
    first.
    """

    name: str
    mobility: int
    objects: int
    order: int = 0
    shrinkable: bool = False


_PAIRS = tuple(
    f"fallbacks_{request}_in_{block}"
    for request in MIGRATETYPES
    for block in MIGRATETYPES
    if request != block
)
COUNTERS = (
    "allocations",
    "frees",
    "failed_requests",
    "failed_pages",
    "freed_unknown",
    "splits",
    "merges",
    "list_searches",
    "pages_moved",
    "claims",
    "pcp_refills",
    "pcp_refill_pages",
    "pcp_drains",
    "pcp_drain_pages",
    "pcp_drain_all",
    "highatomic_reserved",
    "highatomic_unreserved",
    *_PAIRS,
    *(f"requests_order_{order}" for order in range(NR_ORDERS)),
    *(f"failed_order_{order}" for order in range(NR_ORDERS)),
    "pages_migrated",
    "compact_stalls",
    "compact_proactive",
    "compact_daemon_wakes",
    "direct_reclaims",
    "kswapd_runs",
    "pages_scanned_direct",
    "pages_scanned_kswapd",
    "pages_reclaimed_direct",
    "pages_reclaimed_kswapd",
    "pages_written",
    "pages_swapped_out",
    "pages_brought_back",
    "objects_reclaimed",
    "slab_pages_reclaimed",
)
