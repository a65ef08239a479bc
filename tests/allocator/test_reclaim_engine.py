"""Reclaim in a whole engine: nothing gets lost, and the oracles do the same."""

from array import array
from functools import cache

import numpy as np
import pytest

import allocator.engine
import allocator.reclaim
from allocator.boot import boot
from allocator.engine import Engine
from allocator.mechanism import load_mechanism
from allocator.terms import ANON, FREE_OP, PFN_NONE, USE
from allocator.validate import validate
from allocator.vmscan import Lru
from pipeline import simulate
from tests.allocator.reclaim_oracle import OracleLru
from tests.allocator.slab_oracle import OracleSlabs
from tests.allocator.small_machines import state
from workloads import load_workload
from workloads.stream import Stream

OPS = 50_000
NAMES = ("2007-list", "2007-both", "6.1-list")
LIGHT = {"builds": "3", "build_s": "4", "settle_s": "1", "updatedb_per_s": "100",
         "kmalloc_per_s": "100", "attempt_every_s": "0.05"}  # fmt: skip
IN_USE = (2, 3, 4)  # classes of pages that a request holds, but those of the huge pages' pool


@cache
def stream_of(memory_mib: int) -> Stream:
    """The test for little memory with a light load."""
    return load_workload("stress-highalloc", {"memory_mib": str(memory_mib), **LIGHT}, seed=1)


def engine_of(name: str, stream: Stream) -> Engine:
    memory = boot(stream.machine, load_mechanism(name))
    pfn_of = array("i", [PFN_NONE]) * stream.ops.ids
    return simulate.engine_of(stream, memory, pfn_of)


def pages_on_lists(engine: Engine) -> list[int]:
    """All pages on the lists, which are as long as they say and those of their zone."""
    lru, zones = engine._reclaim.lru, engine.memory.zones
    split = engine.memory.mechanism.reclaim.rule == "split-lists"
    listed: list[int] = []
    for number, zone in enumerate(zones[:1] if split else zones):
        found = []
        for active in (False, True):
            for file in (False, True) if split else (False,):
                pages = lru.pages_of(number, active, file)
                flags = lru.page_flags()[pages]
                assert ((flags & 2 > 0) == active).all()
                assert not split or ((flags & ANON == 0) == file).all()
                found += pages
        assert lru.list_pages(number) == len(found)
        assert split or all(zone.start_pfn <= pfn < zone.end_pfn for pfn in found)
        listed += found
    return listed


def check_lists(engine: Engine, ops, done: int) -> None:
    """On the lists are the pages of all ids that are in use as such, and no others."""
    listed = np.array(pages_on_lists(engine), np.int64)
    assert (np.sort(listed) == np.flatnonzero(engine._reclaim.lru.page_flags() & 1)).all()
    classes, owners, _, _ = engine.memory.views()
    assert np.isin(classes[listed], IN_USE).all()
    pfn_of = np.array(engine.pfn_of)
    assert (pfn_of[owners[listed]] == listed).all()
    kind, ids = ops.kind[:done], ops.id[:done]
    live = np.setdiff1d(ids[kind == USE], ids[kind == FREE_OP])
    places = pfn_of[live]
    assert (np.sort(places[places != PFN_NONE]) == np.sort(listed)).all()


@pytest.mark.speed
@pytest.mark.parametrize("memory_mib", [32, 48])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_gets_lost(name: str, memory_mib: int) -> None:
    stream = stream_of(memory_mib)
    ops, engine = stream.ops, engine_of(name, stream)
    for start in range(0, len(ops), 7919):
        stop = min(start + 7919, len(ops))
        engine.run(ops, start, stop)
        assert engine.memory.next_op() == stop  # what helpers do has no number of its own
        validate(engine.memory)
        check_lists(engine, ops, stop)
    counters = engine.memory.counters()
    for counter in ("direct_reclaims", "kswapd_runs", "pages_reclaimed_direct",
                    "pages_reclaimed_kswapd", "pages_written", "pages_swapped_out",
                    "pages_brought_back", "slab_pages_reclaimed"):  # fmt: skip
        assert counters[counter] > 0, counter
    reclaimed = counters["pages_reclaimed_direct"] + counters["pages_reclaimed_kswapd"]
    assert counters["pages_brought_back"] < reclaimed
    assert counters["pages_swapped_out"] < reclaimed
    # Only what was never there is unknown: frees of reclaimed pages aren't.
    assert counters["freed_unknown"] <= counters["failed_requests"]
    assert (counters["pages_migrated"] > 0) == name.startswith("6.1")


