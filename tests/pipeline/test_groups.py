"""Recordings grouped by all but their seed, and brought onto one clock."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.artefacts.groups import clock_of, groups_of, on_clock, spread
from pipeline.config import UsageError
from pipeline.recording import Recording, RecordingWriter
from tests.pipeline.small import header

PHASES = ("load", "rest")


def recording(
    path: Path,
    name: str = "6.1-off",
    seed: int = 0,
    ops: tuple[int, ...] = (0, 10, 20, 30, 40),
    rest: int = 20,
    **more: object,
) -> Recording:
    """A recording with frames at these operations; phase `rest` begins at that one."""
    starts = (0, rest)
    mechanism = {"name": name, "title": "a test's", **more.pop("mechanism", {})}
    about = header(
        512, seed=seed, mechanism=mechanism, **more,
        phases=[{"name": n, "title": n, "start_op": s, "sample_op": s}
                for n, s in zip(PHASES, starts, strict=True)],
    )  # fmt: skip
    with RecordingWriter(path, about) as writer:
        for op in ops:
            writer.append(
                op=op, time_us=op * 1000, phase=int(op >= rest), grid=np.zeros(512, np.uint8),
                block_types=np.zeros(1, np.uint8),
                series=np.zeros(len(about["series_columns"]), np.int64),
            )  # fmt: skip
    return Recording.open(path)


def labels(recordings: list[Recording]) -> dict[str, list[int]]:
    return {g.label: [r.header["seed"] for r in g.recordings] for g in groups_of(recordings)}


def test_seeds_of_one_mechanism_are_one_group(tmp_path: Path) -> None:
    made = [recording(tmp_path / f"{name}{seed}.reel", name, seed)
            for seed in (3, 1) for name in ("6.1-off", "6.1-list")]  # fmt: skip
    assert labels(made) == {"6.1-off": [3, 1], "6.1-list": [3, 1]}


def test_a_seed_that_comes_again_is_another_group(tmp_path: Path) -> None:
    made = [recording(tmp_path / f"{n}.reel", seed=seed) for n, seed in enumerate((0, 1, 0, 1))]
    assert labels(made) == {"6.1-off": [0, 1], "6.1-off, (2)": [0, 1]}


def test_parameters_and_titles_tell_groups_apart(tmp_path: Path) -> None:
    made = [
        recording(tmp_path / "a.reel"),
        recording(tmp_path / "b.reel", mechanism={"parameters": {"kernelcore": "30%"}}),
        recording(tmp_path / "c.reel", mechanism={"title": "real kernel"}),
        recording(tmp_path / "d.reel", "6.1-list"),
    ]
    assert list(labels(made)) == [
        "6.1-off, a test's", "6.1-off, kernelcore=30%, a test's", "6.1-off, real kernel",
        "6.1-list",
    ]  # fmt: skip


def test_machines_of_other_sizes_are_no_seeds(tmp_path: Path) -> None:
    workloads = [{"name": "churn", "title": "", "parameters": {"memory_mib": m}} for m in (1, 2)]
    made = [recording(tmp_path / f"{n}.reel", seed=n, workload=w) for n, w in enumerate(workloads)]
    assert labels(made) == {"6.1-off, memory_mib=1": [0], "6.1-off, memory_mib=2": [1]}


def test_other_workloads_have_no_common_clock(tmp_path: Path) -> None:
    other = {"name": "churn", "title": "churn"}
    made = [recording(tmp_path / "a.reel"), recording(tmp_path / "b.reel", workload=other)]
    with pytest.raises(UsageError, match=r"b\.reel is of churn, .*a\.reel of test"):
        groups_of(made)


def test_the_same_stream_has_the_same_frames(tmp_path: Path) -> None:
    one = recording(tmp_path / "a.reel", ops=(0, 1, 7, 20, 21, 40))
    other = recording(tmp_path / "b.reel", ops=(0, 1, 7, 20, 21, 40))
    assert on_clock(other, one).tolist() == [0, 1, 2, 3, 4, 5]


def test_other_seeds_are_met_at_the_same_part_of_the_phase(tmp_path: Path) -> None:
    """The other's load is twice as long, its rest half as long."""
    one = recording(tmp_path / "a.reel", ops=(0, 10, 20, 30, 40), rest=20)
    other = recording(tmp_path / "b.reel", ops=(0, 10, 21, 30, 40, 45, 50), rest=40)
    assert on_clock(other, one).tolist() == [0, 2, 4, 5, 6]


def test_a_cut_recording_has_no_values_beyond_its_end(tmp_path: Path) -> None:
    whole = recording(tmp_path / "a.reel", seed=1)
    cut = tmp_path / "b.reel"
    recording(cut, seed=2, ops=(0, 10, 20))
    cut.write_bytes(cut.read_bytes()[:-1])
    cut = Recording.open(cut)
    assert clock_of([cut, whole]) is whole
    assert on_clock(cut, whole).tolist() == [0, 1, 2, -1, -1]


def test_the_spread_is_told_where_all_seeds_have_a_value(tmp_path: Path) -> None:
    made = [recording(tmp_path / f"{seed}.reel", seed=seed) for seed in range(3)]
    values = {0: [1, 2, 3, 4, np.nan], 1: [2, 2, np.nan, 8, 1], 2: [6, 2, 5, 0, 1]}
    (group,) = groups_of(made)
    of = spread(group, made[0], lambda r: np.array(values[r.header["seed"]], float))
    nan = np.nan
    np.testing.assert_array_equal(of.mean, [3, 2, nan, 4, nan])
    np.testing.assert_array_equal(of.least, [1, 2, nan, 0, nan])
    np.testing.assert_array_equal(of.greatest, [6, 2, nan, 8, nan])
