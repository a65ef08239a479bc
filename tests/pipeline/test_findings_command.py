"""`pagereel findings` and the artefacts behind it: golden text, faults, a whole small run."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from pipeline.artefacts import tasks_of
from pipeline.findings import RULES
from pipeline.findings.text import findings_text
from pipeline.plain_text import WIDTH
from pipeline.run_folder import RunFolder, read_table
from tests.pipeline.commands import Commands

GOLDEN = Path(__file__).parents[1] / "golden"
SMALL = [
    "run", "-w", "churn", "-p", "memory_mib=24", "-p", "requests=9000", "--frames", "8",
    "-m", "6.1-off", "-m", "6.1-list", "--seed", "1", "--seed", "2", "--only", "findings",
    "--only", "genealogy",
]  # fmt: skip


def row(workload: str, mechanism: str, rule: str, frames: tuple, pfns: tuple, text: str) -> dict:
    return {
        "rule": rule, "mechanism": mechanism, "workload": workload, "seed": 0,
        "first_frame": frames[0], "last_frame": frames[1], "first_pfn": pfns[0],
        "last_pfn": pfns[1], "sentence": text,
    }  # fmt: skip


def test_findings_are_told_as_agreed() -> None:
    rows = [
        row("churn", "6.1-off", "lone_page", (0, 591), (26691, 26691),
            "A single unmovable page, pfn 26691, is all that keeps pageblock 52 from becoming a "
            "huge page for 156 s."),
        row("ebizzy", "6.1-list", "zone_movable", (0, 9), (66560, 131071),
            "The 119 eligible pageblocks of ZONE_MOVABLE hold no page that cannot move, in any of "
            "10 frames."),
        row("churn", "a-mechanism-with-a-long-name-of-its-own", "rest_difference", (494, 494),
            (17920, 127487), "At rest, 80 of 117 pageblocks can become a huge page."),
    ]  # fmt: skip
    text = findings_text(rows)
    assert text == (GOLDEN / "findings.txt").read_text()
    assert max(map(len, text.splitlines())) <= WIDTH
    assert findings_text([]) == "Nothing was found.\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small run under two mechanisms and seeds, made once by the console script."""
    folder = tmp_path_factory.mktemp("run") / "small"
    command = [Path(sys.executable).parent / "pagereel", *SMALL, "-o", folder, "-j", "1"]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def test_a_run_and_its_findings(pagereel: Commands, folder: Path) -> None:
    table = read_table(folder / "findings.csv")
    assert set(table["rule"]) & set(RULES)
    assert table["seed"].is_monotonic_increasing
    of_seed = table[table["seed"] == 1]
    assert of_seed["first_frame"].is_monotonic_increasing
    told = pagereel("findings", folder).out
    words = " ".join(told.split())
    assert all(" ".join(sentence.split()) in words for sentence in table["sentence"])
    assert max(map(len, told.splitlines())) <= WIDTH
    rule = table["rule"].iloc[0]
    rows = json.loads(pagereel("findings", folder, "--rule", rule, "--json").out)
    assert rows == table[table["rule"] == rule].to_dict("records")


def test_their_figures_are_those_of_series_csv(folder: Path) -> None:
    genealogy = read_table(folder / "genealogy.csv")
    series = read_table(folder / "series.csv")
    last = series.groupby(["mechanism", "seed"]).last()
    counted = genealogy[genealogy["eligible"] == 1]
    kernel = counted[counted["kernel_pages_at_end"] > 0].groupby(["mechanism", "seed"]).size()
    assert kernel.reindex(last.index, fill_value=0).tolist() == last["nonmov_blocks"].tolist()
    lives = read_table(folder / "half_life.csv").set_index(["mechanism", "seed"])
    assert lives["kernel_blocks_at_end"].tolist() == last.loc[lives.index, "nonmov_blocks"].tolist()
    episodes = read_table(folder / "episodes.csv").groupby(["mechanism", "seed"]).size()
    everything = lives["episodes"] + lives["polluted_at_start"]
    assert everything.tolist() == episodes.reindex(lives.index, fill_value=0).tolist()
    assert counted["episodes"].sum() == everything.sum()
    claims = genealogy.groupby(["mechanism", "seed"])["claims"].sum()
    events = read_table(folder / "events.csv")
    told = events[events["kind"] == "claim"].groupby(["mechanism", "seed"]).size()
    assert claims.tolist() == told.reindex(claims.index, fill_value=0).tolist()
    assert claims.sum() > 0


def test_a_run_makes_what_its_tasks_promise(folder: Path) -> None:
    run = RunFolder.open(folder)
    tasks = [task for name in ("findings", "genealogy") for task in tasks_of(name, run)]
    assert all((folder / file).is_file() for task in tasks for file in task.files)


def test_faults_are_told_in_one_line(pagereel: Commands, folder: Path, tmp_path: Path) -> None:
    assert "no run" in pagereel.refused("findings", tmp_path, code=2)
    assert "beauty" in pagereel.refused("findings", folder, "--rule", "beauty", code=2)
    other = tmp_path / "other"
    other.mkdir()
    (other / "metadata.json").write_bytes((folder / "metadata.json").read_bytes())
    assert "findings.csv: not there" in pagereel.refused("findings", other, code=2)
    for damaged in (b"\xff\x00", b"rule,mechanism\na,b\n"):
        (other / "findings.csv").write_bytes(damaged)
        assert "findings.csv: not readable" in pagereel.refused("findings", other, code=2)
    empty = pd.read_csv(folder / "findings.csv").head(0)
    empty.to_csv(other / "findings.csv", index=False)
    assert pagereel("findings", other).out == "Nothing was found.\n"
