"""Page reclaim: which pages are old, and which of them can go (KERNEL.md, rule 14).

A hot module, compiled like page_alloc.py. It knows pages and their lists only: who asks for
reclaim, when, and for how much stands in reclaim.py.

A list is intrusive: `next` and `prev` hold one link a page, and behind the pages one sentinel a
list. A page is on a list from its first use until it is freed or reclaimed.
"""

from array import array

import cython
import numpy as np

from allocator import terms
from allocator.mechanism import Mechanism
from allocator.page_alloc import Memory

# C constants: a plain module global would be a Python object in compiled code.
PFN_NONE = cython.declare(cython.int, terms.PFN_NONE)
# Flags of a page: those of its operations (terms), and where it stands.
ON_LIST = cython.declare(cython.int, 1)
ACTIVE = cython.declare(cython.int, 2)
REFERENCED = cython.declare(cython.int, 4)
ANON = cython.declare(cython.int, terms.ANON)  # else it is page cache
YOUNG = cython.declare(cython.int, 16)  # used through a mapping since that was looked at last
MAPPED = cython.declare(cython.int, terms.MAPPED)
DIRTY = cython.declare(cython.int, terms.DIRTY)
WRITEBACK = cython.declare(cython.int, 128)
OF_OP = cython.declare(cython.int, terms.ANON | terms.MAPPED | terms.DIRTY)
ON_LRU = cython.declare(cython.int, terms.ON_LRU)  # of an operation: anonymous or file
KIND_USE = cython.declare(cython.int, terms.USE)
KIND_FREE = cython.declare(cython.int, terms.FREE_OP)
KEEP = cython.declare(cython.int, 0)
ACTIVATE = cython.declare(cython.int, 1)
RECLAIM = cython.declare(cython.int, 2)
CLUSTER_PAGES = cython.declare(cython.int, terms.CLUSTER_PAGES)
COSTLY_ORDER = cython.declare(cython.int, terms.COSTLY_ORDER)
EXPIRE_MS = cython.declare(cython.int, 30000)
LISTS_A_SCOPE = cython.declare(cython.int, 4)
BATCH_PAGES = terms.CLUSTER_PAGES + (1 << terms.MAX_ORDER)


