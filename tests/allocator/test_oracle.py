"""The compiled core against the oracle, on random programs."""

from array import array
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from allocator.boot import boot
from allocator.mechanism import load_mechanism
from allocator.oracle import OracleMemory
from allocator.oracle_buddy import CLAIM_ALTERNATIVES, MARCH_2007_ALTERNATIVES
from allocator.page_alloc import Memory
from allocator.terms import (
    ALLOC,
    EVENT_CLAIM,
    EVENT_DTYPE,
    EVENT_FALLBACK,
    FREE_OP,
    HIGHATOMIC,
    MIGRATETYPES,
    MOVABLE,
    NR_ORDERS,
    PFN_NONE,
    UNMOVABLE,
)
from allocator.zones import Machine
from tests.allocator.oracle_many import Mismatch, apply, check_same, compare, run_seed
from tests.allocator.programs import NAMES, Program, make_program

PROGRAMS = 320  # they take turns with the mechanisms

ALWAYS = [
    "allocations",
    "frees",
    "failed_requests",
    "failed_pages",
    "splits",
    "merges",
    "pcp_refills",
    "pcp_refill_pages",
    "pcp_drains",
    "pcp_drain_pages",
    "pcp_drain_all",
    *(f"requests_order_{order}" for order in range(NR_ORDERS)),
    *(f"failed_order_{order}" for order in range(NR_ORDERS)),
]


def pairs(types: tuple[str, ...]) -> list[str]:
    return [f"fallbacks_{one}_in_{other}" for one in types for other in types if one != other]


MARCH_2007 = [*ALWAYS, "pages_moved", "claims", *pairs(MIGRATETYPES)]
OFF = [*ALWAYS, "pages_moved", "highatomic_reserved", "highatomic_unreserved"]
CLAIM = [*OFF, "claims", *pairs(MIGRATETYPES[:3])]
EXPECTED = {
    "2007-vanilla": ALWAYS,
    "2007-list": MARCH_2007,
    "2007-zone": ALWAYS,
    "2007-both": MARCH_2007,
    "6.1-off": OFF,
    "6.1-list": CLAIM,
    "6.1-zone": OFF,
    "6.1-both": CLAIM,
}


@pytest.fixture(scope="module")
def results() -> dict[str, list]:
    """By mechanism: (mismatch or '', counters) of its programs."""
    by_name: dict[str, list] = {name: [] for name in NAMES}
    for seed in range(PROGRAMS):
        name, _, mismatch, counters = run_seed(seed)
        by_name[name].append((mismatch, counters))
    return by_name


@pytest.mark.parametrize("name", NAMES)
def test_core_does_what_the_oracle_does(results, name):
    assert len(results[name]) == PROGRAMS // len(NAMES)
    assert [mismatch for mismatch, _ in results[name] if mismatch] == []


@pytest.mark.parametrize("name", NAMES)
def test_programs_reach_all_that_a_mechanism_does(results, name):
    total = Counter()
    for _, counters in results[name]:
        total.update(counters)
    assert [counter for counter in EXPECTED[name] if not total[counter]] == []


# Each breaks one rule of the oracle: a comparison that let one pass would see nothing.
BROKEN = {
    "1: switched off, requests keep their mobility": (
        "migratetype_of_request",
        lambda m, order, mobility, atomic: mobility if m.rule == "claim" else 0,
    ),
    "2: no reserve for lower zones": (
        "watermark_ok",
        lambda m, zone, request: OracleMemory.watermark_ok(
            m, zone, replace(request, class_zone=zone)
        ),
    ),
    "4: no tail insertion": ("enters_at_tail", lambda *_: False),
    "4: blocks enter at the head": (
        "enters_at_tail",
        lambda m, zone, pfn, order: (
            m.mechanism.free_lists.insertion == "head"
            and OracleMemory.enters_at_tail(m, zone, pfn, order)
        ),
    ),
    "4: highatomic blocks merge with others": (
        "may_merge",
        lambda m, zone, buddy, order, _: m.is_free_block(zone, buddy, order),
    ),
    "4: the type when freed is the pageblock's": (
        "type_when_freed",
        lambda m, pfn, noted=None: 0 if m.rule == "none" else m.type_of_block(pfn),
    ),
    "5: no page of the request's type is sought": (
        "first_fitting",
        lambda m, pages, migratetype: 0 if pages else None,
    ),
    "5: highatomic pages on the unmovable list": (
        "pcp_index",
        lambda m, order, t: OracleMemory.pcp_index(m, order, 0 if t == HIGHATOMIC else t),
    ),
    "5: free_factor has no effect": (
        "pages_to_drain",
        lambda m, zone, high, free_high: m.zones[zone].batch_pages,
    ),
    "6: kswapd is never active": ("kswapd_active", lambda m: False),
    "7: nothing is reserved": ("reserve_highatomic", lambda *_: None),
    "7: nothing is given back": ("unreserve_highatomic", lambda *_: None),
    "8: the other alternative first": (
        "alternative",
        lambda m, zone, order, t: next(
            (other for other in (MOVABLE, 2, 0) if other != t and m.lists[zone][order][other]),
            None,
        ),
    ),
    "8: every rule has its own fallbacks": (
        "alternatives_of",
        staticmethod(
            lambda mechanism: (
                MARCH_2007_ALTERNATIVES
                if mechanism.grouping.rule == "march-2007"
                else CLAIM_ALTERNATIVES
            )
        ),
    ),
    "8: half a pageblock is enough": ("enough", lambda m, pages, of: 2 * pages >= of),
    "8: everything can be stolen": ("can_steal", lambda *_: True),
    "8: the end of a zone does not count": (
        "pages_of_block",
        lambda m, zone, pfn: range(
            max(pfn & -m.block_pages, m.zones[zone].start_pfn),
            min((pfn & -m.block_pages) + m.block_pages, m.zones[zone].end_pfn),
        ),
    ),
    "8: pageblocks are not claimed": ("claim_block", lambda *_: None),
}


