"""Rules on pollution: where it begins, what holds a pageblock back, what grouping gave away."""

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from allocator.terms import MIGRATETYPES, MOVABLE, RECLAIMABLE, UNMOVABLE
from pipeline.explain.words import a_or_an
from pipeline.findings.case import Case
from pipeline.findings.finding import Finding, named, several
from pipeline.genealogy.episodes import cause
from pipeline.genealogy.history import History
from pipeline.metrics.evidence import HUGE_PAGES, KERNEL_PAGES, MOVABLE_PAGES
from pipeline.recording_format import RENEWED
from pipeline.stretches import equal_stretches

KERNEL_TYPES = (UNMOVABLE, RECLAIMABLE)  # of pageblocks that are for pages that cannot move


def first_pollution(case: Case) -> Iterator[Finding]:
    """The first pageblock that is polluted in the recording and wasn't at its start.

    See pipeline/genealogy/episodes.py. Of several at one frame the one with the lowest pfn.
    """
    history = case.history
    begun = case.episodes[~case.episodes["at_start"]]
    if not len(begun):
        return
    first = begun[np.lexsort((begun["block"], begun["first_frame"]))[0]]
    frame, block = int(first["first_frame"]), int(first["block"])
    (start, last), pages = case.block_pfns(block)[0], int(history.kernel_pages[frame, block])
    names, grid = case.header["page_classes"], case.recording.grid(frame)[start : last + 1]
    movable = int((grid == names.index("movable")).sum()) if "movable" in names else 0
    why = cause(history, first)
    kind, _, migratetype = why.partition(" for ")
    after = f", after a {kind} for {a_or_an(migratetype)} request" if migratetype else ""
    yield case.finding(
        "first_pollution", (frame, first["last_frame"]), ((start, last),),
        f"First newly {'mixed' if movable else 'polluted'} pageblock: {block} "
        f"({history.zone_of(block)}){_what_came(history, frame, block, movable)}{after}.",
        block=block, kernel_pages=pages, movable_pages=movable, cause=why,
    )  # fmt: skip


def _what_came(history: History, frame: int, block: int, movable: int) -> str:
    """What polluted a pageblock between the frame before and this one, as far as both tell.

    So many `movable` pages are in it now.
    """
    before, count = int(history.block_kinds[frame - 1, block]), history.kernel_pages[frame, block]
    stay = f"{several(int(count), 'page')} that cannot move"
    if before & KERNEL_PAGES and movable:
        return f". {several(movable, 'movable page')} came in, beside {stay}"
    if before & KERNEL_PAGES:
        return f". It became movable, with {stay} in it"
    if before & MOVABLE_PAGES and movable:
        return f". {stay} came in, beside {movable:,} movable"
    if movable:
        return f". {stay} and {movable:,} movable came in between two frames"
    return f", of movable type. {stay} came in"


def lone_page(case: Case) -> Iterator[Finding]:
    """The page that, alone, keeps its pageblock from becoming a huge page for the longest.

    At each frame of the stretch it is the only page of an eligible pageblock that cannot move; the
    others are free or movable, none is of a huge page. For some time and at least a twentieth of
    the frames. The same pfn all the time; how often it has another holder than a frame before is
    told where the recording tells.
    """
    history = case.history
    spoilt = history.eligible & (history.block_kinds & HUGE_PAGES == 0)
    pfns = np.where(spoilt, history.lone_pfn, -1).T  # block by block
    blocks, starts, ends = equal_stretches(pfns)
    lengths = np.where(pfns[blocks, starts] < 0, 0, ends - starts)
    if not lengths.any():
        return
    longest = int(np.argmax(lengths))
    block, start, end = int(blocks[longest]), int(starts[longest]), int(ends[longest])
    if not case.lasts(start, end - 1):
        return
    pfn = int(pfns[block, start])
    names = {int(case.recording.grid(frame)[pfn]) for frame in range(start, end)}
    name = case.header["page_classes"][names.pop()] if len(names) == 1 else "kernel"
    name = "kernel" if name == "kernel_unknown" else name
    anew = _renewals(case, pfn, start, end)
    again = f", taken anew {several(anew, 'time')}," if anew else ","
    yield case.finding(
        "lone_page", (start, end - 1), ((pfn, pfn),),
        f"A single {name} page, pfn {pfn}{again} is all that keeps pageblock {block} from becoming "
        f"a huge page for {case.seconds(start, end - 1)}.",
        block=block, renewals=anew,
    )  # fmt: skip


def _renewals(case: Case, pfn: int, start: int, end: int) -> int:
    """Frames of [start, end) at which a page has another holder than a frame before."""
    if not case.recording.has_marks:
        return 0
    bits = [int(case.recording.marks(frame)[pfn]) & RENEWED for frame in range(start, end)]
    return sum(bit != before for before, bit in pairwise(bits))


def converted(case: Case) -> Iterator[Finding]:
    """Pageblocks that were movable at the start and end as another type.

    Eligible ones; only where the mechanism groups. Told from the frame on at which the first of
    them left movable for good.
    """
    history = case.history
    kernel = np.isin(history.types, KERNEL_TYPES)
    gone = (history.types[0] == MOVABLE) & kernel[-1] & history.eligible
    if not history.grouping or not gone.any():
        return
    back = len(case) - 1 - np.argmax(~kernel[::-1], axis=0)  # the last frame not of such a type
    counts = {MIGRATETYPES[t]: int((history.types[-1, gone] == t).sum()) for t in KERNEL_TYPES}
    empty = int((history.block_kinds[-1, gone] & KERNEL_PAGES == 0).sum())
    left = f"; {empty:,} of these {_hold(empty)} no page that cannot move" if empty else ""
    yield case.finding(
        "converted", (int(back[gone].min()) + 1, len(case) - 1), case.pfns(gone),
        f"Of the pageblocks of movable type {int(gone.sum()):,} {_end(int(gone.sum()))} as another "
        f"type: {named(counts)}{left}.",
        blocks=int(gone.sum()), without_kernel_pages=empty, **counts,
    )  # fmt: skip


def _hold(count: int) -> str:
    return "holds" if count == 1 else "hold"


def _end(count: int) -> str:
    return "ends" if count == 1 else "end"


def half_fit(case: Case) -> Iterator[Finding]:
    """The moment at which fewer than half of the eligible pageblocks can become a huge page.

    The metric potential_huge, without the frames at which memory is in huge pages. From the first
    frame below half, after one that isn't, to the last before half is reached again.
    """
    half = case.eligible / 2
    known = np.flatnonzero(~np.isnan(case.fit))
    below = case.fit[known] < half
    falls = np.flatnonzero(~below[:-1] & below[1:]) + 1
    if not len(falls):
        return
    rises = np.flatnonzero(~below[falls[0] :])
    first = int(known[falls[0]])
    last = int(known[falls[0] + rises[0]]) - 1 if len(rises) else len(case) - 1
    until = f"until frame {last + 1}" if len(rises) else "to the end"
    count = int(case.fit[first])
    yield case.finding(
        "half_fit", (first, last), case.pfns(case.history.eligible),
        f"Only {count:,} of {case.eligible:,} pageblocks can still become a huge page: below half, "
        f"from here {until}.",
        blocks=count,
    )  # fmt: skip
