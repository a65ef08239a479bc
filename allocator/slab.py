"""Slabs: small objects in pages of the kernel's own, and the shrinkers (KERNEL.md, rule 15).

A hot module, compiled like page_alloc.py. A slab's pages go back only when all its objects have
gone; so a single object in use holds them.
"""

from array import array

import cython

from allocator import terms
from allocator.page_alloc import Memory
from allocator.terms import SlabCache

# C constants: a plain module global would be a Python object in compiled code.
NONE = cython.declare(cython.int, -1)
KIND_OBJECT = cython.declare(cython.int, terms.OBJECT)
PINNED = cython.declare(cython.int, terms.PINNED)
UNUSED = cython.declare(cython.int, 1)  # on the list of objects that a shrinker may free
REFERENCED = cython.declare(cython.int, 2)


@cython.cclass
class Slabs:
    """The slabs of one memory. Objects have numbers of their own, as slabs have.

    13 bytes an object and 21 a slab. Lists are intrusive, with one sentinel a cache behind the
    objects and the slabs.
    """

    nr_caches: cython.int
    nr_objects: cython.int
    nr_slabs: cython.int
    slab_of: cython.int[::1]  # by object; NONE: it isn't in memory
    next: cython.int[::1]
    prev: cython.int[::1]
    flags: cython.uchar[::1]
    pfn: cython.int[::1]  # by slab
    used: cython.int[::1]  # objects in a slab
    cache_of_slab: cython.uchar[::1]
    slab_next: cython.int[::1]
    slab_prev: cython.int[::1]
    spare: cython.int[::1]  # a stack of slab numbers
    nr_spare: cython.int
    capacity: cython.int[::1]  # objects a slab, by cache
    order: cython.int[::1]
    unused: cython.int[::1]  # objects in no use, by cache; a shrinker may free them
    due: cython.longlong[::1]  # objects to look at, too few so far for a batch, by cache
    gone: cython.int[::1]
    memory = cython.declare(object)
    first_use: cython.bint  # the first use of an object gives it a second chance, no later one
    caches = cython.declare(tuple, visibility="readonly")

    def __init__(self, memory: Memory, caches: tuple[SlabCache, ...], objects: int):
        self.memory, self.caches = memory, caches
        self.first_use = memory.mechanism.reclaim.rule != "split-lists"
        self.nr_caches, self.nr_objects = len(caches), objects
        self.nr_slabs = min(objects, len(memory.views()[0]))
        self.slab_of = array("i", [NONE]) * objects
        self.next = array("i", range(objects + self.nr_caches))
        self.prev = array("i", range(objects + self.nr_caches))
        self.flags = bytearray(objects)
        self.pfn = array("i", bytes(4 * self.nr_slabs))
        self.used = array("i", bytes(4 * self.nr_slabs))
        self.cache_of_slab = bytearray(self.nr_slabs)
        self.slab_next = array("i", range(self.nr_slabs + self.nr_caches))
        self.slab_prev = array("i", range(self.nr_slabs + self.nr_caches))
        self.spare = array("i", range(self.nr_slabs - 1, -1, -1))
        self.nr_spare = self.nr_slabs
        self.capacity = array("i", [cache.objects for cache in caches])
        self.order = array("i", [cache.order for cache in caches])
        self.unused = array("i", bytes(4 * self.nr_caches))
        self.due = array("q", bytes(8 * self.nr_caches))
        self.gone = array("i", bytes(4 * self.nr_slabs))

    def run(
        self,
        kind: cython.uchar[::1],
        ids: cython.int[::1],
        flags: cython.uchar[::1],
        cache: cython.ushort[::1],
    ) -> int:
        """Operations on objects; how many were done before one that needs a new slab.

        `cache`: the number of each one's cache. Source: 2.6.20 cache_alloc_refill, free_block.
        DEVIATION: D29, neither per-CPU arrays of objects nor empty slabs are kept.
        """
        i: cython.Py_ssize_t
        number: cython.int
        if not cython.compiled:
            columns = (kind, ids, flags, cache)
            kind, ids, flags, cache = (list(map(int, column)) for column in columns)
        for i in range(len(kind)):
            number = ids[i]
            if kind[i] != KIND_OBJECT:
                self._release(_forget(self, number))
            elif self.slab_of[number] != NONE:
                _use(self, number, flags[i])
            elif not _place(self, number, cache[i], flags[i]):
                return i
        return len(kind)

    def grow(self, cache: int, pfn: int) -> None:
        """A new slab for a cache, at `pfn`. Source: 2.6.20 cache_grow."""
        slab: cython.int
        self.nr_spare -= 1
        slab = self.spare[self.nr_spare]
        self.pfn[slab], self.used[slab], self.cache_of_slab[slab] = pfn, 0, cache
        _link(self.slab_next, self.slab_prev, self.nr_slabs + cache, slab)

    def age(self, scanned: int, lru_pages: int) -> tuple[int, int]:
        """Look at as great a share of each shrinkable cache as of the LRU lists; those freed, and
        their pages. An object costs two seeks. In batches of 128; what is less waits.

        Source: 2.6.20 shrink_slab.
        DEVIATION: D30, a dentry doesn't hold its inode, nor an inode its pages.
        """
        freed, pages = 0, 0
        for cache in self._shrinkable():
            share = 2 * scanned * self.unused[cache] // (lru_pages + 1)
            objects = min(self.due[cache] + share, 2 * self.unused[cache])
            whole = objects // 128 * 128
            found = self._shrink(cache, whole)
            self.due[cache] = objects - whole
            freed, pages = freed + found[0], pages + found[1]
        return freed, pages

    def age_by_priority(self, priority: int) -> tuple[int, int]:
        """The same for a share of one object in 2**priority, and of what waits.

        In batches of 1024, as those of file systems; a smaller cache may be looked at as a whole.
        Source: 6.1 do_shrink_slab.
        """
        freed, pages = 0, 0
        for cache in self._shrinkable():
            unused: cython.longlong = self.unused[cache]
            if unused == 0:
                continue
            share: cython.longlong = 2 * (unused >> priority)
            left: cython.longlong = min((self.due[cache] >> priority) + share, 2 * unused)
            looked_at: cython.longlong = 0
            while left > 0 and (left >= 1024 or left >= unused):
                batch: cython.longlong = min(1024, left)
                found = self._shrink(cache, batch)
                looked_at += batch
                left -= batch
                freed, pages = freed + found[0], pages + found[1]
            self.due[cache] = min(max(self.due[cache] + share - looked_at, 0), 2 * unused)
        return freed, pages

    def _shrinkable(self) -> list[int]:
        return [number for number, cache in enumerate(self.caches) if cache.shrinkable]

    def drop(self) -> tuple[int, int]:
        """Free all unused objects. Source: 6.1 drop_slab."""
        freed, pages = 0, 0
        for cache in range(self.nr_caches):
            while self.unused[cache]:
                found = self._shrink(cache, self.unused[cache])
                freed, pages = freed + found[0], pages + found[1]
        return freed, pages

    def _shrink(self, cache: cython.int, objects: cython.longlong) -> tuple[int, int]:
        """Objects freed, and pages."""
        freed: cython.int = 0
        count: cython.int = 0
        node: cython.int = self.nr_objects + cache
        number: cython.int
        slab: cython.int
        while objects > 0 and self.unused[cache] > 0:
            objects -= 1
            number = self.prev[node]
            if self.flags[number] & REFERENCED:
                self.flags[number] ^= REFERENCED
                _unlink(self.next, self.prev, number)
                _link(self.next, self.prev, node, number)
                continue
            slab = _forget(self, number)
            freed += 1
            if slab != NONE:
                self.gone[count] = slab
                count += 1
        for number in range(count):
            self._release(self.gone[number])
        return freed, count << self.order[cache]

    def _release(self, slab: cython.int):
        """Give the pages of an empty slab back. NONE: there is none."""
        if slab != NONE:
            self.memory.free_slab(self.pfn[slab], self.order[self.cache_of_slab[slab]])
            self.spare[self.nr_spare] = slab
            self.nr_spare += 1

    def where(self, number: int) -> int:
        """The pfn of the slab that holds an object; -1 where it isn't in memory."""
        slab: cython.int = self.slab_of[number]
        return self.pfn[slab] if slab != NONE else NONE


