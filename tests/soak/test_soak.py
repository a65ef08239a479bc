"""A short soak, and that one finds what is wrong; `make soak` runs a thousand times as much."""

from array import array
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from allocator.engine import Engine
from allocator.terms import CLASS_UNMOVABLE, FREE_OP, PFN_NONE, USE
from allocator.validate import ValidationFault
from pipeline.simulate import engine_of
from pipeline.start import start_memory
from tests.soak import run
from tests.soak.cells import Cell, Load, cells_of
from tests.soak.checker import Checker, Violation
from tests.soak.run import CHECKS, Told, run_cell, soak, stops_of
from workloads.stream import Stream

pytestmark = pytest.mark.speed
CHURN = Load("churn", {"memory_mib": "16", "requests": "30000", "high_order_share": "0.2",
                       "atomic_share": "0.3"}, 1)  # fmt: skip
EBIZZY = Load("ebizzy", {"memory_mib": "16", "seconds": "2", "chunk_pages": "64"}, 1)
BUILDS = Load("stress-highalloc", {"memory_mib": "32", "builds": "2", "build_s": "2",
              "settle_s": "0", "attempt_every_s": "0.02", "updatedb_per_s": "50"}, 1)  # fmt: skip
LOADS = (CHURN, EBIZZY, BUILDS)


@cache
def stream_of(load: Load) -> Stream:
    return LOADS[[one.workload for one in LOADS].index(load)].stream()


@pytest.mark.parametrize("load", ["churn", "ebizzy", "stress-highalloc"])
def test_nothing_is_violated(load: str) -> None:
    """Each workload under every third mechanism; together about a million operations."""
    number = [one.workload for one in LOADS].index(load)
    cells = cells_of(LOADS[number])[number::3]
    told = Told(0)
    for cell in cells:
        told.add(run_cell(cell, stream_of(load)))
    assert told.total("violations") == 0
    assert told.total("operations") == len(cells) * len(stream_of(load).ops)
    assert told.total("checks") > len(cells) * CHECKS // 2
    seen = {name for sums in told.sums.values() for name, count in sums.items() if count}
    expected = {
        "churn": {"claims", "highatomic_reserved", "failed_requests"},
        "ebizzy": {"claims", "pages_reclaimed_direct"},
        "stress-highalloc": {"claims", "pages_migrated", "pages_reclaimed_kswapd"},
    }
    assert expected[load] <= seen


def test_all_mechanisms_are_soaked() -> None:
    labels = [cell.label for cell in cells_of(CHURN)]
    assert len(set(labels)) == len(labels)
    assert {"2007-vanilla", "6.1-both", "6.1-zone kernelcore=30%"} <= set(labels)
    for cell in cells_of(CHURN):
        cell.rules()


# What is planted is found.


class Planted:
    """An engine in the midst of a stream, with its checker; sound so far."""

    def __init__(self, load: str, mechanism: str = "6.1-list") -> None:
        stream = stream_of(load)
        memory, pfn_of, _ = start_memory(stream, Cell(CHURN, mechanism, {}).rules())
        self.stream, self.ops = stream, stream.ops
        self.engine = engine_of(stream, memory, pfn_of)
        self.checker = Checker(stream, self.engine)
        self.done = len(stream.ops) // 2
        self.engine.run(stream.ops, 0, self.done)
        self.checker.check(self.done)

    def live(self, kind: int | None = None) -> int:
        """An id in memory; of those that are used, with USE."""
        ops = self.ops
        freed = ops.id[: self.done][ops.kind[: self.done] == FREE_OP]
        of_kind = (ops.kind == USE) if kind == USE else (ops.kind == 0) & (ops.order == 0)
        ids = np.setdiff1d(ops.id[: self.done][of_kind[: self.done]], freed)
        return next(n for n in ids.tolist() if self.engine.pfn_of[n] != PFN_NONE)

    def free_head(self, at_least: int = 2) -> int:
        """The first page on some free list."""
        memory = self.engine.memory
        place = np.argwhere(memory.free_blocks() >= at_least)[0].tolist()
        return memory.free_list(*place)[0]


def cut_list(p: Planted) -> None:
    """A free list passes over its second block."""
    links = p.engine.memory.views()[1]
    head = p.free_head(3)
    links[head] = links[links[head]]


def drop_block(p: Planted) -> None:
    p.engine.memory.free_pages(array("i", [p.engine.pfn_of[p.live()]]), 1)


def count_more(p: Planted) -> None:
    p.engine.memory.count("frees")


