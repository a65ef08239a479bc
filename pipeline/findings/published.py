"""What M. Gorman pointed out in his videos of 1 March 2007, each as a rule.

A rule is a function of a Case that gives its findings, the weightiest first; none where it finds
nothing. Each names its thresholds and why they are where they are.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from pipeline.findings.case import Case
from pipeline.findings.finding import Finding, several
from pipeline.metrics.evidence import (
    HUGE_PAGES,
    KERNEL_PAGES,
    MOVABLE_PAGES,
    RECLAIMABLE_PAGES,
    UNMOVABLE_PAGES,
)
from pipeline.stretches import longest_stretch, stretches

EIGHTHS = 8
SCATTERED = 0.25
SPARSE = 8
PAGEBLOCKS_NAMED = 4


def scatter(case: Case) -> Iterator[Finding]:
    """Pages of different mobility all over the physical address space.

    "All over": in every eighth of the eligible pageblocks, in pfn order, at least a quarter is
    mixed. Of an eighth that is kept for one kind far fewer are. Told once, for the longest such
    stretch, at its worst frame.
    """
    history = case.history
    numbers = np.flatnonzero(history.eligible)
    if len(numbers) < EIGHTHS:
        return
    mixed = (history.block_kinds & MOVABLE_PAGES > 0) & (history.block_kinds & KERNEL_PAGES > 0)
    parts = np.array_split(numbers, EIGHTHS)
    least = np.min([mixed[:, part].mean(axis=1) for part in parts], axis=0)
    start, end = longest_stretch(least >= SCATTERED)
    if start == end:
        return
    count = mixed[:, numbers].sum(axis=1)
    worst = start + int(np.argmax(count[start:end]))
    yield case.finding(
        "scatter", (start, end - 1), case.pfns(history.eligible),
        f"Mobility types lie scattered all over: at frame {worst:,}, {count[worst]:,} of "
        f"{case.eligible:,} pageblocks are mixed; in each eighth of them at least "
        f"{least[worst]:.0%}.",
        frame=worst, mixed_blocks=int(count[worst]),
    )  # fmt: skip


class Kept(NamedTuple):
    """A pageblock that stays whole for the frames [start, end), one of `most` in its zone."""

    start: int
    end: int
    block: int
    most: int
    zone: dict


def reserve(case: Case) -> Iterator[Finding]:
    """A pageblock that stays whole at low pfns while all others go: what min_free keeps.

    For the longest stretch of `_kept`. Counted are the huge pages that are seen to appear in the
    zone then: Gorman saw them "always come from here".
    """
    kept = max(_kept(case), key=lambda stretch: stretch.end - stretch.start, default=None)
    if kept is None:
        return
    start, end, block, most, zone = kept
    appear = _huge_appear(case)[start + 1 : end]
    own, all_huge = int(appear[:, block].sum()), int(appear.sum())
    up = (case.history.start_pfn(block) - zone["start_pfn"]) / (zone["end_pfn"] - zone["start_pfn"])
    which = "the only one" if most == 1 else f"one of the last {most}"
    got = ""
    if all_huge:
        got = f" {own} of {several(all_huge, 'huge page')} got then {_lie(own)} there."
    yield case.finding(
        "reserve", (start, end - 1), case.block_pfns(block),
        f"Pageblock {block}, {up:.0%} up zone {zone['name']}, stays whole for "
        f"{case.seconds(start, end - 1)}, {which}; min_free is worth "
        f"{several(_worth(case, zone), 'pageblock')}.{got}",
        block=block, zone=zone["name"], huge_pages=all_huge, huge_pages_here=own,
    )  # fmt: skip


def _lie(count: int) -> str:
    return "lies" if count == 1 else "lie"


def _kept(case: Case) -> list[Kept]:
    """Where pageblocks are kept whole (free, or one huge page) by a zone's MIN watermark.

    At each frame of the stretch the zone has no more whole pageblocks than that watermark is worth
    (rounded up); at one of them, at least, no more free pages than its HIGH watermark with what it
    keeps from requests for higher zones: the reserve was all that was left. The pageblock lies in
    the lower half of the zone ("towards the start of memory"), and stays whole for at least a
    twentieth of the frames. Zones whose watermarks or free pages aren't told keep nothing.
    """
    found = []
    for zone in case.history.zones:
        free = case.column(f"free_pages:{zone['name']}")
        if free is None or "high_pages" not in zone or "min_pages" not in zone:
            continue
        whole = _whole(case, zone)
        few = whole.sum(axis=1) <= _worth(case, zone)
        level = zone["high_pages"] + max(zone.get("lowmem_reserve_pages") or [0])
        short = free <= level
        middle = (zone["start_pfn"] + zone["end_pfn"]) // 2
        for block in np.flatnonzero((whole & few[:, None]).any(axis=0)).tolist():
            start, end = longest_stretch(whole[:, block] & few)
            if (
                case.lasts(start, end - 1)
                and short[start:end].any()
                and case.history.start_pfn(block) < middle
            ):
                most = int(whole[start:end].sum(axis=1).max())
                found.append(Kept(start, end, block, most, zone))
    return found


def _worth(case: Case, zone: dict) -> int:
    """Pageblocks that a zone's MIN watermark amounts to, rounded up."""
    return max(-(-zone["min_pages"] >> case.history.block_order), 1)


