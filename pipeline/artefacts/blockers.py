"""The figure "what blocks huge pages": what stood in the way of failed requests, with its data."""

import pandas as pd

from allocator.terms import HUGE_ORDER, PAGE_SIZE_BYTES
from pipeline.artefacts.groups import Group
from pipeline.metrics.blame import AGES, Blocked, blocked, counts_failures, shown_order
from pipeline.plain_text import counted, size_text
from pipeline.recording_format import BLAME_CAUSES
from renderer.blocks_figure import BlockBar, BlockPanel, BlocksFigure, Part
from renderer.palette import legend_order

NAME = "blockers"
NEAREST = (
    "Counted are the pages in use in the block that came nearest to each, the one with the fewest, "
    "where enough memory was free above the watermarks; without it no page is to blame."
)


def blockers_of(
    groups: list[Group], metadata: dict, source: str
) -> tuple[BlocksFigure, pd.DataFrame] | None:
    """The figure and its data; None where no recording tells. Raises RecordingError.

    Without those that count no failures, as recordings of real kernels.
    """
    groups = [group for group in groups if all(map(counts_failures, group.recordings))]
    order = shown_order([recording for group in groups for recording in group.recordings])
    if order is None:
        return None
    found = {group.label: blocked(group.recordings, order) for group in groups}
    bars = _kinds(found)
    several = any(len(group.recordings) > 1 for group in groups)
    what = "huge pages" if order == HUGE_ORDER else f"requests of order {order}"
    figure = BlocksFigure(
        title=f"What blocks {what}: {groups[0].recordings[0].header['title']}",
        unit="pages in the way, mean of these requests",
        ages=list(AGES),
        panels=[BlockPanel(_title(label, of), _bars(of, bars)) for label, of in found.items()],
        notes=[
            f"Failed requests of order {order} ({_bytes(order)})"
            + (", of all seeds together" if several else "") + f". {NEAREST}",
            source,
        ],
        metadata=metadata,
    )  # fmt: skip
    return figure, table(found)


def table(found: dict[str, Blocked]) -> pd.DataFrame:
    """A row for each mechanism, class, cause and age that stood in the way."""
    rows = [
        (label, of.order, of.failed_requests, of.blamed_requests, of.nearest_blocks, *share,
         share.pages / of.blamed_requests)
        for label, of in found.items()
        for share in of.shares
    ]  # fmt: skip
    columns = ["mechanism", "order", "failed_requests", "blamed_requests", "nearest_blocks",
               "page_class", "cause", "age", "pages", "pages_per_request"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def _kinds(found: dict[str, Blocked]) -> list[tuple[str, str]]:
    """Classes and causes in the order of the bars: the worst class first."""
    kinds = {(share.page_class, share.cause) for of in found.values() for share in of.shares}
    classes = legend_order(page_class for page_class, _ in kinds)
    return sorted(kinds, key=lambda kind: (classes.index(kind[0]), BLAME_CAUSES.index(kind[1])))


def _bytes(order: int) -> str:
    return size_text(PAGE_SIZE_BYTES << order >> 10)


def _title(label: str, of: Blocked) -> str:
    blocks = counted(of.nearest_blocks, "block")
    if of.zones:
        blocks += f" in {' and '.join(of.zones)}"
    return f"{label}: {of.blamed_requests:,} of {of.failed_requests:,} failed requests, {blocks}"


def _bars(of: Blocked, kinds: list[tuple[str, str]]) -> list[BlockBar]:
    bars = []
    for page_class, cause in kinds:
        shares = [s for s in of.shares if (s.page_class, s.cause) == (page_class, cause)]
        parts = [
            Part(AGES.index(s.age) if s.age in AGES else None, s.pages / of.blamed_requests)
            for s in sorted(shares, key=lambda s: [*AGES, s.age].index(s.age))
        ]
        bars.append(BlockBar(page_class, cause, parts))
    return bars
