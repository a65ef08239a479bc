"""Holders: against a slow account of who holds each page, kept operation by operation."""

import numpy as np
import pytest

from allocator.mechanism import load_mechanism, mechanism_names
from allocator.terms import ALLOC, CLASS_MOVABLE, FREE, FREE_OP, MOVABLE, PCP_FREE, PFN_NONE, USE
from pipeline.holders import BEFORE, Holders
from pipeline.recording_format import ORDER_OF_MARK, RENEWED
from pipeline.simulate import engine_of, frame_ops
from pipeline.start import start_memory
from tests.workloads.folders import operations, small_stream
from workloads import load_workload

FRAMES = 30


class Account:
    """Who holds what, from the operations alone: of each id, the pages it has left."""

    def __init__(self, stream) -> None:
        self._ops = stream.ops
        self._held: dict[int, tuple[int, int, set[int]]] = {}
        for number, order in enumerate(stream.start.order.tolist()):
            self._held[number] = (BEFORE, order, set(range(1 << order)))

    def see(self, op: int) -> None:
        number, order = int(self._ops.id[op]), int(self._ops.order[op])
        if self._ops.kind[op] == ALLOC:
            self._held[number] = (op, order, set(range(1 << order)))
        elif self._ops.kind[op] == FREE_OP and number in self._held:
            first = int(self._ops.offset[op])
            self._held[number][2].difference_update(range(first, first + (1 << order)))

    def holders(self, pfn_of) -> dict[int, tuple[int, int]]:
        """Operation and order by pfn."""
        return {
            pfn_of[number] + page: (op, order)
            for number, (op, order, pages) in self._held.items()
            if pfn_of[number] != PFN_NONE
            for page in pages
        }


def stream_of(share: str):
    parameters = {"memory_mib": "16", "requests": "9000", "long_lived_share": share}
    return load_workload("churn", parameters, seed=5)


@pytest.mark.parametrize("share", ["0.02", "0.6"])
@pytest.mark.parametrize("name", mechanism_names())
def test_as_a_slow_account(name, share):
    stream = stream_of(share)
    memory, pfn_of, _ = start_memory(stream, load_mechanism(name))
    holders = Holders(stream, memory, pfn_of)
    engine, account = engine_of(stream, memory, pfn_of), Account(stream)
    shown, marks_before, done, renewals = {}, None, 0, 0
    for stop in frame_ops(stream, FRAMES).tolist():
        engine.run(stream.ops, done, stop)
        for op in range(done, stop):
            account.see(op)
        done = stop
        holders.follow(stop)
        grid = memory.page_class()
        marks = holders.marks(grid)
        expected = account.holders(pfn_of)
        used = np.array(sorted(expected), int)
        placed_op, order = holders.of(used)
        found = zip(used.tolist(), placed_op.tolist(), order.tolist(), strict=True)
        assert {pfn: (op, order) for pfn, op, order in found} == expected
        assert (marks[used] & ORDER_OF_MARK).tolist() == order.tolist()
        free = (grid == FREE) | (grid == PCP_FREE)
        assert not (marks[free] & ORDER_OF_MARK).any()
        if marks_before is not None:
            flipped = set(np.flatnonzero((marks ^ marks_before) & RENEWED).tolist())
            new = {
                pfn
                for pfn, holder in expected.items()
                if holder != shown.get(pfn) and grid[pfn] != CLASS_MOVABLE
            }
            assert flipped == new
            renewals += len(new)
        shown, marks_before = expected, marks.copy()
    assert renewals > 100


def test_migrated_pages_keep_their_holder():
    """Compaction moves pages, in a run in which it surely does."""
    stream = stream_of("0.02")
    memory, pfn_of, _ = start_memory(stream, load_mechanism("6.1-list"))
    holders = Holders(stream, memory, pfn_of)
    engine = engine_of(stream, memory, pfn_of)
    half = len(stream.ops) // 2
    engine.run(stream.ops, 0, half)
    holders.follow(half)
    before = np.array(pfn_of)
    engine._compaction.whole()
    after = np.array(pfn_of)
    moved = np.flatnonzero(before != after)
    assert len(moved) > 50
    arrived = {int(i): op for op, i in enumerate(stream.ops.id[:half].tolist())
               if stream.ops.kind[op] == ALLOC}  # fmt: skip
    placed_op, order = holders.of(after[moved])
    assert placed_op.tolist() == [arrived[number] for number in moved.tolist()]
    assert not order.any()


def test_slabs_and_pages_that_come_back():
    """Under reclaim: pages without an id, and ids that are evicted and used again."""
    stream = load_workload("stress-highalloc", {"memory_mib": "64"}, seed=1)
    memory, pfn_of, _ = start_memory(stream, load_mechanism("6.1-list"))
    holders = Holders(stream, memory, pfn_of)
    slabs = []

    class Observer:
        failed = staticmethod(lambda op, order, mobility: None)

        @staticmethod
        def slab_grown(op, pfn, order):
            slabs.append((op, pfn, order))
            holders.slab_grown(op, pfn, order)

    engine = engine_of(stream, memory, pfn_of, Observer)
    done, resident, came_back = 0, np.array(pfn_of) != PFN_NONE, 0
    was_there = resident.copy()
    for stop in frame_ops(stream, FRAMES).tolist():
        engine.run(stream.ops, done, stop)
        holders.follow(stop)
        pfns = np.array(pfn_of)
        now = pfns != PFN_NONE
        used = stream.ops.id[done:stop][stream.ops.kind[done:stop] == USE]
        came = np.unique(used[now[used] & ~resident[used]])
        owners = memory.views()[1]
        came = came[owners[pfns[came]] == came]
        placed_op, _ = holders.of(pfns[came])
        assert ((done <= placed_op) & (placed_op < stop)).all()
        assert (stream.ops.id[placed_op] == came).all()
        came_back += int(was_there[came].sum())
        was_there |= now
        resident, done = now, stop
    assert came_back > 100
    assert len(slabs) > 100
    last_of = {pfn: (op, order) for op, pfn, order in slabs}
    grid = memory.page_class()
    alive = [pfn for pfn in last_of if grid[pfn] not in (FREE, PCP_FREE, CLASS_MOVABLE)]
    placed_op, _ = holders.of(np.array(alive))
    later = np.array([last_of[pfn][0] for pfn in alive])
    assert (placed_op >= later).all()  # the slab's, or of somebody who came after it
    assert (placed_op == later).mean() > 0.5


def test_a_failed_request_holds_nothing():
    stream = small_stream(operations((ALLOC, 0, 9, MOVABLE), (ALLOC, 1, 10, MOVABLE)))
    memory, pfn_of, _ = start_memory(stream, load_mechanism("2007-vanilla"))
    holders = Holders(stream, memory, pfn_of)
    engine_of(stream, memory, pfn_of).run(stream.ops, 0, 2)
    holders.follow(2)
    assert PFN_NONE in pfn_of
    grid = memory.page_class()
    used = np.flatnonzero((grid != FREE) & (grid != PCP_FREE))
    assert set(holders.of(used)[0].tolist()) <= {BEFORE, *range(2)}
