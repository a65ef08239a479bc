"""Explanations: each event in words that say what was decided, and by what."""

import numpy as np
import pytest

from allocator.mechanism import load_mechanism
from allocator.terms import (
    CLASS_MOVABLE,
    CLASS_UNMOVABLE,
    EVENT_CLAIM,
    EVENT_DTYPE,
    EVENT_FAILURE,
    EVENT_FALLBACK,
    MOVABLE,
    PFN_NONE,
    RECLAIMABLE,
    UNMOVABLE,
)
from pipeline.config import UsageError
from pipeline.explain.moments import Moment, moments_of
from pipeline.explain.text import chosen, moments_text
from pipeline.recording import Recording, RecordingWriter
from pipeline.recording_format import BLAME_CAUSES, BLAME_DTYPE
from pipeline.simulate import simulate
from tests.pipeline.small import header
from workloads import load_workload


def event(op, kind, pfn, order, migratetype, fallback_order=0, fallback=0, claimed=0,
          free=-1, alike=-1, old=None):  # fmt: skip
    old = fallback if old is None else old
    row = (op, pfn, kind, order, migratetype, fallback_order, fallback, claimed, old, free, alike)
    return np.array([row], EVENT_DTYPE)


def blame(op, pfns, page_class=CLASS_UNMOVABLE, cause=0):
    rows = np.zeros(len(pfns), BLAME_DTYPE)
    rows["failed_op"], rows["pfn"] = op, pfns
    rows["page_class"], rows["cause"] = page_class, cause
    return rows


def recorded(folder, events, rows=(), *, rule="claim", block_order=9, enabled=True) -> Recording:
    grouping = {"rule": rule, "enabled": enabled, "block_order": block_order}
    about = header(4096, mechanism={"name": "m", "title": "m", "grouping": grouping})
    columns = len(about["series_columns"])
    with RecordingWriter(folder / "a.reel", about) as writer:
        writer.append(
            op=0, time_us=0, phase=0, grid=np.zeros(4096, np.uint8),
            block_types=np.zeros(8, np.uint8), series=np.zeros(columns, np.int64),
        )  # fmt: skip
        writer.add_events(np.concatenate(events) if events else np.empty(0, EVENT_DTYPE))
        writer.add_blame(np.concatenate(rows) if rows else np.empty(0, BLAME_DTYPE))
    return Recording.open(folder / "a.reel")


