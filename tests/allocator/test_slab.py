"""Slabs: when their pages go back, and the same as the oracle in random programs."""

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocator.slab import Slabs
from allocator.terms import OBJECT, OBJECT_FREE, PFN_NONE, PINNED, RECLAIMABLE, UNMOVABLE, SlabCache
from allocator.validate import validate
from tests.allocator.reclaim_machines import (
    SPLIT_LISTS,
    TWO_LISTS,
    TWO_ZONES,
    small_memory,
    uncompiled,
)
from tests.allocator.slab_oracle import OracleSlabs
from tests.allocator.small_machines import state

DENTRY, INODE, KMALLOC, LONE = range(4)
CACHES = (
    SlabCache("dentry", RECLAIMABLE, objects=21, shrinkable=True),
    SlabCache("inode", RECLAIMABLE, objects=6, order=1, shrinkable=True),
    SlabCache("kmalloc", UNMOVABLE, objects=16),
    SlabCache("lone", RECLAIMABLE, objects=1, shrinkable=True),  # a slab is never partly filled
)
OBJECTS = 2500
BATCH, LARGE_BATCH = 128, 1024
BOTH_RULES = pytest.mark.parametrize("rule", [TWO_LISTS, SPLIT_LISTS], ids=["two", "split"])


class Side:
    """One memory with slabs; a program is run on several sides."""

    def __init__(self, slabs: type = Slabs, **parameters: str) -> None:
        self.memory, self.caches = small_memory(TWO_ZONES, parameters), CACHES
        self.slabs = slabs(self.memory, CACHES, OBJECTS)
        self.failed = 0

    def run(self, rows: list[tuple[int, int, int, int]]) -> None:
        """Operations (kind, number, flags, cache); slabs are made where they are needed."""
        table = np.array(rows, np.int64).reshape(-1, 4).T
        kinds = (np.uint8, np.int32, np.uint8, np.uint16)
        columns = [column.astype(kind) for column, kind in zip(table, kinds, strict=True)]
        done = 0
        while done < len(rows):
            done += self.slabs.run(*(column[done:] for column in columns))
            if done < len(rows) and not self._grow(rows[done][3]):
                done += 1

    def _grow(self, cache: int) -> bool:
        pfn = self.memory.alloc(self.caches[cache].order, self.caches[cache].mobility)
        if pfn == PFN_NONE:
            self.failed += 1
            return False
        self.slabs.grow(cache, pfn)
        return True

    def use(self, numbers, cache: int = DENTRY, flags: int = 0) -> None:
        """Use objects one after the other."""
        self.run([(OBJECT, number, flags, cache) for number in numbers])

    def free(self, *numbers: int) -> None:
        """Free objects one after the other."""
        self.run([(OBJECT_FREE, number, 0, 0) for number in numbers])

    def there(self, numbers=range(OBJECTS)) -> list[int]:
        """Those of the objects that are in memory."""
        return [number for number in numbers if self.slabs.where(number) >= 0]

    def pages(self) -> int:
        """Pages in use."""
        free = self.memory.free_blocks().sum(axis=(0, 2))
        return TWO_ZONES[-1] - int((free << np.arange(11)).sum())

    def seen(self) -> tuple:
        """All that slabs and memory show."""
        return [self.slabs.where(number) for number in range(OBJECTS)], state(self.memory)


# Against the oracle.


def random_rows(random: Random, cache_of: list[int]) -> list[tuple[int, int, int, int]]:
    """Uses and frees of objects that lie near each other."""
    first = random.randrange(OBJECTS)
    share, pinned = random.choice((0.05, 0.3, 0.8)), random.choice((0, 0.02, 0.2))
    rows = []
    for _ in range(random.randrange(1, 400)):
        number = (first + random.randrange(400)) % OBJECTS
        kind = OBJECT_FREE if random.random() < share else OBJECT
        rows.append((kind, number, PINNED * (random.random() < pinned), cache_of[number]))
    return rows


def random_aging(random: Random) -> tuple[str, tuple]:
    """A method of Slabs, and its arguments."""
    if random.random() < 0.1:
        return "drop", ()
    if random.random() < 0.5:
        return "age", (random.choice((1, 32, 100, 400)), random.choice((0, 50, 400, 3000)))
    return "age_by_priority", (random.choice((0, 0, 1, 2, 3, 5, 12)),)


