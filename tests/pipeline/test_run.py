"""Whole runs on a small machine: what a run folder holds, and that nothing is lost or half done."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from allocator.page_alloc import COMPILED
from pipeline.metrics import METRICS
from pipeline.recording import Recording
from renderer.output import RenderError
from tests.endurance.kills import alive
from tests.pipeline.commands import Commands
from tests.pipeline.processes import PATIENCE_S, VIDEO, line_of, needs_proc, started, until

SMALL = [
    "run", "-w", "churn", "-p", "memory_mib=24", "-p", "requests=9000", "--frames", "8",
    "-m", "6.1-off", "-m", "6.1-list",
]  # fmt: skip
CONTRACT = {
    "metadata.json", "summary.csv", "series.csv", "cost.csv", "events.csv", "blame.csv",
    "genealogy.csv", "episodes.csv", "half_life.csv", "findings.csv", "report.html",
    "sheet.png", "still.png", "animation.webp",
    "difference.png", "difference-still.png", "video/difference.mp4",
    "recordings/churn-6.1-off-0.reel", "recordings/churn-6.1-list-0.reel",
    "video/6.1-off.mp4", "video/6.1-list.mp4", "video/comparison.mp4",
    "figures/overview.png", "figures/overview.svg", "figures/overview.pdf", "figures/overview.csv",
    "figures/genealogy.png", "figures/genealogy.svg", "figures/genealogy.pdf",
}  # fmt: skip


OF_TABLES = ("summary", "series", "cost", "events", "blame", "seeds")
TABLES = {"metadata.json", *(f"{name}.csv" for name in OF_TABLES)}


def files(folder: Path) -> set[str]:
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def digests(folder: Path) -> dict[str, str]:
    """Digest of every file but the videos, whose container belongs to ffmpeg."""
    return {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in files(folder)
        if not name.endswith(".mp4")
    }


@pytest.fixture(scope="module")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with all artefacts, made once by the console script."""
    folder = tmp_path_factory.mktemp("run") / "small"
    command = [Path(sys.executable).parent / "pagereel", *SMALL, "-o", folder, "-j", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == f"{folder}\n"
    return folder


def test_a_run_folder_is_complete(small_run: Path) -> None:
    assert files(small_run) >= CONTRACT
    assert not [name for name in files(small_run) if "partial" in name]


def test_metadata_tells_how_to_make_it_again(small_run: Path) -> None:
    metadata = json.loads((small_run / "metadata.json").read_text())
    assert metadata["config"]["workloads"][0]["parameters"] == {
        "memory_mib": "24",
        "requests": "9000",
    }
    assert metadata["versions"]["core"] == ("compiled" if COMPILED else "uncompiled")
    assert [recording["seed"] for recording in metadata["recordings"]] == [0, 0]
    assert all("Linux 6.1" in recording["rules"] for recording in metadata["recordings"])


def test_the_summary_is_tidy(small_run: Path) -> None:
    table = pd.read_csv(small_run / "summary.csv")
    assert list(table.columns) == [
        "mechanism", "workload", "seed", "phase", "metric", "value", "unit", "better",
    ]  # fmt: skip
    assert set(table["metric"]) == set(METRICS)
    assert set(table["phase"]) == {"fill", "churn", "rest"}
    assert not table.duplicated(["mechanism", "workload", "seed", "phase", "metric"]).any()


def test_the_series_agrees_with_the_recording(small_run: Path) -> None:
    table = pd.read_csv(small_run / "series.csv")
    recording = Recording.open(small_run / "recordings" / "churn-6.1-list-0.reel")
    rows = table[table["mechanism"] == "6.1-list"]
    assert rows["op"].tolist() == recording.ops.tolist()
    last = recording.grid(len(recording) - 1)
    assert rows["movable_pages"].iloc[-1] == (last == 2).sum()
    pages = rows[[f"{name}_pages" for name in recording.header["page_classes"]]].sum(axis=1)
    assert set(pages) == {len(last)}
    orders = np.array([rows[f"nr_free_order_{o}"].to_numpy() << o for o in range(11)]).sum(axis=0)
    assert orders.tolist() == rows["free_pages"].tolist()


def test_costs_of_the_phases_add_up(small_run: Path) -> None:
    table = pd.read_csv(small_run / "cost.csv").set_index(["mechanism", "counter", "phase"])[
        "count"
    ]
    totals = table.xs("total", level="phase")
    parts = table.drop("total", level="phase").groupby(level=["mechanism", "counter"]).sum()
    assert parts.sort_index().equals(totals.sort_index())
    assert totals["6.1-list", "splits"] > 0
    assert totals["6.1-list", "allocations"] == totals["6.1-off", "allocations"]


def test_events_agree_with_the_counters(small_run: Path) -> None:
    events = pd.read_csv(small_run / "events.csv")
    cost = pd.read_csv(small_run / "cost.csv")
    pairs = cost[(cost["phase"] == "total") & cost["counter"].str.startswith("fallbacks_")]
    assert (events["kind"] == "fallback").sum() == pairs["count"].sum() > 0


def test_pictures_say_what_they_show(small_run: Path) -> None:
    with Image.open(small_run / "still.png") as still:
        told = json.loads(still.text["pagereel"])
    assert [r["mechanism"] for r in told["recordings"]] == ["6.1-off", "6.1-list"]
    assert told["chosen_by"].startswith("greatest difference")
    series = pd.read_csv(small_run / "series.csv")
    spread = series.pivot_table(index="frame", columns="mechanism", values="potential_huge")
    spread = spread.max(axis=1) - spread.min(axis=1)
    assert spread[told["frame"]] == spread.max()


def test_verify_finds_everything_right(pagereel: Commands, small_run: Path) -> None:
    outcome = pagereel("verify", small_run / "recordings" / "churn-6.1-list-0.reel", "--json")
    checks = {check["name"]: check for check in json.loads(outcome.out)}
    assert outcome.code == 0
    assert set(checks) == {
        "file", "re-run", "video/6.1-list.mp4", "video/comparison.mp4", "video/difference.mp4",
    }  # fmt: skip
    assert all(check["ok"] is True for check in checks.values()), checks


def test_verify_finds_a_video_of_something_else(
    pagereel: Commands, small_run: Path, tmp_path: Path
) -> None:
    for name in ("recordings/churn-6.1-off-0.reel", "recordings/churn-6.1-list-0.reel"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((small_run / name).read_bytes())
    off, listed = sorted((tmp_path / "recordings").glob("*.reel"), reverse=True)
    (tmp_path / "video").mkdir()
    (tmp_path / "video" / "6.1-list.mp4").write_bytes(
        (small_run / "video" / "6.1-list.mp4").read_bytes()
    )
    # The other mechanism's pages under this one's header: what a mixed-up renderer would do.
    swapped(listed, grids_of=off)
    outcome = pagereel("verify", listed)
    assert outcome.code == 1
    assert "video/6.1-list.mp4: WRONG" in outcome.out
    assert "re-run: WRONG" in outcome.out


def test_verify_finds_videos_exchanged(pagereel: Commands, small_run: Path, tmp_path: Path) -> None:
    for name in ("recordings/churn-6.1-list-0.reel", "video/6.1-off.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((small_run / name).read_bytes())
    (tmp_path / "video" / "6.1-off.mp4").rename(tmp_path / "video" / "6.1-list.mp4")
    outcome = pagereel("verify", tmp_path / "recordings" / "churn-6.1-list-0.reel")
    assert outcome.code == 1
    assert "video/6.1-list.mp4: WRONG" in outcome.out


def swapped(path: Path, grids_of: Path) -> None:
    """Rewrite a recording with the grids of another."""
    from pipeline.recording import RecordingWriter

    mine, other = Recording.open(path), Recording.open(grids_of)
    rows = [
        dict(op=int(mine.ops[i]), time_us=int(mine.times_us[i]), phase=int(mine.phases[i]),
             grid=other.grid(i), block_types=mine.block_types(i), series=mine.series[i],
             marks=other.marks(i))
        for i in range(len(mine))
    ]  # fmt: skip
    with RecordingWriter(path, mine.header) as writer:
        for row in rows:
            writer.append(**row)


def test_the_same_bytes_on_one_job_and_on_two(
    pagereel: Commands, small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All but the curves, which take longest: tests of figures say it of them."""
    monkeypatch.setattr("pipeline.artefacts.figures.write", lambda *_, **options: None)
    again = tmp_path / "again"
    assert pagereel(*SMALL, "-o", again, "-j", 1).code == 0
    made, wanted = digests(again), digests(small_run)
    curves = {name for name in wanted if name.startswith("figures/") and "genealogy" not in name}
    assert curves
    assert made == {name: digest for name, digest in wanted.items() if name not in curves}


def test_an_existing_folder_asks_for_force(
    pagereel: Commands, small_run: Path, tmp_path: Path
) -> None:
    before = digests(small_run)
    assert "--force" in pagereel.refused(*SMALL, "-o", small_run, code=2)
    assert digests(small_run) == before
    mine = tmp_path / "folder"
    mine.mkdir()
    (mine / "notes.txt").write_text("mine")
    assert "--force" in pagereel.refused(*SMALL, "-o", mine, code=2)
    assert pagereel(*SMALL, "--only", "tables", "-o", mine, "--force").code == 0
    assert (mine / "notes.txt").read_text() == "mine"


def test_force_replaces_an_older_run(pagereel: Commands, small_run: Path, tmp_path: Path) -> None:
    target = shutil.copytree(small_run, tmp_path / "run")
    for left in ("recordings/churn-6.1-list-0.reel.partial", ".sheet.77.partial.png"):
        (target / left).write_bytes(b"left by a killed writer")
    small = [*SMALL[:-2], "--only", "tables"]
    assert pagereel(*small, "-o", target, "--force").code == 0
    assert files(target) == TABLES | {"recordings/churn-6.1-off-0.reel"}


@pytest.mark.parametrize("older", [True, False])
def test_force_touches_nothing_but_an_older_run(
    pagereel: Commands, tmp_path: Path, older: bool
) -> None:
    """A folder with a user's own recordings, tables and pictures, with a run in it and without."""
    target = tmp_path / "mine"
    small = [*SMALL, "--only", "tables", "-o", target]
    if older:
        assert pagereel(*small).code == 0
    own = {"data.csv", "photo.png", "a-sheet.png", "b.webp", "recordings/real.reel",
           "recordings/notes.txt", "video/holiday.mp4", "figures/drawing.svg"}  # fmt: skip
    for name in own:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_text(name)
    assert pagereel(*small, "--force").code == 0
    for name in own:
        assert (target / name).read_text() == name
    assert files(target) == own | TABLES | {
        "recordings/churn-6.1-off-0.reel", "recordings/churn-6.1-list-0.reel",
    }  # fmt: skip


def test_force_leaves_a_folder_with_another_s_metadata(pagereel: Commands, tmp_path: Path) -> None:
    (tmp_path / "metadata.json").write_text('{"photos": []}')
    line = pagereel.refused(*SMALL, "-o", tmp_path, "--force", code=2)
    assert str(tmp_path / "metadata.json") in line
    assert files(tmp_path) == {"metadata.json"}


@needs_proc
def test_force_replaces_a_run_that_was_killed(pagereel: Commands, tmp_path: Path) -> None:
    process = at_its_videos(tmp_path / "run")
    process.kill()
    process.communicate(timeout=PATIENCE_S)
    assert "unfinished.json" in files(tmp_path / "run")
    assert "did not end" in pagereel.refused("table", tmp_path / "run", code=2)
    until(lambda: not alive(process.pid))  # its workers end with it
    small = [*SMALL[:-2], "--only", "tables"]
    assert pagereel(*small, "-o", tmp_path / "run", "--force").code == 0
    assert files(tmp_path / "run") == TABLES | {"recordings/churn-6.1-off-0.reel"}


def test_a_picture_that_exists_asks_for_force(
    pagereel: Commands, small_run: Path, tmp_path: Path
) -> None:
    recordings = sorted((small_run / "recordings").glob("*.reel"))
    target = tmp_path / "sheet.png"
    assert pagereel("sheet", *recordings, "-o", target).code == 0
    before = target.read_bytes()
    assert "--force" in pagereel.refused("sheet", *recordings, "-o", target, code=2)
    assert pagereel("sheet", *recordings, "-o", target, "--phase", "rest", "--force").code == 0
    assert target.read_bytes() != before


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["sheet", "--phase", "lunch"], "lunch"),
        (["still", "--phase", "lunch"], "lunch"),
        (["still", "--frame", "9999"], "9999"),
        (["sheet", "--layout", "spiral"], "spiral"),
        (["video", "--layout", "spiral"], "spiral"),
    ],
)
def test_pictures_of_what_is_not_there(
    pagereel: Commands, small_run: Path, tmp_path: Path, arguments: list[str], word: str
) -> None:
    recordings = sorted((small_run / "recordings").glob("*.reel"))
    command, *options = arguments
    target = tmp_path / ("picture.mp4" if command == "video" else "picture.png")
    assert word in pagereel.refused(command, *recordings, "-o", target, *options, code=2)
    assert not files(tmp_path)


@pytest.mark.parametrize(
    ("command", "name"),
    [("video", "a.png"), ("still", "a.jpg"), ("sheet", "a.mp4"), ("figures", "a.png")],
)
def test_a_file_s_name_tells_what_is_in_it(
    pagereel: Commands, small_run: Path, tmp_path: Path, command: str, name: str
) -> None:
    recordings = sorted((small_run / "recordings").glob("*.reel"))
    assert name in pagereel.refused(command, *recordings, "-o", tmp_path / name, code=2)
    assert not files(tmp_path)


def test_panels_on_different_clocks_are_refused(
    pagereel: Commands, small_run: Path, tmp_path: Path
) -> None:
    other = [*SMALL[:-2], "--only", "tables", "--seed", "5"]
    assert pagereel(*other, "-o", tmp_path / "other").code == 0
    two = [
        small_run / "recordings" / "churn-6.1-list-0.reel",
        tmp_path / "other" / "recordings" / "churn-6.1-off-5.reel",
    ]
    for command, name in (("video", "a.mp4"), ("still", "a.png"), ("report", "a.html")):
        assert "clock" in pagereel.refused(command, *two, "-o", tmp_path / name, code=2)
        assert not (tmp_path / name).exists()
    assert "no folder of a run" in pagereel.refused("findings", two[0], code=2)


COMMANDS = ("info", "verify", "video", "sheet", "still", "figures")
DAMAGES = [(c, d) for c in COMMANDS for d in ("empty", "text", "cut", "flipped")]
DAMAGES.remove(("figures", "cut"))  # drawn below, of fewer frames still


@pytest.mark.parametrize(("command", "damage"), DAMAGES)
def test_damaged_recordings(
    pagereel: Commands, small_run: Path, tmp_path: Path, command: str, damage: str
) -> None:
    whole = (small_run / "recordings" / "churn-6.1-list-0.reel").read_bytes()
    flipped = whole.index(b"FRAM") + 99
    content = {
        "empty": b"",
        "text": b"pages, pages, pages\n" * 40,
        "cut": whole[: whole.rindex(b"FRAM") + 99],
        "flipped": whole[:flipped] + bytes([whole[flipped] ^ 255]) + whole[flipped + 1 :],
    }[damage]
    path = tmp_path / "bad.reel"
    path.write_bytes(content)
    name = {"video": "picture.mp4", "figures": "pictures"}.get(command, "picture.png")
    output = () if command in ("info", "verify") else ("-o", tmp_path / name)
    outcome = pagereel(command, path, *output)
    told = outcome.err + outcome.out
    if damage == "cut" and command != "verify":
        assert outcome.code == 0  # of a recording that still grows, what there is can be looked at
        assert command != "info" or "the end is missing" in told
        assert bool(output) == bool(list(tmp_path.glob("picture*")))
        return
    if damage == "flipped" and command == "info":
        assert outcome.code == 0  # it doesn't read the frames
        return
    assert outcome.code == 1
    assert "bad.reel" in told
    assert len(told.splitlines()) == 1
    assert not list(tmp_path.glob("picture*"))


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("frames", [0, 1])
def test_recordings_of_hardly_any_frame(
    pagereel: Commands, small_run: Path, tmp_path: Path, command: str, frames: int
) -> None:
    whole = small_run / "recordings" / "churn-6.1-list-0.reel"
    offsets = [m.start() for m in re.finditer(b"FRAM", whole.read_bytes())]
    path = tmp_path / "short.reel"
    path.write_bytes(whole.read_bytes()[: offsets[frames]])
    assert len(Recording.open(path)) == frames
    name = {"video": "picture.mp4", "figures": "pictures"}.get(command, "picture.png")
    output = () if command in ("info", "verify") else ("-o", tmp_path / name)
    outcome = pagereel(command, path, *output)
    told = outcome.err + outcome.out
    if command == "info" or (frames and command in ("still", "video", "figures")):
        assert outcome.code == 0, told
    elif command == "sheet" and frames:
        assert outcome.code == 1
        assert "before the first phase's sample" in told
    else:
        assert outcome.code == 1
        assert str(path) in told
        assert len(told.splitlines()) == 1
        assert not list(tmp_path.glob("picture*"))


@pytest.fixture
def small_disk(tmp_path: Path):
    """A file system of 1 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "pagereel", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small file system can't be mounted here: needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_one_line(pagereel: Commands, small_disk: Path) -> None:
    target = small_disk / "run"
    line = pagereel.refused(*SMALL, "--frames", "400", "-o", target, "-j", 1, code=1)
    assert "No space left on device" in line
    assert str(target) in line
    assert "metadata.json" not in files(target)
    for name in files(target):
        assert not name.endswith((".partial", ".mp4"))
        if name.endswith(".reel"):
            assert Recording.open(target / name).complete


def test_a_full_disk_leaves_no_half_video(
    pagereel: Commands, small_run: Path, small_disk: Path
) -> None:
    (small_disk / "ballast").write_bytes(bytes(1000 * 1024))
    recordings = sorted((small_run / "recordings").glob("*.reel"))
    for command, name in (("video", "a.mp4"), ("sheet", "a.png"), ("still", "a.png")):
        line = pagereel.refused(command, *recordings, "-o", small_disk / name, code=1)
        assert name in line
        assert files(small_disk) == {"ballast"}


def test_a_folder_that_cannot_be_written(pagereel: Commands, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for target in (tmp_path / "file" / "run", Path("/proc/pagereel")):
        line = pagereel.refused(*SMALL, "-o", target, code=1)
        assert str(target) in line


def test_a_failure_keeps_what_was_done(
    pagereel: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object, **options: object) -> None:
        raise RenderError("sheet.png: broken on purpose")

    monkeypatch.setattr("pipeline.artefacts.sheet.write_sheet", broken)
    line = pagereel.refused(*SMALL, "--only", "sheet", "-o", tmp_path / "run", "-j", 1, code=1)
    assert line == "pagereel: sheet.png: broken on purpose"
    assert "metadata.json" not in files(tmp_path / "run")
    assert "summary.csv" in files(tmp_path / "run")


def at_its_videos(folder: Path) -> subprocess.Popen:
    """A run in a process of its own whose workers write videos."""
    process = started(folder, *VIDEO, "--only", "video", "-j", "2")
    until(lambda: list(folder.glob("video/.*partial*")), process)
    return process


def test_an_interrupt_stops_it_and_leaves_nothing_half_done(tmp_path: Path) -> None:
    process = at_its_videos(tmp_path / "run")
    process.send_signal(signal.SIGINT)
    assert line_of(process, 130) == "pagereel: stopped"
    assert not [name for name in files(tmp_path) if "partial" in name or "metadata" in name]
    assert "run/recordings/churn-6.1-off-0.reel" in files(tmp_path)
