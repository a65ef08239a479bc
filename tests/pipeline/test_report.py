"""The report of a run: figures of all seeds, how it was made, and what the command line takes."""

import html
from pathlib import Path

import numpy as np
import pytest

from pipeline.artefacts.panels import Drawing, panels
from pipeline.artefacts.report import failures_of, figure, lasting, report_of
from pipeline.artefacts.report_making import command_of
from pipeline.config import MechanismChoice, RunConfig, WorkloadChoice
from pipeline.findings.case import Case
from pipeline.recording import Recording
from pipeline.recording_format import BLAME_DTYPE
from tests.pipeline.commands import Commands, pagereel  # noqa: F401
from tests.pipeline.histories import PAGES, recorded
from tests.renderer import reports

RUN = ["run", "-w", "churn", "-p", "memory_mib=24", "-p", "requests=9000", "--frames", "8",
       "-m", "6.1-off", "-m", "6.1-list", "--only", "tables"]  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("report")


@pytest.fixture
def run(folder: Path, pagereel: Commands) -> Path:  # noqa: F811
    """A run of two seeds, made once."""
    made = folder / "run"
    if not made.exists():
        assert pagereel(*RUN, "--seed", "1", "--seed", "2", "-o", made).code == 0
    return made


def test_a_figure_is_the_mean_with_its_95_percent_interval() -> None:
    found = figure(np.array([3.0, 5.0, 10.0]))
    # Student's t for 2 degrees of freedom is 4.303; the standard deviation is sqrt(13).
    assert found.mean == 6
    assert found.half_width == pytest.approx(4.303 * 13**0.5 / 3**0.5)
    assert found.seeds == 3


def test_the_interval_of_many_seeds_nears_the_normal_one() -> None:
    values = np.tile([0.0, 1.0], 20)
    # 2.0227 is the quantile for 39 degrees of freedom.
    width = figure(values).half_width
    assert width == pytest.approx(2.0227 * values.std(ddof=1) / 40**0.5, rel=1e-3)


def test_one_seed_has_no_interval_and_a_missing_value_no_mean() -> None:
    assert np.isnan(figure(np.array([3.0])).half_width)
    assert np.isnan(figure(np.array([3.0, np.nan])).mean)


def test_failures_are_the_rows_of_blame_by_request() -> None:
    rows = np.zeros(3, BLAME_DTYPE)
    rows["failed_op"], rows["pfn"] = [5, 5, 9], [512, 513, 1024]
    rows["start_pfn"], rows["order"], rows["page_class"] = [512, 512, 1024], 9, 3

    class Blaming:
        header = {"page_classes": ["free", "pcp_free", "movable", "unmovable"]}  # noqa: RUF012
        blame = rows

    found = failures_of(Blaming(), 1)
    assert [(f.op, f.start_pfn, [page[:2] for page in f.pages]) for f in found] == [
        (5, 512, [(512, "unmovable"), (513, "unmovable")]),
        (9, 1024, [(1024, "unmovable")]),
    ]
    assert {f.panel for f in found} == {1}


def test_the_command_says_what_differs_from_the_main_job() -> None:
    assert command_of(RunConfig()) == "pagereel run"
    config = RunConfig(
        workloads=(WorkloadChoice(name="churn", parameters={"memory_mib": 24}),),
        mechanisms=(MechanismChoice(name="6.1-off", parameters={"kernelcore": "30%"}),),
        seeds=(1, 2),
        frames=50,
    )
    assert command_of(config) == (
        "pagereel run -w churn -m 6.1-off -p memory_mib=24 -p kernelcore=30% --seed 1 --seed 2 "
        "--frames 50"
    )


@pytest.mark.parametrize(
    "config",
    [
        RunConfig(workloads=(WorkloadChoice(path="/home/me/stream"),)),
        RunConfig(mechanisms=(MechanismChoice(name="/home/me/mine.toml"),)),
        RunConfig(mechanisms=(MechanismChoice(name="6.1-off", label="mine"),)),
    ],
)
def test_what_only_a_file_can_say_has_no_command(config: RunConfig) -> None:
    assert command_of(config) == ""


