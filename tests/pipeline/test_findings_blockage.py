"""The rule on what stood in the way of failed requests."""

from pathlib import Path

import numpy as np

from allocator.mechanism import load_mechanism
from pipeline.recording import Recording
from pipeline.recording_format import BLAME_DTYPE
from pipeline.simulate import simulate
from tests.pipeline.histories import ORDER, PAGES, M, found, phases, recorded
from workloads import load_workload

FRAMES = [["MM", "UMM", "M", ""]] * 6
PHASES = phases(("load", 0, 300), ("rest", 300, 600))


def failure(op: int, block: int, free: int, order: int = ORDER) -> tuple:
    return ("failure", op, block, M, 0, order, 0, 0, free)


def rows(op: int, *pages: tuple[int, int]) -> np.ndarray:
    result = np.zeros(len(pages), BLAME_DTYPE)
    result["failed_op"] = op
    for number, (pfn, page_class) in enumerate(pages):
        result["pfn"][number], result["page_class"][number] = pfn, page_class
    return result


def test_the_block_that_most_requests_came_nearest_to(tmp_path: Path) -> None:
    """Of those at it the failure with the fewest pages in the way is told."""
    events = [failure(110, 0, 14), failure(120, 1, 13), failure(130, 1, 14), failure(240, 1, 13)]
    blame = np.concatenate(
        [rows(120, (16, 3), (17, 2), (18, 2)), rows(130, (16, 3), (17, 2)), rows(240, (16, 3))]
    )
    here = recorded(tmp_path / "a.reel", FRAMES, events=events, blame=blame, phases=PHASES)
    (finding,) = found(here, "in_the_way")
    assert finding.sentence == (
        "load: of 4 failed requests, 3 came nearest to pageblock 1 (order 4); in the way: "
        "1 unmovable, 1 movable."
    )
    assert (finding.first_frame, finding.last_frame) == (2, 3)
    assert (finding.first_pfn, finding.last_pfn) == (16, 17)
    assert finding.pfns == ((16, 17),)
    assert finding.more == {"failures": 4, "at_this_block": 3, "in_use_pages": 2}


def test_each_phase_and_smaller_orders(tmp_path: Path) -> None:
    events = [failure(110, 1, 15), failure(310, 2, 1, order=1), failure(320, 2, 1, order=1)]
    blame = np.concatenate([rows(110, (20, 3)), rows(310, (32, 2)), rows(320, (32, 2))])
    here = recorded(tmp_path / "a.reel", FRAMES, events=events, blame=blame, phases=PHASES)
    assert sorted(finding.sentence for finding in found(here, "in_the_way")) == [
        "load: of 1 failed request, 1 came nearest to pageblock 1 (order 4); in the way: "
        "1 unmovable.",
        "rest: of 2 failed requests, 2 came nearest to pfn 32 (order 1); in the way: 1 movable.",
    ]


def test_nothing_to_blame(tmp_path: Path) -> None:
    """Too little memory; a block that was kept back; an order-0 request; no failure."""
    for number, events in enumerate(
        ([failure(110, -1, -1)], [failure(110, 1, PAGES)], [failure(110, 1, 0, order=0)], [])
    ):
        here = recorded(tmp_path / f"{number}.reel", FRAMES, events=events, phases=PHASES)
        assert not found(here, "in_the_way")


def test_in_a_run(tmp_path: Path) -> None:
    """What the sentence counts is what the events and the blame hold."""
    parameters = {"memory_mib": "24", "requests": "15000", "long_lived_share": "0.6"}
    stream = load_workload("churn", parameters, seed=5)
    simulate(stream, load_mechanism("2007-list"), tmp_path / "a.reel", frames=20)
    recording = Recording.open(tmp_path / "a.reel")
    findings = found(recording, "in_the_way")
    assert findings
    for finding in findings:
        pfns = recording.blame["pfn"]
        inside = (pfns >= finding.first_pfn) & (pfns <= finding.last_pfn)
        counts = np.unique(recording.blame["failed_op"][inside], return_counts=True)[1]
        assert finding.more["in_use_pages"] == counts.min()
        assert finding.more["at_this_block"] <= finding.more["failures"]


def test_pages_between_those_in_the_way_are_not_meant(tmp_path: Path) -> None:
    events = [failure(110, 1, 12)]
    blame = rows(110, (17, 3), (18, 3), (22, 3), (30, 2))
    here = recorded(tmp_path / "a.reel", FRAMES, events=events, blame=blame, phases=PHASES)
    (finding,) = found(here, "in_the_way")
    assert finding.pfns == ((17, 18), (22, 22), (30, 30))
    assert (finding.first_pfn, finding.last_pfn) == (17, 30)
