"""Memory at a stream's start: as recorded, or placed anew by another mechanism."""

from dataclasses import replace

import numpy as np
import pytest

from allocator.mechanism import load_mechanism, mechanism_names
from allocator.terms import (
    CLASS_MOVABLE,
    CLASS_RECLAIMABLE,
    CLASS_UNMOVABLE,
    FREE,
    HUGETLB,
    KERNEL_UNKNOWN,
    MOVABLE,
    PCP_FREE,
    PFN_NONE,
    RECLAIMABLE,
    RESERVED,
    UNMOVABLE,
)
from allocator.validate import validate
from allocator.zones import Machine, build_zones
from pipeline.start import infer_block_types, start_memory
from tests.workloads.folders import operations
from workloads.stream import Phase, Start, Stream

U, M, R = UNMOVABLE, MOVABLE, RECLAIMABLE
PAGES = 6144
# pfn, order, class, traced
HELD = [
    (64, 0, CLASS_MOVABLE, True),
    (5000, 2, CLASS_UNMOVABLE, True),
    (5120, 9, CLASS_MOVABLE, True),
    (4600, 0, CLASS_RECLAIMABLE, True),
    (70, 1, KERNEL_UNKNOWN, True),
    (72, 0, HUGETLB, False),
    (80, 0, CLASS_UNMOVABLE, False),
    (4096, 3, KERNEL_UNKNOWN, False),
]


def stream(mechanism: str = "6.1-list", held: list = HELD, pages: int = PAGES) -> Stream:
    unusable = np.zeros(pages, np.uint8)
    unusable[:32] = RESERVED
    page_class = unusable.copy()
    for pfn, order, code, _ in held:
        page_class[pfn : pfn + (1 << order)] = code
    page_class[[100, 101, 4500]] = PCP_FREE
    columns = list(zip(*held, strict=True))
    return Stream(
        name="s",
        title="s",
        source="made by a test",
        machine=Machine("24 MiB", unusable, min_free_kbytes=128),
        start=Start(
            page_class=page_class,
            pfn=np.array(columns[0], np.int32),
            order=np.array(columns[1], np.uint8),
            traced=np.array(columns[3], bool),
            mechanism=mechanism,
        ),
        ops=operations((0, len(held), 0, 0), (1, len(held) + 5, 0, 0)),
        phases=(Phase("all", "all", 0, 2),),
    )


@pytest.mark.parametrize("name", ["6.1-off", "6.1-list"])
def test_under_the_recorded_mechanism_all_stays_where_it_was(name):
    recorded = stream(name)
    memory, pfn_of, counts = start_memory(recorded, load_mechanism(name))
    validate(memory)
    assert counts == {"placed_anew": 0, "failed": 0}
    assert pfn_of.tolist()[: len(HELD)] == recorded.start.pfn.tolist()
    assert np.array_equal(memory.page_class(), recorded.start.page_class)
    on_pcp = [pfn for zone in range(2) for i in range(14) for pfn, _ in memory.pcp_list(zone, i)]
    assert sorted(on_pcp) == [100, 101, 4500]


def test_without_a_recorded_mechanism_all_stays_where_it_is():
    for name in mechanism_names():
        if name.startswith("6.1"):
            memory, _, counts = start_memory(stream(""), load_mechanism(name))
            assert np.array_equal(memory.page_class(), stream("").start.page_class)
            assert counts == {"placed_anew": 0, "failed": 0}


@pytest.mark.parametrize("name", [n for n in mechanism_names() if n != "6.1-list"])
def test_under_another_mechanism_the_traced_are_placed_anew(name):
    recorded = stream()
    memory, pfn_of, counts = start_memory(recorded, load_mechanism(name))
    validate(memory)
    assert counts == {"placed_anew": 5, "failed": 0}
    classes = memory.page_class()
    for number, (pfn, order, code, traced) in enumerate(HELD):
        place = pfn_of[number]
        held = classes[place : place + (1 << order)]
        if traced:
            wanted = CLASS_UNMOVABLE if code == KERNEL_UNKNOWN else code
            assert (held == wanted).all()
        else:
            assert place == pfn
            assert (held == code).all()
    in_use = np.isin(classes, (2, 3, 4, 5, 8)).sum()
    assert in_use == sum(1 << order for _, order, _, _ in HELD)
    assert (classes == RESERVED).sum() == 32


@pytest.mark.parametrize("name", ["2007-zone", "2007-both", "6.1-zone", "6.1-both"])
def test_only_movable_pages_come_into_zone_movable(name):
    held = [(4096 + 8 * n, 0, (2, 3, 4)[n % 3], True) for n in range(90)]
    memory, pfn_of, _ = start_memory(stream("6.1-list", held), load_mechanism(name))
    movable = memory.zones[-1]
    assert movable.name == "Movable"
    for number, (_, _, code, _) in enumerate(held):
        assert (pfn_of[number] >= movable.start_pfn) == (code == CLASS_MOVABLE)


def test_the_run_starts_counting_at_zero():
    memory, _, _ = start_memory(stream(), load_mechanism("2007-both"))
    assert set(memory.counters().values()) == {0}
    assert memory.next_op() == 0
    assert len(memory.events()) == 0
    assert memory.dropped_events() == 0


