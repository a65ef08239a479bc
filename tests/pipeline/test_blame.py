"""Blame: the block that came nearest, by a slow search; who stands in it and since when."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocator.mechanism import load_mechanism, mechanism_names
from allocator.terms import (
    ALLOC,
    CLASS_MOVABLE,
    CLASS_RECLAIMABLE,
    CLASS_UNMOVABLE,
    EVENT_FAILURE,
    FREE,
    HOLE,
    MOVABLE,
    OBJECT,
    PCP_FREE,
    PFN_NONE,
    RECLAIMABLE,
    RESERVED,
    TYPE_OF_CLASS,
    UNMOVABLE,
    USE,
)
from pipeline.blame import Blame, nearest_block
from pipeline.recording import Recording
from pipeline.recording_format import BLAME_CAUSES
from pipeline.simulate import engine_of, simulate
from pipeline.start import start_memory
from workloads import load_workload


def slowly(grid, spans, order):
    best = None
    for first, end in spans:
        start = -(-first >> order) << order
        while start + (1 << order) <= end:
            block = grid[start : start + (1 << order)]
            if RESERVED not in block and HOLE not in block:
                in_use = sum(page != FREE for page in block.tolist())
                if best is None or in_use < best[1]:
                    best = (start, in_use)
            start += 1 << order
    return best


@given(
    st.lists(st.sampled_from([FREE, FREE, FREE, PCP_FREE, CLASS_MOVABLE, RESERVED, HOLE]),
             min_size=1, max_size=80),
    st.integers(0, 4),
    st.lists(st.integers(0, 80), min_size=1, max_size=3),
)  # fmt: skip
def test_nearest_block_as_a_slow_search(pages, order, cuts):
    grid = np.array(pages, np.uint8)
    bounds = sorted({0, *(min(cut, len(pages)) for cut in cuts), len(pages)})
    spans = list(pairwise(bounds))
    assert nearest_block(grid, spans, order) == slowly(grid, spans, order)


def test_types_of_classes():
    classes = (CLASS_MOVABLE, CLASS_RECLAIMABLE, CLASS_UNMOVABLE, RESERVED)
    assert [TYPE_OF_CLASS[c] for c in classes] == [MOVABLE, RECLAIMABLE, UNMOVABLE, UNMOVABLE]


@pytest.fixture(scope="module")
def stream():
    """Requests of which some of high order fail."""
    parameters = {"memory_mib": "24", "requests": "15000", "long_lived_share": "0.6"}
    return load_workload("churn", parameters, seed=5)


@pytest.fixture(scope="module")
def stress():
    """With reclaim, slabs, and attempts at huge pages."""
    return load_workload("stress-highalloc", {"memory_mib": "96"}, seed=2)


@pytest.fixture(scope="module")
def blamed(stream, tmp_path_factory):
    """Recordings by mechanism."""
    folder = tmp_path_factory.mktemp("blamed")
    for name in mechanism_names():
        simulate(stream, load_mechanism(name), folder / f"{name}.reel", frames=20)
    return {name: Recording.open(folder / f"{name}.reel") for name in mechanism_names()}


@pytest.mark.parametrize("name", mechanism_names())
def test_watching_changes_nothing(stream, blamed, name):
    _check_unchanged(stream, blamed[name], name)


@pytest.mark.speed
@pytest.mark.parametrize("name", ["2007-vanilla", "2007-list", "6.1-both"])
def test_watching_reclaim_changes_nothing(stress, name, tmp_path):
    simulate(stress, load_mechanism(name), tmp_path / "a.reel", frames=20)
    recording = Recording.open(tmp_path / "a.reel")
    assert len(recording.blame)
    _check_unchanged(stress, recording, name)


def _check_unchanged(stream, recording, name):
    """The same pages, counters and events as without an observer, but for what it adds."""
    memory, pfn_of, _ = start_memory(stream, load_mechanism(name))
    engine = engine_of(stream, memory, pfn_of)
    events = []
    for start in range(0, len(stream.ops), 1000):
        engine.run(stream.ops, start, min(start + 1000, len(stream.ops)))
        events.append(memory.events())
    last = len(recording) - 1
    assert np.array_equal(recording.grid(last), memory.page_class())
    counters = memory.counters()
    columns = recording.header["series_columns"]
    row = dict(zip(columns, recording.series[last].tolist(), strict=True))
    assert {key: row[key] for key in counters} == counters
    mine, plain = recording.events.copy(), np.concatenate(events)
    found = (mine["kind"] == EVENT_FAILURE) & (mine["pfn"] != PFN_NONE)
    mine["pfn"][found], mine["free_pages"][found] = PFN_NONE, -1
    assert np.array_equal(mine, plain)


@pytest.mark.parametrize("name", mechanism_names())
def test_each_failure_as_memory_was_then(stream, blamed, name):
    _check_failures(stream, blamed[name], name)


@pytest.mark.speed
@pytest.mark.parametrize("name", ["2007-vanilla", "2007-list", "6.1-off", "6.1-both"])
def test_each_failure_under_reclaim(stress, name, tmp_path):
    simulate(stress, load_mechanism(name), tmp_path / "a.reel", frames=20)
    recording = Recording.open(tmp_path / "a.reel")
    assert len(np.unique(recording.blame["failed_op"])) > 50
    _check_failures(stress, recording, name)


def _check_failures(stream, recording, name):
    """Operation by operation: block, pages and holders are those of the moment of the failure."""
    failures = recording.events[recording.events["kind"] == EVENT_FAILURE]
    failures = failures[failures["order"] > 0]
    assert len(failures)
    rows = recording.blame
    memory, pfn_of, _ = start_memory(stream, load_mechanism(name))
    engine = engine_of(stream, memory, pfn_of)
    for failure in failures[:: max(len(failures) // 40, 1)].tolist():
        op, pfn, _, order = failure[:4]
        engine.run(stream.ops, memory.next_op(), op + 1)
        mine = rows[rows["failed_op"] == op]
        if pfn == PFN_NONE:
            assert not len(mine)
            continue
        grid = memory.page_class()
        block = grid[pfn : pfn + (1 << order)]
        in_use = int((block != FREE).sum())
        assert failure[-2] == (1 << order) - in_use
        assert len(mine) == in_use
        assert (mine["start_pfn"] == pfn).all()
        assert (mine["order"] == order).all()
        assert (mine["page_class"] == grid[mine["pfn"]]).all()
        assert len(set(mine["pfn"].tolist())) == len(mine)
        _check_holders(stream, mine, pfn_of)


def _check_holders(stream, rows, pfn_of):
    for row in rows[rows["placed_op"] >= 0]:
        op = int(row["placed_op"])
        assert op < row["failed_op"]
        if stream.ops.kind[op] not in (ALLOC, USE):  # a slab, which has no id
            assert stream.ops.kind[op] == OBJECT
            continue
        number = int(stream.ops.id[op])
        first = pfn_of[number]
        assert first <= row["pfn"] < first + (1 << int(row["held_order"]))
        assert stream.ops.order[op] == row["held_order"]


def test_causes(blamed):
    """Each cause where it can be, and none where it can't."""
    causes = {name: np.unique(r.blame["cause"]).tolist() for name, r in blamed.items()}
    words = {name: {BLAME_CAUSES[code] for code in codes} for name, codes in causes.items()}
    assert words["2007-vanilla"] <= {
        "types are not told apart", "on a per-CPU list", "before the recording"
    }  # fmt: skip
    everywhere = set().union(*words.values())
    assert "in a pageblock of another type" in everywhere
    assert "in a pageblock of its own type" in everywhere
    for recording in blamed.values():
        rows = recording.blame
        on_pcp = rows["cause"] == BLAME_CAUSES.index("on a per-CPU list")
        assert ((rows["page_class"] == PCP_FREE) == on_pcp).all()


