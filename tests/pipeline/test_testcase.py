"""Testcases: written whole, the same when run again, and never trusted."""

import hashlib
import os
import shutil
import tomllib
from pathlib import Path

import pandas as pd
import pytest
import tomli_w

from allocator.mechanism import BUILT_IN
from pipeline.config import UsageError, load_config
from pipeline.testcase.conditions import Condition
from pipeline.testcase.export import Source, export
from pipeline.testcase.folder import ABOUT, About, read
from tests.pipeline.commands import Commands
from tests.workloads.folders import write_boot
from workloads.packed import pack
from workloads.recorded import load_folder

CONFIG = """
seeds = [3, 1]
frames = 4
mechanisms = ["6.1-off", {name = "6.1-zone", label = "zone-60", parameters = {kernelcore = "60%"}},
  "mine.toml"]
[[workloads]]
name = "churn"
parameters = {memory_mib = 24, requests = 3000}
"""
MORE = "6.1-off nonmov_blocks at churn > zone-60"
HAS = "mine splits at total > 1 by 0.5"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A testcase with a mechanism of one's own."""
    folder = tmp_path_factory.mktemp("testcase")
    text = (BUILT_IN / "6.1-list.toml").read_text().replace('"6.1-list"', '"mine"')
    (folder / "mine.toml").write_text(text)
    (folder / "config.toml").write_text(CONFIG)
    source = Source(load_config(folder / "config.toml"))
    export(source, folder / "whole", "Off spreads them.", [MORE, HAS], jobs=1, force=False)
    return folder / "whole"


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    """One to be damaged, somewhere else."""
    return Path(shutil.copytree(whole, tmp_path / "copy"))


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def sealed(copy: Path) -> None:
    """Give a testcase that was changed the hashes of one that was exported so."""
    about = tomllib.loads((copy / ABOUT).read_text())
    for file in about["files"]:
        about["files"][file] = hashlib.sha256((copy / file).read_bytes()).hexdigest()
    about["sealed"] = About.model_validate(about).seal()
    (copy / ABOUT).write_text(tomli_w.dumps(about))


def test_it_is_the_same_when_run_again_anywhere(pagereel: Commands, copy: Path) -> None:
    outcome = pagereel("testcase", "check", copy, "-j", 1)
    assert outcome.code == 0, outcome
    assert "Testcase: Off spreads them." in outcome.out
    assert "Recordings: 6 of 6 with the same bytes" in outcome.out
    assert "Symptom: still shows" in outcome.out
    assert f"  {MORE}: holds with 2 of 2 seeds" in " ".join(outcome.out.split("\n    "))
    assert outcome.out.endswith("\nAs expected.\n")
    assert max(map(len, outcome.out.splitlines())) <= 72


def test_nothing_in_it_leads_out(whole: Path, copy: Path) -> None:
    files = {str(path.relative_to(copy)) for path in copy.rglob("*") if path.is_file()}
    tables = {"config.toml", "expected.csv", "testcase.toml", "README.md"}
    assert files == tables | {"mechanisms/mine.toml"}
    for file in files:
        assert str(whole.parent) not in (copy / file).read_text()
    assert "pagereel testcase check ." in (copy / "README.md").read_text()
    assert [choice.name for choice in load_config(copy / "config.toml").mechanisms] == [
        "6.1-off", "6.1-zone", str(copy / "mechanisms" / "mine.toml"),
    ]  # fmt: skip


def test_other_figures_are_told_with_both_values(pagereel: Commands, copy: Path) -> None:
    path = copy / "expected.csv"
    table = pd.read_csv(path)
    row = table[(table["measure"] == "free_blocks") & (table["phase"] == "rest")].index[0]
    was = float(table.loc[row, "value"])
    table.loc[row, "value"] = was + 7
    table.loc[len(table)] = ["mine", "churn", 3, "rest", "gone", 1]
    table.to_csv(path, index=False)
    sealed(copy)
    outcome = pagereel("testcase", "check", copy, "-j", 1)
    assert outcome.code == 1
    told = " ".join(outcome.out.split())
    assert f"churn 6.1-off seed 3, free_blocks at rest: expected {was + 7:g}, now {was:g}" in told
    assert "churn mine seed 3, gone at rest: expected 1, not there now" in told
    assert f"Figures: {len(table) - 2} of {len(table)} the same" in outcome.out
    assert outcome.out.endswith("\nNOT as expected.\n")


