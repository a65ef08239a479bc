"""Simulations: the same bytes each time, the promised frames, and no page lost in any of them."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import pipeline.simulate
from allocator.boot import boot
from allocator.mechanism import load_mechanism, mechanism_names
from allocator.terms import (
    ALLOC,
    CLASS_MOVABLE,
    COUNTERS,
    EVENT_CLAIM,
    EVENT_FAILURE,
    EVENT_FALLBACK,
    FREE,
    FREE_OP,
    HIGHATOMIC,
    MIGRATETYPES,
    MOVABLE,
    PCP_FREE,
    RESERVED,
    UNMOVABLE,
)
from allocator.zones import Machine
from pipeline.recording import Recording
from pipeline.simulate import (
    GivenUp,
    block_types,
    core_note,
    frame_ops,
    runnable,
    simulate,
)
from tests.workloads.folders import operations, small_stream
from workloads import load_workload
from workloads.stream import Ops, Phase, Stream

MECHANISMS = mechanism_names()
FULL = "0.6"  # share of long-lived requests with which memory runs full


@cache
def churn(long_lived_share: str = "0.02") -> Stream:
    """Some seconds on a machine of two zones, with grouping. Much that lives long fills it."""
    parameters = {
        "memory_mib": "24",
        "requests": "15000",
        "requests_per_second": "2500",
        "long_lived_share": long_lived_share,
    }
    return load_workload("churn", parameters, seed=11)


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    """Recordings by mechanism, each made once."""
    folder = tmp_path_factory.mktemp("recordings")

    @cache
    def make(name: str, long_lived_share: str = "0.02") -> Recording:
        path = folder / f"{name}-{long_lived_share}.reel"
        simulate(churn(long_lived_share), load_mechanism(name), path, frames=40)
        return Recording.open(path)

    return make


@pytest.mark.parametrize("name", MECHANISMS)
def test_same_bytes_again(record, tmp_path, name):
    again = tmp_path / "again.reel"
    simulate(churn.__wrapped__(), load_mechanism(name), again, frames=40)
    assert again.read_bytes() == record(name).path.read_bytes()


def test_mechanisms_differ(record):
    assert len({record(name).path.read_bytes() for name in MECHANISMS}) == len(MECHANISMS)
    grids = {record(name).grid(len(record(name)) - 1).tobytes() for name in MECHANISMS}
    assert len(grids) > 4


# The schedule.


def test_frames_of_the_recording_are_the_schedule(record):
    schedule = frame_ops(churn(), 40)
    for name in MECHANISMS:
        recording = record(name)
        assert np.array_equal(recording.ops, schedule)
        assert recording.complete
        times = [0, *churn().ops.time_us[schedule[1:] - 1].tolist()]
        assert recording.times_us.tolist() == times


@pytest.mark.parametrize("frames", [0, 2, 40, 600, 100_000])
@pytest.mark.parametrize("workload", ["churn", "debian-6.1-churn"])
def test_schedule(workload, frames):
    stream = churn() if workload == "churn" else load_workload(workload)
    schedule = frame_ops(stream, frames)
    total = len(stream.ops)
    assert schedule[0] == 0
    assert schedule[-1] == total
    assert (np.diff(schedule) > 0).all()
    for phase in stream.phases:
        assert phase.sample_op in schedule
        assert phase.start_op in schedule
    for second in range(1, int(stream.ops.time_us[-1]) // 1_000_000 + 1):
        done = int(np.count_nonzero(stream.ops.time_us <= second * 1_000_000))
        assert done in schedule
    if 400 < frames <= total:  # beyond those for seconds and phases
        assert frames - 100 <= len(schedule) <= frames + 1


def test_schedule_of_a_stream_without_time():
    stream = small_stream(operations((ALLOC, 2, 0, 0), (FREE_OP, 2, 0, 0)))
    assert frame_ops(stream, 600).tolist() == [0, 1, 2]


def test_phases_of_the_frames(record):
    recording = record("6.1-list")
    for op, phase in zip(recording.ops.tolist(), recording.phases.tolist(), strict=True):
        begun = [n for n, p in enumerate(churn().phases) if p.start_op <= op]
        assert phase == begun[-1]


def test_progress_is_told_after_each_frame(tmp_path):
    told = []
    simulate(
        churn(),
        load_mechanism("6.1-off"),
        tmp_path / "a.reel",
        frames=10,
        progress=lambda done, all_ops: told.append((done, all_ops)),
    )
    total = len(churn().ops)
    assert told == [(op, total) for op in frame_ops(churn(), 10).tolist()]


# What the frames hold.


@pytest.mark.parametrize("long_lived_share", ["0.02", FULL])
@pytest.mark.parametrize("name", MECHANISMS)
def test_no_page_is_lost_in_any_frame(record, name, long_lived_share):
    recording = record(name, long_lived_share)
    zones = [zone["name"] for zone in recording.header["geometry"]["zones"]]
    reserved = np.count_nonzero(churn(long_lived_share).machine.unusable == RESERVED)
    free_pages = sum(recording.column(f"free_pages:{zone}") for zone in zones)
    on_lists = sum(
        recording.column(f"nr_free:{zone}:{order}") << order
        for zone in zones
        for order in range(11)
    )
    assert np.array_equal(free_pages, on_lists)
    for number, grid in enumerate(recording.grids()):
        counts = np.bincount(grid, minlength=9)
        assert counts.sum() == churn(long_lived_share).machine.pages
        assert counts[FREE] == free_pages[number]
        assert counts[PCP_FREE] == recording.column("pcp_pages")[number]
        assert counts[RESERVED] == reserved
        assert counts[5] == counts[7] == counts[8] == 0


@pytest.mark.parametrize("name", MECHANISMS)
def test_free_blocks_by_type_add_up(record, name):
    recording = record(name)
    for zone in recording.header["geometry"]["zones"]:
        for order in range(11):
            place = f"nr_free:{zone['name']}:{order}"
            by_type = sum(recording.column(f"{place}:{t}") for t in MIGRATETYPES)
            assert np.array_equal(by_type, recording.column(place))


def test_pages_in_use_are_those_of_the_stream(record):
    """Where nothing fails, each frame has in use what the operations so far leave in use."""
    recording = record("6.1-list")
    assert recording.column("failed_requests")[-1] == 0
    ops = churn().ops
    pages = np.left_shift(1, ops.order.astype(np.int64))
    in_use = np.concatenate(([0], np.cumsum(np.where(ops.kind == ALLOC, pages, -pages))))
    for number, op in enumerate(recording.ops.tolist()):
        classes = recording.grid(number)
        assert np.isin(classes, (2, 3, 4)).sum() == in_use[op]


@pytest.mark.parametrize("long_lived_share", ["0.02", FULL])
@pytest.mark.parametrize("name", MECHANISMS)
def test_counters_count_every_operation(record, name, long_lived_share):
    recording, ops = record(name, long_lived_share), churn(long_lived_share).ops
    last = {counter: int(recording.column(counter)[-1]) for counter in COUNTERS}
    allocations = int((ops.kind == ALLOC).sum())
    assert last["allocations"] + last["failed_requests"] == allocations
    assert last["frees"] + last["freed_unknown"] == len(ops) - allocations
    for counter in COUNTERS:
        assert (np.diff(recording.column(counter)) >= 0).all()
        assert recording.column(counter)[0] == 0
    assert sum(last[f"requests_order_{order}"] for order in range(11)) == allocations


@pytest.mark.parametrize("name", MECHANISMS)
def test_a_request_that_failed_has_nothing_to_free(record, name):
    """Memory runs full: requests fail, and their frees are counted."""
    recording = record(name, FULL)
    failed = int(recording.column("failed_requests")[-1])
    assert failed > 0
    assert 0 < recording.column("freed_unknown")[-1] <= failed
    assert recording.column("failed_pages")[-1] >= failed


@pytest.mark.parametrize("long_lived_share", ["0.02", FULL])
@pytest.mark.parametrize("name", MECHANISMS)
def test_events_agree_with_the_counters(record, name, long_lived_share):
    recording = record(name, long_lived_share)
    events, column = recording.events, recording.column
    assert recording.dropped_events == 0
    kinds = np.bincount(events["kind"], minlength=3)
    pairs = [counter for counter in COUNTERS if counter.startswith("fallbacks_")]
    assert kinds[EVENT_FALLBACK] == sum(column(pair)[-1] for pair in pairs)
    assert kinds[EVENT_CLAIM] == column("claims")[-1]
    assert kinds[EVENT_FAILURE] == column("failed_requests")[-1]
    assert (np.diff(events["op"]) >= 0).all()
    assert (events["op"] < len(churn(long_lived_share).ops)).all()
    failures = events[events["kind"] == EVENT_FAILURE]
    assert (churn(long_lived_share).ops.kind[failures["op"]] == ALLOC).all()
    assert (churn(long_lived_share).ops.order[failures["op"]] == failures["order"]).all()


def test_frees_of_unknown_ids_are_counted_and_free_nothing(tmp_path):
    ops = operations(
        (FREE_OP, 7, 0, 0),  # never allocated
        (FREE_OP, 2, 3, 0),  # before its time
        (ALLOC, 2, 3, 0),
        (FREE_OP, 1, 0, 0),  # of the start
        (FREE_OP, 9, 10, 0),
    )
    simulate(small_stream(ops), load_mechanism("2007-vanilla"), tmp_path / "a.reel")
    recording = Recording.open(tmp_path / "a.reel")
    assert recording.column("freed_unknown").tolist() == [0, 1, 2, 2, 2, 3]
    assert recording.column("frees").tolist() == [0, 0, 0, 0, 1, 1]
    in_use = [int(np.isin(grid, (2, 3)).sum()) for grid in recording.grids()]
    assert in_use == [5, 5, 5, 13, 12, 12]


def test_header(record):
    recording, stream = record("6.1-both"), churn()
    header = recording.header
    assert header["mechanism"]["name"] == "6.1-both"
    assert header["workload"] == stream.metadata()
    assert header["seed"] == 11
    assert header["geometry"]["pages"] == stream.machine.pages
    assert [zone["name"] for zone in header["geometry"]["zones"]] == ["DMA", "Movable"]
    assert header["start"] == {"placed_anew": 0, "failed": 0}
    assert [phase["name"] for phase in header["phases"]] == ["fill", "churn", "rest"]


def test_nothing_is_left_where_the_file_cannot_be_written(tmp_path):
    with pytest.raises(FileNotFoundError):
        simulate(churn(), load_mechanism("6.1-off"), tmp_path / "none" / "a.reel")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_where_progress_interrupts(tmp_path):
    def stop(done: int, all_ops: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(churn(), load_mechanism("6.1-off"), tmp_path / "a.reel", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_given_up_where_its_caller_says_so(tmp_path):
    asked = []

    def give_up(counters):
        asked.append(counters["allocations"])
        return counters["allocations"] > 6000

    with pytest.raises(GivenUp) as over:
        simulate(churn(), load_mechanism("6.1-list"), tmp_path / "a.reel", give_up=give_up)
    assert asked == sorted(asked)
    assert over.value.counters["allocations"] == asked[-1] > 6000 >= asked[-2]
    assert list(tmp_path.iterdir()) == []


# Types of pageblocks.


@pytest.mark.parametrize("pages", [4096, 4097, 4608, 5000, 5120])
@pytest.mark.parametrize(
    ("name", "order", "recorded_order"),
    [("2007-list", 10, 9), ("6.1-list", 9, 9), ("6.1-list", 9, 10), ("2007-list", 10, 8)],
)
def test_block_types_in_the_recordings_size(name, order, recorded_order, pages):
    memory = boot(Machine("any", np.zeros(pages, np.uint8)), load_mechanism(name))
    blocks = -(-pages >> order)
    own = [(UNMOVABLE, MOVABLE, HIGHATOMIC)[number % 3] for number in range(blocks)]
    for number, migratetype in enumerate(own):
        memory.set_block_type(number, migratetype)
    shown = block_types(memory, pages, recorded_order)
    assert shown.dtype == np.uint8
    starts = [block << recorded_order for block in range(-(-pages >> recorded_order))]
    assert shown.tolist() == [own[start >> order] for start in starts]


def test_block_types_follow_the_claims(record):
    recording = record("6.1-list")
    claims = recording.events[recording.events["kind"] == EVENT_CLAIM]
    types = recording.block_types(0).copy()
    for number in range(1, len(recording)):
        between = (claims["op"] >= recording.ops[number - 1]) & (
            claims["op"] < recording.ops[number]
        )
        for claim in claims[between]:
            assert types[claim["pfn"] >> 9] == claim["fallback_migratetype"]
            types[claim["pfn"] >> 9] = claim["migratetype"]
        shown = recording.block_types(number)
        reserve = (shown == HIGHATOMIC) | (types == HIGHATOMIC)
        assert np.array_equal(shown[~reserve], types[~reserve])
        types = shown.copy()
    assert len(claims)


# Without a compiler.


def test_a_compiled_core_runs_everything():
    if not pipeline.simulate.COMPILED:
        pytest.skip("left out: the core is not compiled here")
    stream = load_workload("debian-6.1-churn")
    assert runnable(stream) is stream
    assert core_note() == ""


def test_an_uncompiled_core_runs_a_short_cut_and_says_so(monkeypatch):
    monkeypatch.setattr(pipeline.simulate, "COMPILED", False)
    stream = load_workload("debian-6.1-churn")
    cut = runnable(stream)
    assert len(cut.ops) == 40_000
    assert "only the first 40,000 operations of a stream are run" in core_note()
    assert all(phase.sample_op <= 40_000 for phase in cut.phases)
    assert runnable(churn()) is churn()  # shorter than that


def test_a_phase_that_begins_late(tmp_path):
    """Frames before the first phase belong to it."""
    ops: Ops = operations((ALLOC, 2, 0, 0), (ALLOC, 3, 0, 0), (FREE_OP, 2, 0, 0))
    stream = replace(small_stream(ops), phases=(Phase("late", "late", 2, 3),))
    simulate(stream, load_mechanism("6.1-off"), tmp_path / "a.reel")
    recording = Recording.open(tmp_path / "a.reel")
    assert recording.phases.tolist() == [0, 0, 0, 0]
    assert recording.grid(0)[16] == CLASS_MOVABLE


def test_unwatched_it_is_the_same_without_marks_and_blame(record, tmp_path):
    simulate(churn(), load_mechanism("6.1-list"), tmp_path / "a.reel", frames=40, watched=False)
    watched, plain = record("6.1-list"), Recording.open(tmp_path / "a.reel")
    assert plain.marks(0) is None
    assert not len(plain.blame)
    assert np.array_equal(plain.series, watched.series)
    for frame in range(len(watched)):
        assert np.array_equal(plain.grid(frame), watched.grid(frame))