@cython.cclass
class Lru:
    """The LRU lists of one memory. `pfn_of`, i4[ids]: where each id's pages lie.

    9 bytes a page and 4 an id, beside the memory's own. Reclaimed pages lose their place in
    `pfn_of`; so the next use brings them back.
    """

    pages: cython.int
    next: cython.int[::1]
    prev: cython.int[::1]
    flags: cython.uchar[::1]
    size: cython.int[::1]  # pages of each list
    zone_size: cython.int[::1]  # pages of each list in each zone, of those of the node
    pending: cython.int[::1]  # pages of each list still to be scanned, too few so far for a batch
    zone_end: cython.int[::1]
    owners: cython.int[::1]
    pfn_of: cython.int[::1]
    evicted_at: cython.int[::1]  # by id: `age` when it was reclaimed; 0: never
    age: cython.int  # pages reclaimed or activated so far
    refaults: cython.int[::1]  # of anonymous and of file pages, that came back active
    refaults_seen: cython.int[::1]  # by the last reclaim
    dirty_met: cython.int
    flush_pages: cython.int  # that reclaim asks the flusher to write
    split: cython.bint  # anonymous and file pages on lists of their own, one set for all zones
    lumpy: cython.bint
    gently: cython.bint
    swappiness: cython.int
    batch: cython.int[::1]
    due: cython.int[::1]  # pages of each list to scan in this turn
    dirty_pfns: cython.int[::1]  # a ring, in the order in which they were written to
    dirty_ms: cython.int[::1]
    dirty_at: cython.int
    dirty_entries: cython.int
    writing: cython.int[::1]  # a ring of pages on their way to the disk
    writing_at: cython.int
    writing_entries: cython.int
    ring: cython.int
    nr_dirty: cython.int
    nr_mapped: cython.int
    now_ms: cython.int
    memory = cython.declare(object)
    # Results of what was done since they were fetched last.
    scanned: cython.int  # mapped pages count twice: for the pressure on slabs
    looked_at: cython.int
    reclaimed: cython.int
    written: cython.int
    swapped: cython.int
    brought_back: cython.int

    def __init__(self, memory: Memory, pfn_of: array, mechanism: Mechanism):
        rules = mechanism.reclaim
        self.memory, self.pages = memory, len(memory.views()[0])
        self.gently = False
        self.split, self.lumpy = rules.rule == "split-lists", rules.lumpy
        self.swappiness = rules.swappiness
        zones = len(memory.zones)
        lists = LISTS_A_SCOPE * (1 if self.split else zones)
        self.next = array("i", range(self.pages + lists))
        self.prev = array("i", range(self.pages + lists))
        self.flags = bytearray(self.pages)
        self.size = array("i", bytes(4 * lists))
        self.zone_size = array("i", bytes(4 * LISTS_A_SCOPE * zones))
        self.pending = array("i", bytes(4 * lists))
        self.zone_end = array("i", [zone.end_pfn for zone in memory.zones])
        self.owners = memoryview(memory.views()[1])
        self.pfn_of = pfn_of
        self.evicted_at = array("i", bytes(4 * len(pfn_of)))
        self.batch = array("i", bytes(4 * BATCH_PAGES))
        self.due = array("i", bytes(4 * LISTS_A_SCOPE))
        self.ring = max(1 << self.pages.bit_length(), 2)
        for_ring = bytes(4 * self.ring)
        self.dirty_pfns, self.dirty_ms = array("i", for_ring), array("i", for_ring)
        self.writing = array("i", for_ring)
        self.age = 1
        self.refaults, self.refaults_seen = array("i", bytes(8)), array("i", bytes(8))
        self.dirty_met = self.flush_pages = 0
        self.dirty_at = self.dirty_entries = self.writing_at = self.writing_entries = 0
        self.nr_dirty = self.nr_mapped = self.now_ms = 0
        self.scanned = self.looked_at = self.reclaimed = self.written = self.swapped = 0
        self.brought_back = 0

    # What the operations did.

    def absorb(
        self,
        kind: cython.uchar[::1],
        ids: cython.int[::1],
        flags: cython.uchar[::1],
        time_us: cython.longlong[::1],
    ) -> None:
        """Operations that the memory has done: pages come onto the lists, are used, and leave."""
        count: cython.Py_ssize_t = len(kind)
        if not cython.compiled:
            columns = (kind, ids, flags, time_us)
            kind, ids, flags, time_us = (list(map(int, column)) for column in columns)
        with cython.nogil:
            _absorb(self, kind, ids, flags, time_us, count)

    def moved(self, source: int, target: int) -> None:
        """A page was migrated; it comes to the head of its list. Source: 6.1 move_to_new_folio."""
        zone: cython.int = _zone_of(self, source)
        flags: cython.int = self.flags[source]
        if not flags & ON_LIST:
            return
        _delete(self, source, zone)
        _add(self, target, zone, flags & ~WRITEBACK)
        if _is_dirty_file(flags):
            _note_dirty(self, target)

    # Reclaim.

    def list_pages(self, zone: int) -> int:
        """Pages on the lists that hold a zone's pages."""
        first: cython.int = 0 if self.split else 4 * zone
        return sum(self.size[first + i] for i in range(4))

    def inactive_pages(self) -> int:
        """Pages on all inactive lists."""
        return sum(self.size[::2])

    def shrink_zone(
        self,
        zone: int,
        priority: int,
        order: int,
        distress: bool,
        kswapd: bool,
        class_zone: int,
        gently: bool = False,
    ) -> None:
        """Scan a share of the lists, one in 2**priority pages, and reclaim what is old.

        `distress`: mapped pages are to be reclaimed like others. With lists of all zones, pages of
        zones above `class_zone` are passed over. `gently`: nothing is written, nor swapped out.
        Results: `results`.
        Source: 2.6.20 shrink_zone; 6.1 shrink_lruvec.
        """
        self.gently = gently
        if self.split:
            _shrink_node(self, priority, order, kswapd, class_zone)
        else:
            _shrink_zone(self, zone, priority, order, distress, kswapd)

    def ended(self) -> None:
        """A reclaim has ended. Source: 6.1 snapshot_refaults."""
        self.refaults_seen[0], self.refaults_seen[1] = self.refaults[0], self.refaults[1]

    def ask_to_flush(self, pages: int) -> None:
        """Have the flusher write so many pages, however few are dirty.

        Source: 2.6.20 wakeup_pdflush.
        """
        self.flush_pages = max(self.flush_pages, pages)

    def results(self) -> tuple[int, int, int, int, int, int]:
        """Since the last call: scan counted for slabs, pages looked at, reclaimed, written to
        files and to swap, brought back.
        """
        found = (
            self.scanned,
            self.looked_at,
            self.reclaimed,
            self.written,
            self.swapped,
            self.brought_back,
        )
        self.scanned = self.looked_at = self.reclaimed = self.written = self.swapped = 0
        self.brought_back = 0
        return found

    def mapped_percent(self, memory_pages: int) -> int:
        """Share of memory in mapped pages."""
        return 100 * self.nr_mapped // memory_pages

    def drop(self) -> None:
        """Reclaim all clean file pages that nobody has mapped.

        Source: 6.1 drop_pagecache_sb, invalidate_mapping_pages.
        """
        pfn: cython.int
        count: cython.int = 0
        for pfn in range(self.pages):
            if self.flags[pfn] & (ON_LIST | ANON | MAPPED | DIRTY | WRITEBACK) == ON_LIST:
                _evict(self, pfn, count)
                count += 1
                if count == CLUSTER_PAGES:
                    _give_back(self, count)
                    count = 0
        _give_back(self, count)

    # The disk.

    def disk(self, now_ms: int, budget_pages: int, background_pages: int) -> None:
        """What the disk does in a while: finishes writing pages of reclaim, then flushes dirty
        ones, those beyond `background_pages` and those older than half a minute.

        Source: 2.6.20 end_page_writeback, rotate_reclaimable_page, background_writeout,
        wb_kupdate.
        DEVIATION: D34, the background's share is of all memory.
        """
        self.now_ms = now_ms
        _disk(self, budget_pages, background_pages)

    # What is to be seen.

    def pages_of(self, zone: int, active: bool, file: bool) -> list[int]:
        """The pages of one list, head to tail."""
        node: cython.int = self.pages + _list(self, zone, active, file)
        found, at = [], self.next[node]
        while at != node:
            found.append(at)
            at = self.next[at]
        return found

    def page_flags(self) -> np.ndarray:
        """Flags of each page, u1[pages], a copy."""
        return np.array(self.flags, dtype=np.uint8)

    def dirty_pages(self) -> int:
        """File pages that have to be written."""
        return self.nr_dirty


