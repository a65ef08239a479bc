"""Page reclaim: which lists are scanned and how far, and the same as the oracle in programs."""

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocator.terms import ANON, DIRTY, FILE, MAPPED, RECLAIMABLE
from allocator.validate import validate
from allocator.vmscan import Lru
from tests.allocator.reclaim_machines import (
    BOTH_RULES,
    FILES_ONLY,
    LISTED,
    LUMPY,
    ONE_SCAN,
    ONE_ZONE,
    REFERENCED,
    SPLIT_LISTS,
    SWAPPING,
    THREE_ZONES,
    TWO_LISTS,
    TWO_ZONES,
    WRITEBACK,
    YOUNG,
    Program,
    Side,
    do,
    swap_all_out,
    uncompiled,
)
from tests.allocator.reclaim_oracle import OracleLru

# Against the oracle.


def compared(seed: int, steps: int, lru: type = Lru, **rules: str) -> np.ndarray:
    """Run a program on both; what it made them count in all."""
    ends = Random(seed).choice((ONE_ZONE, TWO_ZONES, THREE_ZONES))
    swappiness = str(Random(seed).choice((0, 60, 100, 200)))
    rules = {"reclaim.swappiness": swappiness, **rules}
    tested, oracle = (Side(cls, ends, ids=900, **rules) for cls in (lru, OracleLru))
    tested.step_ms = oracle.step_ms = 20
    counted = np.zeros(6, int)
    for step in Program(seed, zones=len(ends), ids=900).steps(steps):
        do(tested, step)
        do(oracle, step)
        seen = tested.seen()
        assert seen == oracle.seen(), step
        counted += seen["results"]
    validate(tested.memory)
    return counted


@pytest.mark.parametrize("lumpy", [{}, LUMPY], ids=["plain", "lumpy"])
@BOTH_RULES
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_random_programs(rule: dict, lumpy: dict, seed: int) -> None:
    compared(seed, 50, **rule, **lumpy)


@pytest.mark.parametrize("lumpy", [{}, LUMPY], ids=["plain", "lumpy"])
@BOTH_RULES
def test_long_programs_reach_all_that_is_counted(rule: dict, lumpy: dict) -> None:
    counted = sum(compared(seed, 150, **rule, **lumpy) for seed in (3, 4))
    assert (counted > 30).all()


@BOTH_RULES
def test_the_uncompiled_module_does_the_same(rule: dict) -> None:
    for seed in (3, 4):
        compared(seed, 60, uncompiled("vmscan").Lru, **rule, **LUMPY)


def test_the_queue_of_the_flusher_forgets_its_oldest_entries() -> None:
    """Each page that is freed and dirtied again leaves an entry behind; the queue ends at 512."""
    sides = [Side(cls, ids=2000, **TWO_LISTS) for cls in (Lru, OracleLru)]
    for side in sides:
        for number in range(520):
            side.use([number], FILE | DIRTY)
            if number not in (0, 100, 515):
                side.free([number])
        side.disk(budget=1, background=0)
        assert not side.flags(100) & DIRTY
        side.disk(background=0)
        assert [side.flags(number) & DIRTY for number in (0, 515)] == [DIRTY, 0]
    assert sides[0].seen() == sides[1].seen()


# Active lists.


def test_without_distress_mapped_active_pages_of_a_zone_stay() -> None:
    side = Side(**TWO_LISTS)
    side.use(LISTED, ANON)
    side.use(range(100, 120))
    side.use(range(100, 120))  # active, and not mapped
    for _ in range(3):
        side.shrink()
    assert sorted(side.places(active=True)) == list(LISTED)
    assert all(side.flags(number) & YOUNG for number in LISTED)
    side.shrink(distress=True)  # all were used since they were looked at last
    assert sorted(side.places(active=True)) == list(LISTED)
    side.shrink(distress=True)
    assert side.places(active=True) == []


def test_in_split_lists_only_used_mapped_file_pages_stay_active() -> None:
    side = Side(**FILES_ONLY)
    side.use(range(20), FILE | MAPPED)
    side.use(range(20, ONE_SCAN))
    side.use(range(20, ONE_SCAN))
    side.shrink()  # the mapped ones become active too
    assert len(side.places(active=True)) == ONE_SCAN
    side.use(range(5), FILE | MAPPED)
    side.use(range(20, ONE_SCAN))
    side.shrink()
    assert sorted(side.places(active=True)) == list(range(5))


def test_active_pages_of_zones_above_the_request_s_are_passed_over() -> None:
    side = Side(ends=THREE_ZONES, **FILES_ONLY)
    above, below = range(10), range(10, 20)
    for _ in range(2):
        side.use(above, FILE | MAPPED)
        side.use(below, mobility=RECLAIMABLE)
    assert len(side.places(active=True)) == 20
    assert side.shrink(zone=1)[1] == 20
    assert sorted(side.places(active=True)) == list(above)
    assert sorted(side.places(active=False)) == list(below)
    assert all(side.flags(number) & YOUNG for number in above)  # nobody looked


