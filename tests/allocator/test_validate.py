"""validate() passes on sound machines and names each kind of damage."""

import time

import numpy as np
import pytest

from allocator.mechanism import load_mechanism
from allocator.oracle import OracleMemory
from allocator.page_alloc import Memory
from allocator.terms import (
    CLASS_MOVABLE,
    FREE,
    HIGHATOMIC,
    MOVABLE,
    PCP_FREE,
    RECLAIMABLE,
    UNMOVABLE,
)
from allocator.validate import ValidationFault, validate
from allocator.zones import Machine, Zone
from tests.allocator.small_machines import (
    MECHANISMS,
    SMALL_PAGES,
    Runner,
    booted,
    random_steps,
    small_machine,
    worked,
)


class Altered:
    """A machine of which some views are altered: `views` maps a method to what changes its answer.

    An alteration gets the true answer and the arguments, and returns what is to be seen instead.
    """

    def __init__(self, memory: Memory, **views):
        self._memory, self._views = memory, views

    def __getattr__(self, name: str):
        true = getattr(self._memory, name)
        alter = self._views.get(name)
        if alter is None:
            return true
        if not callable(true):
            return alter(true)
        return lambda *arguments: alter(true(*arguments), *arguments)


def fault_of(memory) -> str:
    with pytest.raises(ValidationFault) as caught:
        validate(memory)
    message = str(caught.value)
    assert message
    assert "\n" not in message
    return message


@pytest.mark.parametrize("pages", SMALL_PAGES)
@pytest.mark.parametrize("name", MECHANISMS)
def test_sound_machines_pass(name, pages):
    machine = small_machine(pages, seed=pages)
    validate(booted(name, machine))
    runner = Runner(booted(name, machine))
    for step in range(4):
        runner.run(random_steps(step, 400, fill=0.7 if step < 2 else 0.3))
        validate(runner.memory)
    runner.memory.drain_all()
    validate(runner.memory)


@pytest.mark.parametrize("name", MECHANISMS)
def test_the_oracle_passes_too(name):
    runner = Runner(booted(name, small_machine(5000, seed=2), OracleMemory))
    validate(runner.memory)
    runner.run(random_steps(1, 300, fill=0.7))
    validate(runner.memory)
    assert "free_pages is" in fault_of(Altered(runner.memory, zone_state=in_zone(0, free_pages=-1)))


def test_a_large_machine_takes_little_time():
    memory = worked("6.1-both", Machine("512 MiB", np.zeros(131_072, np.uint8)), count=20_000)
    best_seconds = 9.0
    for _ in range(3):  # the best of three: the machine may be busy
        before = time.perf_counter()
        validate(memory)
        best_seconds = min(best_seconds, time.perf_counter() - before)
    assert best_seconds < 0.3


@pytest.fixture(scope="module")
def memory() -> Memory:
    """A worked machine of two zones with pages on per-CPU lists; nothing here changes it."""
    result = worked("6.1-list", small_machine(6144, seed=3), seed=5)
    validate(result)
    return result


def some_list(memory: Memory, at_least: int = 2) -> tuple[int, int, int]:
    zone, order, migratetype = np.argwhere(memory.free_blocks() >= at_least)[0].tolist()
    return zone, order, migratetype


def on_list(place: tuple, change):
    """Alter one list only."""
    return lambda answer, *arguments: change(answer) if arguments == place else answer


def in_zone(number: int, **changes: int):
    return lambda answer, zone: answer | changes if zone == number else answer


def put(where, value):
    """Alter one entry of an array."""

    def change(array: np.ndarray) -> np.ndarray:
        array = array.copy()
        array[where] = value
        return array

    return change


def count_one_less(place: tuple):
    def change(counts: np.ndarray) -> np.ndarray:
        counts = counts.copy()
        counts[place] -= 1
        return counts

    return change


def test_entry_missing_on_a_free_list(memory):
    place = some_list(memory)
    message = fault_of(Altered(memory, free_list=on_list(place, lambda pfns: pfns[1:])))
    assert "free list of order" in message
    assert "are counted" in message


def test_nr_free_off(memory):
    place = some_list(memory)
    message = fault_of(Altered(memory, free_blocks=count_one_less(place)))
    assert "are counted" in message


def test_block_lost_from_list_and_count(memory):
    place = some_list(memory)
    altered = Altered(
        memory,
        free_list=on_list(place, lambda pfns: pfns[1:]),
        free_blocks=count_one_less(place),
    )
    assert "free_pages is" in fault_of(altered)