# Lists.


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _zone_of(l: Lru, pfn: cython.int) -> cython.int:
    zone: cython.int = 0
    while pfn >= l.zone_end[zone]:
        zone += 1
    return zone


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _is_dirty_file(flags: cython.int) -> cython.bint:
    return flags & (DIRTY | ANON) == DIRTY


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _list(l: Lru, zone: cython.int, active: cython.bint, file: cython.bint) -> cython.int:
    """Number of a list."""
    if l.split:
        return (2 if file else 0) + (1 if active else 0)
    return LISTS_A_SCOPE * zone + (1 if active else 0)


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _list_of(l: Lru, pfn: cython.int, zone: cython.int) -> cython.int:
    flags: cython.int = l.flags[pfn]
    return _list(l, zone, (flags & ACTIVE) != 0, not flags & ANON)


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _link(l: Lru, after: cython.int, pfn: cython.int) -> cython.void:
    before: cython.int = l.next[after]
    l.next[after] = pfn
    l.prev[pfn] = after
    l.next[pfn] = before
    l.prev[before] = pfn


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _unlink(l: Lru, pfn: cython.int, which: cython.int, zone: cython.int) -> cython.void:
    after: cython.int = l.prev[pfn]
    before: cython.int = l.next[pfn]
    l.next[after] = before
    l.prev[before] = after
    l.size[which] -= 1
    if l.split:
        l.zone_size[LISTS_A_SCOPE * zone + which] -= 1


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _put(
    l: Lru, pfn: cython.int, which: cython.int, zone: cython.int, tail: cython.bint
) -> cython.void:
    node: cython.int = l.pages + which
    _link(l, l.prev[node] if tail else node, pfn)
    l.size[which] += 1
    if l.split:
        l.zone_size[LISTS_A_SCOPE * zone + which] += 1


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _add(l: Lru, pfn: cython.int, zone: cython.int, flags: cython.int) -> cython.void:
    """A page comes onto the head of its list."""
    l.flags[pfn] = flags | ON_LIST
    _put(l, pfn, _list_of(l, pfn, zone), zone, False)
    if flags & MAPPED:
        l.nr_mapped += 1
    if _is_dirty_file(flags):
        l.nr_dirty += 1


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _delete(l: Lru, pfn: cython.int, zone: cython.int) -> cython.void:
    """A page leaves its list for good."""
    flags: cython.int = l.flags[pfn]
    _unlink(l, pfn, _list_of(l, pfn, zone), zone)
    if flags & MAPPED:
        l.nr_mapped -= 1
    if _is_dirty_file(flags):
        l.nr_dirty -= 1
    l.flags[pfn] = 0


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _set_active(l: Lru, pfn: cython.int, zone: cython.int, active: cython.bint) -> cython.void:
    """Move a page to the head of the active or the inactive list of its kind."""
    _unlink(l, pfn, _list_of(l, pfn, zone), zone)
    l.flags[pfn] = (l.flags[pfn] | ACTIVE) if active else (l.flags[pfn] & ~ACTIVE)
    _put(l, pfn, _list_of(l, pfn, zone), zone, False)


