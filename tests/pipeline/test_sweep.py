"""`pagereel sweep`: which cells there are, what is kept of them, and what is made of it."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import pipeline.sweep.local as local
from allocator.mechanism import load_mechanism
from pipeline.config import UsageError, WorkloadChoice
from pipeline.measures import measures_of
from pipeline.plain_text import WIDTH
from pipeline.recording import Recording
from pipeline.simulate import runnable, simulate
from pipeline.sweep.cell import scratch_prefix
from pipeline.sweep.compare import Compared, compared
from pipeline.sweep.config import load_sweep
from pipeline.sweep.identity import ROOT, differing, inputs_of, key_of, sources
from pipeline.sweep.plan import Plan, batches_of, planned
from pipeline.sweep.progress import Estimate
from pipeline.sweep.store import Damaged, Store
from pipeline.sweep.table import Shown, Values, values_of
from tests.pipeline.commands import Commands
from tests.pipeline.sweeps import files, small_sweep
from tests.workloads.folders import operations, small_stream
from workloads import load_workload
from workloads.packed import pack

# Loaded on the way to a figure, but they change none: told apart from what does.
NEUTRAL = {
    "pipeline", "pipeline.config", "pipeline.faults", "pipeline.execute", "pipeline.atomic",
    "pipeline.version", "pipeline.growing_file", "pipeline.artefacts", "pipeline.sweep",
    "pipeline.blame", "pipeline.holders",  # not watched: nothing is marked or blamed
}  # fmt: skip


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small sweep, not to be changed."""
    folder = tmp_path_factory.mktemp("swept")
    from pipeline.sweep.command import Options, sweep_command

    sweep_command(small_sweep(folder), folder / "done", Options(jobs=1))
    return folder / "done"


def test_a_sweep_of_one_mechanism(pagereel: Commands, tmp_path: Path) -> None:
    path = small_sweep(tmp_path, more="used_share = [0.7, 0.9]")
    path.write_text(path.read_text().replace('"6.1-off", "6.1-zone"', '"6.1-list"'))
    assert pagereel("sweep", path, "-o", tmp_path / "done", "-j", 1).code == 0
    made = files(tmp_path / "done")
    assert {"sweep.csv", "sweep.txt", "sweep.json"} <= set(made)
    assert any(name.endswith(".png") for name in made)


def test_a_parameter_that_changes_the_phases(swept: Path, tmp_path: Path) -> None:
    """Where a setting has no such phase there is no figure; the others have theirs."""
    plan = planned(load_sweep(small_sweep(tmp_path)))
    table = pd.read_csv(swept / "sweep.csv", dtype={"memory_mib": str})
    gone = (table["memory_mib"] == "48") & (table["phase"] == "rest")
    of = compared(values_of(plan, table[~gone], Shown("churn", "potential_huge", "rest")))
    assert of.settings == (("32",), ("48",))
    assert np.isnan(of.values("6.1-zone", ("48",))).all()
    assert np.isfinite(of.values("6.1-zone", ("32",))).all()
    assert of.intervals["6.1-zone", ("48",)].seeds == 0


def test_seeds_that_change_nothing_are_one_seed(pagereel: Commands, tmp_path: Path) -> None:
    """A stream without a recorded start, which seeds would perturb: no ten copies of one run."""
    pack(small_stream(operations(*[(0, n, 0, 0) for n in range(2, 40)])), tmp_path / "s.npz")
    path = tmp_path / "sweep.toml"
    path.write_text('workloads = [{path = "s.npz"}]\nmechanisms = ["6.1-off", "6.1-list"]')
    told = pagereel("sweep", path, "-o", tmp_path / "done", "-j", 1).out
    assert "seeds change nothing for s: one is run" in " ".join(told.split())
    assert pd.read_csv(tmp_path / "done" / "sweep.csv")["seed"].unique().tolist() == [1]


def test_a_missing_seed_does_not_make_the_others_equal() -> None:
    of = {("a", ("1",)): [1.0, np.nan, 4.0], ("a", ("2",)): [np.nan] * 3}
    assert compared(Values(Shown("churn", "mixed", "rest"), of)).varied
    of = {("a", ("1",)): [1.0, np.nan, 1.0], ("a", ("2",)): [np.nan] * 3}
    assert not compared(Values(Shown("churn", "mixed", "rest"), of)).varied