def compared(seed: int, steps: int, cls: type = Slabs, **rule: str) -> tuple[int, int, int]:
    """Run a program on both; objects and pages that were freed by it, and slabs in vain."""
    random = Random(seed)
    tested, oracle = (Side(each, **rule) for each in (cls, OracleSlabs))
    shares = random.choice(((8, 6, 4, 1), (40, 2, 1, 1)))
    cache_of = random.choices((DENTRY, INODE, KMALLOC, LONE), shares, k=OBJECTS)
    total = np.zeros(2, int)
    for _ in range(steps):
        if random.random() < 0.6:
            rows = random_rows(random, cache_of)
            found = [side.run(rows) for side in (tested, oracle)]
        else:
            name, arguments = random_aging(random)
            found = [getattr(side.slabs, name)(*arguments) for side in (tested, oracle)]
            total += found[0]
        assert found[0] == found[1]
        assert tested.seen() == oracle.seen()
    validate(tested.memory)
    return *total.tolist(), tested.failed


@BOTH_RULES
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_random_programs(rule: dict, seed: int) -> None:
    compared(seed, 30, **rule)


@BOTH_RULES
def test_a_long_program_frees_objects_and_pages(rule: dict) -> None:
    objects, pages, _ = compared(1, 300, **rule)
    assert objects > 1000
    assert pages > 100


@BOTH_RULES
def test_the_uncompiled_module_does_the_same(rule: dict) -> None:
    compared(2, 60, uncompiled("slab").Slabs, **rule)


# Slabs and their pages.


def test_a_slab_goes_back_with_its_last_object() -> None:
    side = Side()
    side.use(range(21))
    assert len({side.slabs.where(number) for number in range(21)}) == side.pages() == 1
    side.free(*range(20))
    assert side.pages() == 1
    side.free(20)
    assert side.pages() == 0
    assert side.there() == []
    side.free(20)  # once more is of no account
    validate(side.memory)


def test_all_pages_of_a_larger_slab_go_back() -> None:
    side = Side()
    side.use(range(7), INODE)
    assert side.pages() == 4
    side.free(6)
    assert side.pages() == 2
    assert side.slabs.drop() == (6, 2)
    assert side.pages() == 0


def test_the_pages_of_a_slab_go_back_as_part_of_an_operation() -> None:
    """Only what a stream or a caller frees has a number of its own."""
    side = Side()
    pfn = side.memory.alloc(1, RECLAIMABLE)
    before = side.memory.next_op()
    side.memory.free_slab(pfn, 1)
    assert (side.pages(), side.memory.next_op()) == (0, before)
    assert side.memory.counters()["frees"] == 1
    side.use(range(12), INODE)
    before = side.memory.next_op()
    side.free(*range(6))
    assert side.slabs.drop() == (6, 2)
    assert (side.pages(), side.memory.next_op()) == (0, before)
    assert side.memory.counters()["frees"] == 3


def test_an_object_in_use_holds_its_slab() -> None:
    side = Side()
    side.use(range(21))
    side.use([7], flags=PINNED)
    side.use([7])  # this doesn't let it go again
    assert side.slabs.drop() == (20, 0)
    assert side.there() == [7]
    assert side.pages() == 1
    side.free(7)
    assert side.pages() == 0


def test_objects_held_from_the_start_are_never_unused() -> None:
    side = Side()
    side.use(range(500), flags=PINNED)
    assert side.slabs.age(100, 1) == side.slabs.age_by_priority(0) == side.slabs.drop() == (0, 0)
    assert side.there() == list(range(500))


def test_partly_filled_slabs_are_filled_first() -> None:
    """Of two with room, the one that was freed into last comes last."""
    side = Side()
    side.use(range(63))
    first, second, third = (side.slabs.where(number) for number in (0, 21, 42))
    side.free(45, 3, 46)
    side.use([100])
    assert side.slabs.where(100) == first
    side.use([101, 102])
    assert [side.slabs.where(number) for number in (101, 102)] == [third, third]
    side.free(0, 21, 1, 22)
    side.use(range(110, 114))
    places = [side.slabs.where(number) for number in range(110, 114)]
    assert places == [first, first, second, second]
    assert side.pages() == 3


def test_a_new_slab_is_the_next_to_be_filled() -> None:
    side = Side()
    side.use(range(22))
    side.free(3)  # the full first slab has room again, behind the new one
    side.use([100])
    assert side.slabs.where(100) == side.slabs.where(21) != side.slabs.where(0)


def test_caches_do_not_share_slabs() -> None:
    side = Side()
    side.use([0], DENTRY)
    side.use([1], KMALLOC)
    side.use([2], LONE)
    assert len({side.slabs.where(number) for number in range(3)}) == 3


# Shrinking.


def looked_at(objects: int, unused: int) -> tuple[int, int]:
    """The shares with which 2.6.20 looks at so many of the unused objects of a cache."""
    return objects, 2 * unused - 1


def test_the_first_use_gives_a_second_chance_and_later_ones_do_not() -> None:
    side = Side(**TWO_LISTS)
    side.use(range(2 * BATCH))
    one_batch = looked_at(BATCH, 2 * BATCH)
    assert side.slabs.age(*one_batch) == (0, 0)  # these lose their marks, and come to the end
    side.use(range(BATCH))
    assert side.slabs.age(*one_batch) == (0, 0)  # the others
    assert side.slabs.age(*one_batch)[0] == BATCH
    assert side.there() == list(range(BATCH, 2 * BATCH))