# Use of pages.


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _absorb(
    l: Lru,
    kind: cython.uchar[::1],
    ids: cython.int[::1],
    flags: cython.uchar[::1],
    time_us: cython.longlong[::1],
    count: cython.Py_ssize_t,
) -> cython.void:
    i: cython.Py_ssize_t
    pfn: cython.int
    for i in range(count):
        l.now_ms = time_us[i] // 1000
        if kind[i] == KIND_USE:
            pfn = l.pfn_of[ids[i]]
            if pfn == PFN_NONE:
                continue
            if l.flags[pfn] & ON_LIST:
                _use(l, pfn, flags[i])
            else:
                _bring_in(l, pfn, ids[i], flags[i] & OF_OP)
        elif kind[i] == KIND_FREE and flags[i] & ON_LRU:
            pfn = l.pfn_of[ids[i]]
            if pfn != PFN_NONE and l.flags[pfn] & ON_LIST:
                _delete(l, pfn, _zone_of(l, pfn))


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _bring_in(l: Lru, pfn: cython.int, number: cython.int, flags: cython.int) -> cython.void:
    """The first use of a page, or the first since it was reclaimed.

    Source: 2.6.20 do_anonymous_page, add_to_page_cache_lru, mark_page_accessed; 6.1
    folio_add_lru, workingset_refault.
    """
    evicted_at: cython.int = l.evicted_at[number]
    zone: cython.int = _zone_of(l, pfn)
    flags |= YOUNG if flags & (ANON | MAPPED) else 0
    if flags & ANON:
        flags |= MAPPED
        flags |= 0 if l.split else ACTIVE
        flags |= 0 if evicted_at else DIRTY  # it has no copy in swap yet
    else:
        flags |= REFERENCED
    if evicted_at:
        l.brought_back += 1
        if l.split and _refault(l, evicted_at, flags):
            flags |= ACTIVE
    _add(l, pfn, zone, flags)
    if _is_dirty_file(flags):
        _note_dirty(l, pfn)


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _refault(l: Lru, evicted_at: cython.int, flags: cython.int) -> cython.bint:
    """Whether a page that is brought back would have been in memory still, had it been active.

    Source: 6.1 workingset_refault.
    """
    kind: cython.int = 0 if flags & ANON else 1
    others: cython.int = l.size[0] + l.size[1] + l.size[2] + l.size[3] - l.size[2 * kind]
    if l.age - evicted_at > others:
        return False
    l.age += 1
    l.refaults[kind] += 1
    return True


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _use(l: Lru, pfn: cython.int, flags: cython.int) -> cython.void:
    """Another use of a page.

    Of a mapped page it is seen when reclaim looks at it; of a file's the second use makes it
    active, for a mapped one that of another process.
    Source: 2.6.20 mark_page_accessed, filemap_nopage; 6.1 folio_mark_accessed, zap_pte_range.
    """
    had: cython.int = l.flags[pfn]
    if flags & DIRTY and not had & DIRTY:
        had |= DIRTY
        if not had & ANON:
            l.nr_dirty += 1
            _note_dirty(l, pfn)
    if had & MAPPED:
        had |= YOUNG
    l.flags[pfn] = had
    if had & ANON:
        return
    if had & ACTIVE or not had & REFERENCED:
        l.flags[pfn] = had | REFERENCED
    else:
        l.flags[pfn] = had & ~REFERENCED
        _set_active(l, pfn, _zone_of(l, pfn), True)
        l.age += 1