# Lists.


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _link(
    links: cython.int[::1], back: cython.int[::1], after: cython.int, number: cython.int
) -> cython.void:
    """Insert an object or a slab behind another one."""
    before: cython.int = links[after]
    links[after] = number
    back[number] = after
    links[number] = before
    back[before] = number


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _unlink(links: cython.int[::1], back: cython.int[::1], number: cython.int) -> cython.void:
    after: cython.int = back[number]
    before: cython.int = links[number]
    links[after] = before
    back[before] = after


# Objects.


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _use(s: Slabs, number: cython.int, flags: cython.int) -> cython.void:
    """Another use of an object in memory; it may be held from now on.

    Source: 2.6.20 dput, where later ones change nothing; 6.1 retain_dentry.
    """
    cache: cython.int = s.cache_of_slab[s.slab_of[number]]
    if flags & PINNED and s.flags[number] & UNUSED:
        _unlink(s.next, s.prev, number)
        s.unused[cache] -= 1
        s.flags[number] = 0
    elif s.flags[number] & UNUSED and not s.first_use:
        s.flags[number] = UNUSED | REFERENCED


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _place(s: Slabs, number: cython.int, cache: cython.int, flags: cython.int) -> cython.bint:
    """Put an object into the first slab with room; False where there is none.

    Source: 2.6.20 cache_alloc_refill.
    """
    node: cython.int = s.nr_slabs + cache
    slab: cython.int = s.slab_next[node]
    if slab == node:
        return False
    s.slab_of[number] = slab
    s.used[slab] += 1
    if s.used[slab] == s.capacity[cache]:
        _unlink(s.slab_next, s.slab_prev, slab)
    s.flags[number] = 0
    if not flags & PINNED:
        s.flags[number] = (UNUSED | REFERENCED) if s.first_use else UNUSED
        _link(s.next, s.prev, s.nr_objects + cache, number)
        s.unused[cache] += 1
    return True


@cython.cfunc
@cython.exceptval(check=False)
@cython.nogil
def _forget(s: Slabs, number: cython.int) -> cython.int:
    """Free an object; the number of its slab if that is empty now, else NONE.

    A slab with room again goes to the end of those that are filled up.
    Source: 2.6.20 free_block.
    """
    slab: cython.int = s.slab_of[number]
    cache: cython.int
    if slab == NONE:
        return NONE
    cache = s.cache_of_slab[slab]
    s.slab_of[number] = NONE
    if s.flags[number] & UNUSED:
        _unlink(s.next, s.prev, number)
        s.unused[cache] -= 1
    s.flags[number] = 0
    if s.used[slab] < s.capacity[cache]:
        _unlink(s.slab_next, s.slab_prev, slab)
    s.used[slab] -= 1
    if s.used[slab] == 0:
        return slab
    _link(s.slab_next, s.slab_prev, s.slab_prev[s.nr_slabs + cache], slab)
    return NONE
