"""check_ops finds every operation that no allocator can run, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocator.terms import ALLOC, DRAIN, FREE_OP
from tests.workloads.folders import operations, small_stream
from workloads.stream import MAX_TIME_US, Ops, WorkloadError, check_ops

START = np.array([2, 0], np.uint8)  # ids 0 and 1


def fault(ops: Ops, start: np.ndarray = START) -> str:
    with pytest.raises(WorkloadError) as caught:
        check_ops(ops, "some/file.npz", start)
    message = str(caught.value)
    assert message.startswith("some/file.npz: ")
    assert "\n" not in message
    return message.removeprefix("some/file.npz: ")


def changed(ops: Ops, **places) -> Ops:
    """One value of a column altered: name=(place, value)."""
    columns = {}
    for name, (place, value) in places.items():
        column = getattr(ops, name).astype(np.int64)
        column[place] = value
        columns[name] = column.astype(getattr(ops, name).dtype)
    return replace(ops, **columns)


SOUND = operations((ALLOC, 2, 3, 0), (ALLOC, 3, 0, 0), (FREE_OP, 2, 2, 4), (FREE_OP, 0, 2, 0))


def test_sound_operations_pass():
    check_ops(SOUND, "file", START)


def test_frees_in_all_parts_pass():
    parts = [(FREE_OP, 2, 0, 7), (FREE_OP, 2, 2, 0), (FREE_OP, 2, 1, 4), (FREE_OP, 2, 0, 6)]
    check_ops(operations((ALLOC, 2, 3, 0), *parts), "file", START)


def test_frees_of_unknown_ids_pass_even_twice():
    check_ops(operations((FREE_OP, 9, 0, 0), (FREE_OP, 9, 0, 0)), "file", START)


def test_drain_passes():
    check_ops(operations((DRAIN, 0, 0, 0), (ALLOC, 2, 0, 0)), "file", START)


@pytest.mark.parametrize(
    ("places", "message"),
    [
        ({"kind": (2, 4)}, "operation 2: unknown kind"),
        ({"flags": (0, 4)}, "operation 0: unknown flag"),
        ({"order": (1, 11)}, "operation 1: order above 10"),
        ({"order": (3, 255)}, "operation 3: order above 10"),
        ({"mobility": (0, 3)}, "operation 0: unknown mobility"),
        ({"id": (1, -1)}, "operation 1: negative id"),
        ({"time_us": (2, 0)}, "operation 2: time runs backwards"),
        ({"time_us": (0, -1)}, "operation 0: time runs backwards"),
        ({"time_us": (3, MAX_TIME_US + 1)}, "operation 3: time is later than a hundred days"),
        ({"id": (1, 2)}, "an id is allocated twice"),
        ({"id": (1, 1)}, "an id is allocated twice"),  # one of the start's
        ({"offset": (2, 8)}, "operation 2: frees pages outside its allocation"),
        ({"order": (3, 3)}, "operation 3: frees pages outside its allocation"),
        ({"offset": (2, 65_535)}, "operation 2: frees pages outside its allocation"),
        ({"offset": (2, 2)}, "operation 2: frees a part that is not aligned"),
        ({"id": (1, 2**31 - 2)}, "operation 1: id 2147483646 for so few operations"),
    ],
)
def test_each_fault(places, message):
    assert fault(changed(SOUND, **places)) == message


@pytest.mark.parametrize(
    ("frees", "number"),
    [
        ([(2, 3, 0), (2, 3, 0)], 2),  # the whole twice
        ([(2, 2, 0), (2, 2, 4), (2, 2, 0)], 3),
        ([(2, 0, 5), (2, 2, 4)], 2),  # a part, then the half that holds it
        ([(2, 3, 0), (2, 0, 7)], 2),
        ([(2, 1, 0), (2, 1, 2), (2, 3, 0)], 3),
        ([(0, 2, 0), (1, 0, 0), (0, 0, 3)], 3),  # of the start
    ],
)
def test_no_page_is_freed_twice(frees, number):
    rows = [(FREE_OP, which, order, offset) for which, order, offset in frees]
    message = fault(operations((ALLOC, 2, 3, 0), *rows))
    assert message == f"operation {number}: frees pages of its allocation that are freed already"


def test_no_operations():
    assert fault(operations()) == "no operations"


@settings(derandomize=True, deadline=None, max_examples=300)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 7)), max_size=7))
def test_parts_against_a_plain_count(parts):
    """check_ops refuses exactly the frees by which a page is freed twice or none is there."""
    sizes = {0: 4, 1: 1, 2: 8}
    freed, sound = set(), True
    for which, order, offset in parts:
        pages = {(which, offset + page) for page in range(1 << order)}
        inside = offset + (1 << order) <= sizes[which] and offset % (1 << order) == 0
        sound &= inside and not pages & freed
        freed |= pages
    ops = operations((ALLOC, 2, 3, 0), *((FREE_OP, *part) for part in parts))
    if sound:
        check_ops(ops, "file", START)
    else:
        fault(ops)


def test_head_keeps_what_begins_before():
    stream = small_stream(SOUND)
    assert stream.head(9) is stream
    cut = stream.head(2)
    assert len(cut.ops) == 2
    assert cut.phases[0].sample_op == 2
    assert "first 2 requests" in cut.title