def test_a_run_becomes_one_page_with_the_spread_of_its_seeds(
    run: Path, folder: Path, pagereel: Commands  # noqa: F811
) -> None:  # fmt: skip
    target = folder / "report.html"
    done = pagereel("report", run, "-o", target, "--force")
    assert (done.code, done.out) == (0, f"{target}\n")
    page = target.read_text(encoding="utf-8")
    data = reports.data(page)
    names = ["churn-6.1-off-1.reel", "churn-6.1-list-1.reel"]
    recordings = [Recording.open(run / "recordings" / name) for name in names]
    assert [panel["name"] for panel in data["panels"]] == ["6.1-off", "6.1-list"]
    assert data["clock"]["ops"] == recordings[0].ops.tolist()
    assert data["panels"][0]["failed"] == recordings[0].column("failed_requests").tolist()
    assert "means over 2 seeds" in page
    assert " ± " in page
    assert "-w churn" in html.unescape(page)
    assert str(folder) not in page


def test_the_same_run_gives_the_same_bytes(run: Path, folder: Path, pagereel: Commands) -> None:  # noqa: F811
    pages = []
    for name in ("a.html", "b.html"):
        assert pagereel("report", run, "-o", folder / name, "--force").code == 0
        pages.append((folder / name).read_bytes())
    assert pages[0] == pages[1]


def test_recordings_become_a_page_into_a_folder_too(
    run: Path, tmp_path: Path, pagereel: Commands  # noqa: F811
) -> None:  # fmt: skip
    recordings = sorted((run / "recordings").glob("*-1.reel"))
    done = pagereel("report", *recordings, "-o", tmp_path, "--layout", "hilbert")
    assert (done.code, done.out) == (0, f"{tmp_path / 'report.html'}\n")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "1 seed: no interval" in page
    assert reports.data(page)["layout"] == "hilbert"
    line = pagereel.refused("report", *recordings, "-o", tmp_path, code=2)
    assert "--force" in line


def test_faults_are_one_line(run: Path, tmp_path: Path, pagereel: Commands) -> None:  # noqa: F811
    recording = next((run / "recordings").glob("*-1.reel"))
    assert ".html" in pagereel.refused("report", recording, "-o", tmp_path / "x.txt", code=2)
    assert "layout" in pagereel.refused(
        "report", recording, "-o", tmp_path / "x.html", "--layout", "spiral", code=2
    )
    assert "no run" in pagereel.refused("report", tmp_path, "-o", tmp_path / "x.html", code=2)
    missing = pagereel.refused("report", tmp_path / "no.reel", "-o", tmp_path / "x.html", code=1)
    assert "no such file" in missing


def test_a_finding_stands_in_the_panel_of_its_recording(tmp_path: Path) -> None:
    """Of one mechanism with other parameters, and of the same before and after a patch."""
    clean, spoilt = [["M", "M"]] * 3, [["M", "M"], ["U", "M"], ["U", "M"]]
    for others in ({"parameters": {"kernelcore": "70%"}}, {}):
        first = recorded(tmp_path / "a.reel", clean, name="zone", parameters={"kernelcore": "30%"})
        second = recorded(tmp_path / "b.reel", spoilt, name="zone", **others)
        drawing = Drawing()
        report = report_of(panels([first.path, second.path], drawing), drawing)
        (lone,) = [found for found in report.findings if found.rule == "lone_page"]
        assert (lone.panel, lone.first_pfn) == (1, 0)
        (solid, other) = [found for found in report.findings if found.rule == "solid"]
        assert solid.pfns == other.pfns == ((0, 2 * PAGES - 1),)
        assert lone.more == {"block": 0, "renewals": 0}
        assert [of.panel for of in report.lasting] == [0, 1]
        assert [of.texts["polluted since"] for of in report.lasting] == ["0", "1"]


def test_half_lives_below_a_second_are_told(tmp_path: Path) -> None:
    frames, times_us = [["M"], ["UM"], ["M"], ["M"]], [0, 1_000, 251_000, 900_000]
    case = Case(recorded(tmp_path / "a.reel", frames, times_us=times_us), 3)
    told = lasting(case)
    assert told.panel == 3
    assert told.texts == {
        "polluted at the start": "0", "polluted since": "1", "of these recovered": "1",
        "half-life": "0.25 s (no interval), by 1 left",
    }  # fmt: skip
    assert told.blocks == [(0, "1 time", 1)]