# Writing.


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _note_dirty(l: Lru, pfn: cython.int) -> cython.void:
    """Queue a file page for the flusher."""
    place: cython.int
    if l.dirty_entries == l.ring:  # too many entries of pages long gone: the oldest is forgotten
        l.dirty_at = (l.dirty_at + 1) & (l.ring - 1)
        l.dirty_entries -= 1
    place = (l.dirty_at + l.dirty_entries) & (l.ring - 1)
    l.dirty_pfns[place] = pfn
    l.dirty_ms[place] = l.now_ms
    l.dirty_entries += 1


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _clean(l: Lru, pfn: cython.int) -> cython.void:
    flags: cython.int = l.flags[pfn]
    l.flags[pfn] = flags & ~DIRTY
    if flags & ANON:
        l.swapped += 1
    else:
        l.nr_dirty -= 1
        l.written += 1


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _disk(l: Lru, budget: cython.int, background: cython.int) -> cython.void:
    pfn: cython.int
    while budget > 0 and l.writing_entries > 0:
        pfn = l.writing[l.writing_at]
        l.writing_at = (l.writing_at + 1) & (l.ring - 1)
        l.writing_entries -= 1
        if l.flags[pfn] & WRITEBACK and not (l.split and _is_dirty_file(l.flags[pfn])):
            budget -= 1
            _written(l, pfn)
    while budget > 0 and l.dirty_entries > 0:
        pfn = l.dirty_pfns[l.dirty_at]
        if (
            l.nr_dirty <= background
            and l.flush_pages <= 0
            and l.now_ms - l.dirty_ms[l.dirty_at] < EXPIRE_MS
        ):
            return
        l.dirty_at = (l.dirty_at + 1) & (l.ring - 1)
        l.dirty_entries -= 1
        if _is_dirty_file(l.flags[pfn]):
            _clean(l, pfn)
            budget -= 1
            l.flush_pages -= 1
            if l.split and l.flags[pfn] & WRITEBACK:
                _written(l, pfn)
    if l.dirty_entries == 0:
        l.flush_pages = 0


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _written(l: Lru, pfn: cython.int) -> cython.void:
    """A page that reclaim wanted is on the disk: it is the next to go, in 6.1 an active one too.

    Source: 2.6.20 rotate_reclaimable_page; 6.1 folio_rotate_reclaimable, lru_move_tail_fn.
    """
    zone: cython.int = _zone_of(l, pfn)
    l.flags[pfn] = l.flags[pfn] & ~WRITEBACK
    if l.flags[pfn] & ACTIVE and not l.split:
        return
    _unlink(l, pfn, _list_of(l, pfn, zone), zone)
    l.flags[pfn] = l.flags[pfn] & ~ACTIVE
    _put(l, pfn, _list_of(l, pfn, zone), zone, True)