def test_block_lost_from_list_and_all_counts(memory):
    zone, order, migratetype = some_list(memory)
    pfn = memory.free_list(zone, order, migratetype)[0]
    altered = Altered(
        memory,
        free_list=on_list((zone, order, migratetype), lambda pfns: pfns[1:]),
        free_blocks=count_one_less((zone, order, migratetype)),
        zone_state=in_zone(zone, free_pages=memory.zone_state(zone)["free_pages"] - (1 << order)),
    )
    assert fault_of(altered) == f"pfn {pfn} is of class free but in no free block"


def test_block_on_two_lists(memory):
    place = some_list(memory)
    message = fault_of(
        Altered(memory, free_list=on_list(place, lambda pfns: [pfns[0], *pfns[:-1]]))
    )
    assert "lies in two free blocks" in message


def test_misaligned_block(memory):
    zone, order, migratetype = np.argwhere(memory.free_blocks()[:, 1:] >= 1)[0].tolist()
    place = (zone, order + 1, migratetype)
    message = fault_of(
        Altered(memory, free_list=on_list(place, lambda pfns: [pfns[0] + 1, *pfns[1:]]))
    )
    assert "is not aligned" in message


@pytest.mark.parametrize("pfn", [-1, 6144, 2**31 - 1])
def test_block_outside_the_machine(memory, pfn):
    zone, _, migratetype = np.argwhere(memory.free_blocks()[:, 0] >= 1)[0][[0, 0, 1]].tolist()
    place = (zone, 0, migratetype)
    message = fault_of(Altered(memory, free_list=on_list(place, lambda pfns: [pfn, *pfns[1:]])))
    assert "lies outside the zone" in message


def test_block_on_the_list_of_another_zone(memory):
    place = np.argwhere(memory.free_blocks()[0] >= 1)[0].tolist()
    pfn = memory.free_list(0, *place)[0]
    target = next(t for t in range(4) if memory.free_blocks()[1, place[0], t])
    message = fault_of(
        Altered(memory, free_list=on_list((1, place[0], target), lambda pfns: [pfn, *pfns[1:]]))
    )
    assert "lies outside the zone" in message


def test_class_of_a_free_page_altered(memory):
    zone, order, migratetype = some_list(memory)
    pfn = memory.free_list(zone, order, migratetype)[0]
    message = fault_of(Altered(memory, page_class=put(pfn, CLASS_MOVABLE)))
    assert message == f"pfn {pfn} lies in a free block, but its class is movable"


def test_class_inside_a_free_block_altered(memory):
    zone, order, migratetype = np.argwhere(memory.free_blocks()[:, 1:] >= 1)[0].tolist()
    pfn = memory.free_list(zone, order + 1, migratetype)[0] + 1
    message = fault_of(Altered(memory, page_class=put(pfn, PCP_FREE)))
    assert message == f"pfn {pfn} is of class pcp_free but on no per-CPU list"


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (FREE, "is of class free but in no free block"),
        (PCP_FREE, "is of class pcp_free but on no per-CPU list"),
    ],
)
def test_class_of_a_page_in_use_altered(memory, code, fault):
    pfn = int(np.flatnonzero(memory.page_class() == CLASS_MOVABLE)[0])
    assert fault_of(Altered(memory, page_class=put(pfn, code))) == f"pfn {pfn} {fault}"


def test_unknown_class(memory):
    assert "unknown page class 9" in fault_of(Altered(memory, page_class=put(7, 9)))


def first_pcp(memory: Memory) -> tuple[int, int]:
    return next(
        (zone, index)
        for zone in range(len(memory.zones))
        for index in range(14)
        if memory.pcp_list(zone, index)
    )


def test_page_missing_on_a_pcp_list(memory):
    place = first_pcp(memory)
    message = fault_of(Altered(memory, pcp_list=on_list(place, lambda entries: entries[1:])))
    assert "pcp_count is" in message


def test_pcp_count_off(memory):
    altered = Altered(memory, zone_state=in_zone(1, pcp_count=10_000))
    assert "pcp_count is 10000, but the per-CPU lists hold" in fault_of(altered)


def test_free_pages_off(memory):
    altered = Altered(memory, zone_state=in_zone(0, free_pages=0))
    assert "zone DMA: free_pages is 0, but the free lists hold" in fault_of(altered)