def test_too_few_pages_for_a_batch_wait() -> None:
    """One in 16 of 160 pages, and one, are eleven: the third call has a batch."""
    side = Side(**TWO_LISTS)
    side.use(range(160))
    assert [side.shrink(priority=4)[1] for _ in range(4)] == [0, 0, 64, 0]


def test_in_split_lists_no_more_than_is_due_is_scanned() -> None:
    """One in four of 60 and one in two of the 86 then listed: the last turn is no full batch."""
    side = Side(**SPLIT_LISTS)
    side.use(range(60), FILE)
    assert side.shrink(priority=2)[:3] == (15, 15, 15)
    side.use(range(100, 141))
    assert side.shrink(priority=1)[:3] == (43, 43, 43)


# Lumpy reclaim. The first sixteen pages of a small memory are one block, so are the next.


def block_in_use(dirty: int = 0) -> Side:
    """The first page of a block is old, the others are active; then come thirty old ones."""
    side = Side(**TWO_LISTS, **LUMPY)
    side.use(range(16), FILE | dirty)
    side.use(range(1, 16), FILE | dirty)
    side.use(range(16, 46), FILE | dirty)
    assert side.pfn_of[0] % 16 == side.pfn_of[16] % 16 == 0
    assert side.pfn_of[15] - side.pfn_of[0] == side.pfn_of[31] - side.pfn_of[16] == 15
    return side


@pytest.mark.parametrize("kswapd", [False, True])
def test_above_order_3_lumpy_reclaim_takes_all_of_the_block(kswapd: bool) -> None:
    side = block_in_use()
    assert side.shrink(order=4, kswapd=kswapd)[2] == 32
    assert side.left() == list(range(32, 46))


def test_up_to_order_3_it_takes_inactive_pages_only() -> None:
    side = block_in_use()
    assert side.shrink(order=3)[2] == ONE_SCAN
    assert side.left() == list(range(1, 16))


def test_without_lumpy_reclaim_the_order_is_of_no_account() -> None:
    side = Side(**TWO_LISTS)
    side.use(range(16))
    side.use(range(1, 16))
    side.use(range(16, 46))
    assert side.shrink(order=4)[2] == ONE_SCAN
    assert side.left() == list(range(1, 16))


def test_lumpy_reclaim_waits_for_the_disk_in_direct_reclaim() -> None:
    direct, kswapd = block_in_use(DIRTY), block_in_use(DIRTY)
    assert direct.shrink(order=4, kswapd=False)[2:4] == (32, 32)
    assert direct.left() == list(range(32, 46))
    assert kswapd.shrink(order=4, kswapd=True)[2] == 0
    assert kswapd.flags(0) & WRITEBACK
    # What kswapd has sent to the disk isn't written a second time.
    dirty = kswapd.lru.dirty_pages()
    found = [kswapd.shrink(order=4, kswapd=False)[2:4] for _ in range(4)]
    assert tuple(np.sum(found, axis=0)) == (46, dirty)


@pytest.mark.parametrize(("order", "gone"), [(3, 0), (4, ONE_SCAN)])
def test_it_waits_above_order_3_only(order: int, gone: int) -> None:
    side = Side(**TWO_LISTS, **LUMPY)
    side.use(LISTED, FILE | DIRTY)
    side.shrink(order=3, kswapd=False)  # their marks are used up
    assert side.lru.dirty_pages() == ONE_SCAN
    assert side.shrink(order=order, kswapd=False)[2:4] == (gone, ONE_SCAN)
    assert len(side.left()) == ONE_SCAN - gone


def test_the_page_around_which_a_block_is_taken_is_looked_at_once() -> None:
    """A second look would find it unmarked and write it."""
    side = Side(**TWO_LISTS, **LUMPY)
    side.use(LISTED, FILE | DIRTY)
    assert side.shrink(order=3) == (ONE_SCAN, ONE_SCAN, 0, 0, 0, 0)
    assert not any(side.flags(number) & REFERENCED for number in LISTED)


def test_a_block_ends_at_its_zone() -> None:
    side = Side(ends=TWO_ZONES, **TWO_LISTS, **LUMPY)
    side.use(range(500))
    side.shrink(zone=1, order=10, kswapd=False)
    assert sorted(side.pfn_of[number] for number in side.left()) == list(range(150))


# Split lists, zones, and what was reclaimed before.


def test_anonymous_pages_are_left_alone_while_there_are_old_file_pages() -> None:
    side = Side(**SPLIT_LISTS)
    side.use(range(100, 140), ANON)
    side.use(range(60))
    side.use(range(20))
    side.shrink(priority=1)
    assert len(side.places(active=False, file=False)) == 40
    assert all(side.flags(number) & YOUNG for number in range(100, 140))
    assert len(side.places(active=False)) == 40 - 20
    side.shrink(priority=2)
    assert len(side.places(active=False, file=True)) == 15 < len(side.places(active=True))
    side.shrink()  # fewer old than active ones now
    assert not all(side.flags(number) & YOUNG for number in range(100, 140))