def test_ids_of_operations_have_no_place_yet():
    _, pfn_of, _ = start_memory(stream(), load_mechanism("6.1-list"))
    assert pfn_of.tolist()[len(HELD) :] == [PFN_NONE] * 6


def test_what_does_not_fit_is_counted():
    """Two order-10 blocks, held at the start, but unmovable pages may not use half of memory."""
    held = [(1024 * n, 10, CLASS_UNMOVABLE, True) for n in range(1, 6)]
    memory, pfn_of, counts = start_memory(stream("6.1-list", held), load_mechanism("6.1-both"))
    assert counts["placed_anew"] + counts["failed"] == 5
    assert counts["failed"] == pfn_of.tolist()[:5].count(PFN_NONE) > 0
    validate(memory)
    memory.run(*stream("6.1-list", held).ops.window(0, 2), pfn_of)
    assert memory.counters()["freed_unknown"] == 1


# Types of pageblocks.


def inferred(
    name: str, blocks: dict[int, list[int]], pages: int = PAGES, **parameters
) -> list[int]:
    """Types where pageblock number `n` (of 512 pages) begins with pages of the classes given."""
    page_class = np.full(pages, FREE, np.uint8)
    for block, codes in blocks.items():
        page_class[512 * block : 512 * block + len(codes)] = codes
    mechanism = load_mechanism(name, parameters)
    zones = build_zones(Machine("m", np.zeros(pages, np.uint8)), mechanism)
    return infer_block_types(page_class, zones, mechanism).tolist()


@pytest.mark.parametrize(
    ("codes", "migratetype"),
    [
        ([CLASS_MOVABLE], M),
        ([CLASS_MOVABLE] * 400 + [CLASS_UNMOVABLE], U),
        ([CLASS_MOVABLE] * 400 + [KERNEL_UNKNOWN], U),
        ([CLASS_MOVABLE] * 400 + [CLASS_RECLAIMABLE], R),
        ([CLASS_RECLAIMABLE, CLASS_UNMOVABLE], U),
        ([CLASS_RECLAIMABLE, CLASS_RECLAIMABLE, CLASS_UNMOVABLE], R),
        ([CLASS_RECLAIMABLE, CLASS_RECLAIMABLE, CLASS_UNMOVABLE, KERNEL_UNKNOWN], U),
        ([HUGETLB], M),
        ([RESERVED], M),
        ([PCP_FREE], M),
    ],
)
def test_type_by_what_lies_in_a_pageblock(codes, migratetype):
    types = inferred("6.1-list", {4: codes, 5: [CLASS_MOVABLE]})
    assert types == [M, M, M, M, migratetype, M, M, M, M, M, M, M]


@pytest.mark.parametrize("block", [6, 7])
@pytest.mark.parametrize(("code", "migratetype"), [(CLASS_UNMOVABLE, U), (CLASS_RECLAIMABLE, R)])
def test_a_free_pageblock_takes_the_type_of_its_neighbour(block, code, migratetype):
    types = inferred("6.1-list", {block: [code]})
    assert types == [M] * 6 + [migratetype] * 2 + [M] * 4


def test_a_last_pageblock_without_neighbour():
    types = inferred("6.1-list", {7: [CLASS_UNMOVABLE]}, pages=9 * 512)
    assert types == [M] * 6 + [U, U, M]
    types = inferred("6.1-list", {8: [CLASS_UNMOVABLE]}, pages=9 * 512 - 100)
    assert types == [M] * 8 + [U]


def test_pageblocks_of_2007_are_larger_and_have_no_neighbour():
    assert inferred("2007-list", {2: [CLASS_UNMOVABLE]}) == [M, U, M, M, M, M]


def test_zone_movable_is_movable_throughout():
    every = {block: [CLASS_UNMOVABLE] for block in range(12)}
    assert inferred("6.1-both", every, kernelcore="80%") == [U] * 10 + [M] * 2


@pytest.mark.parametrize("name", ["6.1-off", "6.1-zone", "2007-vanilla", "2007-zone"])
def test_without_grouping_all_is_unmovable(name):
    assert set(inferred(name, {0: [CLASS_MOVABLE], 3: [CLASS_RECLAIMABLE]})) == {U}


def test_the_recorded_start_is_not_altered():
    recorded = stream()
    before = recorded.start.page_class.copy()
    start_memory(recorded, load_mechanism("2007-both"))
    assert np.array_equal(recorded.start.page_class, before)


def test_recorded_zones_are_taken_as_printed():
    recorded = stream()
    mechanism = load_mechanism("6.1-list")
    zones = build_zones(recorded.machine, mechanism)
    printed = tuple(replace(zone, min_pages=zone.min_pages + 3) for zone in zones)
    machine = replace(recorded.machine, recorded_kernel="6.1", recorded_zones=printed)
    memory, _, _ = start_memory(replace(recorded, machine=machine), mechanism)
    assert [z.min_pages for z in memory.zones] == [z.min_pages + 3 for z in zones]
    memory, _, _ = start_memory(replace(recorded, machine=machine), load_mechanism("2007-list"))
    assert [z.min_pages for z in memory.zones] != [z.min_pages + 3 for z in zones]
