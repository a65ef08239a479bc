"""What Slabs does, once more: slowly, with ordinary lists, to compare it with."""

from dataclasses import dataclass, field

import numpy as np

from allocator.terms import OBJECT, PINNED, SlabCache

BATCH_OBJECTS, LARGE_BATCH_OBJECTS = 128, 1024


@dataclass(eq=False)
class Slab:
    """Pages of one cache, and which objects lie in them."""

    cache: int
    pfn: int
    objects: set[int] = field(default_factory=set)


class OracleSlabs:
    """The slabs of one memory; the methods are those of Slabs."""

    def __init__(self, memory, caches: tuple[SlabCache, ...], objects: int) -> None:
        self.memory, self.caches = memory, caches
        self.slab_of: dict[int, Slab] = {}  # by object
        self.partial: list[list[Slab]] = [[] for _ in caches]  # the first one is filled up first
        self.unused: list[list[int]] = [
            [] for _ in caches
        ]  # the last one was looked at longest ago
        self.first_use_counts = memory.mechanism.reclaim.rule != "split-lists"
        self.spared: set[int] = set()  # unused objects that have a second chance
        self.waiting = [0] * len(caches)  # objects to look at, too few so far

    def where(self, number: int) -> int:
        """The pfn of an object's slab; -1 where it isn't in memory."""
        return self.slab_of[number].pfn if number in self.slab_of else -1

    def run(self, kind: np.ndarray, ids: np.ndarray, flags: np.ndarray, cache: np.ndarray) -> int:
        """Operations on objects; how many were done before one that needs a new slab."""
        columns = (column.tolist() for column in (kind, ids, flags, cache))
        for done, (what, number, flag, which) in enumerate(zip(*columns, strict=True)):
            pinned = bool(flag & PINNED)
            if what != OBJECT:
                self._give_back([self._forget(number)] if number in self.slab_of else [])
            elif number in self.slab_of:
                self._use(number, pinned)
            elif self.partial[which]:
                self._place(number, which, pinned)
            else:
                return done
        return len(kind)

    def grow(self, cache: int, pfn: int) -> None:
        """A new slab for a cache."""
        self.partial[cache].insert(0, Slab(cache, pfn))

    def _place(self, number: int, cache: int, pinned: bool) -> None:
        slab = self.partial[cache][0]
        slab.objects.add(number)
        self.slab_of[number] = slab
        if len(slab.objects) == self.caches[cache].objects:
            self.partial[cache].pop(0)
        if not pinned:
            self.unused[cache].insert(0, number)
            if self.first_use_counts:
                self.spared.add(number)

    def _use(self, number: int, pinned: bool) -> None:
        unused = self.unused[self.slab_of[number].cache]
        if number not in unused:
            return  # it is held, and stays so
        if pinned:
            unused.remove(number)
            self.spared.discard(number)
        elif not self.first_use_counts:
            self.spared.add(number)

    def _forget(self, number: int) -> Slab | None:
        """Free an object; its slab if that has become empty."""
        slab = self.slab_of.pop(number)
        unused, partial = self.unused[slab.cache], self.partial[slab.cache]
        if number in unused:
            unused.remove(number)
        self.spared.discard(number)
        slab.objects.remove(number)
        if slab in partial:
            partial.remove(slab)
        if not slab.objects:
            return slab
        partial.append(slab)
        return None

    def _give_back(self, slabs: list[Slab | None]) -> int:
        pages = 0
        for slab in filter(None, slabs):
            order = self.caches[slab.cache].order
            self.memory.free_slab(slab.pfn, order)
            pages += 1 << order
        return pages

    def age(self, scanned: int, lru_pages: int) -> tuple[int, int]:
        """Look at twice the share that was scanned of the lists; those freed, and pages."""
        freed = pages = 0
        for cache in self._shrinkable():
            unused = len(self.unused[cache])
            objects = self.waiting[cache] + 2 * scanned * unused // (lru_pages + 1)
            objects = min(objects, 2 * unused)
            for _ in range(objects // BATCH_OBJECTS):
                found = self._shrink(cache, BATCH_OBJECTS)
                freed, pages = freed + found[0], pages + found[1]
            self.waiting[cache] = objects % BATCH_OBJECTS
        return freed, pages

    def age_by_priority(self, priority: int) -> tuple[int, int]:
        """Look at two in 2**priority, and that share of what waits; those freed, and pages."""
        freed = pages = 0
        for cache in self._shrinkable():
            unused = len(self.unused[cache])  # what there was: a small cache goes in one batch
            if not unused:
                continue
            new = unused // 2**priority * 2
            objects = due = min(self.waiting[cache] // 2**priority + new, 2 * unused)
            while objects and objects >= min(LARGE_BATCH_OBJECTS, unused):
                found = self._shrink(cache, min(LARGE_BATCH_OBJECTS, objects))
                freed, pages = freed + found[0], pages + found[1]
                objects -= min(LARGE_BATCH_OBJECTS, objects)
            waiting = self.waiting[cache] + new - (due - objects)
            self.waiting[cache] = min(max(waiting, 0), 2 * unused)
        return freed, pages

    def _shrinkable(self) -> list[int]:
        return [number for number, cache in enumerate(self.caches) if cache.shrinkable]

    def drop(self) -> tuple[int, int]:
        """Free all unused objects."""
        freed = pages = 0
        for number, unused in enumerate(self.unused):
            while unused:
                found = self._shrink(number, len(unused))
                freed, pages = freed + found[0], pages + found[1]
        return freed, pages

    def _shrink(self, cache: int, objects: int) -> tuple[int, int]:
        unused, freed, empty = self.unused[cache], 0, []
        for _ in range(objects):
            if not unused:
                break
            oldest = unused[-1]
            if oldest in self.spared:
                self.spared.remove(oldest)
                unused.insert(0, unused.pop())
            else:
                empty.append(self._forget(oldest))
                freed += 1
        return freed, self._give_back(empty)
