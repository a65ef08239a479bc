"""What of a sweep is kept, in which folder, and what isn't written over."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from pipeline.sweep.cell import scratch_prefix
from pipeline.sweep.store import Damaged, Store
from tests.pipeline.commands import Commands
from tests.pipeline.sweeps import counting, files, made_sweep, small_sweep


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small sweep, not to be changed."""
    return made_sweep(tmp_path_factory.mktemp("swept"))


def test_a_second_time_nothing_is_run_and_nothing_changes(
    pagereel: Commands, swept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = tmp_path / "again"
    shutil.copytree(swept, again)
    before, ran = files(again), counting(monkeypatch)
    done = pagereel("sweep", small_sweep(tmp_path), "-o", again)
    assert (done.code, done.out) == (0, (swept / "sweep.txt").read_text())
    assert ran == []
    assert files(again) == before


def test_a_seed_more_computes_that_seed_alone(
    pagereel: Commands, swept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = counting(monkeypatch)
    arguments = ("sweep", small_sweep(tmp_path, seeds=3), "-o", tmp_path / "more")
    shared = ("--store", swept / "results", "-j", 1, "--dry-run")
    told = pagereel(*arguments, *shared).out
    assert "= 12 cells" in told
    assert "8 are there, 4 are to be computed" in told
    assert not (tmp_path / "more").exists()
    store = tmp_path / "store"
    shutil.copytree(swept / "results", store)
    assert pagereel(*arguments, "--store", store, "-j", 1).code == 0
    assert sorted(ran) == [("6.1-off", 3)] * 2 + [("6.1-zone", 3)] * 2


def test_a_damaged_result_is_told_and_computed_again(
    pagereel: Commands, swept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "damaged"
    shutil.copytree(swept, target)
    broken = sorted((target / "results").rglob("*.json"))[:2]
    content = broken[0].read_bytes()
    broken[0].write_bytes(content[:200])
    broken[1].write_bytes(broken[1].read_bytes().replace(b'"operations":', b'"operations":1'))
    ran = counting(monkeypatch)
    done = pagereel("sweep", small_sweep(tmp_path), "-o", target, "-j", 1)
    assert done.code == 0
    for path in broken:
        assert f"{path}: " in done.err
    assert done.err.count("it is computed again") == len(ran) == 2
    assert files(target) == files(swept)


def test_many_processes_leave_the_same_bytes(
    pagereel: Commands, swept: Path, tmp_path: Path
) -> None:
    done = pagereel("sweep", small_sweep(tmp_path), "-o", tmp_path / "two", "-j", 2)
    assert done.code == 0, done.err
    assert files(tmp_path / "two") == files(swept)


def test_what_a_killed_writer_left_goes_with_the_next_sweep(swept: Path, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    shutil.copytree(swept / "results", store.folder)
    key = next(store.folder.rglob("*.json")).stem
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = store.path(key).with_name(f".{key}.{ended.pid}.partial.json")
    others = store.path(key).with_name(f".{key}.{os.getpid()}.partial.json")
    for path in (left, others):
        path.touch()
    scratch = [store.folder / f"{scratch_prefix(pid)}x" for pid in (ended.pid, os.getpid())]
    for folder in scratch:
        folder.mkdir()
        (folder / "cell.reel").touch()
    store.clean([key])
    assert not left.exists()
    assert others.exists()
    assert [folder.exists() for folder in scratch] == [False, True]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: b"",
        lambda content: content[:-9],
        lambda content: b"[]",
        lambda content: b"\xff" + content[1:],
        lambda content: content.replace(b'"rows":[[', b'"rows":[['[:-1] + b'["x","y",1],['),
        lambda content: content.replace(b'"seed":1', b'"seed":9'),
    ],
)
def test_a_store_gives_back_what_was_written_or_nothing(swept: Path, tmp_path: Path, spoil) -> None:
    source = Store(swept / "results")
    path = next(p for p in sorted(source.folder.rglob("*.json")) if b'"seed":1' in p.read_bytes())
    store = Store(tmp_path)
    store.write(path.stem, source.read(path.stem))
    assert store.path(path.stem).read_bytes() == path.read_bytes()
    store.path(path.stem).write_bytes(spoil(path.read_bytes()))
    with pytest.raises(Damaged):
        store.read(path.stem)


def test_a_result_under_another_name_is_not_taken(swept: Path, tmp_path: Path) -> None:
    first, second = (path.stem for path in sorted((swept / "results").rglob("*.json"))[:2])
    store = Store(tmp_path)
    store.write(first, Store(swept / "results").read(second))
    with pytest.raises(Damaged, match="another cell"):
        store.read(first)


def test_what_cannot_be_is_told_before_anything_is_written(
    pagereel: Commands, swept: Path, tmp_path: Path
) -> None:
    sweep, target = small_sweep(tmp_path), tmp_path / "new"
    assert "no such file" in pagereel.refused("sweep", tmp_path / "x.toml", "-o", target, code=2)
    told = pagereel.refused("sweep", sweep, "-o", target, "--phase", "resting", code=2)
    assert "unknown phase 'resting'; there are fill, churn, rest, total" in told
    told = pagereel.refused("sweep", sweep, "-o", target, "--measure", "huge", code=2)
    assert "unknown measure 'huge'" in told
    assert not target.exists()
    assert "holds no sweep" in pagereel.refused("sweep", sweep, "-o", tmp_path, code=2)
    assert "not a folder" in pagereel.refused("sweep", sweep, "-o", sweep, code=2)


def test_another_sweep_is_not_written_over(pagereel: Commands, swept: Path, tmp_path: Path) -> None:
    target = tmp_path / "done"
    shutil.copytree(swept, target)
    before, path = files(target), small_sweep(tmp_path)
    text = path.read_text()
    for old, new, told in (
        ("seeds = 2", "seeds = 1", "with seed 2"),
        ("[32, 48]", "[32, 64]", "with memory_mib=48"),
        ("[32, 48]", "[32, 48]\nused_share = [0.7]", "without the parameter used_share"),
        ("memory_mib = [32, 48]", "", "with the parameter memory_mib"),
        ("requests = 3000", "requests = 3001", "with other parameters of churn"),
        ('"6.1-off", "6.1-zone"', '"6.1-off", "6.1-list"', "with mechanism 6.1-zone"),
        ("name = \"churn\"\nparameters = {requests = 3000}", "name = \"ebizzy\"", "workload churn"),
    ):  # fmt: skip
        assert old in text
        path.write_text(text.replace(old, new))
        line = pagereel.refused("sweep", path, "-o", target, "-j", 1, code=2)
        assert f"{target}: holds another sweep, " in line
        assert told in line
        assert line.endswith("--force replaces it")
    assert files(target) == before
    (target / "sweep.json").write_text("{")
    assert "sweep.json is not readable; --force" in pagereel.refused(
        "sweep", small_sweep(tmp_path), "-o", target, code=2
    )


def test_a_sweep_that_is_forced_leaves_no_figure_of_the_other(
    pagereel: Commands, swept: Path, tmp_path: Path
) -> None:
    target = tmp_path / "done"
    shutil.copytree(swept, target)
    (target / "figures" / "mine.png").touch()
    path = small_sweep(tmp_path)
    path.write_text(path.read_text().replace("potential_huge", "mixed").replace("= 2", "= 1"))
    assert pagereel("sweep", path, "-o", target, "-j", 1, "--force").code == 0
    assert {name.name for name in (target / "figures").iterdir()} == {
        "mine.png", *(f"churn-mixed-rest.{kind}" for kind in ("csv", "png", "svg", "pdf")),
    }  # fmt: skip
    assert pd.read_csv(target / "sweep.csv")["seed"].unique().tolist() == [1]


def test_a_grown_sweep_goes_on_in_its_folder(
    pagereel: Commands, swept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With more seeds, values and mechanisms, from wherever: no row of the table is lost."""
    target, ran = tmp_path / "done", counting(monkeypatch)
    shutil.copytree(swept, target)
    path = small_sweep(tmp_path, seeds="[2, 1, 3]")
    path.write_text(path.read_text().replace("[32, 48]", "[24, 32, 48]"))
    assert pagereel("sweep", path, "-o", target, "-j", 1).code == 0
    assert len(ran) == 3 * 3 * 2 - 2 * 2 * 2
    assert len(pd.read_csv(target / "sweep.csv").groupby(["memory_mib", "seed"])) == 9


def test_a_folder_is_known_whose_results_are_elsewhere(
    pagereel: Commands, swept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, target, store = small_sweep(tmp_path), tmp_path / "out", tmp_path / "store"
    shutil.copytree(swept / "results", store)
    arguments = ("sweep", path, "-o", target, "-j", 1, "--store")
    assert pagereel(*arguments, store).code == 0
    assert not (target / "results").exists()
    ran = counting(monkeypatch)
    assert pagereel(*arguments, store).code == 0
    assert ran == []
    for name in ("sweep.csv", "sweep.json", "sweep.txt"):
        (target / name).unlink()
    shutil.rmtree(target / "figures")
    shutil.move(store, target / "kept")  # as a sweep that was stopped leaves it
    assert pagereel(*arguments, target / "kept").code == 0
    assert ran == []
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.txt").touch()
    line = pagereel.refused("sweep", path, "-o", tmp_path / "other", "--store", store, code=2)
    assert "holds no sweep" in line
