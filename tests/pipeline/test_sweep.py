"""`pagereel sweep`: which cells there are, what is kept of them, and what is made of it."""

import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from allocator.mechanism import load_mechanism
from pipeline.config import UsageError, WorkloadChoice
from pipeline.measures import measures_of
from pipeline.metrics.evidence import eligible_blocks
from pipeline.plain_text import WIDTH
from pipeline.recording import Recording
from pipeline.simulate import runnable, simulate
from pipeline.sources import ROOT, sources
from pipeline.sweep.compare import Compared, compared
from pipeline.sweep.config import load_sweep
from pipeline.sweep.eligible import total_at, totals_note
from pipeline.sweep.figures import _colours_note
from pipeline.sweep.identity import differing, inputs_of, key_of
from pipeline.sweep.plan import Plan, batches_of, check_phases, planned
from pipeline.sweep.progress import Estimate
from pipeline.sweep.table import Shown, Values, values_of
from pipeline.sweep.text import text_of
from tests.pipeline.commands import Commands
from tests.pipeline.sweeps import files, made_sweep, small_sweep
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
    return made_sweep(tmp_path_factory.mktemp("swept"))


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


def test_a_sweep_leaves_table_text_and_figures(swept: Path) -> None:
    assert {name for name in files(swept) if not name.startswith("results")} == {
        "sweep.csv", "sweep.txt", "sweep.json",
        *(f"figures/churn-potential_huge-rest.{kind}" for kind in ("csv", "png", "svg", "pdf")),
    }  # fmt: skip
    table = pd.read_csv(swept / "sweep.csv")
    assert list(table) == [
        "mechanism", "workload", "memory_mib", "seed", "phase", "measure", "value",
        "eligible_blocks",
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
    recording = Recording.open(tmp_path / "one.reel")
    expected = measures_of(recording)
    table = pd.read_csv(swept / "sweep.csv")
    chosen = (table["mechanism"] == "6.1-zone") & (table["memory_mib"] == 48) & (table["seed"] == 2)
    assert set(table[chosen]["eligible_blocks"]) == {eligible_blocks(recording).sum()}
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
        in_dma = row.memory_mib == 32 and row.mechanism == "6.1-zone"  # no kernel zone is higher
        assert row.eligible_blocks == (15 if in_dma else row.memory_mib / 2 - 8)
        assert row.mean_percent == pytest.approx(100 * row.mean / row.eligible_blocks)
        if row.mechanism != "6.1-off":
            before = means["6.1-off", row.memory_mib]
            assert row.difference == pytest.approx(row.mean - before)


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


def text_with(swept: Path, path: Path, **changes: object) -> str:
    """What is said of the small sweep's figure, as one line."""
    plan = planned(load_sweep(path))
    table = pd.read_csv(swept / "sweep.csv", dtype={"memory_mib": str}).assign(**changes)
    figure = compared(values_of(plan, table, Shown("churn", "potential_huge", "rest")))
    results = {cell.key: {"stream": {"source": "synthetic, seed 1"}} for cell in plan.cells}
    text = text_of(plan, [figure], results)
    assert max(map(len, text.splitlines())) <= WIDTH
    return " ".join([*text.split(), "|", totals_note(figure, ["memory_mib"])])


def test_counts_of_pageblocks_are_told_with_their_total(swept: Path, tmp_path: Path) -> None:
    path = small_sweep(tmp_path)
    told = text_with(swept, path)  # at 32 MiB ZONE_DMA counts under one of them
    assert re.search(r"memory_mib 6.1-off 6.1-zone 32 [0-9.]+ of 8 .*[0-9.]+ of 15 .*48 ", told)
    assert told.endswith(
        "| Eligible pageblocks: 8 to 15 with memory_mib=32, 16 with memory_mib=48. Mechanisms "
        "differ; the data has shares."
    )
    by_size = pd.read_csv(swept / "sweep.csv")["memory_mib"] / 2
    told = text_with(swept, path, eligible_blocks=by_size)
    assert "memory_mib eligible 6.1-off" in told
    assert re.search(r"\b48 +24 +[0-9]", told)
    assert " of " not in told[told.index("6.1-off") : told.index("Means")]
    assert told.endswith("| Eligible pageblocks: 16 with memory_mib=32, 24 with memory_mib=48.")
    alike = text_with(swept, path, eligible_blocks=20)
    assert "can become a huge page; of 20 eligible pageblocks; higher is better" in alike
    assert "memory_mib 6.1-off" in alike
    assert alike.endswith("| ")


def test_totals_that_go_with_no_parameter_are_told_as_a_range() -> None:
    of = {(m, (v,)): [1.0] for m in ("a", "b") for v in ("x", "y")}
    totals = {("a", ("x",)): 10.0, ("b", ("x",)): 12.0, ("a", ("y",)): 12.0, ("b", ("y",)): 12.0}
    figure = compared(Values(Shown("churn", "potential_huge", "rest"), of, totals))
    assert total_at(figure, ("x",)) == "10 to 12"
    assert totals_note(figure, ["p"]).startswith(
        "Eligible pageblocks: 10 to 12 with p=x, 12 with p=y. Mech"
    )
    many = {("a", (str(n),)): [1.0] for n in range(9)}
    totals = {place: float(n) for n, place in enumerate(many, 5)}
    figure = compared(Values(Shown("churn", "potential_huge", "rest"), many, totals))
    assert totals_note(figure, ["p"]).startswith("Of 5 to 13 eligible pageblocks;")
    shares = compared(Values(Shown("churn", "mixed", "rest"), many, totals))
    assert totals_note(shares, ["p"]) == ""  # in % already


@pytest.mark.parametrize(
    ("measure", "told"),
    [
        ("potential_huge", "which is better. Differences: blue is better, orange worse."),
        ("mixed", "which is worse. Differences: blue is better, orange worse."),
        ("splits", "Green: the darker the more. Differences: blue is more, orange less."),
    ],
)
def test_a_heat_map_says_which_way_its_colours_are(measure: str, told: str) -> None:
    of = {(m, ("x", "y")): [1.0, 2.0] for m in ("a", "b")}
    assert _colours_note(compared(Values(Shown("churn", measure, "rest"), of))).endswith(told)
    one = {("a", ("x", "y")): [1.0, 2.0]}
    assert "blue" not in _colours_note(compared(Values(Shown("churn", measure, "rest"), one)))


def test_a_file_without_a_workload_says_which_is_run(pagereel: Commands, tmp_path: Path) -> None:
    path = tmp_path / "bare.toml"
    path.write_text('seeds = 1\nmechanisms = ["6.1-off"]\n')
    told = " ".join(pagereel("sweep", path, "-o", tmp_path / "x", "--dry-run").out.split())
    assert "bare.toml names no workload, so debian-6.1-churn is run" in told
    named = pagereel("sweep", small_sweep(tmp_path), "-o", tmp_path / "x", "--dry-run").out
    assert "names no workload" not in named


def test_a_phase_of_a_later_setting_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def load(choice: WorkloadChoice, seed: int) -> object:
        """A stand-in for stress-highalloc, whose rounds have phases of their own."""
        made.append(choice.parameters["rounds"])
        rounds = range(1, int(made[-1]) + 1)
        return SimpleNamespace(phases=[SimpleNamespace(name=f"r{n}-rest") for n in rounds])

    path = tmp_path / "rounds.toml"
    path.write_text(
        'seeds = 1\nmechanisms = ["6.1-zone"]\nworkloads = ["stress-highalloc"]\n'
        '[parameters]\nrounds = [1, 2, 3]\nkernelcore = ["30%", "50%"]\n'
    )
    config = load_sweep(path)
    monkeypatch.setattr(WorkloadChoice, "load", load)
    check_phases(config, ["r2-rest", "r1-rest", "total"])
    assert made == ["1", "2"]  # no more than it takes
    with pytest.raises(UsageError, match=r"unknown phase 'rest'; there are r1-rest, r2-rest, r3-"):
        check_phases(config, ["r1-rest", "rest"])


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

    for name in ("name", "title", "source", "base"):
        renamed = mechanism.model_copy(update={name: "mine"})
        assert key(mechanism=renamed) == key(), name
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
