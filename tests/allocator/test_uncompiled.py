"""The core as plain Python does what the compiled one does."""

from array import array

import pytest

import allocator.page_alloc
from allocator.boot import boot
from allocator.engine import Engine
from allocator.mechanism import load_mechanism
from allocator.terms import PFN_NONE
from allocator.validate import validate
from tests.allocator.checked import uncompiled_core
from tests.allocator.small_machines import (
    MECHANISMS,
    Runner,
    booted,
    random_steps,
    small_machine,
    state,
)
from tests.allocator.test_compaction import compact
from workloads import load_workload

pytestmark = pytest.mark.skipif(
    not allocator.page_alloc.COMPILED,
    reason="left out: the core is not compiled here, so all other tests run it as plain Python",
)


def test_it_is_not_compiled():
    assert not uncompiled_core().COMPILED
    assert uncompiled_core().Memory is not allocator.page_alloc.Memory


@pytest.mark.parametrize("pages", [2304, 5000])
@pytest.mark.parametrize("name", MECHANISMS)
def test_same_pfns_lists_and_counters(name, pages):
    machine = small_machine(pages, seed=pages + 2)
    compiled = Runner(booted(name, machine))
    plain = Runner(booted(name, machine, uncompiled_core().Memory))
    for seed, fill in ((5, 0.8), (6, 0.3)):
        for runner in (compiled, plain):
            runner.run(random_steps(seed, 250, fill))
        assert compiled.pfns == plain.pfns
    validate(plain.memory)
    assert state(compiled.memory) == state(plain.memory)


@pytest.mark.parametrize("name", ["2007-both", "6.1-both"])
def test_same_pages_of_a_stream(name):
    stream = load_workload("churn", {"memory_mib": "16", "requests": "1500"}, seed=2)
    memories, places = [], []
    for cls in (allocator.page_alloc.Memory, uncompiled_core().Memory):
        memory = boot(stream.machine, load_mechanism(name), cls)
        pfn_of = uncompiled_core().array("i", [PFN_NONE]) * stream.ops.ids
        memory.run(*stream.ops.window(0, len(stream.ops)), pfn_of)
        memories.append(state(memory))
        places.append(pfn_of)
    assert places[0] == places[1]
    assert memories[0] == memories[1]


def test_the_uncompiled_core_migrates_the_same_pages() -> None:
    stream = load_workload("churn", {"memory_mib": "24", "requests": "3000"}, seed=2)
    results = []
    for cls in (allocator.page_alloc.Memory, uncompiled_core().Memory):
        memory = boot(stream.machine, load_mechanism("6.1-list"), cls)
        engine = Engine(memory, array("i", [PFN_NONE]) * stream.ops.ids)
        engine.run(stream.ops, 0, len(stream.ops) // 2)
        compact(engine)
        engine.run(stream.ops, len(stream.ops) // 2, len(stream.ops))
        results.append((state(memory), list(engine.pfn_of)))
    assert results[0] == results[1]
    assert results[0][0]["counters"]["pages_migrated"] > 0
