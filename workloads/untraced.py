"""What a recording's events don't show, and what its snapshots tell of it.

The failed requests of huge-page attempts, kernel stacks, compaction that was asked for, and pages
of the start that lie on per-CPU lists. All is inferred from the recording's own snapshots.
"""

from typing import NamedTuple

import numpy as np

from allocator.terms import (
    ALLOC,
    COMPACT,
    DRAIN,
    FREE,
    FREE_OP,
    HOLE,
    HUGE,
    HUGE_ORDER,
    KERNEL_UNKNOWN,
    MOVABLE,
    PCP_FREE,
    SCATTER,
    UNMOVABLE,
)
from workloads.stream import Ops, joined

TRIES = 3  # how often the load script asks again, at each attempt's end
BUDDY_CLASS, NOPAGE_CLASS = 1, 8  # codes of kclass in snapshots.npz
TRACED_MOBILITIES = 3  # mobility in snapshots.npz: below this a traced allocation that lives
FIRST_SNAPSHOTS = 6  # a page free by its events but not BUDDY in any of these is in use


class Untraced(NamedTuple):
    """Operations to put in, in no order: `at` i8 (before which one), `kind`, `id`, `huge`."""

    at: np.ndarray
    kind: np.ndarray
    id: np.ndarray
    huge: np.ndarray


def with_untraced(
    ops: Ops,
    attempts: np.ndarray,
    places: np.ndarray,
    stack_pages: tuple[int, ...],
    compacted_after: int | None,
) -> tuple[Ops, np.ndarray]:
    """The operations with what isn't traced between them; before which ones that was put, i8.

    `attempts` bool[ops]: inside a huge-page attempt, `places` i8[snapshots]: operations done at
    each snapshot, `stack_pages`: pages of kernel stacks there, or nothing, `compacted_after`: the
    snapshot after which all memory was compacted.
    DEVIATION: D15, an attempt's three failed requests follow each other at once.
    DEVIATION: D16, kernel stacks come and go evenly between two snapshots.
    """
    failures = _failures(ops.ids, attempts, (ops.flags & HUGE) > 0)
    parts = [failures, _stacks(ops.ids + int((failures.kind == ALLOC).sum()), places, stack_pages)]
    if compacted_after is not None:
        at = min(places[compacted_after] + 1, len(ops))
        parts.append(Untraced(*(np.array([n], np.int64) for n in (at, COMPACT, 0, 0))))
    at, kind, ids, huge = (np.concatenate(column) for column in zip(*parts, strict=True))
    sequence = np.argsort(at, kind="stable")
    at, kind, huge = at[sequence], kind[sequence].astype(np.uint8), huge[sequence] > 0
    asked = huge & (kind == ALLOC)
    added = Ops(
        kind=kind,
        id=ids[sequence].astype(np.int32),
        order=np.where(huge, HUGE_ORDER, 0).astype(np.uint8),
        mobility=np.where(asked, MOVABLE, UNMOVABLE).astype(np.uint8),
        flags=np.where(asked, HUGE, 0).astype(np.uint8),
        offset=np.zeros(len(at), np.uint16),
        time_us=np.concatenate(([0], ops.time_us))[at],
    )
    return joined(ops, added, at), at


def moved(places: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Numbers of operations done, i8, after `with_untraced` has put some in."""
    return places + np.searchsorted(at, places, side="right")


def stretches(attempts: np.ndarray) -> np.ndarray:
    """First operation of each huge-page attempt and the first after it, i8[attempts, 2]."""
    return np.flatnonzero(np.diff(attempts.astype(np.int8), prepend=0, append=0)).reshape(-1, 2)


def _failures(first_id: int, attempts: np.ndarray, huge: np.ndarray) -> Untraced:
    """The requests with which each attempt ended: those that failed.

    They follow the last success. Where one is met, it is freed at once, for the kernel didn't have
    its pages. Direct reclaim for them drained the per-CPU lists: as the frees that it made, that is
    in the stream.
    Source: 6.1 __alloc_pages_direct_reclaim.
    """
    edges = stretches(attempts)
    last = np.maximum.accumulate(np.where(huge, np.arange(1, len(huge) + 1), 0))
    asked_at = np.array([max(first, last[end - 1]) for first, end in edges], np.int64)
    kinds = np.array([ALLOC, FREE_OP] * TRIES + [DRAIN])
    tries = first_id + np.arange(TRIES * len(edges)).reshape(-1, TRIES)
    ids = np.insert(np.repeat(tries, 2, axis=1), 2 * TRIES, 0, axis=1)
    huge = np.broadcast_to((kinds != DRAIN).astype(np.int64), ids.shape)
    at = np.repeat(asked_at, len(kinds))
    return Untraced(at, np.tile(kinds, len(edges)), ids.ravel(), huge.ravel())


def _stacks(first_id: int, places: np.ndarray, pages: tuple[int, ...]) -> Untraced:
    """Requests and frees by which kernel stacks follow their count, page by page.

    They come from the bulk allocator, which has no event in 6.1.
    Source: 6.1 alloc_thread_stack_node, vm_area_alloc_pages; KernelStack of /proc/meminfo.
    """
    at, kinds, ids, live = [], [], [], []
    for number in range(1, len(pages) if len(pages) == len(places) else 0):
        change = max(pages[number] - pages[0], 0) - len(live)
        before, after = int(places[number - 1]), int(places[number])
        for step in range(1, abs(change) + 1):
            if change > 0:
                ids.append(first_id + len(ids))
                live.append(ids[-1])
            else:
                ids.append(live.pop(len(ids) * SCATTER % len(live)))
            kinds.append(ALLOC if change > 0 else FREE_OP)
            at.append(before - (before - after) * step // abs(change))
    columns = (np.array(column, np.int64) for column in (at, kinds, ids))
    return Untraced(*columns, np.zeros(len(at), np.int64))


def set_classes(page_class: np.ndarray, kernel_class: np.ndarray) -> None:
    """Set the classes of pages that the requests hold free and snapshots show otherwise.

    `page_class` u1[pages] at the start, `kernel_class` u1[snapshots, pages].
    """
    free = page_class == FREE
    first = kernel_class[:FIRST_SNAPSHOTS]
    page_class[free & (first[0] == NOPAGE_CLASS)] = HOLE
    page_class[free & (first[0] != BUDDY_CLASS) & (page_class == FREE)] = PCP_FREE
    # In use without an event: from the bulk allocator, or by a request not in the start's list.
    never_buddy = free & ~(first == BUDDY_CLASS).any(axis=0)
    page_class[never_buddy & (page_class == PCP_FREE)] = KERNEL_UNKNOWN


def on_pcp_lists(
    page_class: np.ndarray, kept: np.ndarray, kernel_class: np.ndarray, mobility: np.ndarray
) -> np.ndarray:
    """Pages that seem the kernel's at the start, but were free on a per-CPU list, bool[pages].

    A later snapshot shows them free on a buddy list or held by a traced request, though nothing
    freed them. `kept` bool[pages]: that an operation frees; arrays of snapshots as in the file.
    """
    seen = (kernel_class == BUDDY_CLASS).any(axis=0)
    seen |= (mobility < TRACED_MOBILITIES).any(axis=0)
    return seen & ~kept & (page_class == KERNEL_UNKNOWN)