def test_pages_of_zones_above_the_request_s_are_passed_over() -> None:
    side = Side(ends=THREE_ZONES, **SPLIT_LISTS)
    side.use(range(10))
    side.use(range(10, 20), mobility=RECLAIMABLE)
    assert side.pfn_of[0] >= THREE_ZONES[1] > side.pfn_of[10]
    side.shrink(zone=1)
    assert sorted(side.places(active=False)) == list(range(10))
    side.shrink(zone=2)
    assert side.places(active=False) == []


def test_pages_passed_over_cost_a_look_but_nothing_of_what_is_due() -> None:
    side = Side(ends=THREE_ZONES, **SPLIT_LISTS)
    side.use(range(40))  # they lie above the request's zones, and are the oldest
    side.use(range(40, 60), mobility=RECLAIMABLE)
    assert side.shrink(zone=1, priority=1)[:3] == (10, 40 + 10, 10)  # half of the request's zones'
    assert side.left() == [*range(40), *range(50, 60)]
    assert side.shrink(zone=1)[:3] == (10, 10, 10)
    assert side.left() == list(range(40))
    assert side.shrink(zone=1)[:3] == (0, 0, 0)  # nothing is due where nothing may be used


@BOTH_RULES
def test_a_page_missed_soon_becomes_active_in_split_lists(rule: dict) -> None:
    """As many may have been reclaimed or activated since as are active now: eleven."""
    side = Side(**rule)
    side.use(range(100, 111))
    side.use(range(100, 111))
    side.use(LISTED)
    side.shrink()
    assert side.lru.results()[2] == 0
    side.use(range(200, 220))  # old pages of its own kind are of no account
    side.use([ONE_SCAN - 12, ONE_SCAN - 15])  # 11 and 14 were reclaimed after them
    active = rule is SPLIT_LISTS
    assert (ONE_SCAN - 12 in side.places(active=True)) == active
    assert ONE_SCAN - 15 in side.places(active=False)
    assert side.lru.results()[5] == 2


def test_for_a_page_from_swap_all_file_pages_count() -> None:
    side = Side(**SWAPPING)
    side.use(LISTED, ANON)
    swap_all_out(side)
    side.use(range(100, 110))
    side.use([10, 11], ANON)  # what was written last went first, so 0 was the last to go
    assert side.places(active=True, file=False) == [10]
    # Twelve went or became active after this one; ten file pages count, and one active.
    assert side.places(active=False, file=False) == [11]


def test_after_a_refault_the_active_list_is_scanned_until_a_reclaim_has_ended() -> None:
    side = Side(**FILES_ONLY)
    side.use([*range(20), *range(20), *range(20, 120)])
    assert side.shrink(priority=2)[2] == 25
    assert len(side.places(active=True)) == 20  # there are old ones enough
    side.use([44])  # the last that was reclaimed
    assert side.places(active=True)[0] == 44
    side.shrink(priority=2)
    assert len(side.places(active=True)) == 21 - (21 >> 2)
    side.shrink(priority=2)
    assert len(side.places(active=True)) == 16 - (16 >> 2)
    side.lru.ended()
    side.shrink(priority=2)
    assert len(side.places(active=True)) == 12


@BOTH_RULES
def test_reclaim_is_no_operation(rule: dict) -> None:
    """Only what a stream or a caller asks for has a number."""
    side = Side(**rule)
    side.use(range(60))
    before = side.memory.next_op()
    assert side.shrink()[2] > 0
    side.lru.drop()
    assert side.left() == []
    assert side.memory.next_op() == before == 60
    assert side.memory.counters()["frees"] == 60


@BOTH_RULES
def test_dropping_takes_clean_file_pages_that_nobody_has_mapped(rule: dict) -> None:
    side = Side(**rule)
    side.use([0], ANON)
    side.use([1], FILE | MAPPED)
    side.use([2], FILE | DIRTY)
    side.use([*range(3, 80), *range(3, 20)])
    side.lru.drop()
    assert side.left() == [0, 1, 2]
    assert side.lru.results() == (0, 0, 77, 0, 0, 0)
    validate(side.memory)


@BOTH_RULES
def test_a_migrated_page_comes_to_the_head_of_its_list(rule: dict) -> None:
    side = Side(**rule)
    side.use([0, 1, 2, 3])
    side.use([1, 2])
    before, source = side.flags(1), side.pfn_of[1]
    side.move(sorted(side.pfn_of[:4]).index(source))
    assert side.pfn_of[1] != source
    assert side.places(active=True) == [1, 2]
    assert side.flags(1) == before
    assert not side.lru.page_flags()[source]
