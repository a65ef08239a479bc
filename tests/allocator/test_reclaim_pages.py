"""Page reclaim: what use and dirt make of a page, one case for each rule."""

import pytest

from allocator.terms import ANON, DIRTY, FILE, MAPPED, PFN_NONE
from allocator.validate import validate
from tests.allocator.reclaim_machines import (
    ACTIVE,
    BOTH_RULES,
    FILES_ONLY,
    LISTED,
    ON_LIST,
    ONE_SCAN,
    REFERENCED,
    SPLIT_LISTS,
    SWAPPING,
    TWO_LISTS,
    WRITEBACK,
    YOUNG,
    Side,
    swap_all_out,
)

# What reclaim itself writes: in split lists only anonymous pages.
WRITTEN = pytest.mark.parametrize(
    ("rule", "flags"), [(TWO_LISTS, FILE | DIRTY), (SWAPPING, ANON)], ids=["two", "split"]
)


# Use.


@pytest.mark.parametrize("mapped", [0, MAPPED], ids=["", "mapped"])
@BOTH_RULES
def test_the_second_use_of_a_file_page_makes_it_active(rule: dict, mapped: int) -> None:
    side = Side(**rule)
    young = YOUNG if mapped else 0
    side.use([0, 1, 2], FILE | mapped)
    assert side.places(active=False) == [2, 1, 0]
    assert side.flags(1) == ON_LIST | REFERENCED | mapped | young
    side.use([1], FILE | mapped)
    assert side.places(active=False) == [2, 0]
    assert side.places(active=True) == [1]
    assert side.flags(1) == ON_LIST | ACTIVE | mapped | young
    side.use([1], FILE | mapped)
    assert side.flags(1) == ON_LIST | ACTIVE | REFERENCED | mapped | young


@BOTH_RULES
def test_the_use_of_an_anonymous_page_is_seen_by_reclaim_only(rule: dict) -> None:
    side = Side(**rule)
    side.use([0, 1, 0, 0], ANON)
    begins_active = rule is TWO_LISTS
    assert side.places(active=begins_active, file=False) == [1, 0]
    kind = ANON | MAPPED | DIRTY
    assert side.flags(0) == ON_LIST | kind | YOUNG | (ACTIVE if begins_active else 0)


@BOTH_RULES
def test_a_mapped_file_page_used_since_the_last_look_becomes_active(rule: dict) -> None:
    side = Side(**rule)
    side.use(LISTED, FILE | MAPPED)
    scanned = ONE_SCAN if rule is SPLIT_LISTS else 2 * ONE_SCAN  # for the pressure on slabs
    assert side.shrink() == (scanned, ONE_SCAN, 0, 0, 0, 0)
    assert sorted(side.places(active=True)) == list(LISTED)
    # 6.1 remembers that it was found young, 2.6.20 nothing.
    seen = REFERENCED if rule is SPLIT_LISTS else 0
    assert side.flags(0) == ON_LIST | ACTIVE | MAPPED | seen


@pytest.mark.parametrize("rule", [TWO_LISTS, FILES_ONLY], ids=["two", "split"])
def test_a_mapped_page_not_used_since_the_last_scan_goes(rule: dict) -> None:
    side = Side(**rule)
    side.use(range(40), FILE | MAPPED)
    side.shrink(distress=True)
    kept = [3, 7, 39]
    for _ in range(6):
        side.use(kept, FILE | MAPPED)
        side.shrink(distress=True)
    assert sorted(side.places(active=True) + side.places(active=False)) == kept


def test_in_split_lists_an_anonymous_page_needs_two_looks_to_become_active() -> None:
    side = Side(**SWAPPING)
    side.use(LISTED, ANON)
    assert side.shrink() == (ONE_SCAN, ONE_SCAN, 0, 0, 0, 0)
    assert side.places(active=True, file=False) == []
    assert all(side.flags(number) & (YOUNG | REFERENCED) == REFERENCED for number in LISTED)
    side.use(range(10), ANON)
    assert side.shrink()[4] == ONE_SCAN - 10  # the others were not used again: to swap
    assert sorted(side.places(active=True, file=False)) == list(range(10))
    assert not side.flags(20) & REFERENCED


