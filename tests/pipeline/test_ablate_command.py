"""`pagereel ablate`: what it writes, on which streams, and what it refuses."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import workloads
from pipeline.ablation.compare import paired
from pipeline.ablation.report import WIDTH
from pipeline.ablation.rules import planned
from pipeline.config import MAIN_WORKLOAD
from pipeline.samples import BARE, replayed, seeded, stream_of
from tests.pipeline.commands import Commands
from tests.workloads.folders import operations, small_stream, write_folder
from workloads.packed import pack

FILES = ["ablation.csv", "ablation.pdf", "ablation.png", "ablation.svg", "ablation.txt"]


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A small recorded stream with a start of its own: without grouping, three phases."""
    return write_folder(tmp_path / "recorded")


def test_a_command_writes_text_table_and_figure(
    pagereel: Commands, tmp_path: Path, recorded: Path
) -> None:
    target = tmp_path / "made" / "ablation"
    command = ("ablate", recorded, "--starts", 3, "--rule", "per_cpu", "--rule", "bare")
    done = pagereel(*command, "--phase", "rest1", "-o", target, "-j", 1)
    assert done.code == 0, done.err
    assert sorted(path.name for path in target.iterdir()) == FILES
    assert (target / "ablation.txt").read_text() == done.out
    table = pd.read_csv(target / "ablation.csv")
    assert list(table) == [
        "stream", "mechanism", "rule", "parameters", "phase", "metric", "value_on", "value_off",
        "difference", "standard_error", "starts", "beyond_noise",
    ]  # fmt: skip
    assert len(table) == 2 * 5
    assert set(table["stream"]) == {"recorded"}
    assert set(table["starts"]) == {3}
    mechanism = seeded(str(recorded), 0).start.mechanism
    assert set(table["mechanism"]) == {mechanism}
    row = table.set_index(["rule", "metric"]).loc[("bare", "free_blocks")]
    assert row["parameters"] == " ".join(f"{key}={value}" for key, value in BARE.items())
    cell = ("rest1", "free_blocks")
    on = [replayed(str(recorded), mechanism, {}, seed)[cell] for seed in (1, 2, 3)]
    off = [replayed(str(recorded), mechanism, BARE, seed)[cell] for seed in (1, 2, 3)]
    assert row["value_on"] == pytest.approx(np.mean(on))
    assert row["value_off"] == pytest.approx(np.mean(off))
    assert row["difference"] == pytest.approx(np.mean(off) - np.mean(on))
    with Image.open(target / "ablation.png") as picture:
        told = json.loads(picture.text["Comment"])
    assert (told["workload"], told["starts"]) == ("recorded", 3)


def test_the_same_bytes_on_two_jobs_and_only_its_own_files_replaced(
    pagereel: Commands, tmp_path: Path, recorded: Path
) -> None:
    target = tmp_path / "ablation"
    target.mkdir()
    (target / "notes").write_text("mine")
    command = ("ablate", recorded, "--starts", 2, "--metric", "mixed", "-o", target)
    assert "--force" in pagereel.refused(*command, code=2)
    assert [path.name for path in target.iterdir()] == ["notes"]
    assert pagereel(*command, "--force", "-j", 1).code == 0
    before = {path.name: path.read_bytes() for path in target.iterdir()}
    assert sorted(before) == sorted([*FILES, "notes"])
    assert pagereel(*command, "--force", "-j", 2).code == 0
    assert {path.name: path.read_bytes() for path in target.iterdir()} == before
    assert before["notes"] == b"mine"


@pytest.fixture
def small_churn(monkeypatch: pytest.MonkeyPatch):
    """The built-in churn on a small machine."""
    small = {"memory_mib": "24", "requests": "4000"}
    load = workloads.load_workload
    monkeypatch.setattr("pipeline.samples.load_workload", lambda n, seed=0: load(n, small, seed))
    stream_of.cache_clear()
    yield
    stream_of.cache_clear()


@pytest.mark.usefixtures("small_churn")
def test_a_synthetic_load_has_other_requests_with_each_seed(pagereel: Commands) -> None:
    """Else all pairs would be alike, and every difference beyond noise."""
    assert seeded("churn", 1).digest() != seeded("churn", 2).digest()
    done = pagereel("ablate", "churn", "--starts", 4, "--metric", "free_blocks", "-j", 1)
    assert done.code == 0, done.err
    assert "mechanism  6.1-list:" in done.out
    assert "starts     4, each with other requests;" in done.out
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= WIDTH
    names = next(line for line in lines if line.split() == ["fill", "churn", "rest"])
    on, *rules = lines[lines.index(names) + 1 :]
    assert on.startswith("all rules on ")
    assert rules[-1].startswith("all off: bare buddy ")


def test_a_stream_without_a_recorded_start(pagereel: Commands, tmp_path: Path) -> None:
    pack(small_stream(operations(*((0, n, 0, 0) for n in range(2, 300)))), tmp_path / "one.npz")
    command = ("ablate", tmp_path / "one.npz", "--starts", 2, "--metric", "failed_requests")
    done = pagereel(*command, "-j", 1)
    assert done.code == 0
    assert "all alike" in done.out
    assert "mechanism  6.1-list:" in done.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--rule", "luck"), ("luck", "per_cpu, watermarks")),
        (("--metric", "beauty"), ("beauty", "potential_huge")),
        (("--phase", "lunch"), ("lunch", "idle0, files, rest1")),
        (("-m", "7.0-all"), ("7.0-all", "6.1-list")),
        (("-m", "mine.toml"), ("mine.toml", "no such file")),
        (("--rule", "nofragment", "-m", "2007-vanilla"), ("NOFRAGMENT", "2007-vanilla")),
        (("--starts", "1"), ("--starts",)),
    ],
)
def test_what_is_not_there_is_told(
    pagereel: Commands, tmp_path: Path, recorded: Path, arguments: tuple, words: tuple
) -> None:
    target = tmp_path / "ablation"
    line = pagereel.refused("ablate", recorded, *arguments, "-o", target, code=2)
    assert all(word in line for word in words)
    assert not target.exists()


def test_where_nothing_can_be_read_or_written(
    pagereel: Commands, tmp_path: Path, recorded: Path
) -> None:
    assert "nowhere" in pagereel.refused("ablate", tmp_path / "nowhere", code=2)
    taken = tmp_path / "file.npz"
    taken.write_bytes(b"no stream")
    assert "not a folder" in pagereel.refused("ablate", recorded, "-o", taken, "--force", code=2)
    assert "file.npz" in pagereel.refused("ablate", taken, code=1)


@pytest.mark.speed
def test_what_the_shipped_stream_tells() -> None:
    """Grouping and claims hold unmovable pages together; the order of the boot doesn't matter."""
    key = ("mixed3", "nonmov_blocks")
    rules = {rule.name: rule.parameters for rule in planned("6.1-list", ())[0]}
    of = {
        name: [replayed(MAIN_WORKLOAD, "6.1-list", parameters, seed)[key] for seed in (1, 2, 3)]
        for name, parameters in {"on": {}, **rules}.items()
    }
    for name in ("grouping", "claims"):
        found = paired(of["on"], of[name])
        assert found.beyond_noise
        assert found.difference > 30
    assert not paired(of["on"], of["high_atomic"]).beyond_noise  # no request is atomic