# Reclaim.


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _evict(l: Lru, pfn: cython.int, place: cython.int) -> cython.void:
    """A page leaves memory; `place` in the batch of those to be freed."""
    number: cython.int = l.owners[pfn]
    _delete(l, pfn, _zone_of(l, pfn))
    l.age += 1
    l.evicted_at[number] = l.age
    l.pfn_of[number] = PFN_NONE
    l.batch[place] = pfn
    l.reclaimed += 1


@cython.cfunc
def _give_back(l: Lru, count: cython.int):
    """Free the first pages of the batch."""
    if count:
        l.memory.free_pages(l.batch, count)


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _verdict(l: Lru, pfn: cython.int, order: cython.int, waits: cython.bint) -> cython.int:
    """What becomes of an inactive page. A dirty one is sent to the disk and kept meanwhile.

    `order`: of a request whose neighbourhood is cleared (lumpy), above 3 whatever was used lately;
    `waits`: for the disk.
    Source: 2.6.20 shrink_page_list; 2.6.24 the same for order.
    DEVIATION: D26, swap has always room.
    """
    flags: cython.int = l.flags[pfn]
    l.scanned += 2 if flags & MAPPED else 1
    if flags & WRITEBACK and not waits:
        return KEEP
    flags &= ~WRITEBACK
    if flags & (YOUNG | REFERENCED) and order <= COSTLY_ORDER:
        flags &= ~(YOUNG | REFERENCED)
        l.flags[pfn] = flags
        if flags & MAPPED:
            return ACTIVATE
        if flags & DIRTY:
            return KEEP
    l.flags[pfn] = flags
    if not flags & DIRTY:
        return RECLAIM
    _write(l, pfn)
    return RECLAIM if waits else KEEP


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _verdict_split(l: Lru, pfn: cython.int) -> cython.int:
    """The same of 6.1: a mapping counts when it was used before twice; a file's dirty pages are
    left to the flusher.

    Source: 6.1 shrink_folio_list, folio_check_references.
    DEVIATION: D27, a mapped file page is taken for executable, which one use keeps; kswapd writes
    no file pages.
    """
    flags: cython.int = l.flags[pfn]
    referenced: cython.int = flags & REFERENCED
    l.scanned += 1
    if flags & WRITEBACK and not _is_dirty_file(flags):
        return KEEP
    l.flags[pfn] = flags & ~(YOUNG | REFERENCED)
    if _is_dirty_file(flags):
        l.dirty_met += 1
    if flags & YOUNG:
        l.flags[pfn] = l.flags[pfn] | REFERENCED
        return ACTIVATE if referenced or not flags & ANON else KEEP
    if _is_dirty_file(flags):
        l.flags[pfn] = l.flags[pfn] | WRITEBACK  # when it is clean it is the next to go
        return ACTIVATE
    if flags & DIRTY:
        if not l.gently:
            _write(l, pfn)
        return KEEP
    return RECLAIM


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _write(l: Lru, pfn: cython.int) -> cython.void:
    """Send a dirty page to the disk; without room in the queue it counts as written at once."""
    place: cython.int = (l.writing_at + l.writing_entries) & (l.ring - 1)
    _clean(l, pfn)
    if l.writing_entries < l.ring:
        l.flags[pfn] = l.flags[pfn] | WRITEBACK
        l.writing[place] = pfn
        l.writing_entries += 1


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _shrink_inactive(
    l: Lru,
    which: cython.int,
    pages: cython.int,
    order: cython.int,
    kswapd: cython.bint,
    class_zone: cython.int,
) -> cython.int:
    """Look at up to 32 pages from the tail of an inactive list, with lumpy reclaim at the blocks
    of the request's size around them; how many were reclaimed and lie in the batch.

    Source: 2.6.20 shrink_inactive_list; 2.6.24 isolate_lru_pages.
    """
    node: cython.int = l.pages + which
    old: cython.int
    pfn: cython.int
    zone: cython.int
    found: cython.int = 0
    at_most: cython.int = l.size[which]
    left: cython.int = min(pages, at_most)
    block: cython.int
    waits: cython.bint = order > COSTLY_ORDER and not kswapd
    while left > 0 and at_most > 0 and l.size[which] > 0 and found < CLUSTER_PAGES:
        old = l.prev[node]
        zone = _zone_of(l, old)
        at_most -= 1
        l.looked_at += 1
        if zone > class_zone:
            _set_active(l, old, zone, False)
            continue
        left -= 1
        if not l.lumpy or order == 0:
            found = _settle(l, old, zone, 0, False, found)
            continue
        block = (old >> order) << order
        found = _settle(l, old, zone, order, waits, found)
        for pfn in range(block, min(block + (1 << order), l.pages)):
            if pfn != old and _in_window(l, pfn, zone, order):
                left -= 1
                l.looked_at += 1
                found = _settle(l, pfn, zone, order, waits, found)
    return found


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _in_window(l: Lru, pfn: cython.int, zone: cython.int, order: cython.int) -> cython.bint:
    """Whether lumpy reclaim takes a page around an old one: above order 3 active ones too.

    Source: 2.6.24 isolate_lru_pages, __isolate_lru_page.
    DEVIATION: D33, not around active pages.
    """
    flags: cython.int = l.flags[pfn]
    if not flags & ON_LIST or (flags & ACTIVE and order <= COSTLY_ORDER):
        return False
    return _zone_of(l, pfn) == zone


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _settle(
    l: Lru,
    pfn: cython.int,
    zone: cython.int,
    order: cython.int,
    waits: cython.bint,
    found: cython.int,
) -> cython.int:
    """Reclaim one page or put it back onto a list; how many are in the batch then."""
    verdict: cython.int
    verdict = _verdict_split(l, pfn) if l.split else _verdict(l, pfn, order, waits)
    if verdict == RECLAIM:
        _evict(l, pfn, found)
        return found + 1
    _set_active(l, pfn, zone, verdict == ACTIVATE)
    if verdict == ACTIVATE:
        l.age += 1
    return found


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _shrink_active(
    l: Lru, which: cython.int, pages: cython.int, distress: cython.bint, class_zone: cython.int
) -> cython.void:
    """Pages from the tail of an active list become inactive, but for mapped ones in use.

    Source: 2.6.20 and 6.1 shrink_active_list.
    """
    node: cython.int = l.pages + which
    pfn: cython.int
    zone: cython.int
    flags: cython.int
    stays: cython.bint
    at_most: cython.int = l.size[which]
    left: cython.int = min(pages, at_most)
    while left > 0 and at_most > 0:
        pfn = l.prev[node]
        zone = _zone_of(l, pfn)
        flags = l.flags[pfn]
        at_most -= 1
        l.looked_at += 1
        if zone > class_zone:
            _set_active(l, pfn, zone, True)
            continue
        left -= 1
        if l.split:
            stays = flags & YOUNG and not flags & ANON
            l.flags[pfn] = flags & ~YOUNG
            l.age += stays
        elif flags & MAPPED:
            stays = not distress or flags & (YOUNG | REFERENCED)
            if distress:
                l.flags[pfn] = flags & ~(YOUNG | REFERENCED)
        else:
            stays = False
        _set_active(l, pfn, zone, stays)


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _due(l: Lru, which: cython.int, priority: cython.int) -> cython.int:
    """Pages of a list to scan now; fewer than a batch wait for the next time.

    Source: 2.6.20 shrink_zone, nr_scan_active, nr_scan_inactive.
    """
    pages: cython.int = l.pending[which] + (l.size[which] >> priority) + 1
    if pages < CLUSTER_PAGES:
        l.pending[which] = pages
        return 0
    l.pending[which] = 0
    return pages