def counting(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Mechanism and seed of each cell that is run from now on in this process."""
    ran, really = [], local.result_of

    def result_of(job, **options):
        ran.append((job.mechanism.name, job.seed))
        return really(job, **options)

    monkeypatch.setattr(local, "result_of", result_of)
    return ran


def test_a_sweep_leaves_table_text_and_figures(swept: Path) -> None:
    assert {name for name in files(swept) if not name.startswith("results")} == {
        "sweep.csv", "sweep.txt", "sweep.json",
        *(f"figures/churn-potential_huge-rest.{kind}" for kind in ("csv", "png", "svg", "pdf")),
    }  # fmt: skip
    table = pd.read_csv(swept / "sweep.csv")
    assert list(table) == [
        "mechanism", "workload", "memory_mib", "seed", "phase", "measure", "value"
    ]  # fmt: skip
    cells = table[["mechanism", "workload", "memory_mib", "seed"]].drop_duplicates()
    assert len(cells) == 2 * 2 * 2
    text = (swept / "sweep.txt").read_text(encoding="ascii")
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "no difference can be told from noise" in " ".join(text.split())
    told = json.loads((swept / "sweep.json").read_text())
    assert set(told["results"].values()) == {path.stem for path in swept.rglob("results/*/*.json")}


def test_the_table_has_the_figures_of_a_recording(swept: Path, tmp_path: Path) -> None:
    parameters = {"requests": "3000", "memory_mib": "48"}
    stream = runnable(load_workload("churn", parameters, 2))
    simulate(stream, load_mechanism("6.1-zone"), tmp_path / "one.reel", frames=None)
    expected = measures_of(Recording.open(tmp_path / "one.reel"))
    table = pd.read_csv(swept / "sweep.csv")
    chosen = (table["mechanism"] == "6.1-zone") & (table["memory_mib"] == 48) & (table["seed"] == 2)
    found = table[chosen].reset_index(drop=True)[["phase", "measure", "value"]]
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=1e-11)


def drawn(swept: Path) -> pd.DataFrame:
    """The rows of the table that the figure shows."""
    table = pd.read_csv(swept / "sweep.csv")
    return table.query("measure == 'potential_huge' and phase == 'rest'")


def test_the_figures_data_are_means_over_seeds(swept: Path) -> None:
    table = pd.read_csv(swept / "sweep.csv").query(
        "measure == 'potential_huge' and phase == 'rest'"
    )
    data = pd.read_csv(swept / "figures" / "churn-potential_huge-rest.csv")
    means = table.groupby(["mechanism", "memory_mib"])["value"].mean()
    for row in data.itertuples():
        assert row.mean == pytest.approx(means[row.mechanism, row.memory_mib])
        if row.mechanism != "6.1-off":
            before = means["6.1-off", row.memory_mib]
            assert row.difference == pytest.approx(row.mean - before)


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


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("seeds = 0", "seeds: a count of seeds"),
        ("seeds = [1, 1]", "a seed or a workload stands twice"),
        ("frames = 10", "frames: "),
        ('mechanisms = ["6.1-of"]', "unknown mechanism '6.1-of'"),
        ('measures = ["huge"]', "unknown measure 'huge'"),
        ("parameters = {memory_mib = []}", "parameters: memory_mib has no value"),
        ("parameters = {memory_mib = [64, 64]}", "parameters: memory_mib has a value twice"),
        ("parameters = {seed = [1]}", "parameters: seed is no parameter"),
        ("[parameters]\nper_cpu.rule = ['none']", "parameters.per_cpu: a value or a list"),
        ("workloads = ['churn']\nparameters = {memory_mib = [64, -1]}",
         "parameters.memory_mib: with memory_mib=-1: churn"),
        ("workloads = ['churn']\nparameters = {memory = [64]}",
         "parameters.memory: with memory=64: churn: unknown parameter"),
        ("parameters = {kernelcore = ['x']}", "parameters.kernelcore: with kernelcore=x: "),
        ("mechanisms = ['6.1-off']\nparameters = {kernelcore = ['50%']}", "has ZONE_MOVABLE"),
        ("workloads = [{name='churn', parameters={memory_mib=64}}]\n"
         "parameters = {memory_mib = [64, 128]}", "parameters.memory_mib: set by a workload"),
        ("seeds = [", "Invalid"),
    ],
)  # fmt: skip
def test_faults_of_the_file_name_it_and_the_entry(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "sweep.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        load_sweep(path)
    assert re.match(rf"{re.escape(str(path))}(:[0-9]+)?: ", str(caught.value))
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


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


def plan_of(folder: Path, more: str = "") -> Plan:
    return planned(load_sweep(small_sweep(folder, more=more)))


def test_what_a_parameter_does_not_concern_is_one_cell(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, more='kernelcore = ["30%", "50%"]\n')
    assert len(plan.cells) == 2 * 2 * 2 * 2
    keys = {
        name: {c.key for c in plan.cells if c.mechanism == name} for name in ("6.1-off", "6.1-zone")
    }
    assert len(keys["6.1-off"]) == 2 * 2
    assert len(keys["6.1-zone"]) == 2 * 2 * 2


def test_a_key_is_what_figures_depend_on_and_nothing_else(tmp_path: Path) -> None:
    workload, mechanism = WorkloadChoice(name="churn"), load_mechanism("6.1-list")

    def key(workload=workload, digest="", mechanism=mechanism, seed=1) -> str:
        return key_of(inputs_of(workload, digest, mechanism, seed))

    renamed = mechanism.model_copy(update={"name": "mine", "title": "mine", "source": "me"})
    assert key(mechanism=renamed) == key()
    others = [
        key(seed=2),
        key(workload=WorkloadChoice(name="ebizzy")),
        key(workload=WorkloadChoice(name="churn", parameters={"memory_mib": "64"})),
        key(mechanism=load_mechanism("6.1-list", {"grouping.claims": "false"})),
    ]
    assert len({key(), *others}) == 5
    here, there = WorkloadChoice(path="a.npz"), WorkloadChoice(path="b/c.npz")
    assert key(here, "digest") == key(there, "digest") != key(here, "other")


def test_codes_that_differ_are_told_apart() -> None:
    here = {"pagereel": "1", "sources": "a" * 64, "core": "compiled"}
    assert differing(here, dict(here)) == ""
    assert differing(here, here | {"core": "uncompiled"}) == (
        "core compiled here, uncompiled there"
    )
    assert (
        differing(here, here | {"sources": "b" * 64})
        == f"sources {'a' * 12} here, {'b' * 12} there"
    )
    assert differing(here, {}) == "pagereel 1 here, None there"


def test_the_sources_are_all_that_makes_figures() -> None:
    """Whatever of pagereel a cell loads is in its identity, or known to change nothing."""
    program = (
        "import sys, pipeline.sweep.cell as cell\n"
        "from pipeline.config import WorkloadChoice\n"
        "from allocator.mechanism import load_mechanism\n"
        "small = {'requests': '500', 'memory_mib': '32'}\n"
        "choice = WorkloadChoice(name='churn', parameters=small)\n"
        "job = cell.Job('', {'workload': {}}, choice, load_mechanism('6.1-list'), 1)\n"
        "assert cell.result_of(job)['rows']\n"
        "print('\\n'.join(f'{n} {m.__file__}' for n, m in sys.modules.items()"
        " if n.partition('.')[0] in ('allocator', 'workloads', 'pipeline')))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True
    )
    loaded = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    known = {".".join(path.relative_to(ROOT).with_suffix("").parts) for path in sources()}
    unknown = {
        name for name in loaded
        if name not in NEUTRAL and name not in known and f"{name}.__init__" not in known
    }  # fmt: skip
    assert unknown == set()


def test_all_cells_of_a_stream_run_together_seed_after_seed(tmp_path: Path) -> None:
    jobs = list(plan_of(tmp_path).jobs.values())
    alone = batches_of(jobs, 2)
    assert [len(batch.jobs) for batch in alone] == [1] * 8
    together = batches_of(jobs, 1)
    assert [len(batch.jobs) for batch in together] == [2] * 4
    assert [batch.jobs[0].seed for batch in together] == [1, 1, 2, 2]
    for batch in together:
        assert len({json.dumps(job.inputs["workload"]) for job in batch.jobs}) == 1


def test_the_estimate_learns_what_cells_cost(tmp_path: Path) -> None:
    cheap, dear, *later = batches_of(list(plan_of(tmp_path).jobs.values()), 1)
    estimate = Estimate([cheap, dear, *later])
    estimate.begin(cheap.label)
    estimate.end(cheap.label, 1.0)
    assert estimate.share == pytest.approx(1 / 4)  # the others are thought to be alike
    estimate.end(dear.label, 9.0)
    assert estimate.share == pytest.approx(10 / 20)
    assert later[0].kind == cheap.kind
    estimate.end(later[0].label, 1.0)
    assert estimate.share == pytest.approx(11 / 20)
    estimate.end(later[1].label, 9.0)
    assert estimate.share == 1.0


def test_values_stay_paired_by_seed(swept: Path) -> None:
    assert np.array_equal(drawn(swept)["seed"], np.tile([1, 2], 4))


def figure_of(before: list[float], after: list[float]) -> Compared:
    """One setting, two mechanisms."""
    place = Shown("churn", "potential_huge", "rest")
    return compared(Values(place, {("first", ()): before, ("second", ()): after}))


def test_a_difference_is_told_apart_from_noise_where_seeds_suffice() -> None:
    before = [10.0, 12.0, 11.0, 13.0, 9.0, 10.0]
    sure = figure_of(before, [value + 5 for value in before])
    assert sure.beyond_noise["second", ()] is True
    assert sure.differences["second", ()][:3] == (5, 5, 5)
    assert ("first", ()) not in sure.differences
    noise = figure_of(before, [11.0, 11.0, 12.0, 12.0, 10.0, 9.0])
    assert noise.beyond_noise["second", ()] is False
    few = figure_of(before[:5], [value + 5 for value in before[:5]])
    assert few.beyond_noise["second", ()] is None
    missing = figure_of(before, [float("nan")] * 6)
    assert missing.beyond_noise["second", ()] is None
    assert missing.intervals["second", ()].seeds == 0


def test_seeds_that_change_nothing_are_told() -> None:
    assert not figure_of([1.0] * 6, [2.0] * 6).varied
    assert figure_of([1.0] * 6, [2.0] * 5 + [3.0]).varied
