"""Small memories with LRU lists, random programs for them, and lists as the oracle keeps them."""

from array import array
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from random import Random
from types import ModuleType

import numpy as np
import pytest

from allocator.boot import boot
from allocator.mechanism import load_mechanism
from allocator.page_alloc import Memory
from allocator.terms import (
    ANON,
    DIRTY,
    FILE,
    FREE_OP,
    MAPPED,
    MOVABLE,
    PFN_NONE,
    RECLAIMABLE,
    UNMOVABLE,
    USE,
)
from allocator.vmscan import Lru
from allocator.zones import Machine, Zone
from tests.allocator.checked import PROJECT
from tests.allocator.small_machines import state

# Ends of the zones. Some are no multiple of a block, so that windows and blocks are cut off.
ONE_ZONE, TWO_ZONES, THREE_ZONES = (400,), (150, 500), (64, 300, 610)
TWO_LISTS = {"reclaim.rule": "two-lists"}
SPLIT_LISTS = {"reclaim.rule": "split-lists"}
LUMPY = {"reclaim.lumpy": "true"}
BOTH_RULES = pytest.mark.parametrize("rule", [TWO_LISTS, SPLIT_LISTS], ids=["two", "split"])
# Swappiness 200 makes all anonymous pages due in split lists, 0 all file pages.
SWAPPING = SPLIT_LISTS | {"reclaim.swappiness": "200"}
FILES_ONLY = SPLIT_LISTS | {"reclaim.swappiness": "0"}
# A list of so many pages is scanned once from end to end; one page more, and some come twice.
ONE_SCAN = 31
LISTED = range(ONE_SCAN)
# Flags as Lru shows them, beside those of terms; a listed page that isn't ANON is a file's.
ON_LIST, ACTIVE, REFERENCED, YOUNG, WRITEBACK = 1, 2, 4, 16, 128


@dataclass(eq=False)
class Page:
    """A page on a list."""

    pfn: int
    number: int  # the id whose page it is
    anon: bool
    mapped: bool
    dirty: bool
    active: bool = False
    referenced: bool = False  # a file's: marked accessed; in split lists: found young once
    young: bool = False  # used through a mapping since that was looked at last
    writeback: bool = False
    wanted: bool = False  # by reclaim, as soon as the flusher has written it

    @property
    def flags(self) -> int:  # as Lru codes them
        use = (True, self.active, self.referenced, self.anon, self.young)
        bits = (*use, self.mapped, self.dirty, self.writeback or self.wanted)
        return sum(on << place for place, on in enumerate(bits))

    @property
    def to_flush(self) -> bool:  # what the flusher writes
        return self.dirty and not self.anon


