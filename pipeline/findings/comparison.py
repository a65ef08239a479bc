"""Rules that hold the recordings of one workload and seed against each other."""

from collections.abc import Iterator, Sequence

import numpy as np

from pipeline.findings.case import Case
from pipeline.findings.finding import Finding, fitting
from pipeline.metadata import labels_of

AT_REST = "rest"  # how the names of phases begin in which a load has ended
WORTH_TELLING = 0.06


def rest_difference(cases: Sequence[Case]) -> Iterator[Finding]:
    """The greatest difference between two mechanisms at rest.

    Of the metric potential_huge at the samples of the phases named rest..., where no memory is in
    huge pages; at least one, and 6 % of the eligible pageblocks: repeats of one real boot differ by
    up to six points of mixed pageblocks at rest. Told of the mechanism that has least.
    """
    best = None
    for phase in cases[0].header["phases"]:
        if not phase["name"].startswith(AT_REST):
            continue
        at = [(case, frame) for case in cases if (frame := _sample(case, phase)) is not None]
        at = [(case, frame) for case, frame in at if not np.isnan(case.fit[frame])]
        if len(at) < 2:
            continue
        least = min(at, key=lambda pair: pair[0].fit[pair[1]])
        most = max(at, key=lambda pair: pair[0].fit[pair[1]])
        span = most[0].fit[most[1]] - least[0].fit[least[1]]
        worth = max(WORTH_TELLING * least[0].eligible, 1)
        if span >= worth and (best is None or span > best[0]):
            best = span, phase["name"], least, most
    if best is None:
        return
    _, name, (least, frame), (most, other) = best
    yield least.finding(
        "rest_difference", (frame, frame), least.pfns(least.history.eligible),
        _sentence(name, (most, int(most.fit[other])), (least, int(least.fit[frame])), cases),
        phase=name, most_place=most.place, most_blocks=int(most.fit[other]),
        least_blocks=int(least.fit[frame]),
    )  # fmt: skip


def _sentence(
    phase: str, most: tuple[Case, int], least: tuple[Case, int], cases: Sequence[Case]
) -> str:
    """With names that tell the mechanisms apart, as long as these are short enough."""
    labels = dict(zip(cases, labels_of([case.header for case in cases]), strict=True))

    def told(high_name: str, low_name: str) -> str:
        (high_case, high), (low_case, low) = most, least
        return (
            f"At {phase}, {high:,} of {high_case.eligible:,} pageblocks can become a huge page "
            f"with {high_name}; {low:,} of {low_case.eligible:,} with {low_name}."
        )

    return fitting(told(labels[most[0]], labels[least[0]]), told("another mechanism", "this"))


def _sample(case: Case, phase: dict) -> int | None:
    """The frame of a phase's sample, None where the recording ends before."""
    frame = int(np.searchsorted(case.recording.ops, phase["sample_op"]))
    return frame if frame < len(case) else None