def test_in_6_1_each_later_use_gives_a_second_chance() -> None:
    side = Side(**SPLIT_LISTS)
    side.use(range(200))
    side.use(range(0, 100, 2))
    assert side.slabs.age_by_priority(1)[0] == 150
    assert side.there() == list(range(0, 100, 2))
    side.use([8])
    assert side.slabs.age_by_priority(1)[0] == 49  # all others' chance is used up
    assert side.there() == [8]
    assert side.slabs.age_by_priority(0) == (1, 1)


@BOTH_RULES
def test_an_object_that_comes_back_is_new(rule: dict) -> None:
    side = Side(**rule)
    side.use([0, 0])
    side.free(0)
    side.use(range(BATCH))
    found = side.slabs.age(*looked_at(BATCH, BATCH))
    assert found[0] == (0 if rule is TWO_LISTS else BATCH)


def test_the_longest_unused_go_first() -> None:
    side = Side(**TWO_LISTS)
    side.use(range(299, -1, -1))
    # Two looks at each are due, 512 of them in batches; with the first 300 they lose their marks.
    assert side.slabs.age(1000, 0)[0] == 4 * BATCH - 300
    assert side.there() == list(range(600 - 4 * BATCH))


def test_shrinking_works_in_batches_and_carries_the_rest_over() -> None:
    side = Side(**TWO_LISTS)
    side.use(range(1024))
    assert side.slabs.age(1, 1) == (0, 0)  # all lose their marks
    assert side.slabs.age(50, 1023) == (0, 0)  # 100 wait
    assert side.slabs.age(50, 1023)[0] == BATCH  # and 72
    assert side.slabs.age(30, 1023)[0] == 0  # 60 of 1024 of 896 are 52: 124
    assert side.slabs.age(1, 1023)[0] == 0  # 125
    assert side.slabs.age(2, 1023)[0] == BATCH  # and 3 more are a batch
    assert len(side.there()) == 1024 - 2 * BATCH


def test_no_more_than_twice_the_unused_objects_are_due() -> None:
    side = Side(**TWO_LISTS)
    side.use(range(100))
    # Of the 200 looks a batch is made: all lose their mark, and 28 go.
    assert side.slabs.age(1000, 0)[0] == BATCH - 100
    side = Side(**TWO_LISTS)
    side.use(range(60))
    assert side.slabs.age(1000, 0)[0] == 0


def test_6_1_shrinks_large_caches_in_batches_of_1024_and_what_is_less_waits() -> None:
    side = Side(**SPLIT_LISTS)
    side.use(range(2000))
    assert side.slabs.age_by_priority(2) == (0, 0)  # 1000 wait
    assert side.slabs.age_by_priority(2)[0] == LARGE_BATCH  # a quarter of those, and 1000 more
    # 976 are left, and as many wait; at priority 12 there is nothing of both.
    assert side.slabs.age_by_priority(12) == (0, 0)
    assert side.slabs.age_by_priority(1)[0] == 976
    assert side.there() == []


def test_6_1_shrinks_small_caches_as_a_whole_or_not_at_all() -> None:
    side = Side(**SPLIT_LISTS)
    side.use(range(99, -1, -1))
    assert side.slabs.age_by_priority(2) == (0, 0)  # 50 of 100 wait
    assert side.slabs.age_by_priority(2) == (0, 0)  # 50 and a quarter of them are too few, too
    # Half of the 100 that wait, and 100: all go.
    assert side.slabs.age_by_priority(1)[0] == 100


@pytest.mark.parametrize(("cache", "freed"), [(DENTRY, 256), (KMALLOC, 0)])
def test_only_shrinkable_caches_are_aged(cache: int, freed: int) -> None:
    side = Side(**TWO_LISTS)
    side.use(range(256), cache)
    assert side.slabs.age(1000, 0)[0] == freed
    side = Side(**SPLIT_LISTS)
    side.use(range(256), cache)
    assert side.slabs.age_by_priority(0)[0] == freed


def test_dropping_frees_used_objects_too() -> None:
    side = Side()
    side.use([*range(300), *range(300)])
    assert side.slabs.drop() == (300, 15)
    assert side.pages() == 0
    validate(side.memory)


def test_without_memory_for_a_slab_an_object_stays_away() -> None:
    side = Side()
    side.use(range(600), LONE)
    assert side.failed == 600 - side.pages() > 0
    assert side.there() == list(range(side.pages()))
    side.free(0)
    side.use([599], LONE)
    assert side.slabs.where(599) >= 0