def test_claimed_and_foreign_pageblocks(stream):
    """A page's cause follows from the type of its pageblock, now and at the start."""
    memory, pfn_of, _ = start_memory(stream, load_mechanism("6.1-list"))
    blame = Blame(stream, memory, pfn_of)
    engine = engine_of(stream, memory, pfn_of, blame)
    at_start = memory.block_types()
    engine.run(stream.ops, 0, len(stream.ops))
    types, grid = memory.block_types(), memory.page_class()
    rows = blame._row_of_each(len(stream.ops), 9, grid, 512 * int(_mixed_block(grid)))
    for row in rows:
        block, page_class = int(row["pfn"]) >> 9, int(row["page_class"])
        cause = BLAME_CAUSES[row["cause"]]
        if row["placed_op"] < 0:
            assert cause == "before the recording" or page_class == PCP_FREE
        elif TYPE_OF_CLASS[page_class] != types[block]:
            assert cause == "in a pageblock of another type"
        elif types[block] != at_start[block]:
            assert cause == "in a pageblock claimed for its type"
        else:
            assert cause == "in a pageblock of its own type"


def _mixed_block(grid):
    tiles = grid[: len(grid) >> 9 << 9].reshape(-1, 512)
    mixed = (tiles == CLASS_MOVABLE).any(axis=1) & (tiles == CLASS_UNMOVABLE).any(axis=1)
    return np.flatnonzero(mixed & ~(tiles == RESERVED).any(axis=1))[0]


def test_too_little_memory_blames_no_page(stream):
    """All zones at their watermarks: nothing stood in the way but want of memory."""
    machine = replace(stream.machine, min_free_kbytes=20_000)
    poor = replace(stream, machine=machine)
    memory, pfn_of, _ = start_memory(poor, load_mechanism("6.1-list"))
    blame = Blame(poor, memory, pfn_of)
    engine = engine_of(poor, memory, pfn_of, blame)
    engine.run(poor.ops, 0, 9000)
    events = memory.events()
    assert not len(blame.take(events))
    failures = events[(events["kind"] == EVENT_FAILURE) & (events["order"] > 0)]
    assert len(failures)
    assert (failures["pfn"] == PFN_NONE).all()