def _whole(case: Case, zone: dict) -> np.ndarray:
    """Eligible pageblocks of a zone that are free or a huge page, bool[frames, blocks]."""
    history = case.history
    whole = (history.block_kinds == 0) | (history.block_kinds == HUGE_PAGES)
    return whole & history.eligible & history.zone_blocks(zone)


def _huge_appear(case: Case) -> np.ndarray:
    """Where a pageblock becomes a huge page from one frame to the next, bool[frames, blocks]."""
    huge = case.history.block_kinds & HUGE_PAGES > 0
    appear = np.zeros_like(huge)
    appear[1:] = huge[1:] & ~huge[:-1]
    return appear


def zone_movable(case: Case) -> Iterator[Finding]:
    """Above the boundary all is movable: ZONE_MOVABLE never holds a page that cannot move.

    Its eligible pageblocks, at all frames, and some of them in use at some frame. Pages from before
    a recording stay where its kernel had put them; so pageblocks with reserved pages don't count.
    """
    for zone in case.history.zones:
        inside = case.history.zone_blocks(zone) & case.history.eligible
        held = case.history.block_kinds[:, inside]
        if (
            zone["name"] != "Movable"
            or (held & KERNEL_PAGES).any()
            or not (held & MOVABLE_PAGES).any()
        ):
            continue
        yield case.finding(
            "zone_movable", (0, len(case) - 1), case.pfns(inside),
            f"The {several(int(inside.sum()), 'eligible pageblock')} of ZONE_MOVABLE hold no page "
            f"that cannot move, in any of {len(case):,} frames.",
            blocks=int(inside.sum()),
        )  # fmt: skip


def solid(case: Case) -> Iterator[Finding]:
    """Boxes outside ZONE_MOVABLE remain of one colour the majority of the time.

    Of the eligible pageblocks there that hold pages in use, more than half, as counted over all
    frames, hold pages of one mobility only ("majority" is Gorman's word). Kernel pages of unknown
    mobility differ from movable ones only.
    """
    below, zone = case.history.eligible.copy(), ""
    for entry in case.history.zones:
        if entry["name"] == "Movable":
            below &= ~case.history.zone_blocks(entry)
            zone = " outside ZONE_MOVABLE"
    held = case.history.block_kinds[:, below]
    used = held & (MOVABLE_PAGES | KERNEL_PAGES) > 0
    both = (held & UNMOVABLE_PAGES > 0) & (held & RECLAIMABLE_PAGES > 0)
    both |= (held & MOVABLE_PAGES > 0) & (held & KERNEL_PAGES > 0)
    if not used.any() or 2 * both.sum() >= used.sum():
        return
    share = 1 - both.sum() / used.sum()
    yield case.finding(
        "solid", (0, len(case) - 1), case.pfns(below),
        f"Pageblocks in use{zone} hold pages of one mobility in {share:.0%} of cases, over all "
        f"{len(case):,} frames.",
        share=float(share),
    )  # fmt: skip