def test_other_bytes_are_a_failure_but_under_other_versions(pagereel: Commands, copy: Path) -> None:
    path = copy / "testcase.toml"
    sha = path.read_text().split('sha256 = "')[1][:64]
    replace(path, sha, "0" * 64)
    sealed(copy)
    outcome = pagereel("testcase", "check", copy, "-j", 1)
    assert outcome.code == 1
    assert "Recordings: 5 of 6 with the same bytes" in outcome.out
    assert "  churn-6.1-off-3.reel: other bytes\n" in outcome.out
    replace(path, 'zstandard = "', 'zstandard = "0.')
    sealed(copy)
    outcome = pagereel("testcase", "check", copy, "-j", 1)
    assert outcome.code == 0
    assert "Other versions: zstandard 0." in outcome.out
    assert "figures and symptom are what is judged" in " ".join(outcome.out.split())


def test_a_symptom_that_is_gone_is_a_failure(pagereel: Commands, copy: Path) -> None:
    replace(copy / "testcase.toml", MORE, "6.1-off nonmov_blocks at churn < 0")
    sealed(copy)
    outcome = pagereel("testcase", "check", copy, "-j", 1)
    assert outcome.code == 1
    assert "Symptom: does NOT show" in outcome.out
    assert "holds with 0 of 2 seeds" in " ".join(outcome.out.split())
    assert "Changed" not in outcome.out


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("testcase.toml", HAS, HAS.replace("0.5", "0.25")),
        ("testcase.toml", "Off spreads", "Off gathers"),
        ("testcase.toml", "[files]", '[files]\n"more.toml" = "0"'),
        ("expected.csv", "", ""),
        ("config.toml", "frames = 4", "frames = 4 # four"),
        ("mechanisms/mine.toml", "\n", "\n# by hand\n"),
    ],
)
def test_a_file_changed_by_hand_is_named(
    pagereel: Commands, copy: Path, file: str, old: str, new: str
) -> None:
    """However little: all figures, bytes and the symptom are as before."""
    if file == "expected.csv":
        text = (copy / file).read_text()
        (copy / file).write_text(text[:-1] + "0\n" if "." in text.splitlines()[-1] else text + "\n")
    else:
        replace(copy / file, old, new)
    outcome = pagereel("testcase", "check", copy, "-j", 1)
    assert outcome.code == 1
    assert f"Changed since it was exported: {file}. Export" in " ".join(outcome.out.split())
    assert "Recordings: 6 of 6" in outcome.out
    assert "Symptom: still shows" in outcome.out
    assert outcome.out.endswith("\nNOT as expected.\n")


def test_a_file_that_no_hash_was_taken_of_is_named(pagereel: Commands, copy: Path) -> None:
    about = tomllib.loads((copy / ABOUT).read_text())
    del about["files"]["mechanisms/mine.toml"]
    about["sealed"] = About.model_validate(about).seal()
    (copy / ABOUT).write_text(tomli_w.dumps(about))
    outcome = pagereel("testcase", "check", copy, "-j", 1)
    assert "exported: mechanisms/mine.toml." in " ".join(outcome.out.split())


def test_a_stream_of_another_numpy_is_named(pagereel: Commands, copy: Path) -> None:
    path = copy / "testcase.toml"
    for stream in {line for line in path.read_text().splitlines() if line.startswith("stream")}:
        replace(path, stream, f'stream = "{"0" * 32}"')
    replace(path, 'sha256 = "', 'sha256 = "0')
    outcome = pagereel("testcase", "check", copy, "-j", 1)
    assert "other bytes; its stream differs already" in " ".join(outcome.out.split())


def test_a_run_and_its_configuration_make_the_same_one(
    pagereel: Commands, whole: Path, tmp_path: Path
) -> None:
    config, run = whole.parent / "config.toml", tmp_path / "run"
    repeats = ("--repeats", 2)
    assert pagereel("run", config, "-o", run, "--only", "tables", *repeats, "-j", 1).code == 0
    symptom = ["--symptom", "Off spreads them.", "--expect", MORE, "--expect", HAS]
    outcome = pagereel("testcase", "export", run, "-o", tmp_path / "of-run", *symptom)
    assert outcome.code == 0, outcome
    assert outcome.out == f"{tmp_path / 'of-run'}\n"
    assert "the run's 2 repeats, which are figures only, stay out" in outcome.err
    for name in ("expected.csv", "testcase.toml", "config.toml", "README.md"):
        assert (tmp_path / "of-run" / name).read_text() == (whole / name).read_text(), name