@pytest.mark.parametrize("rule", BROKEN)
def test_a_broken_rule_is_noticed(rule):
    method, replacement = BROKEN[rule]
    assert hasattr(OracleMemory, method)
    broken = type("Broken", (OracleMemory,), {method: replacement})
    with pytest.raises(Mismatch):
        compare_all(broken)


def compare_all(oracle_class: type) -> None:
    for seed in range(PROGRAMS):
        compare(make_program(seed), oracle_class)


def columns(program: Program) -> list:
    """The program's operations as Memory.run takes them."""
    rows = [(o.kind, o.id, o.order, o.mobility, o.flags, o.offset) for o in program.operations]
    return [
        array(code, values) for code, values in zip("BiBBBH", zip(*rows, strict=True), strict=True)
    ]


@pytest.mark.parametrize("seed", range(PROGRAMS, PROGRAMS + 24))
def test_columns_give_what_single_calls_give(seed):
    program = make_program(seed)
    single, whole = program.memory(Memory), program.memory(Memory)
    pfn_of = list(program.pfn_of)
    numbers = []  # of the operations that single calls were made for
    for number, operation in enumerate(program.operations):
        pfn = apply(single, operation, pfn_of)
        if operation.kind == ALLOC:
            pfn_of[operation.id] = pfn
        if operation.kind != FREE_OP or pfn != PFN_NONE:
            numbers.append(number)
    pfns = array("i", program.pfn_of)
    half = len(program.operations) // 2
    for part in (slice(0, half), slice(half, None)):
        kind, ids, order, mobility, flags, offset = (c[part] for c in columns(program))
        whole.run(kind, ids, order, mobility, flags, offset, pfns)
    assert pfns.tolist() == pfn_of
    assert whole.next_op() == len(program.operations)
    assert whole.counters()["freed_unknown"] == len(program.operations) - len(numbers)
    expected = single.events()
    expected["op"] = np.array(numbers, int)[expected["op"]]
    assert (whole.events() == expected).all()
    whole_counters, single_counters = whole.counters(), single.counters()
    whole_counters["freed_unknown"] = 0
    assert whole_counters == single_counters
    assert whole.page_class().tolist() == single.page_class().tolist()


@pytest.mark.parametrize("cls", [Memory, OracleMemory])
@pytest.mark.parametrize(("pfn", "order"), [(-1, 0), (512, 0), (3, 1), (8, 0), (8, 3), (510, 2)])
def test_free_refuses_what_is_not_in_use(cls, pfn, order):
    machine = Machine("512 pages", np.zeros(512, np.uint8), min_free_kbytes=16)
    memory = boot(machine, load_mechanism("6.1-list", {"per_cpu.rule": "none"}), cls)
    assert memory.alloc(3, MOVABLE) == 0
    with pytest.raises(ValueError, match=f"pfn {pfn} order {order}"):
        memory.free(pfn, order)
    assert memory.counters()["frees"] == 0


def test_boot_gives_the_oracle_the_same_memory():
    machine = Machine("9000 pages", np.zeros(9000, np.uint8))
    for name in NAMES:
        mechanism = load_mechanism(name)
        oracle = boot(machine, mechanism, OracleMemory)
        check_same(boot(machine, mechanism), oracle, name)


def test_events_of_a_claim():
    machine = Machine("6144 pages", np.zeros(6144, np.uint8), min_free_kbytes=64)
    oracle = boot(machine, load_mechanism("6.1-list", {"per_cpu.rule": "none"}), OracleMemory)
    # The request tries DMA32 before DMA, whose only block of order 10 is two movable pageblocks.
    assert oracle.alloc(0, UNMOVABLE) == 4096
    events = oracle.events()
    assert events.dtype == EVENT_DTYPE
    assert events.tolist() == [
        (0, 4096, EVENT_CLAIM, 9, UNMOVABLE, 0, MOVABLE, 1, MOVABLE, -1, -1),
        (0, 4608, EVENT_CLAIM, 9, UNMOVABLE, 0, MOVABLE, 1, MOVABLE, -1, -1),
        (0, 4096, EVENT_FALLBACK, 0, UNMOVABLE, 10, MOVABLE, 1, MOVABLE, -1, -1),
    ]
    assert oracle.events().size == 0