@cython.cfunc
def _shrink_zone(
    l: Lru,
    zone: cython.int,
    priority: cython.int,
    order: cython.int,
    distress: cython.bint,
    kswapd: cython.bint,
):
    """A share of one zone's two lists, in turns of 32 pages."""
    inactive_list: cython.int = _list(l, zone, False, False)
    active: cython.int = _due(l, inactive_list + 1, priority)
    inactive: cython.int = _due(l, inactive_list, priority)
    while active > 0 or inactive > 0:
        if active > 0:
            _shrink_active(l, inactive_list + 1, min(active, CLUSTER_PAGES), distress, zone)
            active -= CLUSTER_PAGES
        if inactive > 0:
            inactive -= CLUSTER_PAGES
            _shrink_batch(l, inactive_list, CLUSTER_PAGES, order, kswapd, zone)


@cython.cfunc
def _shrink_batch(
    l: Lru,
    which: cython.int,
    pages: cython.int,
    order: cython.int,
    kswapd: cython.bint,
    class_zone: cython.int,
):
    """One batch of an inactive list, reclaimed and freed.

    Source: 6.1 shrink_inactive_list, where all were dirty: wakeup_flusher_threads.
    """
    count: cython.int
    before: cython.int = l.scanned
    l.dirty_met = 0
    count = _shrink_inactive(l, which, pages, order, kswapd, class_zone)
    if l.dirty_met and l.dirty_met == l.scanned - before:  # the flusher is too slow
        l.flush_pages = max(l.flush_pages, l.nr_dirty)
    _give_back(l, count)


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _inactive_is_low(l: Lru, inactive_list: cython.int) -> cython.bint:
    """Whether the active list is to be scanned too.

    Source: 6.1 inactive_is_low; its ratio is the root of ten times the list's GiB.
    """
    inactive: cython.longlong = l.size[inactive_list]
    active: cython.longlong = l.size[inactive_list + 1]
    gib: cython.longlong = (inactive + active) >> 18
    ratio: cython.longlong = 1
    while (ratio + 1) * (ratio + 1) <= 10 * gib:
        ratio += 1
    return inactive * ratio < active


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _may_deactivate(l: Lru, inactive_list: cython.int) -> cython.bint:
    """Whether an active list is scanned: the inactive one is low, or pages that had to be brought
    back since the last reclaim ended show that active ones aren't what is used.

    Source: 6.1 prepare_scan_count, snapshot_refaults.
    """
    kind: cython.int = inactive_list >> 1
    return l.refaults[kind] != l.refaults_seen[kind] or _inactive_is_low(l, inactive_list)


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _usable(l: Lru, which: cython.int, class_zone: cython.int) -> cython.int:
    """Pages of a list of the node in zones that the request may use.

    Source: 6.1 lruvec_lru_size.
    """
    pages: cython.int = 0
    zone: cython.int
    for zone in range(class_zone + 1):
        pages += l.zone_size[LISTS_A_SCOPE * zone + which]
    return pages


