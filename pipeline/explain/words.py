"""What events mean, in words: what was asked for, what was found, what was decided and by what."""

from collections.abc import Sequence

import numpy as np

from allocator.terms import MIGRATETYPES, PAGE_CLASSES, PFN_NONE
from pipeline.grouping import grouping_of, tells_types
from pipeline.recording_format import BLAME_CAUSES

UNTOLD = ("types are not told apart", "on a per-CPU list")  # say nothing that isn't said already


def fallback_words(header: dict, event: np.void, claims: Sequence[np.void]) -> str:
    """A request served from the lists of another type.

    Source: 6.1 __rmqueue_fallback, steal_suitable_fallback; v28 4/12, 8/12.
    """
    wanted, found = _type(event["migratetype"]), _type(event["fallback_migratetype"])
    order, fallback_order = int(event["order"]), int(event["fallback_order"])
    start = (
        f"{wanted} order-{order} request found no free {wanted} block: takes "
        f"{a_or_an(found)} order-{fallback_order} block"
    )
    return f"{start}, {_decision(header, event, claims)}"


def _decision(header: dict, event: np.void, claims: Sequence[np.void]) -> str:
    """What becomes of the pageblock, and why."""
    wanted, kept = _type(event["migratetype"]), _type(event["block_migratetype"])
    where = block_words(header, int(event["pfn"]))
    counted = counted_words(header, event)
    if claims:
        whole = event["fallback_order"] >= grouping_of(header)["block_order"]
        reason = ", free as a whole" if whole else f"{counted}{_decided(header, event, True)}"
        return f"claims {blocks_words(header, [int(c['pfn']) for c in claims])}{reason}"
    if kept == wanted:
        return f"in {where}, which is {wanted} already"
    if not counted:
        return f"{where} stays {kept}"
    decided = _decided(header, event, False)
    return f"and all free pages of {where} with it{counted}{decided}; it stays {kept}"


def _decided(header: dict, event: np.void, claimed: bool) -> str:
    """How what was counted decides over a claim. Source: 6.1 steal_suitable_fallback; v28 8/12."""
    grouping = grouping_of(header)
    if grouping["rule"] == "march-2007":
        return f", its free blocks counted as if all were of order {event['fallback_order']}"
    percent = grouping.get("claim_threshold_percent", 50)
    share = "half" if percent == 50 else f"{percent} %"
    return f" ({share} or more)" if claimed else f" (fewer than {share})"


def counted_words(header: dict, event: np.void) -> str:
    """What the choice was made by, after a comma; empty where nothing was counted."""
    if event["free_pages"] < 0:
        return ""
    block_pages = 1 << grouping_of(header)["block_order"]
    text = f", {event['free_pages']} of {block_pages} pages free"
    suits = event["alike_pages"] > 0
    return f"{text} and {event['alike_pages']} in use that suit it" if suits else text


def claimed_words(header: dict, claims: Sequence[np.void]) -> str:
    """Pageblocks that changed their type without a fallback."""
    claimed = [int(claim["pfn"]) for claim in claims]
    return f"{blocks_words(header, claimed)} becomes {_type(claims[0]['migratetype'])}"


def block_words(header: dict, pfn: int, of_type: str = "") -> str:
    """The pageblock of a page, of a migratetype where that is named.

    By its number where the mechanism's are those of the picture.
    """
    block_order, kind = grouping_of(header)["block_order"], f"{of_type} " if of_type else ""
    if block_order == header["geometry"]["pageblock_order"]:
        return f"{kind}pageblock {pfn >> block_order}"
    return f"the {kind}{1 << block_order}-page block at pfn {pfn >> block_order << block_order}"


def blocks_words(header: dict, pfns: Sequence[int]) -> str:
    """The pageblocks of several pages."""
    pfns = sorted(pfns)
    size_pages = 1 << grouping_of(header)["block_order"]
    if len(pfns) == 1:
        return block_words(header, pfns[0])
    if pfns[-1] - pfns[0] == (len(pfns) - 1) * size_pages:
        after = "one" if len(pfns) == 2 else str(len(pfns) - 1)
        return f"{block_words(header, pfns[0])} and the {after} after it"
    return " and ".join(block_words(header, pfn) for pfn in pfns)


def failure_words(header: dict, event: np.void, blame: np.ndarray) -> str:
    """A request that failed, and what stood in its way; `blame`: its rows, see pipeline.blame."""
    order = int(event["order"])
    pages = 1 << order
    start = f"{_asked(header, event)} fails"
    if order == 0:
        return f"{start}: no zone that it may use is above its watermark"
    if event["pfn"] == PFN_NONE:
        return f"{start}: no zone has {pages} pages above its watermark and reserve"
    in_the_way = pages - int(event["free_pages"])
    where = f"pfn {event['pfn']} to {event['pfn'] + pages - 1}"
    if order == header["geometry"]["pageblock_order"]:
        where = f"pageblock {event['pfn'] >> order}"
    if not in_the_way:
        return f"{start}: {where} is free, but kept back (watermark of that order, or reserve)"
    came = f"{where} came nearest, {in_the_way} of {pages} pages in use"
    return f"{start}: {came}{_of_what(blame)}"


def _asked(header: dict, event: np.void) -> str:
    """The request; its type only where the mechanism tells types apart."""
    if not tells_types(header):
        return f"order-{event['order']} request"
    return f"{_type(event['migratetype'])} order-{event['order']} request"


def _of_what(blame: np.ndarray) -> str:
    """Classes of the pages in the way, and what they stand there for where that is one thing."""
    if not len(blame):
        return ""
    codes, counts = np.unique(blame["page_class"], return_counts=True)
    parts = [
        f"{count} {PAGE_CLASSES[code].replace('_', ' ')}"
        for count, code in sorted(zip(counts.tolist(), codes.tolist(), strict=True), reverse=True)
    ]
    text = f": {', '.join(parts)}"
    causes = np.unique(blame["cause"]).tolist()
    told = len(causes) == 1 and BLAME_CAUSES[causes[0]] not in UNTOLD
    return f"{text}, {BLAME_CAUSES[causes[0]]}" if told else text


def _type(code: int) -> str:
    return MIGRATETYPES[int(code)]


def a_or_an(word: str) -> str:
    """A word with its article."""
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"
