"""What Lru does, once more: slowly, with ordinary lists, to compare it with.

A list of pages runs from head to tail. The same for Slabs stands in slab_oracle.py.
"""

from array import array
from collections import Counter, defaultdict, deque
from collections.abc import Iterator

import numpy as np

from allocator.terms import ANON, DIRTY, FREE_OP, MAPPED, ON_LRU, PFN_NONE, USE
from tests.allocator.reclaim_machines import Page, PlainLists

BATCH, COSTLY_ORDER, EXPIRE_MS = 32, 3, 30_000
COUNTED = ("scanned", "looked_at", "reclaimed", "written", "swapped", "brought_back")


class OracleLru(PlainLists):
    """The lists of one memory; the methods are Lru's, where they are explained."""

    def __init__(self, memory, pfn_of, mechanism) -> None:
        super().__init__(memory, mechanism.reclaim)
        self.pfn_of = pfn_of
        self.room = max(2, 1 << self.nr_pages.bit_length())  # of the two queues
        self.waiting: dict[tuple, int] = defaultdict(int)  # pages to scan, too few so far
        self.evicted: dict[int, int] = {}  # by id: the age at which it was reclaimed
        self.age, self.now_ms = 1, 0
        # Of each kind, pages that came back active: in all, and until the last reclaim ended.
        self.refaults = {"anon": 0, "file": 0}
        self.refaults_seen = dict(self.refaults)
        self.flush_pages = 0  # that the flusher is asked to write
        self.dirtied: deque[tuple[int, int]] = deque(maxlen=self.room)  # pfn, ms
        self.writing: deque[int] = deque()
        self.counts: Counter[str] = Counter()

    def results(self) -> tuple[int, ...]:
        found, self.counts = self.counts, Counter()
        return tuple(found[name] for name in COUNTED)

    # Lists.

    def _enter(self, page: Page) -> None:
        self.pages[page.pfn] = page
        self.lists[self._key(page)].insert(0, page)
        if page.to_flush:
            self.dirtied.append((page.pfn, self.now_ms))

    def _leave(self, page: Page) -> None:
        self.lists[self._key(page)].remove(page)
        del self.pages[page.pfn]

    def _to_head(self, page: Page, active: bool) -> None:
        self.lists[self._key(page)].remove(page)
        page.active = active
        self.lists[self._key(page)].insert(0, page)

    # Use of pages.

    def absorb(self, *columns: np.ndarray) -> None:
        columns = (column.tolist() for column in columns)
        for kind, number, flag, time_us in zip(*columns, strict=True):
            self.now_ms = time_us // 1000
            pfn = self.pfn_of[number]
            page = self.pages.get(pfn)
            if kind == USE and page:
                self._use(page, bool(flag & DIRTY))
            elif kind == USE and pfn != PFN_NONE:
                self._bring_in(pfn, number, flag)
            elif kind == FREE_OP and flag & ON_LRU and page:
                self._leave(page)

    def _bring_in(self, pfn: int, number: int, flag: int) -> None:
        anon, back = bool(flag & ANON), number in self.evicted
        mapped = anon or bool(flag & MAPPED)
        dirty = bool(flag & DIRTY) or (anon and not back)  # it has no copy in swap
        page = Page(pfn, number, anon, mapped, dirty, referenced=not anon, young=mapped)
        page.active = anon and not self.split
        if back:
            self.counts["brought_back"] += 1
            if self.split and self._was_missed_soon(page):
                page.active = True
                self.refaults["anon" if anon else "file"] += 1
                self.age += 1
        self._enter(page)

    def _was_missed_soon(self, page: Page) -> bool:
        """Since it went fewer pages have gone or become active than it would have had to outlast:
        all that are listed, but for those of its own inactive list.
        """
        rivals = [p for p in self.pages.values() if p.active or p.anon != page.anon]
        return self.age - self.evicted[page.number] <= len(rivals)

    def _use(self, page: Page, writes: bool) -> None:
        if writes and not page.dirty:
            page.dirty = True
            if page.to_flush:
                self.dirtied.append((page.pfn, self.now_ms))
        page.young = page.young or page.mapped
        if page.anon:
            return
        if page.referenced and not page.active:
            page.referenced = False
            self._to_head(page, active=True)
            self.age += 1
        else:
            page.referenced = True

    def moved(self, source: int, target: int) -> None:
        page = self.pages.get(source)
        if page:
            self._leave(page)
            page.pfn, page.writeback, page.wanted = target, False, False
            self._enter(page)

    # The disk.

    def ask_to_flush(self, pages: int) -> None:
        self.flush_pages = max(self.flush_pages, pages)

    def disk(self, now_ms: int, budget_pages: int, background_pages: int) -> None:
        self.now_ms = now_ms
        while budget_pages and self.writing:
            page = self.pages.get(self.writing.popleft())
            if page and page.writeback:
                budget_pages -= 1
                page.writeback = False
                self._to_tail(page)
        self._flush(budget_pages, background_pages)

    def _flush(self, budget_pages: int, background_pages: int) -> None:
        dirty_pages = self.dirty_pages()
        while budget_pages and self.dirtied:
            pfn, since_ms = self.dirtied[0]
            is_due = dirty_pages > background_pages or self.now_ms - since_ms >= EXPIRE_MS
            if not is_due and self.flush_pages <= 0:
                return
            self.dirtied.popleft()
            page = self.pages.get(pfn)
            if page and page.to_flush:
                self._clean(page)
                if page.wanted:
                    page.wanted = False
                    self._to_tail(page)
                dirty_pages, budget_pages = dirty_pages - 1, budget_pages - 1
                self.flush_pages -= 1
        if not self.dirtied:
            self.flush_pages = 0  # all that was asked for is done, or isn't dirty any more

    def _to_tail(self, page: Page) -> None:
        """A page that reclaim wanted is written; of 6.1 an active one is inactive then."""
        if self.split or not page.active:
            self.lists[self._key(page)].remove(page)
            page.active = False
            self.lists[self._key(page)].append(page)

    def _clean(self, page: Page) -> None:
        page.dirty = False
        self.counts["swapped" if page.anon else "written"] += 1

    def _write(self, page: Page) -> None:
        """Send a page to the disk; without room in the queue it counts as written at once."""
        self._clean(page)
        if len(self.writing) < self.room:
            page.writeback = True
            self.writing.append(page.pfn)

    # Reclaim.

    def ended(self) -> None:
        self.refaults_seen = dict(self.refaults)

    def drop(self) -> None:
        pages = [page for _, page in sorted(self.pages.items())]
        gone = [p for p in pages if not (p.anon or p.mapped or p.dirty or p.writeback)]
        for page in gone:
            self._evict(page)
        self._give_back(gone)

    def _evict(self, page: Page) -> None:
        self._leave(page)
        self.age += 1
        self.evicted[page.number] = self.age
        self.pfn_of[page.number] = PFN_NONE
        self.counts["reclaimed"] += 1

    def _give_back(self, gone: list[Page]) -> None:
        self.memory.free_pages(array("i", [page.pfn for page in gone]), len(gone))

    def shrink_zone(self, zone, priority, order, distress, kswapd, class_zone, gently=False):
        self.order = order if self.rules.lumpy else 0
        self.waits, self.gently = self.order > COSTLY_ORDER and not kswapd, gently
        if self.split:
            self._shrink_node(priority, class_zone)
            return
        active, inactive = (self._due((zone, which), priority) for which in (True, False))
        while active > 0 or inactive > 0:
            if active > 0:
                self._shrink_active(zone, zone, min(active, BATCH), distress)
            if inactive > 0:
                self._shrink_inactive(zone, zone, BATCH)
            active, inactive = active - BATCH, inactive - BATCH

    def _due(self, key: tuple, priority: int) -> int:
        pages = self.waiting[key] + (len(self.lists[key]) >> priority) + 1
        self.waiting[key] = pages if pages < BATCH else 0
        return pages if pages >= BATCH else 0

    def _is_low(self, scope: str) -> bool:
        return len(self.lists[scope, False]) < len(self.lists[scope, True])  # up to a GiB

    def _may_deactivate(self, scope: str) -> bool:
        return self._is_low(scope) or self.refaults[scope] != self.refaults_seen[scope]

    def _usable(self, key: tuple, class_zone: int) -> int:
        return sum(self._zone(page.pfn) <= class_zone for page in self.lists[key])

    def _shrink_node(self, priority: int, class_zone: int) -> None:
        keys = [(scope, active) for scope in ("anon", "file") for active in (False, True)]
        due = {key: self._usable(key, class_zone) >> priority for key in keys}
        old_files = len(self.lists["file", False]) >> priority
        if self.gently or (old_files and not self._may_deactivate("file")):
            due["anon", False] = due["anon", True] = 0
        else:
            swappiness = {"anon": self.rules.swappiness, "file": 200 - self.rules.swappiness}
            due = {key: pages * swappiness[key[0]] // 200 for key, pages in due.items()}
        deactivates = {scope: self._may_deactivate(scope) for scope in ("anon", "file")}
        while any(due[key] > 0 for key in due if key != ("anon", True)):
            for scope in ("anon", "file"):
                if due[scope, True] > 0 and deactivates[scope]:
                    self._shrink_active(scope, class_zone, min(due[scope, True], BATCH))
                if due[scope, False] > 0:
                    self._shrink_inactive(scope, class_zone, min(due[scope, False], BATCH))
            due = {key: pages - BATCH for key, pages in due.items()}
        if self._is_low("anon"):
            self._shrink_active("anon", class_zone, BATCH)

    def _shrink_active(self, scope, class_zone: int, pages: int, distress: bool = False) -> None:
        for page in self.lists[scope, True][::-1]:
            if pages == 0:
                return
            self.counts["looked_at"] += 1
            if self._zone(page.pfn) > class_zone:  # it isn't of those that the request can use
                self._to_head(page, active=True)
                continue
            pages -= 1
            if self.split:
                stays = page.young and not page.anon
                page.young = False
                self.age += stays
            else:
                stays = page.mapped and (page.young or page.referenced or not distress)
                if page.mapped and distress:
                    page.young = page.referenced = False
            self._to_head(page, stays)

    def _shrink_inactive(self, scope, class_zone: int, pages: int) -> None:
        """One batch from the tail; a page passed over costs a look, but nothing of the batch."""
        inactive, gone = self.lists[scope, False], []
        self.for_flusher: list[bool] = []  # of each page judged, whether it has to wait for that
        left, looks = min(pages, len(inactive)), len(inactive)
        while left > 0 and looks > 0 and inactive and len(gone) < BATCH:
            page, looks = inactive[-1], looks - 1
            if self._zone(page.pfn) > class_zone:
                self.counts["looked_at"] += 1
                self._to_head(page, active=False)
                continue
            taken = [page, *self._around(page)]
            for each in taken:
                self._settle(each, gone)
            left -= len(taken)
        if self.for_flusher and all(self.for_flusher):
            self.ask_to_flush(self.dirty_pages())
        self._give_back(gone)

    def _around(self, old: Page) -> Iterator[Page]:
        """The other pages of the block of the request's size."""
        zone, first = self._zone(old.pfn), old.pfn >> self.order << self.order
        for pfn in range(first, first + (1 << self.order)):
            page = self.pages.get(pfn)
            taken = page and page is not old and self._zone(pfn) == zone
            if taken and (self.order > COSTLY_ORDER or not page.active):
                yield page

    def _settle(self, page: Page, gone: list[Page]) -> None:
        """Reclaim a page, to be freed later, or put it back."""
        self.counts["looked_at"] += 1
        verdict = self._verdict_split(page) if self.split else self._verdict(page)
        if verdict == "reclaim":
            self._evict(page)
            gone.append(page)
        else:
            self._to_head(page, active=verdict == "activate")
            self.age += verdict == "activate"

    def _verdict(self, page: Page) -> str:
        self.counts["scanned"] += 2 if page.mapped else 1
        if page.writeback and not self.waits:
            return "keep"
        page.writeback = False
        if (page.young or page.referenced) and self.order <= COSTLY_ORDER:
            page.young = page.referenced = False
            if page.mapped:
                return "activate"
            if page.dirty:
                return "keep"
        if not page.dirty:
            return "reclaim"
        self._write(page)
        return "reclaim" if self.waits else "keep"

    def _verdict_split(self, page: Page) -> str:
        self.counts["scanned"] += 1
        used_before = page.referenced
        self.for_flusher.append(page.to_flush)
        if page.writeback:
            return "keep"
        page.referenced, page.young = page.young, False
        if page.referenced:
            return "keep" if page.anon and not used_before else "activate"
        if page.to_flush:
            page.wanted = True
            return "activate"
        if page.dirty and not self.gently:
            self._write(page)
            return "keep"
        return "keep" if page.dirty else "reclaim"