@cython.cfunc
def _shrink_node(
    l: Lru, priority: cython.int, order: cython.int, kswapd: cython.bint, class_zone: cython.int
):
    """A share of the node's four lists: file pages first, as long as there are old ones.

    Source: 6.1 get_scan_count, shrink_lruvec.
    DEVIATION: D28, the costs of bringing back file and anonymous pages are taken as equal, and all
    that is due is scanned.
    """
    kind: cython.int
    only_file: cython.bint = l.gently
    deactivates_anon: cython.bint = _may_deactivate(l, 0)
    deactivates_file: cython.bint = _may_deactivate(l, 2)
    if l.size[2] >> priority and not deactivates_file:
        only_file = True
    for kind in range(4):
        l.due[kind] = _usable(l, kind, class_zone) >> priority
        if kind < 2:
            l.due[kind] = 0 if only_file else l.due[kind] * l.swappiness // 200
        elif not only_file:
            l.due[kind] = l.due[kind] * (200 - l.swappiness) // 200
    while l.due[0] > 0 or l.due[2] > 0 or l.due[3] > 0:
        for kind in range(0, 4, 2):
            if l.due[kind + 1] > 0 and (deactivates_file if kind else deactivates_anon):
                _shrink_active(l, kind + 1, min(l.due[kind + 1], CLUSTER_PAGES), False, class_zone)
            l.due[kind + 1] -= CLUSTER_PAGES
            if l.due[kind] > 0:
                _shrink_batch(l, kind, min(l.due[kind], CLUSTER_PAGES), order, kswapd, class_zone)
            l.due[kind] -= CLUSTER_PAGES
    if l.size[0] + l.size[1] > 0 and _inactive_is_low(l, 0):
        _shrink_active(l, 1, CLUSTER_PAGES, False, class_zone)
