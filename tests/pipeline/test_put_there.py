"""The event that let a page's kind into its pageblock, against a slow search."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from allocator.terms import (
    CLASS_MOVABLE,
    CLASS_RECLAIMABLE,
    CLASS_UNMOVABLE,
    EVENT_DTYPE,
    EVENT_FAILURE,
    TYPE_OF_CLASS,
)
from pipeline.metrics.put_there import NEVER, let_in_ops
from pipeline.recording_format import BLAME_DTYPE

CLASSES = (CLASS_MOVABLE, CLASS_UNMOVABLE, CLASS_RECLAIMABLE)


def slowly(row, events, block_order):
    ops = [
        event["op"]
        for event in events
        if event["kind"] != EVENT_FAILURE
        and event["pfn"] >> block_order == row["pfn"] >> block_order
        and event["migratetype"] == TYPE_OF_CLASS[row["page_class"]]
        and event["op"] <= row["placed_op"]
    ]
    return max(ops, default=NEVER)


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 63), st.integers(0, 2),
                       st.integers(0, 2)), max_size=30),
    st.lists(st.tuples(st.integers(0, 63), st.integers(-1, 30), st.sampled_from(CLASSES)),
             max_size=10),
    st.integers(2, 5),
)  # fmt: skip
def test_as_a_slow_search(happened, pages, block_order):
    events = np.zeros(len(happened), EVENT_DTYPE)
    for name, column in zip(
        ("op", "pfn", "kind", "migratetype"), zip(*happened, strict=True), strict=False
    ):
        events[name] = column
    events.sort(order="op")
    rows = np.zeros(len(pages), BLAME_DTYPE)
    for name, column in zip(
        ("pfn", "placed_op", "page_class"), zip(*pages, strict=True), strict=False
    ):
        rows[name] = column
    expected = [slowly(row, events, block_order) for row in rows]
    assert let_in_ops(rows, events, block_order).tolist() == expected
