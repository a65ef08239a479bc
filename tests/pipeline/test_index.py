"""`pagereel index`: one page on a folder of runs, whatever state they are in."""

import json
import re
import shutil
from html import unescape
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest

from pipeline.comparison.cells import value_text
from pipeline.config import RunConfig, UsageError
from pipeline.index.listing import listing
from pipeline.run import run
from pipeline.run_folder import read_table
from tests.pipeline.commands import Commands

CONFIG = """\
mechanisms = ["6.1-off", "6.1-list"]
seeds = [1, 2]
frames = 4
artefacts = ["still"]
[[workloads]]
name = "churn"
parameters = {memory_mib = 16, requests = 2000}
"""
ODD = "a #1 %41 <b>"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of CONFIG."""
    folder = tmp_path_factory.mktemp("index") / "whole"
    config = RunConfig(
        workloads=[{"name": "churn", "parameters": {"memory_mib": 16, "requests": 2000}}],
        mechanisms=["6.1-off", "6.1-list"],
        seeds=[1, 2],
        frames=4,
        artefacts=["still"],
    )
    run(config, folder, jobs=1, force=False)
    return folder


@pytest.fixture
def runs(whole: Path, tmp_path: Path) -> Path:
    """A folder with that run under several names, and what can become of one."""
    folder = tmp_path / "runs"
    for name in ("a9", "a10", ODD, "gone", "killed", "no-metadata", "no-seeds", "twice"):
        shutil.copytree(whole, folder / name)
    (folder / "gone" / "recordings" / "churn-6.1-list-2.reel").unlink()
    (folder / "killed" / "metadata.json").rename(folder / "killed" / "unfinished.json")
    (folder / "killed" / "recordings" / "churn-6.1-off-2.reel").unlink()
    (folder / "no-metadata" / "metadata.json").write_text("{")
    (folder / "no-seeds" / "seeds.csv").unlink()
    rows = (folder / "twice" / "seeds.csv").read_text().splitlines()
    (folder / "twice" / "seeds.csv").write_text("\n".join([*rows, rows[-1], ""]))
    (folder / "notes").mkdir()
    return folder


def entries_of(folder: Path, **more: object) -> dict:
    given = {"configs": None, "page": folder / "index.html", **more}
    return {entry.name: entry for entry in listing(folder, **given)}


def test_each_run_is_told_with_its_state(runs: Path) -> None:
    entries = entries_of(runs)
    assert list(entries) == [
        "a9", "a10", ODD, "gone", "killed", "no-metadata", "no-seeds", "twice",
    ]  # fmt: skip
    assert {name: entry.state for name, entry in entries.items()} == {
        ODD: "complete", "a9": "complete", "a10": "complete", "gone": "broken",
        "killed": "unfinished", "no-metadata": "broken", "no-seeds": "broken",
        "twice": "broken",
    }  # fmt: skip
    notes = {name: " ".join(entry.notes) for name, entry in entries.items()}
    assert "churn-6.1-list-2.reel: no such file" in notes["gone"]
    assert "3 of 4 recordings are there" in notes["killed"]
    assert notes["no-metadata"].startswith("metadata.json: not readable")
    assert notes["no-seeds"].startswith("seeds.csv: not there; run it again")
    assert notes["twice"] == "seeds.csv: a row of 6.1-list, churn stands twice"
    assert not any(entries[name].figures for name in notes if notes[name])


def test_figures_are_means_of_all_seeds_at_the_last_key_phase(runs: Path) -> None:
    [figures] = entries_of(runs)["a9"].figures
    assert (figures.workload, figures.phase) == ("churn", "rest")
    assert (
        figures.seeds == "mean of 2 seeds, too few to tell a difference from noise (6 are needed)"
    )
    table = read_table(runs / "a9" / "seeds.csv")
    table = table[table["phase"] == "rest"]
    assert [mechanism for mechanism, _ in figures.rows] == ["6.1-off", "6.1-list"]
    for mechanism, row in figures.rows:
        for column, shown in zip(figures.columns, row, strict=True):
            of = (table["mechanism"] == mechanism) & (table["measure"] == column.name)
            values = table.loc[of, "value"].to_numpy(float)
            assert len(values) == 2
            assert shown.value == value_text(values.mean())
            assert not shown.significant
            assert bool(shown.change) == (mechanism == "6.1-list")
    assert {"potential_huge", "mixed", "unusable_index"} <= {c.name for c in figures.columns}


def test_a_run_without_the_figures_of_a_mechanism_is_broken(runs: Path) -> None:
    path = runs / "a9" / "seeds.csv"
    table = read_table(path)
    table[table["mechanism"] == "6.1-off"].to_csv(path, index=False)
    entry = entries_of(runs)["a9"]
    assert (entry.state, entry.figures) == ("broken", [])
    assert entry.notes == ["seeds.csv: not all mechanisms have figures of churn"]


def with_repeats(folder: Path, shifts: dict[str, float], seeds: int = 9) -> None:
    """More seeds in seeds.csv than there are pictures of; of a measure: 6.1-list has that more."""
    table = read_table(folder / "seeds.csv")
    first = table[(table["seed"] == 1) & (table["mechanism"] == "6.1-off")]
    rows = []
    for seed in range(1, seeds + 1):
        for name in ("6.1-off", "6.1-list"):
            of = first.assign(seed=seed, mechanism=name)
            of["value"] = 100.0 + seed
            for measure, shift in shifts.items() if name == "6.1-list" else ():
                of.loc[of["measure"] == measure, "value"] += shift
            rows.append(of)
    pd.concat(rows).to_csv(folder / "seeds.csv", index=False)


def test_what_is_more_than_noise_is_marked(pagereel: Commands, runs: Path) -> None:
    """Judged by the seeds of which only figures are kept, too; pictures show one."""
    with_repeats(runs / "a9", {"potential_huge": 7, "mixed": -5})
    [figures] = entries_of(runs)["a9"].figures
    assert figures.seeds == "mean of 9 seeds"
    cells = dict(zip((c.name for c in figures.columns), figures.rows[1][1], strict=True))
    assert cells["potential_huge"] == ("112.0", "(+6.67%)", True, "")
    assert cells["mixed"] == ("100.0", "(+4.76%)", True, "")  # less of it is better
    assert cells["free_blocks"] == ("105.0", "(0.00%)", False, "equal in all seeds")
    pagereel("index", runs, "--force")
    text = (runs / "index.html").read_text()
    assert "<td>112.0 (+6.67%)<b>*</b></td>" in text
    assert "at rest: only long-lived pages remain; mean of 9 seeds</caption>" in text


def test_a_run_older_than_its_configuration_is_outdated(runs: Path, tmp_path: Path) -> None:
    configs = tmp_path / "configs"
    configs.mkdir()
    for name in ("a9", "killed", "no-metadata"):
        (configs / f"{name}.toml").write_text(CONFIG)
    (configs / "a10.toml").write_text(CONFIG.replace("2000", "2001"))
    (configs / "new.toml").write_text(CONFIG)
    (configs / "gone.toml").write_text("seeds = [-1]")
    entries = entries_of(runs, configs=configs)
    states = {name: entries[name].state for name in ("a9", "a10", "new", "killed", "gone")}
    assert states == {
        "a9": "complete", "a10": "outdated", "new": "not run", "killed": "unfinished",
        "gone": "broken",
    }  # fmt: skip
    assert entries["a10"].figures
    assert not entries["a9"].notes
    assert "a10.toml has changed since" in entries["a10"].notes[0]
    assert entries[ODD].notes == [f"Its configuration {ODD}.toml is gone."]
    assert entries["gone"].notes[1].startswith("gone.toml cannot be run: gone.toml:")
    told = [note for entry in entries.values() for note in entry.notes]
    assert not any(str(tmp_path) in note for note in told)


def test_links_lead_to_what_is_there(pagereel: Commands, runs: Path, tmp_path: Path) -> None:
    for page in (runs / "index.html", tmp_path / "elsewhere" / "all.html"):
        assert pagereel("index", runs, "-o", page).out == f"{page}\n"
        text = page.read_text(encoding="utf-8")
        targets = [unquote(unescape(t)) for t in re.findall(r'(?:href|src)="([^"#]+)"', text)]
        assert len(targets) > 20
        for target in targets:
            assert not Path(target).is_absolute()
            assert (page.parent / target).resolve().is_relative_to(runs)
            assert (page.parent / target).is_file(), target
        assert ODD not in text
        assert "a #1 %41 &lt;b&gt;" in text
        assert str(tmp_path) not in text


def test_several_workloads_have_a_table_each(runs: Path, tmp_path: Path) -> None:
    run_ = runs / "a9"
    metadata = json.loads((run_ / "metadata.json").read_text())
    seeds = read_table(run_ / "seeds.csv")
    copies = []
    for entry in metadata["recordings"]:
        file = entry["file"].replace("churn", "other")
        shutil.copy(run_ / "recordings" / entry["file"], run_ / "recordings" / file)
        copies.append({**entry, "file": file, "workload": "other"})
    metadata["recordings"] += copies
    (run_ / "metadata.json").write_text(json.dumps(metadata))
    more = seeds.assign(workload="other")
    pd.concat([seeds, more]).to_csv(run_ / "seeds.csv", index=False)
    (run_ / "still.png").rename(run_ / "other-still.png")
    entry = entries_of(runs)["a9"]
    assert [(f.workload, f.picture and f.picture.text) for f in entry.figures] == [
        ("churn", None),
        ("other", "other-still.png"),
    ]
    assert "other-still.png" in [link.text for link in entry.links]


def test_the_same_runs_give_the_same_page(pagereel: Commands, runs: Path) -> None:
    pagereel("index", runs)
    before = (runs / "index.html").read_bytes()
    assert "exists; --force" in pagereel.refused("index", runs, code=2)
    pagereel("index", runs, "--force")
    assert (runs / "index.html").read_bytes() == before


def test_what_cannot_be_listed(pagereel: Commands, runs: Path, tmp_path: Path) -> None:
    assert "no such folder" in pagereel.refused("index", tmp_path / "none", code=2)
    assert "no runs in it" in pagereel.refused("index", runs / "notes", code=2)
    assert "a run itself" in pagereel.refused("index", runs / "a9", code=2)
    assert ".html" in pagereel.refused("index", runs, "-o", tmp_path / "a.pdf", code=2)
    none = tmp_path / "none"
    assert str(none) in pagereel.refused("index", runs, "--configs", none, code=2)
    with pytest.raises(UsageError):
        listing(tmp_path / "none", None, tmp_path / "a.html")


def test_a_browser_shows_it_without_a_network(pagereel: Commands, runs: Path, browser) -> None:
    pagereel("index", runs)
    context = browser.new_context(color_scheme="dark", viewport={"width": 420, "height": 800})
    page = context.new_page()
    requests, complaints = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text))
    page.goto((runs / "index.html").as_uri())
    page.evaluate("document.querySelectorAll('img').forEach(i => i.loading = 'eager')")
    page.wait_for_function(
        "[...document.images].every(i => i.complete && i.naturalWidth > 100)", timeout=20_000
    )
    assert page.locator(".run").count() == 8
    assert page.locator(".picture img").count() == 3
    assert page.evaluate("document.documentElement.scrollWidth") <= 420
    assert all(url.startswith("file:") for url in requests)
    assert complaints == []
    page.locator("nav a", has_text="a10").click()
    assert page.url.endswith("#run-2")
    context.close()