def test_anonymous_pages_begin_active_on_lists_of_a_zone_only() -> None:
    for rule, active in ((TWO_LISTS, True), (SPLIT_LISTS, False)):
        side = Side(**rule)
        side.use([0], ANON)
        assert side.places(active=active, file=False) == [0]
        assert side.flags(0) & (ANON | MAPPED | DIRTY) == ANON | MAPPED | DIRTY


@BOTH_RULES
def test_freed_pages_leave_their_lists(rule: dict) -> None:
    side = Side(**rule)
    side.use([0, 1, 2])
    side.use([1])
    side.free([1, 2])
    assert side.places(active=True) == []
    assert side.lru.pages_of(0, False, True) == [side.pfn_of[0]]
    assert side.lru.list_pages(0) == 1


# Dirty pages, the disk, and swap.


def gone_and_written(counted: tuple[int, ...]) -> tuple[int, int]:
    """Pages reclaimed, and pages sent to files or to swap."""
    return counted[2], counted[3] + counted[4]


@WRITTEN
def test_a_dirty_page_is_written_kept_and_reclaimed_when_the_disk_has_finished(
    rule: dict, flags: int
) -> None:
    side = Side(**rule)
    side.use(LISTED, flags)
    assert gone_and_written(side.shrink()) == (0, 0)  # used since: kept without being written
    assert gone_and_written(side.shrink()) == (0, ONE_SCAN)
    assert side.flags(0) & (DIRTY | WRITEBACK) == WRITEBACK
    assert gone_and_written(side.shrink()) == (0, 0)  # the disk isn't ready
    side.disk()
    assert not side.flags(0) & WRITEBACK
    assert gone_and_written(side.shrink()) == (ONE_SCAN, 0)
    assert all(side.pfn_of[number] == PFN_NONE for number in LISTED)
    validate(side.memory)


@WRITTEN
def test_pages_that_were_written_come_next(rule: dict, flags: int) -> None:
    side, file = Side(**rule), bool(flags & FILE)
    side.use(LISTED, flags)
    side.shrink()
    side.shrink()
    assert side.places(active=False, file=file)[-3:] == [2, 1, 0]
    side.disk(budget=2)
    assert side.places(active=False, file=file)[-3:] == [2, 0, 1]
    assert side.flags(2) & WRITEBACK


@WRITTEN
def test_a_page_dirtied_while_it_was_written_has_to_be_written_again(
    rule: dict, flags: int
) -> None:
    side = Side(**rule)
    side.use(LISTED, flags)
    side.shrink()
    side.shrink()
    side.use([5], flags | DIRTY)
    side.disk()
    assert side.flags(5) & (DIRTY | WRITEBACK) == DIRTY
    assert gone_and_written(side.shrink()) == (ONE_SCAN - 1, 0)


def old_and_dirty(clean: int = 0) -> Side:
    """Split lists with old file pages, all but the first `clean` dirty, and none of them marked
    accessed: their mark was used up when they became active.
    """
    side = Side(**FILES_ONLY)
    for _ in range(2):
        side.use(range(clean))
        side.use(LISTED[clean:], FILE | DIRTY)
    side.shrink()
    assert len(side.places(active=False)) == ONE_SCAN
    assert not any(side.flags(number) & REFERENCED for number in LISTED)
    return side


def test_in_split_lists_dirty_file_pages_become_active_and_are_not_written() -> None:
    side = old_and_dirty()
    assert side.shrink() == (ONE_SCAN, ONE_SCAN, 0, 0, 0, 0)
    assert sorted(side.places(active=True)) == list(LISTED)
    assert side.lru.dirty_pages() == ONE_SCAN


@pytest.mark.parametrize(("clean", "written"), [(0, ONE_SCAN), (1, 0)])
def test_the_flusher_is_asked_when_a_whole_batch_was_dirty(clean: int, written: int) -> None:
    side = old_and_dirty(clean)
    side.disk()
    assert side.lru.results()[3] == 0  # so far there is no reason to write
    assert side.shrink()[2] == clean
    side.disk()
    assert side.lru.results()[3] == written


