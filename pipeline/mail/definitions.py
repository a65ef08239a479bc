"""What the rows of a mail are, for those who don't know the program."""

from collections.abc import Sequence

from pipeline.comparison.names import name_of
from pipeline.comparison.rows import Row
from pipeline.measures import MEASURES
from pipeline.metrics import METRICS

# Of which the name doesn't say it all.
EXPLAINED = (
    "mixed",
    "nonmov_blocks",
    "potential_huge",
    "unusable_index",
    "huge_success",
    "huge_allocated",
    "failed_requests",
    "extfrag_events",
    "extfrag_fragmenting",
    "extfrag_unmovable_in_movable",
    "extfrag_reclaimable_in_movable",
)
MOMENT = (
    "A phase's figures are those of one moment, mostly its end: those under load change from "
    'moment to moment. What stands there "so far" is counted from the start.'
)
ELIGIBLE = (
    "Eligible pageblocks: whole ones outside ZONE_DMA that have neither a hole nor a reserved "
    "page. Figures of pageblocks count these alone."
)


def definitions(rows: Sequence[Row]) -> tuple[str, ...]:
    """In sentences, of the rows that stand there."""
    names: dict[str, dict[str, None]] = {}
    for row in rows:
        name = name_of(row.measure, row.workload, row.phase)
        names.setdefault(row.measure, {})[name] = None
    told = [
        f"{'; '.join(names[measure])}: {MEASURES[measure].title}."
        for measure in EXPLAINED
        if measure in names
    ]
    if any(measure in METRICS for measure in names):
        told = [MOMENT, ELIGIBLE, *told]
    return tuple(told)
