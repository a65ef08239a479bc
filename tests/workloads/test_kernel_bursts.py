"""kernel-bursts: as asked for, the same for the same seed, and well formed."""

import numpy as np
import pytest

from allocator.terms import ALLOC, ANON, FILE, FREE_OP, MOVABLE, RECLAIMABLE, UNMOVABLE, USE
from workloads import load_workload
from workloads.kernel_bursts import RANGES, SEARCHED, Parameters
from workloads.stream import Stream, WorkloadError

PAGES = 32 * 256


def small(seed: int = 0, **parameters: str) -> Stream:
    return load_workload("kernel-bursts", {"memory_mib": "32", "seconds": "4"} | parameters, seed)


def kernel_pages(stream: Stream, mobility: int) -> np.ndarray:
    """Pages of the kernel in use after each operation."""
    ops = stream.ops
    of = {*ops.id[(ops.kind == ALLOC) & (ops.mobility == mobility)].tolist()}
    mine = np.isin(ops.id, np.array(sorted(of)))
    step = np.where(ops.kind == ALLOC, 1, np.where(ops.kind == FREE_OP, -1, 0))
    return np.cumsum(np.where(mine, step, 0))


def test_one_seed_is_one_stream_and_another_seed_another() -> None:
    first, again, other = (small(seed) for seed in (3, 3, 4))
    assert first.digest() == again.digest() != other.digest()
    with pytest.raises(WorkloadError, match="kernel-bursts: burst_share=2"):
        small(burst_share="2")


def test_every_parameter_has_its_range() -> None:
    assert set(vars(Parameters())) == set(RANGES)
    assert set(SEARCHED) <= set(RANGES)
    for name, (low, high) in SEARCHED.items():
        assert RANGES[name][0] <= low < high <= RANGES[name][1]


def test_it_is_well_formed() -> None:
    stream = small()
    ops = stream.ops
    assert (np.diff(ops.time_us) >= 0).all()
    allocated = np.bincount(ops.id[ops.kind == ALLOC], minlength=ops.ids)
    assert allocated.max() == 1
    assert not np.intersect1d(ops.id[ops.kind == ALLOC], ops.id[ops.kind == USE]).size
    freed = np.bincount(ops.id[ops.kind == FREE_OP], minlength=ops.ids)
    assert freed.max() == 1
    assert not ops.order.any()
    used = ops.kind == USE
    assert (ops.mobility[used] == MOVABLE).all()
    assert set(np.unique(ops.flags[used])) == {ANON, FILE}


def test_phases_and_what_is_left_at_rest() -> None:
    """Processes exit and files are deleted; what the kernel keeps stays."""
    stream = small(kernel_share="0.02", burst_kept_share="0.1", burst_share="0.1", bursts="3")
    assert [(phase.name, phase.key) for phase in stream.phases] == [
        ("boot", False), ("load", True), ("rest", True),
    ]  # fmt: skip
    rest = stream.phases[-1]
    assert rest.sample_op == len(stream.ops)
    kept = kernel_pages(stream, UNMOVABLE)[-1] + kernel_pages(stream, RECLAIMABLE)[-1]
    expected = int(PAGES * 0.02) + 3 * int(PAGES * 0.1) * 0.1
    assert kept == pytest.approx(expected, rel=0.15)
    ops = stream.ops
    movable = np.unique(ops.id[ops.kind == USE])[:-1]  # the last one stands for the daemons
    assert np.isin(movable, ops.id[ops.kind == FREE_OP]).all()


def test_bursts() -> None:
    """So many, so high, and of the asked kind."""
    stream = small(bursts="3", burst_share="0.1", burst_reclaimable_share="1", burst_kept_share="0")
    used = kernel_pages(stream, RECLAIMABLE)
    height = int(PAGES * 0.1)
    assert used.max() == height
    assert used[-1] == 0
    at_height = used == height
    assert (np.diff(at_height.astype(int)) == 1).sum() == 3
    none = small(bursts="0")
    assert not (none.ops.mobility == RECLAIMABLE).any()


def test_shares_of_memory() -> None:
    stream = small(process_share="0.5", processes="4", files_share="2", reads_share="3")
    ops = stream.ops
    anon = np.where(ops.flags & ANON > 0, np.where(ops.kind == USE, 1, -1), 0)
    assert np.cumsum(anon).max() == pytest.approx(0.5 * PAGES, rel=0.15)
    files = ops.flags & FILE > 0
    assert len(np.unique(ops.id[files])) == int(2 * PAGES)
    assert (files & (ops.kind == USE)).sum() == pytest.approx(3 * PAGES, rel=0.01)