def zone_unused(case: Case) -> Iterator[Finding]:
    """Requests fail while ZONE_MOVABLE has pages to spare.

    To spare: at every frame next to a failure of that phase and order, more than the zone's HIGH
    watermark and what was asked for, so that reclaim, content with the watermarks, leaves the zone
    alone. By phase and order, most failures first.
    """
    zones = [zone for zone in case.history.zones if zone["name"] == "Movable"]
    if not zones or "high_pages" not in zones[0] or not len(case.failures):
        return
    zone = zones[0]
    free = case.column(f"free_pages:{zone['name']}")
    if free is None:
        return
    shown = np.minimum(case.history.frames_of(case.failures["op"]), len(case) - 1)
    phase = case.phase_of_frame[shown]
    keys, counts = np.unique(np.c_[phase, case.failures["order"]], axis=0, return_counts=True)
    for number in np.argsort(-counts, kind="stable").tolist():
        of, order = keys[number].tolist()
        frames = shown[(phase == of) & (case.failures["order"] == order)]
        least = int(np.minimum(free[frames], free[np.maximum(frames - 1, 0)]).min())
        if least - (1 << order) <= zone["high_pages"]:
            continue
        pages = zone["end_pfn"] - zone["start_pfn"]
        yield case.finding(
            "zone_unused", (frames[0], frames[-1]), ((zone["start_pfn"], zone["end_pfn"] - 1),),
            f"{several(int(counts[number]), 'request')} of order {order} "
            f"{'fails' if counts[number] == 1 else 'fail'} in "
            f"{case.header['phases'][of]['name']} while ZONE_MOVABLE has {least:,} or more "
            f"pages free, {least / pages:.0%} of it.",
            failures=int(counts[number]), least_free_pages=least,
        )  # fmt: skip


def sparse_reclaimable(case: Case) -> Iterator[Finding]:
    """Pageblocks with a few reclaimable pages and nothing else, which stay so.

    A few: at most an eighth of the pageblock, so that each page in use costs seven. Told of those
    that are so at the end and were for a twentieth of the frames, from the frame on at which the
    last of them had become so.
    """
    history = case.history
    few = history.kernel_pages <= (1 << history.block_order) // SPARSE
    sparse = (history.block_kinds == RECLAIMABLE_PAGES) & few & history.eligible
    since = [int(start) for start in _since(sparse)]
    end = len(case) - 1
    lasting = np.array([start <= end and case.lasts(start, end) for start in since], bool)
    if not lasting.any():
        return
    first = max(start for start, there in zip(since, lasting, strict=True) if there)
    pages, blocks = int(history.kernel_pages[-1, lasting].sum()), int(lasting.sum())
    share = pages / (blocks << history.block_order)
    yield case.finding(
        "sparse_reclaimable", (first, len(case) - 1), case.pfns(lasting),
        f"{several(blocks, 'pageblock')} {'holds' if blocks == 1 else 'hold'} reclaimable pages "
        f"only, {pages:,} at the end ({share:.1%} of the room), for the last "
        f"{case.seconds(first, len(case) - 1)}.",
        blocks=blocks, pages=pages,
    )  # fmt: skip


def _since(there: np.ndarray) -> Iterator[int]:
    """For each column of bool[frames, n]: the frame since which it is True to the end."""
    for column in there.T:
        starts, ends = stretches(column)
        yield int(starts[-1]) if len(ends) and ends[-1] == len(column) else len(column)


def reserve_only(case: Case) -> Iterator[Finding]:
    """Huge pages that were got come from the min_free reserve alone.

    By phase: each pageblock that is seen to become a huge page in it is one that the watermark
    keeps whole, as in `reserve`.
    """
    appear, kept = _huge_appear(case), np.zeros_like(case.history.block_kinds, bool)
    for stretch in _kept(case):
        kept[stretch.start : stretch.end, stretch.block] = True
    for number, phase in enumerate(case.header["phases"]):
        there = appear & (case.phase_of_frame == number)[:, None]
        if not there.any() or (there & ~kept).any():
            continue
        blocks, when = there.any(axis=0), np.flatnonzero(there.any(axis=1))
        count, which = int(blocks.sum()), _names(np.flatnonzero(blocks).tolist())
        yield case.finding(
            "reserve_only", (when[0], when[-1]), case.pfns(blocks),
            f"In {phase['name']}, huge pages come from the min_free reserve alone: "
            f"{'pageblock' if count == 1 else 'pageblocks'} {which}; {case.eligible:,} are "
            "eligible.",
            blocks=count,
        )  # fmt: skip


def _names(blocks: list[int]) -> str:
    """Numbers of pageblocks, the first few of many."""
    more = len(blocks) - PAGEBLOCKS_NAMED
    first = ", ".join(map(str, blocks[:PAGEBLOCKS_NAMED]))
    return f"{first} and {more:,} more" if more > 0 else first
