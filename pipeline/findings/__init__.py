"""What is worth pointing at in recordings, found by rule. A new rule: a function, a line in RULES.

A rule finds what it finds: where nothing fits its thresholds there is no finding.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from pipeline.findings import blockage, comparison, pollution, published, requests
from pipeline.findings.case import Case
from pipeline.findings.finding import Finding
from pipeline.recording import Recording


class Rule(NamedTuple):
    """`find` gives findings, the weightiest first; the first `most` of a recording are kept."""

    title: str
    most: int
    find: Callable[..., Iterator[Finding]]


RULES = {
    "scatter": Rule("mobility types all over memory", 1, published.scatter),
    "reserve": Rule("the min_free reserve stays whole at low pfns", 1, published.reserve),
    "zone_movable": Rule("ZONE_MOVABLE is movable only", 1, published.zone_movable),
    "solid": Rule("pageblocks of one mobility most of the time", 1, published.solid),
    "zone_unused": Rule("requests fail, ZONE_MOVABLE has room", 2, published.zone_unused),
    "sparse_reclaimable": Rule(
        "sparse reclaimable pageblocks stay", 1, published.sparse_reclaimable
    ),
    "reserve_only": Rule("huge pages from the reserve alone", 2, published.reserve_only),
    "first_pollution": Rule("the first polluted pageblock", 1, pollution.first_pollution),
    "lone_page": Rule("one page spoils a pageblock", 1, pollution.lone_page),
    "converted": Rule("pageblocks that changed their type", 1, pollution.converted),
    "half_fit": Rule("half of the pageblocks are lost", 1, pollution.half_fit),
    "first_polluting_fallback": Rule(
        "the first fallback that pollutes", 1, requests.first_polluting_fallback
    ),
    "fallback_burst": Rule("fallbacks crowd", 2, requests.fallback_burst),
    "in_the_way": Rule("what stood in the way of requests", 6, blockage.in_the_way),
    "huge_attempts": Rule("what attempts at huge pages got", 6, requests.huge_attempts),
}

# The same of all recordings of a workload and seed together.
COMPARISONS = {
    "rest_difference": Rule("the greatest difference at rest", 1, comparison.rest_difference),
}


def findings_of(recordings: Sequence[Recording]) -> list[Finding]:
    """The findings of recordings: by frame, then in the order of the recordings and of the rules.

    Recordings of one workload and seed are compared with each other. The `place` of each finding
    is that of its recording here. Raises RecordingError.
    """
    places = [place for place, recording in enumerate(recordings) if len(recording)]
    return findings_in([Case(recordings[place], place) for place in places])


def findings_in(cases: Sequence[Case]) -> list[Finding]:
    """The same of recordings that have been read."""
    found = [
        finding
        for case in cases
        for rule in RULES.values()
        for finding in islice(rule.find(case), rule.most)
    ]
    together: dict[tuple[str, int], list[Case]] = {}
    for case in cases:
        together.setdefault((case.workload, case.seed), []).append(case)
    for same in together.values():
        for rule in COMPARISONS.values():
            found.extend(islice(rule.find(same), rule.most))
    return sorted(found, key=lambda finding: finding.first_frame)
