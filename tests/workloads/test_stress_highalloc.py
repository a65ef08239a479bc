"""The free-running tests: stress-highalloc, realloc-10, ebizzy."""

import numpy as np
import pytest

from allocator.terms import (
    ALLOC,
    ANON,
    DIRTY,
    FILE,
    FREE_OP,
    HUGE,
    OBJECT,
    OBJECT_FREE,
    ON_LRU,
    PINNED,
    RESERVED,
    USE,
)
from workloads import load_workload
from workloads.stream import Stream, WorkloadError

SMALL = {"memory_mib": "48"}


@pytest.fixture(scope="module")
def stress() -> Stream:
    return load_workload("stress-highalloc", SMALL, 0)


@pytest.mark.parametrize("name", ["stress-highalloc", "realloc-10", "ebizzy"])
def test_one_seed_is_one_stream_and_another_seed_another(name: str) -> None:
    first, again, other = (load_workload(name, SMALL, seed) for seed in (3, 3, 4))
    assert first.digest() == again.digest() != other.digest()
    assert (np.diff(first.ops.time_us) >= 0).all()
    assert [phase.sample_op for phase in first.phases][-1] == len(first.ops)


@pytest.mark.parametrize("name", ["stress-highalloc", "realloc-10", "ebizzy"])
def test_wrong_parameters_are_one_clear_line(name: str) -> None:
    for parameters, told in (
        ({"memory": "1"}, f"{name}: unknown parameter 'memory'"),
        ({"memory_mib": "much"}, f"{name}: memory_mib=much: not a number"),
        ({"memory_mib": "1e9"}, f"{name}: memory_mib=1000000000.0: not from"),
    ):
        with pytest.raises(WorkloadError, match=told):
            load_workload(name, parameters, 0)
    with pytest.raises(WorkloadError, match="seed -1 is negative"):
        load_workload(name, SMALL, -1)


def test_an_unknown_architecture_is_refused() -> None:
    with pytest.raises(WorkloadError, match="architecture=arm: not x86-64 or i386"):
        load_workload("stress-highalloc", {"architecture": "arm"}, 0)


def _well_formed(stream: Stream) -> None:
    """What the allocator's loop relies on, and check_ops would check of a recorded stream."""
    ops = stream.ops
    freed = ops.kind == FREE_OP
    assert len(np.unique(ops.id[freed])) == freed.sum()
    allocated = ops.kind == ALLOC
    assert len(np.unique(ops.id[allocated])) == allocated.sum()
    last_use = np.full(ops.ids, -1)
    used = np.flatnonzero((ops.kind == USE) | allocated)
    np.maximum.at(last_use, ops.id[used], used)
    assert (last_use[ops.id[freed]] < np.flatnonzero(freed)).all()
    use = ops.kind == USE
    assert (ops.order[use] == 0).all()
    assert ((ops.flags[use] & ON_LRU) > 0).all()
    # All operations on one page say the same of what it is.
    kinds = np.zeros(ops.ids, np.uint8)
    listed = use | (freed & ((ops.flags & ON_LRU) > 0))
    np.bitwise_or.at(kinds, ops.id[listed], ops.flags[listed] & ON_LRU)
    assert set(np.unique(kinds)) <= {0, ANON, FILE}


@pytest.mark.parametrize("name", ["stress-highalloc", "realloc-10", "ebizzy"])
def test_nothing_is_used_after_it_was_freed(name: str) -> None:
    _well_formed(load_workload(name, SMALL, 1))
    if name == "stress-highalloc":
        _well_formed(load_workload(name, SMALL | {"rounds": "2"}, 1))


def test_each_pass_asks_for_all_of_memory_and_frees_it_before_the_phase_ends(stress) -> None:
    ops, attempts = stress.ops, stress.machine.pages >> 9
    huge = (ops.flags & HUGE) > 0
    released = (ops.kind == FREE_OP) & (ops.order == 9)
    for phase in stress.phases:
        there = slice(phase.start_op, phase.sample_op)
        asked = attempts if phase.name in ("load-1", "load-2", "rest") else 0
        assert huge[there].sum() == released[there].sum() == asked


def test_objects_have_caches_and_a_number_of_them_stays_open(stress) -> None:
    ops = stress.ops
    objects = ops.kind == OBJECT
    assert set(np.unique(ops.offset[objects])) == {0, 1, 2}
    pinned = objects & (ops.flags & PINNED > 0)
    open_files = int(1000 * 48 / 1024)
    assert [(pinned & (ops.offset == cache)).sum() for cache in (0, 1)] == [open_files] * 2
    dead = ops.kind == OBJECT_FREE
    assert not set(ops.id[pinned & (ops.offset < 2)]) & set(ops.id[dead][ops.time_us[dead] < 1e6])


def test_trees_are_written_once_and_deleted_with_what_was_built(stress) -> None:
    ops = stress.ops
    written = (ops.kind == USE) & (ops.flags & DIRTY > 0) & (ops.flags & FILE > 0)
    gone = (ops.kind == FREE_OP) & (ops.flags & FILE > 0)
    assert set(ops.id[written]) == set(ops.id[gone])


def test_the_kernel_lies_at_its_place(stress) -> None:
    reserved = stress.machine.unusable == RESERVED
    assert reserved[256:1792].all()
    assert not reserved[:256].any()
    assert 0.01 < reserved[4096:].mean() < 0.03


def test_a_second_round_follows_without_a_boot() -> None:
    once, twice = (
        load_workload("stress-highalloc", SMALL | {"rounds": rounds}, 0) for rounds in "12"
    )
    names = [phase.name for phase in once.phases]
    assert [phase.name for phase in twice.phases] == [*names, *(f"r2-{name}" for name in names)]
    assert twice.ops.time_us[-1] > 1.9 * once.ops.time_us[-1]


def test_realloc_keeps_its_number_of_pages() -> None:
    ops = load_workload("realloc-10", {"memory_mib": "8", "turns": "5"}, 0).ops
    held = np.cumsum(np.where(ops.kind == ALLOC, 1, -1))
    taken = int(8 * 256 * 0.9)
    assert held.max() == taken
    last_of_second = np.flatnonzero(np.diff(ops.time_us, append=ops.time_us[-1] + 1))
    assert (held[last_of_second][1:] == taken - (taken - taken // 2)).all()
