"""Measures of a recording, and those of further seeds."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from allocator.mechanism import load_mechanism
from pipeline.config import RunConfig, repeated
from pipeline.measures import (
    COSTS,
    FRAGMENTING,
    MEASURES,
    TOTAL,
    fragmenting,
    measures_of,
    sample_frames,
)
from pipeline.metrics import METRICS
from pipeline.metrics.evidence import Evidence
from pipeline.recording import Recording
from pipeline.run_folder import RunFolder, read_table
from pipeline.samples import fragmenting_name, replayed
from pipeline.simulate import simulate
from tests.pipeline.commands import Commands
from tests.workloads.folders import operations, small_stream
from workloads import load_workload
from workloads.packed import pack

CHURN = {"memory_mib": "24", "requests": "6000"}


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    path = tmp_path_factory.mktemp("measures") / "whole.reel"
    simulate(load_workload("churn", CHURN), load_mechanism("6.1-list"), path, frames=50)
    return Recording.open(path)


def test_few_frames_give_the_same_figures_as_many(recording: Recording, tmp_path: Path) -> None:
    path = tmp_path / "few.reel"
    stream = load_workload("churn", CHURN)
    simulate(stream, load_mechanism("6.1-list"), path, frames=None, watched=False)
    few = Recording.open(path)
    assert len(few) < 8 < len(recording)
    pd.testing.assert_frame_equal(measures_of(few), measures_of(recording))


def test_each_measure_stands_once_and_is_known(recording: Recording) -> None:
    table = measures_of(recording)
    assert not table.duplicated(["phase", "measure"]).any()
    assert set(table["measure"]) == set(MEASURES)
    in_total = set(table[table["phase"] == TOTAL]["measure"])
    assert in_total == set(MEASURES) - set(METRICS)
    phases = [phase["name"] for phase in recording.header["phases"]]
    assert table["phase"].unique().tolist() == [*phases, TOTAL]


def test_counts_are_those_of_the_counters_and_events(recording: Recording) -> None:
    values = measures_of(recording).set_index(["phase", "measure"])["value"]
    for name in set(COSTS) - set(METRICS):
        assert values[TOTAL, name] == recording.column(name)[-1]
    counted = replayed("churn", "6.1-list", {}, 0)  # another size: only the names are looked at
    assert (TOTAL, fragmenting_name("unmovable", "movable")) in counted
    assert values[TOTAL, "extfrag_events"] == sum(
        recording.column(name)[-1] for name in recording.header["series_columns"]
        if name.startswith("fallbacks_")
    )  # fmt: skip
    parts = ("unmovable", "reclaimable", "movable")
    together = sum(values[TOTAL, f"extfrag_for_{part}"] for part in parts)
    assert 0 < together == values[TOTAL, "extfrag_fragmenting"] < values[TOTAL, "extfrag_events"]


def test_an_index_that_says_it_would_succeed_is_no_figure(recording: Recording) -> None:
    values = measures_of(recording).set_index(["phase", "measure"])["value"]
    index = METRICS["extfrag_index"].measure(Evidence(recording))
    told = [(values[phase["name"], "extfrag_index"], index[f])
            for phase, f in sample_frames(recording)]  # fmt: skip
    assert any(of == -1 for _, of in told)
    assert all(np.isnan(value) if of == -1 else value == of for value, of in told)


def test_without_types_there_are_no_fallbacks_to_count(tmp_path: Path) -> None:
    path = tmp_path / "off.reel"
    simulate(load_workload("churn", CHURN), load_mechanism("6.1-off"), path, frames=None)
    assert np.isnan(list(fragmenting(Recording.open(path)).values())).all()


def test_dropped_events_are_no_count(recording: Recording) -> None:
    cut = Recording.open(recording.path)
    cut.dropped_events = 1
    assert np.isnan([fragmenting(cut)[name] for name in FRAGMENTING]).all()


def test_a_run_keeps_the_figures_of_further_seeds(pagereel: Commands, tmp_path: Path) -> None:
    target = tmp_path / "run"
    small = ["-w", "churn", "-p", "memory_mib=24", "-p", "requests=3000", "-m", "6.1-list"]
    options = ["--frames", "6", "--seed", "4", "--seed", "2", "--repeats", "2", "--only", "tables"]
    assert pagereel("run", *small, *options, "-o", target, "-j", 1).code == 0
    run = RunFolder.open(target)
    assert [recorded.seed for recorded in run.recordings] == [4, 2]
    assert [recorded.seed for recorded in run.repeats] == [5, 6]
    seeds = read_table(target / "seeds.csv")
    assert sorted(seeds["seed"].unique()) == [2, 4, 5, 6]
    assert sorted(read_table(target / "summary.csv")["seed"].unique()) == [2, 4]
    for path, recorded in zip(run.repeat_paths, run.repeats, strict=True):
        mine = seeds[seeds["seed"] == recorded.seed]
        values = mine["value"].to_numpy(float)
        np.testing.assert_allclose(values, measures_of(Recording.open(path))["value"], rtol=1e-11)
        assert "the same bytes" in pagereel("verify", path).out
    again = pagereel("run", *small, "--only", "tables", "-o", target, "--force", "-j", 1)
    assert again.code == 0
    assert list((target / "repeats").glob("*")) == []  # what the older run left is removed


def seeds_of(**config: object) -> list[int]:
    asked = RunConfig.model_validate({"mechanisms": ["6.1-list"], **config})
    return [cell.seed for cell in repeated(asked, [load_mechanism("6.1-list")])]


def test_a_recorded_stream_gets_ten_seeds_for_a_mail(tmp_path: Path) -> None:
    assert seeds_of() == list(range(1, 10))
    assert seeds_of(seeds=[7, 3]) == list(range(8, 16))
    assert seeds_of(artefacts=["tables", "mail"]) == list(range(1, 10))
    assert seeds_of(artefacts=["tables"]) == []  # nothing is said of noise there
    assert seeds_of(artefacts=["tables"], repeats=2) == [1, 2]
    assert seeds_of(repeats=0) == []
    assert seeds_of(workloads=["churn"]) == []  # may take long
    pack(small_stream(operations(*[(0, n, 0, 0) for n in range(2, 40)])), tmp_path / "s.npz")
    no_recorded_start = {"path": str(tmp_path / "s.npz")}  # which seeds would perturb
    assert seeds_of(workloads=[no_recorded_start]) == []
