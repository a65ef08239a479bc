"""Test vectors of the kernel's rules: small machines whose outcome was worked out by hand.

V20 is 2007-vanilla, L28 is 2007-list, and the rules from 4.12 on ("claim") are those of 6.1-list.
Lists are compared exactly, in order.
"""

from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from allocator.mechanism import load_mechanism
from allocator.page_alloc import Memory
from allocator.terms import (
    CLASS_MOVABLE,
    CLASS_RECLAIMABLE,
    CLASS_UNMOVABLE,
    HIGHATOMIC,
    MOVABLE,
    PFN_NONE,
    RECLAIMABLE,
    UNMOVABLE,
)
from allocator.validate import validate
from allocator.zones import (
    Machine,
    Zone,
    batch_pages,
    build_zones,
    min_free_pages,
    with_reserves,
    with_watermarks,
)
from tests.allocator.small_machines import (
    MECHANISMS,
    STEPS,
    Runner,
    booted,
    machines,
    random_steps,
    state,
)

U, M, R, HA = UNMOVABLE, MOVABLE, RECLAIMABLE, HIGHATOMIC
BUDDY_ONLY = {"per_cpu.rule": "none"}
ENOUGH_PAGES = 1 << 20  # managed pages with which grouping is on however few pages there are


def bare(name: str, pages: int, *zones: Zone, **parameters: str) -> Memory:
    """A machine without per-CPU lists and watermarks; all its pages are reserved."""
    zones = zones or (Zone("DMA", 0, pages, ENOUGH_PAGES),)
    return Memory(zones, load_mechanism(name, BUDDY_ONLY | parameters), pages)


def set_types(memory: Memory, migratetype: int) -> None:
    for block in range(len(memory.block_types())):
        memory.set_block_type(block, migratetype)


def lists(memory: Memory, zone: int = 0) -> dict[tuple[int, int], list[int]]:
    """The lists that hold something, by (order, migratetype)."""
    every = {(o, t): memory.free_list(zone, o, t) for o in range(11) for t in range(4)}
    return {place: pfns for place, pfns in every.items() if pfns}


def upper_halves(pfn: int, low: int, high: int, migratetype: int) -> dict:
    """What a split of the block at `pfn` from order `high` down to `low` leaves on the lists."""
    return {(order, migratetype): [pfn + (1 << order)] for order in range(low, high)}


# 1. Invariants after every operation.