@pytest.mark.parametrize("name", ["some.npz", "some"])
def test_a_recorded_stream_lies_in_it(pagereel: Commands, tmp_path: Path, name: str) -> None:
    """A folder is packed; a stream that is packed already is copied as it is."""
    folder = write_boot(tmp_path / "some")
    pack(load_folder(folder), tmp_path / "some.npz")
    config = {
        "workloads": [{"path": name}],
        "mechanisms": ["6.1-list"],
        "seeds": [0],
        "frames": 2,
    }
    (tmp_path / "config.toml").write_text(tomli_w.dumps(config))
    folder = tmp_path / "testcase"
    assert pagereel("testcase", "export", tmp_path / "config.toml", "-o", folder).code == 0
    packed = (tmp_path / "some.npz").read_bytes()
    assert (folder / "streams" / "some.npz").read_bytes() == packed
    (tmp_path / "some.npz").unlink()
    shutil.rmtree(tmp_path / "some")
    outcome = pagereel("testcase", "check", folder, "-j", 1)
    assert outcome.code == 0
    assert "Recordings: 1 of 1 with the same bytes" in outcome.out
    assert "Symptom: given in words only, no condition to check" in outcome.out
    (folder / "streams" / "some.npz").write_bytes(b"no stream")
    assert "some.npz: not a readable stream" in pagereel.refused(
        "testcase", "check", folder, "-j", 1, code=1
    )


def test_what_does_not_show_is_not_exported(
    pagereel: Commands, whole: Path, tmp_path: Path
) -> None:
    config, folder = whole.parent / "config.toml", tmp_path / "new"
    for condition, code, told in (
        ("6.1-off free_blocks at rest < 0", 1, "the symptom doesn't show: 6.1-off free_blocks"),
        ("6.1-off is bad", 2, "condition '6.1-off is bad': not of the form"),
    ):
        line = pagereel.refused(
            "testcase", "export", config, "-o", folder, "--expect", condition, "-j", 1, code=code
        )
        assert told in line
        assert not folder.exists()
    line = pagereel.refused("testcase", "export", config, "-o", whole, code=2)
    assert "--force replaces the testcase in it" in line


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("6.1-of mixed at rest < 1", "unknown mechanism '6.1-of'; there are 6.1-off, zone-60"),
        ("6.1-off mixed at end < 1", "unknown phase 'end'; there are fill, churn, rest, total"),
        ("6.1-off mixture at rest < 1", "unknown measure 'mixture'; there are mixed"),
        ("x: 6.1-off mixed at rest < 1", "unknown workload 'x'; there are churn"),
    ],
)
def test_conditions_name_what_is_there(whole: Path, text: str, told: str) -> None:
    condition = Condition.parse(text)
    with pytest.raises(UsageError, match=told):
        condition.check(read(whole).expected)


def escaping(copy: Path) -> dict[str, tuple[str, str, str, str]]:
    """By what is wrong: file, old text, new text, what is told."""
    outside = copy.parent / "outside.toml"
    shutil.copyfile(copy / "mechanisms" / "mine.toml", outside)
    mine = 'name = "mechanisms/mine.toml"'
    out = "refused: it leads outside"
    return {
        "relative": ("config.toml", mine, 'name = "../outside.toml"', out),
        "absolute": ("config.toml", mine, f'name = "{outside}"', out),
        "no name": ("config.toml", mine, r'name = "a\u0000.toml"', out),
        "built in": ("config.toml", mine, 'name = "../../x"', "unknown mechanism '../../x'"),
        "stream": ("config.toml", 'name = "churn"', 'path = "/etc/passwd"', out),
        "other run": ("config.toml", "seeds = [\n    3,", "seeds = [\n    4,", "its recordings"),
        "much": ("config.toml", 'requests = "3000"', 'requests = "-1"', "requests=-1: not from"),
        "escape": ("testcase.toml", "Off spreads", r"\u001b[2J", "can't be printed"),
        "format": ("testcase.toml", "version = 2", "version = 9", "version: "),
        "toml": ("testcase.toml", "conditions = [", "conditions = [[", "testcase.toml:"),
        "more": ("testcase.toml", "version = 2", "version = 2\nx = 1", "x: unknown entry"),
        "condition": ("testcase.toml", MORE, "6.1-off mixture at rest < 1", "unknown measure"),
        "column": ("expected.csv", "measure", "metric", "it has no column 'measure'"),
        "value": ("expected.csv", ",mixed,", ",mixed,x", "not readable: "),
        "twice": ("expected.csv", "churn,3,", "churn,1,", "a figure stands twice"),
    }