CLAIM = event(7, EVENT_CLAIM, 1024, 9, UNMOVABLE, fallback=MOVABLE, claimed=1, free=301, alike=12)
CASES = {
    "claimed by half": (
        [CLAIM, event(7, EVENT_FALLBACK, 1100, 0, UNMOVABLE, 6, MOVABLE, 1, 301, 12)],
        "unmovable order-0 request found no free unmovable block: takes a movable order-6 block, "
        "claims pageblock 2, 301 of 512 pages free and 12 in use that suit it (half or more)",
        "claim",
        ((1024, 1535), (1100, 1163)),
    ),
    "claimed whole": (
        [
            event(7, EVENT_CLAIM, 1024, 9, RECLAIMABLE, fallback=UNMOVABLE, claimed=1),
            event(7, EVENT_CLAIM, 1536, 9, RECLAIMABLE, fallback=UNMOVABLE, claimed=1),
            event(7, EVENT_FALLBACK, 1024, 2, RECLAIMABLE, 10, UNMOVABLE, 1),
        ],
        "reclaimable order-2 request found no free reclaimable block: takes an unmovable order-10 "
        "block, claims pageblock 2 and the one after it, free as a whole",
        "claim",
        ((1024, 1535), (1536, 2047), (1024, 2047)),
    ),
    "not claimed": (
        [event(7, EVENT_FALLBACK, 1100, 0, UNMOVABLE, 6, MOVABLE, 0, 112, 0)],
        "unmovable order-0 request found no free unmovable block: takes a movable order-6 block, "
        "and all free pages of pageblock 2 with it, 112 of 512 pages free (fewer than half); it "
        "stays movable",
        "fallback",
        ((1100, 1163),),
    ),
    "nothing counted": (
        [event(7, EVENT_FALLBACK, 1100, 0, MOVABLE, 2, UNMOVABLE, 0)],
        "movable order-0 request found no free movable block: takes an unmovable order-2 block, "
        "pageblock 2 stays unmovable",
        "fallback",
        ((1100, 1103),),
    ),
    "of a third type": (
        [event(7, EVENT_FALLBACK, 1100, 0, UNMOVABLE, 6, RECLAIMABLE, 0, 252, 5, old=MOVABLE)],
        "unmovable order-0 request found no free unmovable block: takes a reclaimable order-6 "
        "block, and all free pages of pageblock 2 with it, 252 of 512 pages free and 5 in use that "
        "suit it (fewer than half); it stays movable",
        "fallback",
        ((1100, 1163),),
    ),
    "its own already": (
        [event(7, EVENT_FALLBACK, 1100, 0, MOVABLE, 2, UNMOVABLE, 1, old=MOVABLE)],
        "movable order-0 request found no free movable block: takes an unmovable order-2 block, "
        "in pageblock 2, which is movable already",
        "fallback",
        ((1100, 1103),),
    ),
    "order 0 fails": (
        [event(7, EVENT_FAILURE, PFN_NONE, 0, MOVABLE)],
        "movable order-0 request fails: no zone that it may use is above its watermark",
        "failure",
        (),
    ),
    "too little memory": (
        [event(7, EVENT_FAILURE, PFN_NONE, 9, MOVABLE)],
        "movable order-9 request fails: no zone has 512 pages above its watermark and reserve",
        "failure",
        (),
    ),
    "kept back": (
        [event(7, EVENT_FAILURE, 1024, 9, MOVABLE, free=512)],
        "movable order-9 request fails: pageblock 2 is free, but kept back (watermark of that "
        "order, or reserve)",
        "failure",
        ((1024, 1535),),
    ),
    "a small block": (
        [event(7, EVENT_FAILURE, 1024, 4, MOVABLE, free=16)],
        "movable order-4 request fails: pfn 1024 to 1039 is free, but kept back (watermark of that "
        "order, or reserve)",
        "failure",
        ((1024, 1039),),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_words(tmp_path, case):
    events, sentence, kind, pfns = CASES[case]
    assert moments_of(recorded(tmp_path, events)) == [Moment(7, kind, sentence, pfns)]


def test_failure_with_pages_in_the_way(tmp_path):
    failure = event(7, EVENT_FAILURE, 1024, 9, MOVABLE, free=509)
    own = BLAME_CAUSES.index("in a pageblock of another type")
    rows = [blame(7, [1030, 1031], cause=own), blame(7, [1100], CLASS_MOVABLE, own)]
    (moment,) = moments_of(recorded(tmp_path, [failure], rows))
    assert moment.sentence == (
        "movable order-9 request fails: pageblock 2 came nearest, 3 of 512 pages in use: "
        "2 unmovable, 1 movable, in a pageblock of another type"
    )
    assert moment.pfns == ((1030, 1030), (1031, 1031), (1100, 1100))


def test_no_type_where_none_is_told_apart(tmp_path):
    failure = event(7, EVENT_FAILURE, PFN_NONE, 9, UNMOVABLE)
    for rule, enabled in (("none", True), ("claim", False)):
        (moment,) = moments_of(recorded(tmp_path, [failure], rule=rule, enabled=enabled))
        assert moment.sentence.startswith("order-9 request fails:")


def test_2007_counts_otherwise_and_has_larger_pageblocks(tmp_path):
    fallback = event(7, EVENT_FALLBACK, 1100, 0, UNMOVABLE, 6, MOVABLE, 0, 112)
    (moment,) = moments_of(recorded(tmp_path, [fallback], rule="march-2007", block_order=10))
    assert moment.sentence.endswith(
        "and all free pages of the 1024-page block at pfn 1024 with it, 112 of 1024 pages free, "
        "its free blocks counted as if all were of order 6; it stays movable"
    )


def test_several_in_one_operation(tmp_path):
    """The claim is told, for it lasts; the others are counted."""
    other = event(7, EVENT_FALLBACK, 2000, 0, UNMOVABLE, 4, MOVABLE, 0)
    claimed = CASES["claimed by half"]
    (moment,) = moments_of(recorded(tmp_path, [other, *claimed[0]]))
    assert moment.sentence == f"{claimed[1]} (and 1 more time, to fill a per-CPU list)"


def test_every_event_of_a_run_has_words(tmp_path):
    parameters = {"memory_mib": "24", "requests": "15000", "long_lived_share": "0.6"}
    stream = load_workload("churn", parameters, seed=5)
    for name in ("2007-list", "6.1-both", "6.1-off"):
        simulate(stream, load_mechanism(name), tmp_path / f"{name}.reel", frames=20)
        recording = Recording.open(tmp_path / f"{name}.reel")
        moments = moments_of(recording)
        assert [m.op for m in moments] == np.unique(recording.events["op"]).tolist()
        assert all(m.sentence.isascii() and len(m.sentence) < 250 for m in moments)
        for first, last in (span for m in moments for span in m.pfns):
            assert 0 <= first <= last < stream.machine.pages


def test_chosen(tmp_path):
    events = [
        event(op, EVENT_FAILURE, 512 * (op % 8), 9, MOVABLE, free=op // 8) for op in range(100)
    ]
    events += [event(110, EVENT_FAILURE, 0, 9, MOVABLE, free=0)]  # in the words of the first
    events.append(CASES["not claimed"][0][0])
    events[-1]["op"] = 200
    recording = recorded(tmp_path, events)
    assert [m.op for m in chosen(recording, (), (), 1000)] == [*range(100), 200]
    assert [m.op for m in chosen(recording, ("fallback",), (), 5)] == [200]
    assert [m.op for m in chosen(recording, ("failure",), (), 3)] == [0, 50, 99]
    assert [m.op for m in chosen(recording, (), (200, 7), 1)] == [7, 200]
    assert chosen(recording, ("claim",), (), 5) == []
    with pytest.raises(UsageError, match="nothing to explain at operation 150"):
        chosen(recording, (), (150,), 5)
    with pytest.raises(UsageError, match="unknown kind 'steal'; there are fallback, claim"):
        chosen(recording, ("steal",), (), 5)


def test_text(tmp_path):
    recording = recorded(tmp_path, CASES["claimed by half"][0])
    assert moments_text(recording, chosen(recording, (), (), 9)) == (
        "op 7 (all): unmovable order-0 request found no free unmovable block:\n"
        "  takes a movable order-6 block, claims pageblock 2, 301 of 512 pages\n"
        "  free and 12 in use that suit it (half or more)\n"
        "\n"
    )
    assert moments_text(recording, []).startswith("Nothing to explain")