@cache
def uncompiled(name: str) -> ModuleType:
    """A module of the allocator as plain Python, beside the normal one."""
    source = PROJECT / "allocator" / f"{name}.py"
    loader = SourceFileLoader(f"uncompiled_{name}", str(source))
    module = module_from_spec(spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


def small_memory(ends: tuple[int, ...] = ONE_ZONE, parameters: dict[str, str] | None = None):
    """A memory of so many pages, without per-CPU lists, grouping and marks: every page counts."""
    starts = (0, *ends[:-1])
    zones = tuple(
        Zone(name, start, end, end - start)
        for name, start, end in zip(("DMA", "DMA32", "Movable"), starts, ends, strict=False)
    )
    mechanism = load_mechanism("2007-vanilla", {"per_cpu.rule": "none", **(parameters or {})})
    machine = Machine("small", np.zeros(ends[-1], np.uint8))
    return boot(machine, mechanism, lambda _, rules, pages: Memory(zones, rules, pages))


class PlainLists:
    """Pages on ordinary lists, from head to tail, and what Lru shows of its own."""

    def __init__(self, memory: Memory, rules) -> None:
        self.memory, self.rules = memory, rules
        self.split = rules.rule == "split-lists"
        self.nr_pages = len(memory.page_class())
        self.pages: dict[int, Page] = {}  # by pfn
        self.lists: dict[tuple, list[Page]] = defaultdict(list)

    def _zone(self, pfn: int) -> int:
        return next(n for n, zone in enumerate(self.memory.zones) if pfn < zone.end_pfn)

    def _key(self, page: Page) -> tuple:
        scope = ("anon" if page.anon else "file") if self.split else self._zone(page.pfn)
        return scope, page.active

    def pages_of(self, zone: int, active: bool, file: bool) -> list[int]:
        key = ("file" if file else "anon", active) if self.split else (zone, active)
        return [page.pfn for page in self.lists[key]]

    def page_flags(self) -> np.ndarray:
        found = np.zeros(self.nr_pages, np.uint8)
        for pfn, page in self.pages.items():
            found[pfn] = page.flags
        return found

    def dirty_pages(self) -> int:
        return sum(page.to_flush for page in self.pages.values())

    def mapped_percent(self, memory_pages: int) -> int:
        return 100 * sum(page.mapped for page in self.pages.values()) // memory_pages

    def list_pages(self, zone: int) -> int:
        scopes = ("anon", "file") if self.split else (zone,)
        return sum(len(pages) for (scope, _), pages in self.lists.items() if scope in scopes)

    def inactive_pages(self) -> int:
        return sum(not page.active for page in self.pages.values())


class Side:
    """One memory with lists of class `lru`; a program is run on several sides."""

    def __init__(
        self, lru: type = Lru, ends: tuple[int, ...] = ONE_ZONE, ids: int = 1000, **parameters: str
    ) -> None:
        self.memory = small_memory(ends, parameters)
        self.pfn_of = array("i", [PFN_NONE]) * ids
        self.lru = lru(self.memory, self.pfn_of, self.memory.mechanism)
        self.now_ms = self.step_ms = 0  # the time, and how much of it each operation takes

    def run(self, rows: list[tuple[int, int, int, int]]) -> None:
        """Operations (kind, id, flags, mobility) on single pages."""
        table = np.array(rows, np.int64).reshape(-1, 4)
        kind, ids, flags, mobility = np.ascontiguousarray(table.T)
        kind, flags, mobility = (column.astype(np.uint8) for column in (kind, flags, mobility))
        ids, order = ids.astype(np.int32), np.zeros(len(table), np.uint8)
        offset = np.zeros(len(table), np.uint16)
        self.memory.run(kind, ids, order, mobility, flags, offset, self.pfn_of)
        time_us = 1000 * self.now_ms + 1000 * self.step_ms * np.arange(len(table), dtype=np.int64)
        self.lru.absorb(kind, ids, flags, time_us)
        self.now_ms += self.step_ms * len(table)

    def use(self, ids, flags: int = FILE, mobility: int = MOVABLE) -> None:
        """Use pages one after the other."""
        self.run([(USE, number, flags, mobility) for number in ids])

    def free(self, ids, flags: int = FILE) -> None:
        """Free pages one after the other."""
        self.run([(FREE_OP, number, flags, 0) for number in ids])

    def disk_after(self, pause_ms: int, budget: int, background: int) -> None:
        """Let some time pass, and then the disk work."""
        self.now_ms += pause_ms
        self.disk(budget, background)

    def disk(self, budget: int = 1000, background: int = 1000) -> None:
        """Let the disk work."""
        self.lru.disk(self.now_ms, budget, background)

    def shrink(self, zone: int = 0, priority: int = 0, **how) -> tuple[int, ...]:
        """One call of shrink_zone; what it counted."""
        how = {"order": 0, "distress": False, "kswapd": True, "class_zone": zone} | how
        self.lru.shrink_zone(zone, priority, **how)
        return self.lru.results()

    def move(self, which: int) -> None:
        """Migrate one of the listed pages to a free page of its zone, if there is one."""
        listed = np.flatnonzero(self.lru.page_flags()).tolist()
        if not listed:
            return
        source = listed[which % len(listed)]
        ends = [zone.end_pfn for zone in self.memory.zones]
        zone = next(number for number, end in enumerate(ends) if source < end)
        for order in range(11):
            for first in self.memory.free_list(zone, order, 0)[:1]:
                pages = self.memory.isolate(zone, first)
                for unneeded in range(first + 1, first + pages):
                    self.memory.put_back(zone, unneeded)
                if pages:
                    self.memory.migrate(zone, [source], [first], self.pfn_of)
                    self.lru.moved(source, first)
                    return

    def places(self, active: bool, *, file: bool = True, zone: int = 0) -> list[int]:
        """Ids on one list, head to tail."""
        number_of = {pfn: number for number, pfn in enumerate(self.pfn_of) if pfn != PFN_NONE}
        return [number_of[pfn] for pfn in self.lru.pages_of(zone, active, file)]

    def left(self) -> list[int]:
        """Ids that have a page."""
        return [number for number, pfn in enumerate(self.pfn_of) if pfn != PFN_NONE]

    def flags(self, number: int) -> int:
        """Flags of an id's page."""
        return int(self.lru.page_flags()[self.pfn_of[number]])

    def lists(self) -> list[list[int]]:
        """All lists."""
        zones = range(len(self.memory.zones))
        return [
            self.lru.pages_of(zone, active, file)
            for zone in zones
            for active in (False, True)
            for file in (False, True)
        ]

    def seen(self) -> dict:
        """All that lists and memory show; fetches the results."""
        zones = range(len(self.memory.zones))
        return {
            "lists": self.lists(),
            "list_pages": [self.lru.list_pages(zone) for zone in zones],
            "flags": self.lru.page_flags().tolist(),
            "pfn_of": list(self.pfn_of),
            "dirty": self.lru.dirty_pages(),
            "inactive": self.lru.inactive_pages(),
            "mapped": self.lru.mapped_percent(self.lru.page_flags().size),
            "results": self.lru.results(),
            "memory": state(self.memory),
        }


class Program:
    """Random steps for lists: (name of a method of Side or Lru, its arguments).

    Ids keep their flags, but for DIRTY, and are not used after they were freed.
    """

    def __init__(self, seed: int, zones: int, ids: int) -> None:
        self.random, self.zones = Random(seed), zones
        self.unborn = list(range(ids))
        self.live: dict[int, tuple[int, int]] = {}  # flags and mobility of each id
        self.dirty_share = self.random.choice((0.05, 0.4))

    def steps(self, count: int) -> list[tuple[str, tuple]]:
        """So many of them, mostly operations and scans."""
        makers = (self._uses, self._uses, self._shrink, self._shrink, self._frees, self._disk,
                  self._move, self._drop, self._ended, self._ask_to_flush)  # fmt: skip
        weights = (4, 4, 5, 5, 3, 4, 3, 0.3, 1.5, 0.7)
        return [maker() for maker in self.random.choices(makers, weights, k=count)]

    def _uses(self) -> tuple[str, tuple]:
        rows = []
        for _ in range(self.random.randrange(1, 120)):
            if self.unborn and (not self.live or self.random.random() < 0.5):
                kinds = (FILE, FILE, FILE | MAPPED, ANON)
                mobility = self.random.choice((MOVABLE, MOVABLE, RECLAIMABLE, UNMOVABLE))
                self.live[self.unborn.pop()] = self.random.choice(kinds), mobility
            number = self.random.choice(list(self.live)[-300:])
            flags, mobility = self.live[number]
            dirty = DIRTY * (self.random.random() < self.dirty_share)
            rows.append((USE, number, flags | dirty, mobility))
        return "run", (rows,)

    def _frees(self) -> tuple[str, tuple]:
        count = min(len(self.live), self.random.randrange(40))
        gone = self.random.sample(list(self.live), count)
        return "run", ([(FREE_OP, number, self.live.pop(number)[0], 0) for number in gone],)

    def _shrink(self) -> tuple[str, tuple]:
        random = self.random
        zone = random.randrange(self.zones)
        priority = random.choice((0, 0, 1, 2, 3, 5, 8, 12))
        order = random.choice((0, 0, 1, 2, 3, 4, 5, 7, 10))
        distress, kswapd, gently = (random.random() < share for share in (0.3, 0.5, 0.1))
        return "shrink_zone", (zone, priority, order, distress, kswapd, zone, gently)

    def _disk(self) -> tuple[str, tuple]:
        pause_ms = self.random.choice((0, 10, 500, 12_000))
        budget = self.random.choice((0, 1, 7, 40, 1000))
        return "disk_after", (pause_ms, budget, self.random.choice((0, 5, 1000)))

    def _move(self) -> tuple[str, tuple]:
        return "move", (self.random.randrange(10**6),)

    def _drop(self) -> tuple[str, tuple]:
        return "drop", ()

    def _ended(self) -> tuple[str, tuple]:
        return "ended", ()

    def _ask_to_flush(self) -> tuple[str, tuple]:
        return "ask_to_flush", (self.random.choice((1, 20, 300)),)


def do(side: Side, step: tuple[str, tuple]) -> None:
    """One step of a program."""
    name, arguments = step
    getattr(side if hasattr(side, name) else side.lru, name)(*arguments)


def swap_all_out(side: Side) -> np.ndarray:
    """Scan and write until no anonymous page is left; what was counted."""
    counted = np.zeros(6, int)
    for _ in range(20):
        counted += side.shrink(distress=True)
        side.disk(background=0)
    assert not side.places(True, file=False) + side.places(False, file=False)
    return counted
