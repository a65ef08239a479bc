"""The simulator against what real kernels did with the same requests."""

import csv
from pathlib import Path

import numpy as np
import pytest

from allocator.mechanism import load_mechanism
from pipeline.config import load_stream
from pipeline.metrics import METRICS
from pipeline.metrics.evidence import Evidence
from pipeline.recording import Recording
from pipeline.simulate import simulate
from tests.real import real_folder
from workloads import load_workload
from workloads.stream import Stream

FIGURES = ("mixed", "nonmov_blocks", "potential_huge")
# Points of mixed, blocks, blocks.
WITHIN = {"files": (1.5, 2, 2), "mixed3": (2, 3, 3)}
# With both mechanisms the real kernel had 42 spoiled pageblocks at the end of the load, where every
# replay by these rules has 38; why isn't known (KERNEL.md, section 12).
WITHIN_BOTH = {"files": (1.5, 2, 2), "mixed3": (2, 4, 4)}

pytestmark = pytest.mark.speed


def simulated(stream: Stream, mechanism: str, path: Path) -> dict[str, tuple[float, ...]]:
    """The figures of each judged phase.

    Requests for huge pages may fail, others but for a moment: the kernel took the stacks between
    two snapshots when it had the pages for them.
    """
    simulate(stream, load_mechanism(mechanism), path)
    recording = Recording.open(path)
    small = sum(int(recording.column(f"failed_order_{order}")[-1]) for order in range(9))
    assert small <= 10
    assert recording.dropped_events == 0
    evidence = Evidence(recording)
    values = {name: METRICS[name].measure(evidence) for name in FIGURES}
    frames = {
        phase["name"]: int(np.searchsorted(recording.ops, phase["sample_op"]))
        for phase in recording.header["phases"]
    }
    return {
        phase: tuple(float(values[name][frames[phase]]) for name in FIGURES) for phase in WITHIN
    }


def test_the_shipped_stream_does_what_that_kernel_did(tmp_path: Path) -> None:
    """The kernel's own figures: 27.1 % mixed, 71 and 143 blocks; then 93.5 %, 213 and 1."""
    figures = simulated(load_workload("debian-6.1-churn"), "6.1-off", tmp_path / "a.reel")
    assert figures["files"] == pytest.approx((100 * 58 / 214, 71, 143))
    assert figures["mixed3"] == pytest.approx((100 * 200 / 214, 213, 1))


@pytest.mark.parametrize(
    ("folder", "mechanism", "within"),
    [
        ("c_nogroup", "6.1-off", WITHIN),
        ("a_group_mig", "6.1-list", WITHIN),
        ("b_movable_minfree", "6.1-both", WITHIN_BOTH),
    ],
)
def test_real_recordings_under_their_own_mechanism(
    tmp_path: Path, folder: str, mechanism: str, within: dict[str, tuple[float, ...]]
) -> None:
    recorded = real_folder(folder)
    figures = simulated(load_stream(recorded), mechanism, tmp_path / "a.reel")
    real = real_figures(recorded / "series.csv")
    for phase, tolerance in within.items():
        for name, mine, theirs, most in zip(
            FIGURES, figures[phase], real[phase], tolerance, strict=True
        ):
            assert abs(mine - theirs) <= most, f"{phase} {name}: {mine} for {theirs}"


def real_figures(path: Path) -> dict[str, tuple[float, ...]]:
    """A phase's last sample without huge pages."""
    figures = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            if int(row["hugetlb"]) == 0:
                mixed = 100 * int(row["mixed"]) / int(row["eligible"])
                others = (float(row[name]) for name in FIGURES[1:])
                figures[row["phase"]] = (mixed, *others)
    return figures
