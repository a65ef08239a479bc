"""The inner loops of compaction: which pages its two scanners find (KERNEL.md, rule 12).

A hot module, compiled like page_alloc.py; where the scanners go is decided in compaction.py.
"""

import cython

from allocator import terms
from allocator.page_alloc import Memory

# C constants: a plain module global would be a Python object in compiled code.
PFN_NONE = cython.declare(cython.int, terms.PFN_NONE)
FREE = cython.declare(cython.int, terms.FREE)
CLASS_MOVABLE = cython.declare(cython.int, terms.CLASS_MOVABLE)
CLUSTER_PAGES = cython.declare(cython.int, terms.CLUSTER_PAGES)
PRIME = cython.declare(cython.longlong, 1009)
FACTOR = cython.declare(cython.longlong, terms.SCATTER)


@cython.cclass
class Scanners:
    """Looks at the pages of one memory. `pinned_per_mille`: of pages in kernel zones."""

    classes: cython.uchar[::1]
    owners: cython.int[::1]
    heads: cython.uchar[::1]
    pinned: cython.longlong
    memory = cython.declare(object)

    def __init__(self, memory: Memory, pinned_per_mille: int):
        self.memory = memory
        classes, owners, heads, _ = memory.views()
        self.classes, self.owners = memoryview(classes), memoryview(owners)
        self.heads = memoryview(heads)
        self.pinned = pinned_per_mille * 1009

    def movable(self, start: int, end: int, pins: bool, window_order: int) -> list[int]:
        """Up to 32 pages from `start` to `end` that can be migrated, ascending.

        `pins`: whether some are the file system's own; `window_order`: windows of 2**order pages
        in which something stays are left out, with 0 none is.
        Source: 6.1 isolate_migratepages_block.
        """
        found: list = []
        pfn: cython.int
        window: cython.int = -1
        hopeless: cython.bint = False
        order: cython.int = window_order
        with_pins: cython.bint = pins
        for pfn in range(start, end):
            if not _can_move(self, pfn, with_pins):
                continue
            if order > 0:
                if pfn >> order != window:
                    window = pfn >> order
                    hopeless = _is_hopeless(self, window, order, start, end, with_pins)
                if hopeless:
                    continue
            found.append(pfn)
            if len(found) == CLUSTER_PAGES:
                break
        return found

    def isolate(self, zone: int, start: int, end: int, wanted_pages: int) -> tuple[list[int], int]:
        """Free pages from `start` to `end`, isolated, ascending; where it stopped.

        It stops at `end`, when there are as many as wanted, and where the watermark forbids more.
        Source: 6.1 isolate_freepages_block, split_map_pages.
        """
        found: list = []
        pfn: cython.int = start
        last: cython.int = end
        pages: cython.int
        while pfn < last:
            if self.heads[pfn]:
                pages = self.memory.isolate(zone, pfn)
                if not pages:
                    return found, pfn
                found.extend(range(pfn, pfn + pages))
                if len(found) >= wanted_pages:
                    return found, pfn + pages
                pfn += pages
            else:
                pfn += 1
        return found, end


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _can_move(s: Scanners, pfn: cython.int, pins: cython.bint) -> cython.bint:
    """Whether a page can be migrated: not one of a larger block, nor a file system's own.

    Source: 6.1 isolate_migratepages_block, buffer_migrate_folio_norefs.
    DEVIATION: D20, which of them are pinned is drawn by their ids.
    """
    owner: cython.longlong = s.owners[pfn]
    if s.classes[pfn] != CLASS_MOVABLE or owner == PFN_NONE:
        return False
    return not pins or owner * FACTOR % PRIME * 1000 >= s.pinned


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _is_hopeless(
    s: Scanners,
    window: cython.int,
    order: cython.int,
    start: cython.int,
    end: cython.int,
    pins: cython.bint,
) -> cython.bint:
    """Whether something in a window stays, of what lies from start to end."""
    pfn: cython.int
    for pfn in range(max(window << order, start), min((window + 1) << order, end)):
        if s.classes[pfn] != FREE and not _can_move(s, pfn, pins):
            return True
    return False
