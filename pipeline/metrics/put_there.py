"""How a page that stands in the way came to its pageblock: the event that let its kind in."""

import numpy as np

from allocator.terms import EVENT_FAILURE, TYPE_OF_CLASS

NEVER = -1


def let_in_ops(rows: np.ndarray, events: np.ndarray, block_order: int) -> np.ndarray:
    """For rows BLAME_DTYPE[n] the operation of the event that let them in, i8[n], or NEVER.

    It is the last fallback or claim that brought pages of that pageblock (of 2**block_order pages)
    to the lists of the page's type, before the page was placed or in the same operation.
    """
    events = events[events["kind"] != EVENT_FAILURE]
    keys = _key(events["pfn"], events["migratetype"], block_order)
    order = np.lexsort((events["op"], keys))
    keys, ops = keys[order], events["op"][order]
    wanted = _key(rows["pfn"], np.array(TYPE_OF_CLASS)[rows["page_class"]], block_order)
    result = np.full(len(rows), NEVER, np.int64)
    for number, (key, placed_op) in enumerate(zip(wanted, rows["placed_op"], strict=True)):
        first, end = np.searchsorted(keys, (key, key + 1))
        before = first + np.searchsorted(ops[first:end], placed_op, side="right")
        if before > first:
            result[number] = ops[before - 1]
    return result


def _key(pfns: np.ndarray, types: np.ndarray, block_order: int) -> np.ndarray:
    """One number for a pageblock and a type."""
    return (pfns.astype(np.int64) >> block_order) * 4 + types