@pytest.mark.speed
@pytest.mark.parametrize("name", NAMES)
def test_pages_in_use_are_those_of_requests_and_slabs(name: str) -> None:
    """At the end, when nearly all has been freed: no page was reclaimed without being freed."""
    stream = stream_of(32)
    ops, engine = stream.ops, engine_of(name, stream)
    engine.run(ops, 0, len(ops))
    held = np.setdiff1d(ops.id[np.isin(ops.kind, (0, USE))], ops.id[ops.kind == FREE_OP])
    pages = {engine.pfn_of[number] for number in held.tolist()} - {PFN_NONE}
    slabs = {engine._slabs.where(number) for number in range(ops.objects)} - {-1}
    assert not pages & slabs
    in_use = np.flatnonzero(np.isin(engine.memory.page_class(), IN_USE))
    assert pages | slabs == set(in_use.tolist())


@pytest.mark.speed
@pytest.mark.parametrize("name", NAMES)
def test_one_call_and_many_give_the_same_memory(name: str) -> None:
    stream = stream_of(32)
    results = []
    for stretch in (len(stream.ops), 997, 10_007):
        engine = engine_of(name, stream)
        for start in range(0, len(stream.ops), stretch):
            engine.run(stream.ops, start, min(start + stretch, len(stream.ops)))
        lru = engine._reclaim.lru
        places, flags = list(engine.pfn_of), lru.page_flags().tolist()
        results.append((state(engine.memory), places, flags, pages_on_lists(engine)))
    assert results[0] == results[1] == results[2]


def run_with(
    name: str, stream: Stream, ops: int, monkeypatch, lru: type, slabs: type
) -> tuple[dict, list[int], list[int]]:
    """The first operations with other classes; memory, places, and the pages on the lists."""
    monkeypatch.setattr(allocator.reclaim, "Lru", lru)
    monkeypatch.setattr(allocator.engine, "Slabs", slabs)
    engine = engine_of(name, stream)
    engine.run(stream.ops, 0, ops)
    return state(engine.memory), list(engine.pfn_of), pages_on_lists(engine)


@pytest.mark.parametrize("name", NAMES)
def test_the_oracles_in_the_classes_place_do_the_same(name: str, monkeypatch) -> None:
    stream, ops = stream_of(32), OPS
    slabs = allocator.engine.Slabs
    first = run_with(name, stream, ops, monkeypatch, Lru, slabs)
    second = run_with(name, stream, ops, monkeypatch, OracleLru, OracleSlabs)
    assert first == second
    counters = first[0]["counters"]
    assert counters["pages_reclaimed_direct"] + counters["pages_reclaimed_kswapd"] > 1000
    assert counters["objects_reclaimed"] > 0


class NotingLru(OracleLru):
    """The oracle, which notes what it is told beside scans."""

    def __init__(self, *arguments) -> None:
        super().__init__(*arguments)
        self.ends, self.asked = 0, []

    def ended(self) -> None:
        self.ends += 1
        super().ended()

    def ask_to_flush(self, pages: int) -> None:
        self.asked.append(pages)
        super().ask_to_flush(pages)


def test_direct_reclaim_tells_its_end_and_has_what_it_scanned_flushed(monkeypatch) -> None:
    """Once it has scanned one and a half times the 32 pages it is for."""
    monkeypatch.setattr(allocator.reclaim, "Lru", NotingLru)
    stream = stream_of(32)
    engine = engine_of("2007-list", stream)
    engine.run(stream.ops, 0, 20_000)
    lru = engine._reclaim.lru
    assert lru.ends == engine.memory.counters()["direct_reclaims"] > 0
    assert min(lru.asked) > 48
