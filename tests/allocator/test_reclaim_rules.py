"""Rules around reclaim: high memory, the watermark boost, the block that a fallback takes."""

from dataclasses import replace

import numpy as np
import pytest

from allocator.boot import boot
from allocator.engine import Engine
from allocator.mechanism import load_mechanism
from allocator.page_alloc import Memory
from allocator.terms import CLASS_MOVABLE, MOVABLE, PFN_NONE, RECLAIMABLE, UNMOVABLE
from allocator.zones import Machine, build_zones
from pipeline.simulate import engine_of
from pipeline.start import start_memory
from workloads import load_workload

MIB = 256  # pages


def i386(mib: int) -> Machine:
    return Machine("i386", np.zeros(mib * MIB, np.uint8), architecture="i386")


def test_high_memory_is_for_movable_requests_only() -> None:
    memory = boot(i386(1024), load_mechanism("2007-list"), Memory)
    assert [zone.name for zone in memory.zones] == ["DMA", "Normal", "HighMem"]
    assert memory.alloc(0, MOVABLE) >= 896 * MIB
    assert all(memory.alloc(0, m) < 896 * MIB for m in (UNMOVABLE, RECLAIMABLE))


def test_marks_of_high_memory() -> None:
    """MIN a 1024th of it; the kernel's zones alone share min_free_kbytes."""
    mechanism = load_mechanism("2007-list", {"min_free_kbytes": "16384"})
    dma, normal, high = build_zones(i386(1536), mechanism)
    assert dma.min_pages + normal.min_pages == pytest.approx(4096, abs=1)
    assert high.min_pages == 128
    assert build_zones(i386(896 + 64), mechanism)[2].min_pages == 32
    share = 4096 * high.managed_pages // (dma.managed_pages + normal.managed_pages)
    assert (high.low_pages, high.high_pages) == (128 + share // 4, 128 + share // 2)


def test_zone_movable_is_taken_from_high_memory() -> None:
    zones = build_zones(i386(1536), load_mechanism("2007-both"))
    assert [zone.name for zone in zones] == ["DMA", "Normal", "HighMem", "Movable"]
    assert zones[3].start_pfn == int(1536 * MIB * 0.6)
    assert zones[3].min_pages == 128


def _cornered(smallest: str) -> Memory:
    """Free: one block of order 2 and one of order 3, both unmovable."""
    mechanism = load_mechanism(
        "6.1-list",
        {
            "grouping.smallest": smallest,
            "per_cpu.rule": "none",
            "min_free_kbytes": "1",
            "grouping.nofragment": "false",
        },
    )
    zones = build_zones(Machine("small", np.zeros(4096, np.uint8)), mechanism)
    zones = tuple(replace(z, min_pages=0, low_pages=0, high_pages=0) for z in zones)
    memory = Memory(zones, mechanism, 4096)
    for block in range(8):
        memory.set_block_type(block, UNMOVABLE)
    memory.release(512, 2, UNMOVABLE)
    memory.release(1024, 3, UNMOVABLE)
    return memory


@pytest.mark.parametrize(("smallest", "pfn"), [("true", 512), ("false", 1024)])
def test_a_movable_request_takes_the_smallest_foreign_block_or_the_largest(
    smallest: str, pfn: int
) -> None:
    assert _cornered(smallest).alloc(0, MOVABLE) == pfn


def _boosted(boost: str) -> tuple[list[int], int]:
    """The boost of each zone after a movable memory had to serve an unmovable request."""
    mechanism = load_mechanism("6.1-list", {"watermarks.boost": boost, "per_cpu.rule": "none"})
    memory = boot(Machine("small", np.zeros(64 * MIB, np.uint8)), mechanism, Memory)
    memory.ask_for_help(0)
    while memory.try_alloc(0, MOVABLE, 0) != PFN_NONE:
        pass
    taken = np.flatnonzero(memory.page_class() == CLASS_MOVABLE).astype(np.int32)
    memory.free_pages(taken[taken >= 4096][1000:1400:2].copy(), 200)
    before = memory.boost_pages(1)
    assert memory.try_alloc(0, UNMOVABLE, 0) != PFN_NONE
    return [memory.boost_pages(zone) for zone in range(2)], before


def test_a_fallback_onto_a_small_block_raises_the_marks_and_wakes_kswapd() -> None:
    boosts, before = _boosted("true")
    assert (before, boosts) == (0, [0, 512])
    assert _boosted("false") == ([0, 0], 0)


def test_kswapd_pays_for_a_boost() -> None:
    """Marks are raised in the run, and none is left long after the load has gone."""
    stream = load_workload("stress-highalloc", {"memory_mib": "64"}, 0)
    memory, pfn_of, _ = start_memory(stream, load_mechanism("6.1-list"))
    engine = engine_of(stream, memory, pfn_of)
    seen = 0
    for first in range(0, len(stream.ops), 20_000):
        engine.run(stream.ops, first, min(first + 20_000, len(stream.ops)))
        memory.events()
        seen = max(seen, memory.boost_pages(1))
    assert seen >= 512
    assert memory.boost_pages(1) == 0


def test_a_recorded_stream_knows_no_boost() -> None:
    memory, pfn_of, _ = start_memory(load_workload("debian-6.1-churn"), load_mechanism("6.1-list"))
    stream = load_workload("debian-6.1-churn").head(200_000)
    Engine(memory, pfn_of).run(stream.ops, 0, len(stream.ops))
    assert [memory.boost_pages(zone) for zone in range(2)] == [0, 0]
