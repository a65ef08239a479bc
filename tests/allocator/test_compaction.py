"""Compaction: what moves where, what stays, when it is tried; and that nothing gets lost."""

from array import array

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocator.boot import boot
from allocator.compaction import ASYNC, SYNC, Compaction
from allocator.engine import Engine
from allocator.mechanism import load_mechanism
from allocator.terms import (
    ALLOC,
    CLASS_MOVABLE,
    COMPACT,
    FREE,
    FREE_OP,
    HUGE,
    MOVABLE,
    PFN_NONE,
    RECLAIMABLE,
    UNMOVABLE,
)
from allocator.validate import validate
from allocator.zones import Machine
from tests.allocator.small_machines import state
from workloads import load_workload
from workloads.stream import Ops

BLOCK = 512
PAGES = 8 * BLOCK + 4096  # ZONE_DMA and eight pageblocks of DMA32


def ops_of(*rows: tuple[int, int, int, int], every_us: int = 1) -> Ops:
    """Operations from (kind, id, order, mobility)."""
    table = np.array(rows, np.int64).reshape(-1, 4)
    columns = {name: table[:, n] for n, name in enumerate(("kind", "id", "order", "mobility"))}
    huge = (columns["order"] == 9) & (columns["kind"] == ALLOC)
    return Ops(
        kind=columns["kind"].astype(np.uint8),
        id=columns["id"].astype(np.int32),
        order=columns["order"].astype(np.uint8),
        mobility=columns["mobility"].astype(np.uint8),
        flags=np.where(huge, HUGE, 0).astype(np.uint8),
        offset=np.zeros(len(table), np.uint16),
        time_us=np.arange(len(table), dtype=np.int64) * every_us,
    )


def engine_of(
    name: str = "6.1-list", pages: int = PAGES, ids: int = 20_000, pinned: int = 0, **parameters
) -> Engine:
    """A booted machine without per-CPU lists and watermarks, so that every page counts."""
    if not name.startswith("2007"):
        parameters = {"compaction.pinned_per_mille": str(pinned), **parameters}
    parameters = {"per_cpu.rule": "none", "min_free_kbytes": "1", **parameters}
    machine = Machine("small", np.zeros(pages, np.uint8))
    memory = boot(machine, load_mechanism(name, parameters))
    return Engine(memory, array("i", [PFN_NONE]) * ids)


def filled(engine: Engine, keep: int, mobility: int = MOVABLE) -> list[int]:
    """All memory taken page by page, then freed but for each `keep`th page; the ids that live."""
    total = sum(zone.managed_pages for zone in engine.memory.zones)
    ops = ops_of(*((ALLOC, number, 0, mobility) for number in range(total)))
    engine.run(ops, 0, len(ops))
    taken = [number for number in range(total) if engine.pfn_of[number] != PFN_NONE]
    live = taken[::keep]
    gone = sorted(set(taken) - set(live))
    frees = ops_of(*((FREE_OP, number, 0, 0) for number in gone))
    engine.run(frees, 0, len(frees))
    return live


def check_ids(engine: Engine, live: list[int]) -> None:
    """Every id still has a movable page of its own."""
    pfns = [engine.pfn_of[number] for number in live]
    assert len(set(pfns)) == len(pfns)
    classes = engine.memory.page_class()
    assert (classes[pfns] == CLASS_MOVABLE).all()
    assert (classes == CLASS_MOVABLE).sum() == len(live)
    validate(engine.memory)


def compact(engine: Engine) -> None:
    engine.run(ops_of((COMPACT, 0, 0, 0)), 0, 1)