@pytest.mark.parametrize("name", MECHANISMS)
@settings(
    derandomize=True,
    deadline=None,
    max_examples=25,
    suppress_health_check=[HealthCheck.data_too_large, HealthCheck.too_slow],
)
@given(machine=machines(), steps=st.lists(STEPS, min_size=20, max_size=80))
def test_invariants_hold_after_every_operation(name, machine, steps):
    runner = Runner(booted(name, machine))
    validate(runner.memory)
    for step in steps:
        runner.step(step)
        validate(runner.memory)
    while runner.live:
        runner.step(("free", len(runner.live) // 2, 0))
    runner.memory.drain_all()
    validate(runner.memory)
    usable = int((machine.unusable == 0).sum())
    assert (
        sum(runner.memory.zone_state(z)["free_pages"] for z in range(len(runner.memory.zones)))
        == usable
    )


# 2. Splitting.


def test_one_block_is_handed_out_ascending():
    memory = bare("2007-vanilla", 1024)
    memory.release(0, 10, 0)
    assert memory.alloc(0, M) == 0
    assert lists(memory) == {(k, 0): [1 << k] for k in range(10)}
    assert [memory.alloc(0, M) for _ in range(1023)] == list(range(1, 1024))
    assert lists(memory) == {}
    assert memory.alloc(0, M) == PFN_NONE


def test_boot_order_of_the_lists():
    pages = np.zeros(4096, np.uint8)
    assert booted("2007-vanilla", Machine("16 MiB", pages)).free_list(0, 10, U) == [
        3072, 2048, 1024, 0,
    ]  # fmt: skip
    assert booted("6.1-off", Machine("16 MiB", pages)).free_list(0, 10, U) == [
        0, 1024, 2048, 3072,
    ]  # fmt: skip


# 3. Merging.


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", MECHANISMS)
def test_freed_in_any_order_a_block_is_whole_again(name, seed):
    zone = Zone("DMA", 0, 1024, ENOUGH_PAGES, batch_pages=7, pcp_high_pages=42)
    memory = Memory((zone,), load_mechanism(name), 1024)
    migratetype = int(memory.block_types()[0])
    memory.release(0, 10, migratetype)
    runner = Runner(memory)
    for order in (9, 3, 2, 1, 0, 0, *(0,) * 400):
        runner.step(("alloc", order, M, 0))
    assert len(runner.live) == 406
    random = Random(seed)
    while runner.live:
        runner.step(("free", random.randrange(1000), random.randrange(3)))
    memory.drain_all()
    assert lists(memory) == {(10, migratetype): [0]}


def freed_beside(name: str, order: int, parent_buddy_free: bool) -> list[int]:
    """The list of `order` after a block was freed whose buddy is in use; 8192 was there before."""
    memory = bare(name, 16_384)
    for pfn in range(16_384):
        memory.set_used(pfn, 0, CLASS_MOVABLE)
    memory.release(8192, order, U)
    if parent_buddy_free:
        memory.release(2 << order, order + 1, U)
    memory.free(0, order)
    validate(memory)
    return memory.free_list(0, order, U)


@pytest.mark.parametrize("order", range(10))
def test_a_block_that_will_soon_merge_goes_to_the_tail(order):
    """6.1: where the buddy of the block above is free, up to order 8."""
    assert freed_beside("6.1-off", order, False) == [0, 8192]
    assert freed_beside("6.1-off", order, True) == ([8192, 0] if order <= 8 else [0, 8192])


@pytest.mark.parametrize("order", range(10))
def test_2007_frees_to_the_head_always(order):
    assert freed_beside("2007-vanilla", order, True) == [0, 8192]


@pytest.mark.parametrize(
    ("name", "own", "buddy", "order", "merges"),
    [
        ("6.1-list", M, M, 9, True),
        ("6.1-list", U, M, 9, True),
        ("6.1-list", HA, HA, 9, True),
        ("6.1-list", HA, M, 9, False),
        ("6.1-list", M, HA, 9, False),
        ("2007-vanilla", U, U, 9, True),
    ],
)
def test_highatomic_pageblocks_do_not_merge_with_others(name, own, buddy, order, merges):
    memory = bare(name, 1024)
    if name == "6.1-list":
        memory.set_block_type(0, own)
        memory.set_block_type(1, buddy)
    memory.release(512, order, buddy)
    memory.set_used(0, order, CLASS_MOVABLE)
    memory.free(0, order)
    assert lists(memory) == ({(10, own): [0]} if merges else {(9, own): [0], (9, buddy): [512]})


def test_inside_highatomic_pageblocks_blocks_merge():
    memory = bare("6.1-list", 512)
    memory.set_block_type(0, HA)
    memory.release(256, 8, M)  # on a list of another type than its pageblock's
    memory.set_used(0, 8, CLASS_MOVABLE)
    memory.free(0, 8)
    assert lists(memory) == {(9, HA): [0]}


def test_2007_merges_over_the_types_of_pageblocks():
    """The merged block goes to the list of the pageblock that holds the page freed last."""
    memory = bare("2007-list", 2048)
    set_types(memory, M)
    memory.set_block_type(1, U)
    memory.release(512, 9, U)
    memory.set_used(0, 9, CLASS_MOVABLE)
    memory.free(0, 9)
    assert lists(memory) == {(10, M): [0]}


# 4. The first unmovable request on a machine that is all movable.


def test_l28_takes_the_lowest_block_and_claims_its_4_mib():
    memory = booted("2007-list", Machine("16 MiB", np.zeros(4096, np.uint8)), **BUDDY_ONLY)
    assert memory.alloc(0, U) == 0
    assert lists(memory) == upper_halves(0, 0, 10, U) | {(10, M): [3072, 2048, 1024]}
    assert memory.block_types().tolist() == [U, M, M, M]


def test_l28_gives_movable_requests_the_highest_block():
    memory = booted("2007-list", Machine("16 MiB", np.zeros(4096, np.uint8)), **BUDDY_ONLY)
    assert memory.alloc(0, M) == 3072
    assert lists(memory) == upper_halves(3072, 0, 10, M) | {(10, M): [2048, 1024, 0]}
    assert memory.block_types().tolist() == [M] * 4


def test_claim_types_both_pageblocks_of_the_block():
    memory = booted("6.1-list", Machine("16 MiB", np.zeros(4096, np.uint8)), **BUDDY_ONLY)
    assert memory.alloc(0, U) == 0
    assert lists(memory) == upper_halves(0, 0, 10, U) | {(10, M): [1024, 2048, 3072]}
    assert memory.block_types().tolist() == [U, U, M, M, M, M, M, M]
    counters = memory.counters()
    assert counters["claims"] == 2
    assert counters["fallbacks_unmovable_in_movable"] == 1


# 5. Small blocks left: claim.


def claim_machine(movable_pages: int, other_pages: int, free: dict[int, int]) -> Memory:
    """One movable pageblock: in use from its end downward but for the free blocks {pfn: order}."""
    memory = bare("6.1-list", 512)
    set_types(memory, M)
    taken = np.zeros(512, bool)
    for pfn, order in free.items():
        memory.release(pfn, order, M)
        taken[pfn : pfn + (1 << order)] = True
    used = np.flatnonzero(~taken).tolist()
    assert len(used) == movable_pages + other_pages
    for place, pfn in enumerate(used):
        memory.set_used(pfn, 0, CLASS_MOVABLE if place < movable_pages else CLASS_UNMOVABLE)
    return memory


@pytest.mark.parametrize(("movable_pages", "claimed"), [(0, True), (256, True), (257, False)])
@pytest.mark.parametrize("request_type", [U, R])
def test_claim_needs_half_the_pageblock_free_or_alike(request_type, movable_pages, claimed):
    memory = claim_machine(movable_pages, 504 - movable_pages, {8: 3})
    validate(memory)
    assert memory.alloc(0, request_type) == 8
    assert lists(memory) == upper_halves(8, 0, 3, request_type)
    assert memory.block_types().tolist() == [request_type if claimed else M]
    assert memory.counters()["claims"] == int(claimed)


@pytest.mark.parametrize("movable_pages", [256, 257])
def test_claim_moves_all_free_blocks_to_the_tails(movable_pages):
    memory = claim_machine(movable_pages, 494 - movable_pages, {64: 3, 8: 3, 500: 0, 40: 0})
    assert memory.free_list(0, 3, M) == [64, 8]  # released ascending in time, not in place
    assert memory.alloc(2, U) == 8  # moved ascending: 8 before 64
    assert lists(memory) == {(3, U): [64], (2, U): [12], (0, U): [40, 500]}
    assert memory.block_types().tolist() == [U if movable_pages <= 256 else M]
    assert memory.counters()["pages_moved"] == 18


@pytest.mark.parametrize(("movable_pages", "claimed"), [(247, False), (248, True)])
def test_movable_request_counts_movable_pages_as_alike(movable_pages, claimed):
    memory = bare("6.1-list", 512)
    set_types(memory, U)
    memory.release(496, 4, U)  # order 4: half the block order, may be stolen
    for pfn in range(496):
        memory.set_used(pfn, 0, CLASS_MOVABLE if pfn < movable_pages - 8 else CLASS_UNMOVABLE)
    assert memory.alloc(0, M) == 496
    assert lists(memory) == upper_halves(496, 0, 4, M)
    assert memory.block_types().tolist() == [M if claimed else U]


@pytest.mark.parametrize(("request_type", "other"), [(U, R), (R, U)])
def test_no_page_is_alike_between_unmovable_and_reclaimable(request_type, other):
    for free_order, claimed in ((7, False), (8, True)):
        memory = bare("6.1-list", 512)
        set_types(memory, other)
        memory.release(0, free_order, other)
        for pfn in range(1 << free_order, 512):
            memory.set_used(pfn, 0, CLASS_RECLAIMABLE if other == R else CLASS_UNMOVABLE)
        assert memory.alloc(0, request_type) == 0
        assert memory.block_types().tolist() == [request_type if claimed else other]


@pytest.mark.parametrize(("request_type", "taken_from"), [(U, R), (M, R), (R, U)])
def test_claim_alternatives(request_type, taken_from):
    memory = bare("6.1-list", 4 * 1024)
    for number, migratetype in enumerate(t for t in (U, M, R) if t != request_type):
        memory.release(1024 * number, 10, migratetype)
        for block in (2 * number, 2 * number + 1):
            memory.set_block_type(block, migratetype)
    pfn = memory.free_list(0, 10, taken_from)[0]
    assert memory.alloc(0, request_type) == pfn


# 5. Small blocks left: L28. `c` is the order of the candidate; blocks are of 1024 pages.


def l28_machine(free: dict[int, int], migratetype: int = M) -> Memory:
    memory = bare("2007-list", 2048)  # the last pageblock of a zone is never moved
    set_types(memory, migratetype)
    for pfn in range(2048):
        memory.set_used(pfn, 0, CLASS_MOVABLE)
    for pfn, order in free.items():
        memory.release(pfn, order, migratetype)
    validate(memory)
    return memory


def test_l28_small_candidate_leaves_the_rest_where_it_was():
    memory = l28_machine({64: 4, 32: 4, 3: 0})
    assert memory.free_list(0, 4, M) == [32, 64]
    assert memory.alloc(0, U) == 32
    assert lists(memory) == {
        (4, M): [64],
        (3, M): [40],
        (2, M): [36],
        (1, M): [34],
        (0, M): [33, 3],
    }
    assert memory.block_types().tolist()[:1] == [M]


@pytest.mark.parametrize(("request_type", "other", "pfn"), [(U, R, 32), (M, R, 64), (R, U, 32)])
def test_l28_takes_the_lowest_block_but_for_movable_requests_the_head(request_type, other, pfn):
    memory = l28_machine({32: 4, 64: 4}, other)
    assert memory.free_list(0, 4, other) == [64, 32]
    assert memory.alloc(0, request_type) == pfn


@pytest.mark.parametrize(("chunks", "claimed"), [(15, False), (16, True)])
def test_l28_counts_blocks_so_order_5_needs_16(chunks, claimed):
    memory = l28_machine({64 * k: 5 for k in range(chunks)})
    assert memory.alloc(5, U) == 0
    # Moved ascending, each to the head.
    assert lists(memory) == {(5, U): [64 * k for k in range(chunks - 1, 0, -1)]}
    assert memory.block_types().tolist()[:1] == [U if claimed else M]


def test_l28_counts_blocks_whatever_their_order():
    memory = l28_machine({0: 5, **{64 + 2 * k: 0 for k in range(15)}})
    assert memory.alloc(5, U) == 0
    assert memory.block_types().tolist()[:1] == [U]  # 16 blocks, but 47 pages only


def test_l28_moves_nothing_in_the_last_block_of_a_zone():
    memory = l28_machine({1024: 9, 1536 + 64: 4})
    assert memory.alloc(0, U) == 1024
    assert lists(memory) == upper_halves(1024, 0, 9, U) | {(4, U): [1040], (4, M): [1600]}
    assert memory.block_types().tolist() == [M, M]


@pytest.mark.parametrize(("c", "claimed"), [(5, False), (8, False), (9, True)])
def test_l28_one_block_claims_from_order_9(c, claimed):
    memory = l28_machine({0: c})
    assert memory.alloc(0, U) == 0
    assert lists(memory) == upper_halves(0, 0, c, U)
    assert memory.block_types().tolist()[:1] == [U if claimed else M]


@pytest.mark.parametrize(("chunks", "claimed"), [(511, False), (512, True)])
def test_l28_reclaimable_requests_always_move(chunks, claimed):
    memory = l28_machine({2 * k: 0 for k in range(chunks)})
    assert memory.alloc(0, R) == 0
    assert lists(memory) == {(0, R): [2 * k for k in range(chunks - 1, 0, -1)]}
    assert memory.block_types().tolist()[:1] == [R if claimed else M]


@pytest.mark.parametrize(("c", "claimed"), [(9, False), (10, True)])
def test_l28_claims_highatomic_blocks_only_whole(c, claimed):
    memory = l28_machine({}, HA)
    memory.release(0, c, HA)
    assert memory.alloc(0, U) == 0
    assert lists(memory) == upper_halves(0, 0, c, U)
    assert memory.block_types().tolist()[:1] == [U if claimed else HA]


@pytest.mark.parametrize(
    ("request_type", "atomic", "taken_from"),
    [(U, 0, [R, M, HA]), (R, 0, [U, M, HA]), (M, 0, [R, U, HA]), (U, 1, [R, U, M])],
)
def test_l28_alternatives_in_their_order(request_type, atomic, taken_from):
    """The first alternative that has a block; high-atomic ones last, and for all but U even
    after smaller blocks of the others."""
    order = 1 if atomic else 0  # an atomic request of order > 0 is of type HA
    for missing in range(3):
        memory = bare("2007-list", 4096)
        for pfn in range(4096):
            memory.set_used(pfn, 0, CLASS_MOVABLE)
        place = {}
        for number, migratetype in enumerate(taken_from[missing:]):
            memory.set_block_type(number, migratetype)
            memory.release(1024 * number, 2, migratetype)
            place[migratetype] = 1024 * number
        assert memory.alloc(order, request_type, atomic) == place[taken_from[missing]]


@pytest.mark.parametrize(("request_type", "pfn"), [(U, 1024), (M, 0), (R, 0)])
def test_l28_spares_highatomic_blocks_on_the_first_pass(request_type, pfn):
    memory = bare("2007-list", 2048)
    for page in range(2048):
        memory.set_used(page, 0, CLASS_MOVABLE)
    small = R if request_type == M else M
    memory.set_block_type(0, small)
    memory.set_block_type(1, HA)
    memory.release(0, 2, small)
    memory.release(1024, 3, HA)
    assert memory.alloc(0, request_type) == pfn


# 6. A movable request that cannot steal takes the smallest block.


def test_movable_request_takes_the_smallest_foreign_block():
    memory = bare("6.1-list", 1024)
    for pfn in range(1024):
        memory.set_used(pfn, 0, CLASS_UNMOVABLE)
    memory.set_block_type(0, U)
    memory.set_block_type(1, R)
    memory.release(8, 2, U)
    memory.release(520, 3, R)
    validate(memory)
    assert memory.alloc(0, M) == 8
    assert lists(memory) == upper_halves(8, 0, 2, M) | {(3, R): [520]}
    assert memory.block_types().tolist() == [U, R]
    assert memory.counters()["fallbacks_movable_in_unmovable"] == 1


def test_movable_request_of_the_blocks_own_order_takes_it():
    memory = bare("6.1-list", 1024)
    for pfn in range(1024):
        memory.set_used(pfn, 0, CLASS_UNMOVABLE)
    memory.set_block_type(0, U)
    memory.set_block_type(1, R)
    memory.release(8, 2, U)
    memory.release(520, 3, R)
    assert memory.alloc(3, M) == 520
    assert lists(memory) == {(2, U): [8]}


# 7. Zones of a movable request.


@pytest.mark.parametrize("name", ["2007-both", "6.1-both", "6.1-off"])
def test_movable_request_falls_to_the_zones_below(name):
    """At LOW exactly a zone refuses; below ZONE_MOVABLE the reserve against it comes on top."""
    mechanism = load_mechanism(name, BUDDY_ONLY | {"grouping.nofragment": "false"})
    spans = (("DMA", 0, 1024), ("DMA32", 1024, 2048), ("Normal", 2048, 4096))
    zones = [Zone(zone, start, end, end - start) for zone, start, end in spans]
    zones.append(Zone("Movable", 4096, 6144, 2048))
    zones = with_reserves(with_watermarks(zones, 600, mechanism))
    memory = Memory(tuple(zones), mechanism, 6144)
    migratetype = int(memory.block_types()[0])
    for pfn in range(0, 6144, 1024):
        memory.release(pfn, 10, migratetype)
    movable, normal = zones[3], zones[2]
    from_movable = 2048 - movable.low_pages
    from_normal = 2048 - (normal.low_pages + 2048 // 32)
    for _ in range(from_movable):
        assert memory.alloc(0, M) >= 4096
    assert memory.zone_state(3)["free_pages"] == movable.low_pages
    for _ in range(from_normal):
        assert 2048 <= memory.alloc(0, M) < 4096
    assert memory.zone_state(2)["free_pages"] == normal.low_pages + 64
    assert 1024 <= memory.alloc(0, M) < 2048
    assert 2048 <= memory.alloc(0, U) < 4096  # no reserve against requests of its own class


@pytest.mark.parametrize(("nofragment", "pfn"), [("true", 0), ("false", 1024)])
def test_unmovable_request_spares_the_normal_zone_where_it_would_fragment_it(nofragment, pfn):
    """NOFRAGMENT: a whole pageblock of DMA32 rather than a part of one of Normal."""
    zones = (Zone("DMA32", 0, 1024, ENOUGH_PAGES), Zone("Normal", 1024, 2048, ENOUGH_PAGES))
    memory = bare("6.1-list", 2048, *zones, **{"grouping.nofragment": nofragment})
    set_types(memory, M)
    memory.release(0, 10, M)
    memory.release(1024, 8, M)
    assert memory.alloc(0, U) == pfn


def test_the_normal_zone_serves_after_all_where_every_zone_would_be_fragmented():
    zones = (Zone("DMA32", 0, 1024, ENOUGH_PAGES), Zone("Normal", 1024, 2048, ENOUGH_PAGES))
    memory = bare("6.1-list", 2048, *zones)
    set_types(memory, M)
    memory.release(0, 8, M)
    memory.release(1024, 8, M)
    assert memory.alloc(0, U) == 1024


# 8. Watermarks, reserves, batches.

PRINTED = [("DMA", 3840), ("DMA32", 772_917), ("Normal", 1_900_544)]


def printed_zones() -> list[Zone]:
    return [Zone(name, 0, 0, managed) for name, managed in PRINTED]


def test_watermarks_as_a_live_machine_printed_them():
    zones = with_watermarks(printed_zones(), 67_584 // 4, load_mechanism("6.1-list"))
    assert [(z.min_pages, z.low_pages, z.high_pages) for z in zones] == [
        (24, 30, 36),
        (4877, 6096, 7315),
        (11_994, 14_992, 17_990),
    ]


def test_watermarks_of_2007():
    zones = with_watermarks(printed_zones(), 67_584 // 4, load_mechanism("2007-list"))
    assert [(z.min_pages, z.low_pages, z.high_pages) for z in zones] == [
        (24, 30, 36),
        (4877, 6096, 7315),
        (11_994, 14_992, 17_991),
    ]


def test_distance_of_the_watermarks_from_4_6_on():
    (zone,) = with_watermarks([Zone("DMA", 0, 0, 100_000)], 80, load_mechanism("6.1-list"))
    assert (zone.min_pages, zone.low_pages, zone.high_pages) == (80, 180, 280)
    (zone,) = with_watermarks([Zone("DMA", 0, 0, 100_000)], 80, load_mechanism("2007-list"))
    assert (zone.min_pages, zone.low_pages, zone.high_pages) == (80, 100, 120)


def test_reserves_as_a_live_machine_printed_them():
    zones = with_reserves(printed_zones())
    assert [zone.lowmem_reserve_pages for zone in zones] == [
        (0, 3019, 10_443),
        (0, 0, 7424),
        (0, 0, 0),
    ]


@pytest.mark.parametrize(
    ("mib", "kbytes"),
    [(64, 1024), (256, 2048), (1024, 4096), (1536, 5016), (2048, 5792), (4096, 8192),
     (8192, 11_585), (16_384, 16_384), (65_536, 32_768), (262_144, 65_536)],
)  # fmt: skip
@pytest.mark.parametrize("name", ["2007-vanilla", "6.1-off"])
def test_min_free_kbytes(name, mib, kbytes):
    machine = Machine("any", np.zeros(0, np.uint8))
    zones = [Zone("Normal", 0, 0, mib * 256)]
    assert min_free_pages(machine, load_mechanism(name), zones) == kbytes // 4


@pytest.mark.parametrize(
    ("name", "mib", "kbytes"),
    [("2007-vanilla", 1 << 20, 65_536), ("6.1-off", 1 << 20, 131_072),
     ("6.1-off", 1 << 23, 262_144), ("6.1-off", 1, 128), ("2007-vanilla", 0.25, 128)],
)  # fmt: skip
def test_min_free_kbytes_is_bounded(name, mib, kbytes):
    machine = Machine("any", np.zeros(0, np.uint8))
    zones = [Zone("Normal", 0, 0, int(mib * 256))]
    assert min_free_pages(machine, load_mechanism(name), zones) == kbytes // 4


@pytest.mark.parametrize(
    ("cap_pages", "mib", "batch"),
    [(128, 3, 0), (128, 256, 15), (128, 512, 31), (128, 8192, 31), (256, 512, 31),
     (256, 1024, 63), (256, 16_384, 63), (256, 3, 0)],
)  # fmt: skip
def test_batch(cap_pages, mib, batch):
    assert batch_pages(mib * 256, cap_pages) == batch


def test_batch_and_high_of_the_live_zone():
    """772,917 managed pages, low 6096: batch 63; one CPU's high is the low mark."""
    assert batch_pages(772_917, 256) == 63
    zones = build_zones(
        Machine("3 GiB", np.zeros(4096 + 772_917, np.uint8), min_free_kbytes=67_584),
        load_mechanism("6.1-list"),
    )
    assert zones[1].batch_pages == 63
    assert zones[1].pcp_high_pages == zones[1].low_pages


@pytest.mark.parametrize("mib", [1, 3, 16])
@pytest.mark.parametrize("name", MECHANISMS)
def test_batch_is_used_as_one_where_the_formula_gives_none(name, mib):
    machine = Machine(f"{mib} MiB", np.zeros(mib * 256, np.uint8))
    for zone in build_zones(machine, load_mechanism(name)):
        formula = batch_pages(zone.managed_pages, 128)
        assert zone.batch_pages == max(formula, 1)
        high = max(zone.low_pages, 4) if name.startswith("6.1") else 6 * formula
        assert zone.pcp_high_pages == high


# 9. Grouping off on a small machine.


def without_mobility(steps: list[tuple]) -> list[tuple]:
    return [("alloc", s[1], U, s[3]) if s[0] == "alloc" else s for s in steps]


@pytest.mark.parametrize("seed", range(5))
def test_on_9_mib_mobility_changes_no_placement(seed):
    machine = Machine("9 MiB", np.zeros(2304, np.uint8))
    steps = random_steps(seed, 600)
    grouped = Runner(booted("6.1-list", machine)).run(steps)
    plain = Runner(booted("6.1-list", machine)).run(without_mobility(steps))
    off = Runner(booted("6.1-off", machine)).run(steps)
    assert grouped.pfns == plain.pfns == off.pfns
    without_classes = {"classes"}
    states = [
        {key: value for key, value in state(runner.memory).items() if key not in without_classes}
        for runner in (grouped, plain, off)
    ]
    assert states[0] == states[1] == states[2]
    assert set(grouped.memory.block_types()) <= {U, HA}
    assert not grouped.memory.free_blocks()[:, :, [M, R]].any()


def test_from_five_pageblocks_on_mobility_matters():
    steps = random_steps(1, 600)
    for pages, alike in ((2559, True), (2560, False)):
        machine = Machine(f"{pages} pages", np.zeros(pages, np.uint8))
        grouped = Runner(booted("6.1-list", machine)).run(steps)
        plain = Runner(booted("6.1-list", machine)).run(without_mobility(steps))
        assert (grouped.pfns == plain.pfns) == alike


def test_the_patches_of_2007_group_on_small_machines_too():
    memory = booted("2007-list", Machine("9 MiB", np.zeros(2304, np.uint8)), **BUDDY_ONLY)
    assert memory.alloc(0, U) == 0  # the lowest of the largest blocks
    assert memory.alloc(0, M) == 2048  # the smallest block of its type
    assert memory.alloc(10, M) == 1024
    assert memory.block_types().tolist() == [U, M, M]