@pytest.mark.parametrize("rule", [TWO_LISTS, SWAPPING], ids=["two", "split"])
def test_pages_brought_back_from_swap_are_clean(rule: dict) -> None:
    side = Side(**rule)
    side.use(LISTED, ANON)
    assert tuple(swap_all_out(side)[2:]) == (ONE_SCAN, 0, ONE_SCAN, 0)
    side.use(LISTED, ANON)
    assert not side.flags(4) & DIRTY
    side.use(range(10), ANON | DIRTY)
    assert tuple(swap_all_out(side)[2:]) == (ONE_SCAN, 0, 10, ONE_SCAN)


def test_dirty_pages_are_flushed_beyond_a_limit_and_after_half_a_minute() -> None:
    side = Side(**TWO_LISTS)
    side.use(range(10), FILE | DIRTY)
    side.disk(budget=3, background=4)
    assert [number for number in range(10) if side.flags(number) & DIRTY] == list(range(3, 10))
    side.disk(budget=100, background=4)
    assert [number for number in range(10) if side.flags(number) & DIRTY] == [6, 7, 8, 9]
    side.now_ms = 29_999
    side.disk(background=4)
    assert side.lru.dirty_pages() == 4
    side.now_ms = 30_000
    side.disk(background=4)
    assert side.lru.dirty_pages() == 0
    assert side.lru.results()[2:] == (0, 10, 0, 0)


def test_each_dirty_page_has_its_own_time() -> None:
    """Ten seconds apart: when the first is half a minute old, the others are not."""
    side = Side(**TWO_LISTS)
    side.step_ms = 10_000
    side.use(range(3), FILE | DIRTY)
    assert side.now_ms == 30_000
    side.disk()
    assert [number for number in range(3) if side.flags(number) & DIRTY] == [1, 2]


@BOTH_RULES
def test_the_flusher_writes_as_much_as_it_was_asked_for(rule: dict) -> None:
    side = Side(**rule)
    side.use(range(10), FILE | DIRTY)
    side.lru.ask_to_flush(4)
    side.lru.ask_to_flush(3)  # the more counts, not the sum
    written = []
    for budget in (1, 100, 100):
        side.disk(budget)
        written.append(side.lru.results()[3])
    assert written == [1, 3, 0]
    assert [number for number in range(10) if side.flags(number) & DIRTY] == list(range(4, 10))


def test_what_the_flusher_finds_clean_ends_what_it_was_asked_for() -> None:
    side = Side(**TWO_LISTS)
    side.use(range(10), FILE | DIRTY)
    side.lru.ask_to_flush(100)
    side.disk()
    side.use([20], FILE | DIRTY)
    side.disk()
    assert side.lru.results()[3] == 10
    assert side.flags(20) & DIRTY


def test_gently_nothing_is_written_and_no_anonymous_page_looked_at() -> None:
    side = Side(**SPLIT_LISTS)
    side.use(range(100, 140), ANON)
    side.use(range(0, 15), FILE | DIRTY)
    side.use(range(15, ONE_SCAN))
    for _ in range(3):
        assert side.shrink(gently=True)[3:5] == (0, 0)
    assert sorted(side.places(active=True) + side.places(active=False)) == list(range(15))
    assert all(side.flags(number) & YOUNG for number in range(100, 140))
    assert side.lru.dirty_pages() == 15
    side.free(range(15))
    side.shrink(gently=True)
    assert all(side.flags(number) & YOUNG for number in range(100, 140))
    side.shrink()
    assert not all(side.flags(number) & YOUNG for number in range(100, 140))


def test_in_split_lists_a_page_that_waited_for_the_flusher_goes_next() -> None:
    """It became active meanwhile, and comes to the tail of the inactive list."""
    side = Side(**FILES_ONLY)
    side.use(LISTED, FILE | DIRTY)
    side.shrink()
    assert len(side.places(active=True)) == ONE_SCAN
    side.use([100], FILE)
    side.disk(background=0)
    assert side.places(active=True) == []
    assert side.places(active=False)[0] == 100
    assert sorted(side.places(active=False)[1:]) == list(LISTED)
