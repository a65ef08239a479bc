"""Runs of several workloads, mechanisms and seeds: whose figures and pictures are whose."""

import json
from pathlib import Path

import pandas as pd
import pytest

from pipeline.artefacts.tables import write_csv
from pipeline.recording import Recording
from pipeline.run_folder import RunFolder, read_table
from tests.pipeline.commands import Commands
from tests.workloads.folders import operations, small_stream, write_folder
from workloads.packed import pack

CHURN = ["-p", "memory_mib=24", "-p", "requests=4000", "--frames", "4"]


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_several_workloads_and_seeds(pagereel: Commands, tmp_path: Path) -> None:
    """Two recorded streams of one inner name, beside each other under two seeds."""
    operation = [(0, n, 0, 0) for n in range(2, 40)]
    pack(small_stream(operations(*operation)), tmp_path / "one.npz")
    pack(small_stream(operations(*operation[:9])), tmp_path / "2007.npz")
    config = written(
        tmp_path / "run.toml",
        """
        seeds = [3, 1]
        frames = 5
        mechanisms = ["6.1-off", {name = "6.1-list", label = "2007"}]
        artefacts = ["tables", "video", "comparison", "still"]
        workloads = [{path = "one.npz"}, {path = "2007.npz"}]
        """,
    )
    target = tmp_path / "run"
    assert pagereel("run", config, "-o", target, "-j", 1).code == 0
    table = pd.read_csv(target / "series.csv", dtype={"mechanism": str, "workload": str})
    last = table.groupby(["workload", "mechanism", "seed"])["op"].max()
    assert last["one"].unique().tolist() == [38]
    assert last["2007"].unique().tolist() == [9]
    assert sorted(set(last.index.get_level_values("seed"))) == [1, 3]
    names = {str(path.relative_to(target / "video")) for path in (target / "video").iterdir()}
    parts = ("6.1-off", "2007", "comparison")
    assert names == {f"{w}-{m}.mp4" for w in ("one", "2007") for m in parts}
    folder = RunFolder.open(target)
    assert list(folder.drawn()) == ["one-", "2007-"]
    assert {recorded.seed for shown in folder.drawn().values() for recorded in shown} == {3}
    for path in folder.paths:
        recording = Recording.open(path)
        assert len(folder.values(recording, "potential_huge")) == len(recording)
    for path in folder.paths[::3]:  # of both workloads, mechanisms and seeds
        outcome = pagereel("verify", path)
        assert outcome.code == 0
        assert "the same bytes" in outcome.out
    told = pagereel("table", target, "--metric", "free_blocks").out
    assert "one: free_blocks" in told
    assert "2007: free_blocks" in told


@pytest.mark.parametrize("name", ["1", "NA", "nan", "1e3"])
def test_names_that_look_like_numbers(pagereel: Commands, tmp_path: Path, name: str) -> None:
    pack(small_stream(operations((0, 2, 0, 0), (1, 2, 0, 0))), tmp_path / f"{name}.npz")
    config = written(
        tmp_path / "run.toml",
        f"""
        mechanisms = [{{name = "6.1-off", label = "{name}"}}, "6.1-list"]
        artefacts = ["still"]
        workloads = [{{path = "{name}.npz"}}]
        """,
    )
    assert pagereel("run", config, "-o", tmp_path / "run", "-j", 1).code == 0
    told = pagereel("table", tmp_path / "run", "--metric", "free_blocks").out
    assert told.splitlines()[1].split() == [name, "6.1-list"]


