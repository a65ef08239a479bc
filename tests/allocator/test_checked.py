"""Random programs on the core with all checks on: no index out of bounds, no overflow."""

import numpy as np
import pytest

import allocator.page_alloc
from allocator.boot import boot
from allocator.mechanism import load_mechanism
from allocator.terms import PFN_NONE
from pipeline.start import start_memory
from tests.allocator.checked import NotBuilt, checked_core, unraisable
from tests.allocator.small_machines import (
    MECHANISMS,
    SMALL_PAGES,
    Runner,
    booted,
    random_steps,
    small_machine,
    state,
)
from workloads import load_workload

pytestmark = pytest.mark.skipif(
    not allocator.page_alloc.COMPILED,
    reason="left out: the core itself is not compiled here, so there is nothing to check twice",
)


@pytest.fixture(scope="module")
def checked():
    try:
        return checked_core()
    except NotBuilt as error:
        pytest.skip(f"left out: {error}")


def test_it_is_another_build(checked):
    assert checked.COMPILED
    assert checked.Memory is not allocator.page_alloc.Memory
    assert "checked" in checked.__file__


def test_the_checks_are_on_and_are_heard(checked):
    """A pfn beyond the machine's end: the normal core would write there."""
    memory = checked.Memory(booted("6.1-off", small_machine(2304)).zones,
                            load_mechanism("6.1-off"), 2304)  # fmt: skip
    with unraisable() as caught:
        try:
            memory.release(100_000, 0, 0)
        except IndexError as error:
            caught.append(repr(error))
    assert caught
    assert "IndexError" in caught[0]


@pytest.mark.parametrize("pages", SMALL_PAGES)
@pytest.mark.parametrize("name", MECHANISMS)
def test_same_pages_and_no_fault(checked, name, pages):
    machine = small_machine(pages, seed=pages + 1)
    runners = [Runner(booted(name, machine, cls)) for cls in (booted_class(), checked.Memory)]
    with unraisable() as caught:
        for seed, fill in ((1, 0.8), (2, 0.5), (3, 0.2)):
            for runner in runners:
                runner.run(random_steps(seed, 500, fill))
            assert runners[0].pfns == runners[1].pfns
    assert caught == []
    assert state(runners[0].memory) == state(runners[1].memory)


def booted_class() -> type:
    return allocator.page_alloc.Memory


@pytest.mark.parametrize("name", MECHANISMS)
def test_a_stream_through_the_loop(checked, name):
    """The compiled loop over operations, as a simulation runs it."""
    stream = load_workload("churn", {"memory_mib": "24", "requests": "8000"}, seed=4)
    mechanism = load_mechanism(name)
    memory, pfn_of, _ = start_memory(stream, mechanism)
    other = boot(stream.machine, mechanism, checked.Memory)
    other_pfn_of = type(pfn_of)("i", [PFN_NONE]) * len(pfn_of)
    with unraisable() as caught:
        memory.run(*stream.ops.window(0, len(stream.ops)), pfn_of)
        other.run(*stream.ops.window(0, len(stream.ops)), other_pfn_of)
    assert caught == []
    assert pfn_of == other_pfn_of
    assert np.array_equal(memory.page_class(), other.page_class())
    assert memory.counters() == other.counters()


def test_full_event_buffer(checked):
    """More events than the buffer holds: counted, not written beyond its end."""
    memory = booted("2007-vanilla", small_machine(2304, patches=0), checked.Memory)
    with unraisable() as caught:
        while memory.dropped_events() < 8:
            memory.alloc(10, 0)  # two succeed, the others leave an event each
    assert caught == []
    events = memory.events()
    assert len(events) == memory.counters()["failed_requests"] - 8
    assert events["op"].tolist() == list(range(2, 2 + len(events)))