def blocks_of(engine: Engine, page_class: int) -> list[int]:
    """Pageblocks that hold a page of a class."""
    return sorted(
        {int(pfn) // BLOCK for pfn in np.flatnonzero(engine.memory.page_class() == page_class)}
    )


def test_pages_move_to_the_end_and_free_blocks_arise() -> None:
    engine = engine_of()
    live = filled(engine, keep=4)
    free_pages = [engine.memory.zone_state(zone)["free_pages"] for zone in (0, 1)]
    assert not engine.memory.free_blocks()[:, 9:].any()
    compact(engine)
    check_ids(engine, live)
    assert [engine.memory.zone_state(zone)["free_pages"] for zone in (0, 1)] == free_pages
    # A quarter of eight blocks is two: the zone's last ones, full; the others are free.
    assert blocks_of(engine, CLASS_MOVABLE) == [6, 7, 14, 15]
    free = engine.memory.free_blocks()[1].sum(axis=1)
    assert (free << np.arange(11)).sum() == free[9] * 512 + free[10] * 1024 == 6 * BLOCK
    assert engine.memory.counters()["pages_migrated"] > 0
    frees = ops_of(*((FREE_OP, number, 0, 0) for number in live))
    engine.run(frees, 0, len(frees))
    assert not (engine.memory.page_class() == CLASS_MOVABLE).any()
    assert engine.memory.counters()["freed_unknown"] == 0
    validate(engine.memory)


@pytest.mark.parametrize("mobility", [UNMOVABLE, RECLAIMABLE])
def test_other_pages_stay(mobility: int) -> None:
    engine = engine_of()
    filled(engine, 4, mobility)
    before = engine.memory.page_class()
    compact(engine)
    assert (engine.memory.page_class() == before).all()


def test_movable_blocks_of_higher_order_stay() -> None:
    engine = engine_of()
    ops = ops_of(*((ALLOC, number, 1, MOVABLE) for number in range(3000)))
    engine.run(ops, 0, len(ops))
    gone = [n for n in range(3000) if engine.pfn_of[n] != PFN_NONE and n % 4]
    engine.run(ops_of(*((FREE_OP, n, 1, 0) for n in gone)), 0, len(gone))
    before = engine.memory.page_class()
    compact(engine)
    assert (engine.memory.page_class() == before).all()
    assert engine.memory.counters()["pages_migrated"] == 0


def test_without_movable_pageblocks_nothing_finds_a_place() -> None:
    engine = engine_of("6.1-off")
    live = filled(engine, keep=4)
    compact(engine)
    assert engine.memory.counters()["pages_migrated"] == 0
    check_ids(engine, live)


def test_mechanisms_without_compaction_leave_the_operation_out() -> None:
    for name in ("2007-vanilla", "2007-both"):
        engine = engine_of(name)
        before, op = engine.memory.page_class(), engine.memory.next_op()
        compact(engine)
        assert (engine.memory.page_class() == before).all()
        assert engine.memory.next_op() == op + 1


@pytest.mark.parametrize("rule", ["none", "two-scanners"])
def test_a_request_that_would_fail_is_helped(rule: str) -> None:
    engine = engine_of(**{"compaction.rule": rule})
    live = filled(engine, keep=4)
    ops = ops_of((ALLOC, 19_000, 9, MOVABLE))
    engine.run(ops, 0, 1)
    counters = engine.memory.counters()
    assert (engine.pfn_of[19_000] == PFN_NONE) == (rule == "none")
    assert (
        counters["failed_requests"] - (rule == "none")
        == counters["requests_order_0"] - len(live) * 4
    )
    assert counters["requests_order_9"] == 1
    if rule == "two-scanners":
        assert 1 <= counters["compact_stalls"] <= 2
        assert engine.memory.page_class()[engine.pfn_of[19_000]] == 5
        check_ids(engine, live)


def test_lone_kernel_pages_stop_the_light_mode_only() -> None:
    """One unmovable page in each pageblock: asynchronous compaction gives all of them up."""
    for mode, moved in ((ASYNC, False), (SYNC, True)):
        engine = engine_of()
        filled(engine, keep=4)
        memory = engine.memory
        for block in range(16):
            classes = memory.page_class()
            free = block * BLOCK + int(np.flatnonzero(classes[block * BLOCK :] == FREE)[0])
            assert memory.isolate(int(block >= 8), free)
            memory.set_used(free, 0, 3)
        compaction = Compaction(memory, engine.pfn_of)
        made = compaction.direct(1, 9, MOVABLE, mode)
        assert not made
        assert (memory.counters()["pages_migrated"] > 0) == moved


def test_the_light_mode_takes_from_blocks_of_the_request_s_type_only() -> None:
    engine = engine_of()
    filled(engine, keep=4)
    compaction = Compaction(engine.memory, engine.pfn_of)
    assert not compaction.direct(1, 9, UNMOVABLE, ASYNC)
    assert engine.memory.counters()["pages_migrated"] == 0
    assert compaction.direct(1, 9, UNMOVABLE, SYNC)


def test_the_lowest_watermark_is_not_touched() -> None:
    engine = engine_of()
    live = filled(engine, keep=4)
    machine_min = [zone.min_pages for zone in engine.memory.zones]
    tight = engine_of(min_free_kbytes=str(4 * sum(z["free_pages"] for z in
                      (engine.memory.zone_state(0), engine.memory.zone_state(1)))))  # fmt: skip
    assert machine_min < [zone.min_pages for zone in tight.memory.zones]
    for number in range(0, 2000):
        tight.memory.alloc(0, MOVABLE)
        del number
    compact(tight)
    assert tight.memory.counters()["pages_migrated"] == 0
    compact(engine)
    check_ids(engine, live)


def test_failures_are_deferred() -> None:
    """After each vain attempt twice as many are left out, up to 64."""
    engine = engine_of("6.1-off")  # no place to migrate to
    filled(engine, keep=4)
    compaction = Compaction(engine.memory, engine.pfn_of)
    runs = []
    run_zone = compaction._run_zone
    compaction._run_zone = lambda run: (runs.append(run.zone), run_zone(run))[1]
    tried = []
    for _ in range(40):
        runs.clear()
        assert not compaction.direct(1, 9, UNMOVABLE, SYNC)
        tried.append(1 in runs)
    assert [n for n, here in enumerate(tried) if here] == [0, 2, 6, 14, 30]


def test_proactive_compaction_comes_by_itself_and_waits_after_a_vain_run() -> None:
    for proactiveness, moved in ((20, True), (0, False)):
        engine = engine_of(**{"compaction.proactiveness": str(proactiveness)})
        live = filled(engine, keep=4)
        idle = ops_of(*((FREE_OP, 19_999, 0, 0),) * 200, every_us=500_000)
        engine.run(idle, 0, len(idle))
        counters = engine.memory.counters()
        assert (counters["pages_migrated"] > 0) == moved
        assert counters["compact_proactive"] == (1 if moved else 0)
        check_ids(engine, live)
    vain = engine_of("6.1-off")
    filled(vain, keep=4)
    vain.run(idle, 0, len(idle))
    assert vain.memory.counters()["compact_proactive"] == 4  # each 32 of 100 seconds


def test_the_score_is_the_share_outside_of_large_blocks() -> None:
    engine = engine_of()
    compaction = Compaction(engine.memory, engine.pfn_of)
    assert compaction.score() == 0
    filled(engine, keep=4)
    assert compaction.score() == 99  # 100 in both zones, over one page more than there is


def test_how_often_it_is_looked_at_makes_no_difference() -> None:
    """A recording of 10 and one of 1000 frames are of the same pages."""
    stream = load_workload("churn", {"memory_mib": "24", "requests": "30000"}, seed=2)
    places = []
    for stretch in (len(stream.ops), 977, 10):
        memory = boot(stream.machine, load_mechanism("6.1-list"))
        engine = Engine(memory, array("i", [PFN_NONE]) * stream.ops.ids)
        for first in range(0, len(stream.ops), stretch):
            engine.run(stream.ops, first, min(first + stretch, len(stream.ops)))
        places.append((list(engine.pfn_of), state(memory)))
        assert memory.counters()["compact_proactive"] > 0
    assert places[0] == places[1] == places[2]


@pytest.mark.parametrize("name", ["6.1-list", "6.1-both", "6.1-zone", "6.1-off"])
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_nothing_gets_lost(name: str, seed: int) -> None:
    """Random programs with huge pages and compaction between: all that lives has its own pages."""
    random = np.random.default_rng(seed)
    machine = Machine("small", np.zeros(12_288, np.uint8), min_free_kbytes=512)
    memory = boot(machine, load_mechanism(name))
    engine = Engine(memory, array("i", [PFN_NONE]) * 40_000)
    orders: dict[int, int] = {}
    rows, number = [], 0
    for step in range(4000):
        draw = random.random()
        if draw < 0.62 or not orders:
            order = int(random.choice((0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 9), p=None))
            order = 0 if order == 9 and random.random() < 0.8 else order
            mobility = MOVABLE if order == 9 else int(random.choice((0, 1, 1, 1, 1, 2)))
            rows.append((ALLOC, number, order, mobility))
            orders[number] = order
            number += 1
        elif draw < 0.998:
            victim = list(orders)[int(random.integers(len(orders)))]
            rows.append((FREE_OP, victim, orders.pop(victim), 0))
        else:
            rows.append((COMPACT, 0, 0, 0))
        if step % 1000 == 999:
            ops = ops_of(*rows, every_us=1000)
            engine.run(ops, 0, len(ops))
            rows.clear()
            validate(memory)
    held = np.zeros(12_288, bool)
    for live, order in orders.items():
        pfn = engine.pfn_of[live]
        if pfn == PFN_NONE:
            continue
        assert not held[pfn : pfn + (1 << order)].any()
        held[pfn : pfn + (1 << order)] = True
    in_use = np.isin(memory.page_class(), (2, 3, 4, 5))
    assert (in_use == held).all()


def test_some_pages_of_kernel_zones_stay_where_they_are() -> None:
    """A few in a thousand, by their ids; none in ZONE_MOVABLE."""
    moved = {}
    for name in ("6.1-list", "6.1-both"):
        for per_mille in (0, 300, 1000):
            engine = engine_of(name, pinned=per_mille, pages=16_384)
            live = filled(engine, keep=4)
            before = {number: engine.pfn_of[number] for number in live}
            compact(engine)
            check_ids(engine, live)
            pinned = [n for n in live if before[n] != engine.pfn_of[n]]
            zones = [int(before[n] >= engine.memory.zones[-1].start_pfn) for n in pinned]
            moved[name, per_mille] = (zones.count(0), zones.count(1))
    assert moved["6.1-list", 1000] == (0, 0)
    kernel, movable = zip(*(moved["6.1-both", share] for share in (0, 300, 1000)), strict=True)
    assert kernel[0] > kernel[1] > kernel[2] == 0
    assert movable[0] == movable[1] == movable[2] > 0