def test_page_lost_from_pcp_list_and_count(memory):
    zone, index = first_pcp(memory)
    pfn = memory.pcp_list(zone, index)[0][0]
    order = index // 3 if index < 12 else 9
    altered = Altered(
        memory,
        pcp_list=on_list((zone, index), lambda entries: entries[1:]),
        zone_state=in_zone(zone, pcp_count=memory.zone_state(zone)["pcp_count"] - (1 << order)),
    )
    assert fault_of(altered) == f"pfn {pfn} is of class pcp_free but on no per-CPU list"


def test_page_on_a_pcp_list_twice(memory):
    zone, index = first_pcp(memory)
    entry = memory.pcp_list(zone, index)[0]
    order = index // 3 if index < 12 else 9
    altered = Altered(
        memory,
        pcp_list=on_list((zone, index), lambda entries: [entry, *entries]),
        zone_state=in_zone(zone, pcp_count=memory.zone_state(zone)["pcp_count"] + (1 << order)),
    )
    assert "is on the per-CPU lists twice" in fault_of(altered)


def test_page_free_and_on_a_pcp_list(memory):
    zone, order, migratetype = np.argwhere(memory.free_blocks() >= 1)[0].tolist()
    pfn = memory.free_list(zone, order, migratetype)[0]
    altered = Altered(
        memory,
        pcp_list=on_list((zone, 0), lambda entries: [(pfn, UNMOVABLE), *entries]),
        zone_state=in_zone(zone, pcp_count=memory.zone_state(zone)["pcp_count"] + 1),
    )
    assert "lies in a free block and on a per-CPU list" in fault_of(altered)


def test_page_in_use_on_a_pcp_list(memory):
    pfn = int(np.flatnonzero(memory.page_class()[:4096] == CLASS_MOVABLE)[0])
    altered = Altered(
        memory,
        pcp_list=on_list((0, 0), lambda entries: [(pfn, UNMOVABLE), *entries]),
        zone_state=in_zone(0, pcp_count=memory.zone_state(0)["pcp_count"] + 1),
    )
    assert fault_of(altered) == f"pfn {pfn} is on a per-CPU list, but its class is movable"


@pytest.mark.parametrize(
    ("name", "index", "noted"),
    [
        ("6.1-list", 1, UNMOVABLE),
        ("6.1-list", 0, HIGHATOMIC),
        ("6.1-list", 12, MOVABLE),
        ("6.1-list", 13, RECLAIMABLE),
        ("2007-list", 1, UNMOVABLE),  # one list a zone
        ("2007-vanilla", 0, MOVABLE),  # no types
        ("2007-list", 0, 4),
    ],
)
def test_noted_type_on_the_wrong_pcp_list(name, index, noted):
    memory = booted(name, small_machine(4096))
    altered = Altered(memory, pcp_list=on_list((0, index), lambda entries: [(512, noted)]))
    assert f"does not belong on per-CPU list {index}" in fault_of(altered)


def test_free_factor_out_of_range(memory):
    assert "free_factor 6" in fault_of(Altered(memory, zone_state=in_zone(0, free_factor=6)))


def test_unmerged_buddies():
    memory = booted("2007-vanilla", Machine("4 MiB", np.zeros(1024, np.uint8)))
    altered = Altered(
        memory,
        free_list=lambda pfns, zone, order, t: (
            {10: [], 9: [512, 0]}.get(order, pfns) if t == 0 else pfns
        ),
        free_blocks=lambda counts: put((0, 9, 0), 2)(put((0, 10, 0), 0)(counts)),
    )
    message = fault_of(altered)
    assert message.startswith("zone DMA: free buddies pfn 512 order 9")
    assert message.endswith("are not merged")


def split_block(name: str, types: tuple[int, int], lists: tuple[int, int]) -> Memory:
    """Two order-9 buddies, free, on lists of two types, in pageblocks of two types."""
    zone = Zone("DMA", 0, 1024, 4096)
    memory = Memory((zone,), load_mechanism(name), 1024)
    for number in range(2):
        if memory.mechanism.grouping.block_order == 9:
            memory.set_block_type(number, types[number])
        memory.release(512 * number, 9, lists[number])
    return memory


def test_buddies_beside_one_highatomic_pageblock_may_stay_apart():
    memory = split_block("6.1-list", (HIGHATOMIC, MOVABLE), (HIGHATOMIC, MOVABLE))
    validate(Altered(memory, zone_state=in_zone(0, highatomic_pages=512)))


