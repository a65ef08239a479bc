"""The figures of recordings: all seeds, huge-page attempts, and a CSV that is what is drawn."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.artefacts import figures
from pipeline.artefacts.figures import figures_of
from pipeline.metrics import METRICS
from pipeline.recording import Recording
from pipeline.run_folder import RunFolder
from renderer.figures import draw
from tests.pipeline.commands import Commands
from tests.pipeline.test_groups import recording

HELD = {0: [0, 9, 9, 0, 0], 1: [0, 0, 9, 0, 0]}


def values(of: Recording, name: str) -> np.ndarray:
    """Made up: by seed; memory is in huge pages at some frames."""
    if name == "hugetlb_pages":
        return np.array(HELD[of.header["seed"]], float)
    return np.arange(5.0) / 3 + of.header["seed"]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three figures: each takes most of a second."""
    shown = ("mixed", "free_blocks")
    monkeypatch.setattr(figures, "METRICS", {name: METRICS[name] for name in shown})
    monkeypatch.setattr(figures, "GRAPHS", shown)


@pytest.fixture
def made(tmp_path: Path) -> list[Recording]:
    return [recording(tmp_path / f"{n}{seed}.reel", n, seed) for n in "ab" for seed in (0, 1)]


def test_the_data_are_the_curves(made: list[Recording]) -> None:
    for figure, data in figures_of(made, values).values():
        canvas = draw(figure)
        for graph, axis in zip(figure.graphs, canvas.axes, strict=True):
            for line in axis.get_lines():
                rows = data[(data.metric == graph.name) & (data.mechanism == line.get_label())]
                np.testing.assert_array_equal(line.get_xdata(), rows.frame)
                np.testing.assert_array_equal(line.get_ydata(), rows.value)
            edges = [p.vertices[:, 1] for band in axis.collections for p in band.get_paths()]
            rows = data[data.metric == graph.name]
            assert min(map(min, edges)) == rows.least.min()
            assert max(map(max, edges)) == rows.greatest.max()


def test_seeds_are_averaged_and_counted(made: list[Recording]) -> None:
    figure, data = figures_of(made, values)["mixed"]
    assert data.value.tolist() == pytest.approx(
        [0.5, 0.5 + 1 / 3, 0.5 + 2 / 3, 1.5, 1.5 + 1 / 3] * 2
    )
    assert set(data.seeds) == {2}
    assert any("mean of 2 seeds" in note for note in figure.notes)
    assert (data.greatest - data.least).tolist() == pytest.approx([1] * 10)
    figure, data = figures_of(made[:3], values)["mixed"]
    assert [curve.name for curve in figure.graphs[0].curves] == ["a (n=2)", "b (n=1)"]
    assert figure.graphs[0].curves[1].low is None
    assert any("mean of n seeds" in note for note in figure.notes)


def test_curves_pause_while_memory_is_in_huge_pages(made: list[Recording]) -> None:
    found = figures_of(made, values)
    paused = {name for name, metric in METRICS.items() if metric.pauses}
    assert "potential_huge" in paused < set(METRICS)
    for name in METRICS:
        figure, data = found[name]
        pauses = np.isnan(data.value[:5]).tolist()
        assert pauses == ([False, True, True, False, False] if name in paused else [False] * 5)
        assert figure.spans == [(1, 2)]
        assert "huge-page attempts" in figure.spans_note
        assert ("pause" in figure.spans_note) == (name in paused)
    assert found["overview"][0].spans_note.endswith(
        "pause: potential_huge, free_blocks, unusable_index."
    )


@pytest.mark.usefixtures("few")
def test_the_table_is_tidy(made: list[Recording], tmp_path: Path) -> None:
    folder = tmp_path / "figures"
    steps = []
    drawing = figures.Drawing(values=values)
    paths = [of.path for of in made]
    figures.write(paths, folder, "x-", drawing, "one", progress=lambda *step: steps.append(step))
    assert steps[-1][0] == steps[-1][1]
    table = pd.read_csv(folder / "x-overview.csv")
    assert table.columns.tolist() == [
        "mechanism", "frame", "op", "time_us", "phase", "metric", "value", "unit", "seeds",
        "least", "greatest",
    ]  # fmt: skip
    assert table.metric.unique().tolist() == ["mixed", "free_blocks"]
    first = (folder / "x-mixed.csv").read_text().splitlines()[2]
    assert first == "a,1,10,10000,load,mixed,0.833333333333,%,2,0.333333333333,1.33333333333"
    kinds = {path.suffix for path in folder.glob("x-mixed.*")}
    assert kinds == {".png", ".svg", ".pdf", ".csv"}
    assert not list(folder.glob("*blockers*"))  # nothing failed, nothing is to blame


@pytest.mark.usefixtures("few")
def test_a_run_shows_all_its_seeds(pagereel: Commands, tmp_path: Path) -> None:
    target = tmp_path / "run"
    done = pagereel(
        "run", "-w", "churn", "-p", "memory_mib=24", "-p", "requests=3000", "--frames", 4,
        "-m", "6.1-list", "--seed", 2, "--seed", 5, "--only", "figures", "-o", target, "-j", 1,
    )  # fmt: skip
    assert done.code == 0
    table = pd.read_csv(target / "figures" / "free_blocks.csv")
    assert set(table.seeds) == {2}
    run = RunFolder.open(target)
    clock = Recording.open(run.paths[0])
    assert table.op.tolist() == clock.ops.tolist()
    assert {r.seed for of in run.by_workload().values() for r in of} == {2, 5}
    declared = {file for task in figures.tasks(run) for file in task.files}
    made = {str(path.relative_to(target)) for path in (target / "figures").iterdir()}
    assert made <= declared
    assert all("blockers" in file for file in declared - made)


@pytest.mark.usefixtures("few")
def test_the_size_is_chosen(pagereel: Commands, tmp_path: Path) -> None:
    path = recording(tmp_path / "a.reel").path
    assert pagereel("figures", path, "-o", tmp_path / "f", "--columns", "three").code == 2
    assert pagereel("figures", path, "-o", tmp_path / "f", "--columns", "one").code == 0
    assert b"MediaBox [ 0 0 252 " in (tmp_path / "f" / "mixed.pdf").read_bytes()