def test_a_replay_can_be_verified_from_anywhere(
    pagereel: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_folder(tmp_path / "debian 12.5")
    target = tmp_path / "run"
    replay = ("replay", folder, "-m", "6.1-off", "--only", "video", "--frames", "4", "-o", target)
    assert pagereel(*replay, "-j", 1).code == 0
    monkeypatch.chdir("/")
    recording = target / "recordings" / "debian 12.5-6.1-off-0.reel"
    checks = {c["name"]: c["ok"] for c in json.loads(pagereel("verify", recording, "--json").out)}
    assert checks == {"file": True, "re-run": True, "video/6.1-off.mp4": True}


def test_a_stream_with_a_built_in_s_name(pagereel: Commands, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "churn")
    target = tmp_path / "run"
    replay = ("replay", folder, "-m", "6.1-off", "--only", "tables", "--frames", "4", "-o", target)
    assert pagereel(*replay, "-j", 1).code == 0
    outcome = pagereel("verify", target / "recordings" / "churn-6.1-off-0.reel")
    assert outcome.code == 0
    assert "re-run: ok" in outcome.out


def variants(count: int) -> str:
    of = (f"{{name = '6.1-off', label = 'm{n}'}}" for n in range(count))
    return f"workloads = ['churn']\nmechanisms = [{', '.join(of)}]\n"


@pytest.mark.parametrize(("count", "artefact"), [(9, "comparison"), (9, "still"), (33, "sheet")])
def test_more_mechanisms_than_a_picture_holds(
    pagereel: Commands, tmp_path: Path, count: int, artefact: str
) -> None:
    config = written(tmp_path / "run.toml", variants(count))
    run = ("run", config, *CHURN, "-o", tmp_path / "run")
    line = pagereel.refused(*run, "--only", artefact, code=2)
    assert artefact in line
    assert str(count) in line
    assert not (tmp_path / "run").exists()
    if count == 9 and artefact == "still":
        only = ("--only", "sheet", "--only", "video", "-j", 1)
        assert pagereel(*run, *only).code == 0
        assert len(list((tmp_path / "run" / "video").iterdir())) == 9


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("mechanisms = ['6.1-off', {name = '6.1-list', label = 'comparison'}]", "comparison.mp4"),
        (
            "mechanisms = ['6.1-off', {name = '6.1-list', label = '6.1-6.1-off'}]\n"
            "workloads = [{path = 's.npz'}, {path = 's-6.1.npz'}]",
            "s-6.1-6.1-off",
        ),
    ],
)
def test_two_results_of_one_name_are_refused(
    pagereel: Commands, tmp_path: Path, text: str, word: str
) -> None:
    for name in ("s", "s-6.1"):
        pack(small_stream(operations((0, 2, 0, 0))), tmp_path / f"{name}.npz")
    config = written(tmp_path / "run.toml", text)
    line = pagereel.refused("run", config, "-o", tmp_path / "run", code=2)
    assert word in line
    assert not (tmp_path / "run").exists()


def test_videos_that_would_share_a_file(pagereel: Commands, tmp_path: Path) -> None:
    config = written(tmp_path / "run.toml", variants(2).replace("m1", "comparison"))
    run = ("run", config, *CHURN, "--only", "tables", "-o", tmp_path / "run", "-j", 1)
    assert pagereel(*run).code == 0
    recordings = sorted((tmp_path / "run" / "recordings").iterdir())
    pictures = tmp_path / "pictures"
    assert "share" in pagereel.refused("video", *recordings, "-o", pictures, code=2)
    assert not pictures.exists()


def test_a_section_that_is_no_table(pagereel: Commands, tmp_path: Path) -> None:
    mine = written(tmp_path / "mine.toml", "watermarks = 5\n")
    run = ("run", "-m", mine, "-p", "min_free_kbytes=400", "-o", tmp_path / "run")
    line = pagereel.refused(*run, code=2)
    assert "mine.toml: watermarks: not a table" in line


def test_no_count_loses_a_digit(tmp_path: Path) -> None:
    values = [123_456_789.0, 4_294_967_297.0, 0.1 + 0.2, 100 / 3, float("nan")]
    write_csv(pd.DataFrame({"metric": list("abcde"), "value": values}), tmp_path / "a.csv")
    read = read_table(tmp_path / "a.csv")["value"].tolist()
    assert read[:3] == [123_456_789, 4_294_967_297, 0.3]
    assert read[3] == pytest.approx(100 / 3, abs=1e-10)
    assert pd.isna(read[4])