@pytest.mark.parametrize(
    ("name", "types", "lists"),
    [
        ("6.1-list", (MOVABLE, MOVABLE), (MOVABLE, MOVABLE)),
        ("6.1-list", (MOVABLE, UNMOVABLE), (MOVABLE, UNMOVABLE)),
        ("2007-list", (MOVABLE, MOVABLE), (HIGHATOMIC, MOVABLE)),
    ],
)
def test_buddies_of_other_pageblocks_merge(name, types, lists):
    assert "are not merged" in fault_of(split_block(name, types, lists))


def test_small_buddies_merge_in_highatomic_pageblocks_too():
    memory = Memory((Zone("DMA", 0, 1024, 4096),), load_mechanism("6.1-list"), 1024)
    memory.set_block_type(0, HIGHATOMIC)
    memory.release(0, 8, HIGHATOMIC)
    memory.release(256, 8, MOVABLE)
    altered = Altered(memory, zone_state=in_zone(0, highatomic_pages=512))
    assert "are not merged" in fault_of(altered)


def test_buddies_in_two_zones_stay_apart():
    zones = (Zone("DMA", 0, 512, 512), Zone("DMA32", 512, 1024, 512))
    memory = Memory(zones, load_mechanism("2007-vanilla"), 1024)
    memory.release(0, 9, 0)
    memory.release(512, 9, 0)
    validate(memory)


@pytest.mark.parametrize("pages", [-512, 100, 512 * 50])
def test_highatomic_pages_not_plausible(memory, pages):
    altered = Altered(memory, zone_state=in_zone(0, highatomic_pages=pages))
    assert f"highatomic_pages {pages} is not plausible" in fault_of(altered)


def test_highatomic_pages_without_a_reserve():
    memory = booted("2007-list", small_machine(4096))
    altered = Altered(memory, zone_state=in_zone(0, highatomic_pages=1024))
    assert "is not plausible" in fault_of(altered)


def test_more_highatomic_pageblocks_than_counted(memory):
    altered = Altered(memory, block_types=lambda types: np.full_like(types, HIGHATOMIC))
    assert "pageblocks are highatomic, but the zones count" in fault_of(altered)


def test_unknown_type_of_a_pageblock(memory):
    assert "unknown migratetype 4" in fault_of(Altered(memory, block_types=put(1, 4)))


def test_types_missing(memory):
    assert "pageblocks have a type" in fault_of(Altered(memory, block_types=lambda t: t[:-1]))


@pytest.mark.parametrize(("name", "code"), [("6.1-off", MOVABLE), ("2007-vanilla", HIGHATOMIC)])
def test_type_of_a_pageblock_without_grouping(name, code):
    memory = booted(name, small_machine(4096))
    assert "grouping is off" in fault_of(Altered(memory, block_types=put(0, code)))


def test_typed_list_without_types():
    memory = booted("2007-vanilla", Machine("4 MiB", np.zeros(1024, np.uint8)))
    altered = Altered(
        memory,
        free_list=lambda pfns, zone, order, t: [0] if (order, t) == (10, 1) else [],
        free_blocks=lambda counts: put((0, 10, 1), 1)(put((0, 10, 0), 0)(counts)),
    )
    assert "the mechanism has no types" in fault_of(altered)


@pytest.mark.parametrize(
    "zones",
    [
        (Zone("DMA", 0, 4096, 1), Zone("DMA32", 4000, 6144, 1)),
        (Zone("DMA", 0, 4096, 1), Zone("DMA32", 4096, 6145, 1)),
        (Zone("DMA", 10, 5, 1), Zone("DMA32", 4096, 6144, 1)),
    ],
)
def test_zones_that_overlap_or_lie_outside(memory, zones):
    assert "overlap the zone before" in fault_of(Altered(memory, zones=lambda _: zones))


@pytest.mark.parametrize("name", ["splits", "allocations", "failed_requests"])
def test_counters(memory, name):
    assert "counter" in fault_of(Altered(memory, counters=lambda c: c | {name: -1}))


@pytest.mark.parametrize("name", ["allocations", "failed_requests", "requests_order_0"])
def test_counters_that_do_not_add_up(memory, name):
    message = fault_of(Altered(memory, counters=lambda c: c | {name: c[name] + 1}))
    assert "requests" in message