def count_back(p: Planted) -> None:
    p.engine.memory.count("splits", -(10**9))


def leak(p: Planted) -> None:
    p.engine.memory.try_alloc(0, 1, 0)


def other_class(p: Planted) -> None:
    p.engine.memory.views()[0][p.engine.pfn_of[p.live()]] = 4


def free_class(p: Planted) -> None:
    p.engine.memory.views()[0][p.free_head()] = CLASS_UNMOVABLE


def two_in_one_page(p: Planted) -> None:
    number = p.live()
    others = [n for n in range(number + 1, len(p.engine.pfn_of)) if p.engine.pfn_of[n] != PFN_NONE]
    p.engine.pfn_of[number] = p.engine.pfn_of[others[0]]


def lost(p: Planted) -> None:
    p.engine.pfn_of[p.live()] = PFN_NONE


def other_operation(p: Planted) -> None:
    p.engine.memory.at_op(7)


def off_the_lru(p: Planted) -> None:
    number = p.live(USE)
    freed = array("B", [FREE_OP]), array("i", [number]), array("B", [8]), array("q", [0])
    p.engine._reclaim.lru.absorb(*freed)


@pytest.mark.parametrize(
    ("load", "plant", "told"),
    [
        ("churn", cut_list, "are counted"),
        ("churn", drop_block, "is of class 1"),
        ("churn", count_more, "frees were made"),
        ("churn", count_back, "counter splits"),
        ("churn", leak, "are held"),
        ("churn", other_class, "class"),
        ("churn", free_class, "class"),
        ("churn", two_in_one_page, "id"),
        ("churn", lost, "are held"),
        ("churn", other_operation, "operation 7"),
        ("ebizzy", off_the_lru, "on the LRU lists"),
        ("ebizzy", leak, "are held"),
        ("stress-highalloc", leak, "are held"),
    ],
)
def test_what_is_planted_is_found(load: str, plant: Callable, told: str) -> None:
    planted = Planted(load)
    plant(planted)
    with pytest.raises((Violation, ValidationFault), match=told):
        planted.checker.check(planted.done)


def test_a_violation_tells_its_operation(monkeypatch) -> None:
    """Found by running the cell again, in steps of steps."""
    at = 12_345

    class Leaking(Engine):
        def run(self, ops, start: int, stop: int) -> None:
            super().run(ops, start, stop)
            if start <= at < stop:
                self.memory.count("frees")

    monkeypatch.setattr("pipeline.simulate.Engine", Leaking)
    cell = Cell(CHURN, "6.1-list", {})
    result = run_cell(cell, stream_of("churn"))
    assert result.violation.startswith(f"{cell.name}: operations {at} to {at + 1}: Violation: ")
    assert "seed 1 under 6.1-list" in result.violation


def test_a_cell_is_the_same_whenever_it_is_run() -> None:
    cell = Cell(CHURN, "6.1-both", {"kernelcore": "30%"})
    stops = stops_of(cell, 1000)
    assert stops.tolist() == stops_of(cell, 1000).tolist()
    assert stops[-1] == 1000
    assert run_cell(cell, stream_of("churn")) == run_cell(cell, stream_of("churn"))


# Many cells.


def test_finished_cells_are_kept(tmp_path: Path, monkeypatch) -> None:
    cells = [Cell(CHURN, name, {}) for name in ("2007-list", "6.1-off")]
    monkeypatch.setattr(run, "cells_of", lambda load: cells)
    first = run.run_load(CHURN, tmp_path, run.os.getpid())
    kept = sorted(tmp_path.iterdir())
    assert len(kept) == 2
    kept[0].write_text("cut")  # as no writer here leaves it
    monkeypatch.setattr(run, "run_cell", lambda cell, stream: first[cells.index(cell)])
    assert run.run_load(CHURN, tmp_path, run.os.getpid()) == first
    monkeypatch.setattr(run, "run_cell", None)
    assert run.run_load(CHURN, tmp_path, run.os.getpid()) == first
    monkeypatch.setattr("tests.soak.cells.allocator_digest", lambda: "another allocator")
    with pytest.raises(TypeError):
        run.run_load(CHURN, tmp_path, run.os.getpid())


def test_a_worker_ends_with_the_one_that_started_it(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        run.run_load(CHURN, tmp_path, parent=1)


def test_no_operations_take_no_time(tmp_path: Path) -> None:
    assert list(soak(0, tmp_path, jobs=1)) == []
    assert Told(0).table().endswith("0 operations, 0 checks, 0 violations")