@pytest.mark.parametrize(
    "wrong",
    [
        "relative", "absolute", "no name", "built in", "stream", "other run", "much", "escape",
        "format", "toml", "more", "condition", "column", "value", "twice",
    ],
)  # fmt: skip
def test_hostile_and_damaged_ones_are_refused(pagereel: Commands, copy: Path, wrong: str) -> None:
    file, old, new, told = escaping(copy)[wrong]
    replace(copy / file, old, new)
    line = pagereel.refused("testcase", "check", copy, "-j", 1, code=1)
    assert told in line
    assert str(copy) in line


def test_links_do_not_lead_out(pagereel: Commands, copy: Path) -> None:
    for name in ("mechanisms/mine.toml", "expected.csv"):
        outside = copy.parent / Path(name).name
        (copy / name).rename(outside)
        os.symlink(outside, copy / name)
        line = pagereel.refused("testcase", "check", copy, "-j", 1, code=1)
        assert "refused: it leads outside" in line


def test_what_is_no_testcase(pagereel: Commands, copy: Path, tmp_path: Path) -> None:
    line = pagereel.refused("testcase", "check", tmp_path / "none", code=2)
    assert line.endswith("none: no such folder")
    assert "no testcase: it has no testcase.toml" in pagereel.refused(
        "testcase", "check", tmp_path, code=2
    )
    for name in ("expected.csv", "config.toml"):
        (copy / name).unlink()
        line = pagereel.refused("testcase", "check", copy, code=2)
        assert line == f"pagereel: {copy}: no testcase: it has no {name}"
        (copy / name).write_text("")


def figures(**values: list[float]) -> pd.DataFrame:
    """Of mechanisms a and b, one value a seed."""
    rows = [
        (mechanism, "w", seed, "rest", "mixed", value)
        for mechanism, of in values.items()
        for seed, value in enumerate(of)
    ]
    names = ["mechanism", "workload", "seed", "phase", "measure", "value"]
    return pd.DataFrame(rows, columns=names)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("a mixed at rest < b", [True, False, False]),
        ("a mixed at rest > b", [False, False, True]),
        ("a mixed at rest < b by 2", [True, False, False]),
        ("a mixed at rest < b by 2.5", [False, False, False]),
        ("a mixed at rest > 1", [False, True, True]),
        ("a mixed at rest < -1", [False, False, False]),
        ("w: a mixed at rest < 2", [True, False, False]),
    ],
)
def test_conditions_hold_seed_by_seed(text: str, holds: list[bool]) -> None:
    table = figures(a=[1, 2, 3], b=[3, 2, 1])
    condition = Condition.parse(text)
    condition.check(table)
    verdict = condition.judge(table)
    assert verdict.holds.tolist() == holds
    assert verdict.all_hold == all(holds)


def test_a_condition_without_a_value_does_not_hold() -> None:
    condition = Condition.parse("a mixed at rest < b")
    assert not condition.judge(figures(a=[1, 2], b=[3, float("nan")])).all_hold
    assert not condition.judge(figures(a=[1, 2], b=[3])).all_hold
    assert not condition.judge(figures(b=[3])).all_hold


@pytest.mark.parametrize(
    "text", ["", "a mixed at rest", "a mixed at rest < ", "a mixed rest < b", "a mixed at rest = b",
             "a mixed at rest < b by x"],
)  # fmt: skip
def test_what_is_no_condition(text: str) -> None:
    with pytest.raises(UsageError, match="not of the form"):
        Condition.parse(text)
