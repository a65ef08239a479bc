"""Runs that were stopped and go on; runs that meet faults: a clear line, and nothing lost."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from allocator.page_alloc import COMPILED
from pipeline.folder_lock import FolderInUse, locked
from pipeline.recording import Recording
from tests.endurance import kills
from tests.endurance.kills import Reference, alive, files, round_of, timed
from tests.pipeline.commands import Commands
from tests.pipeline.processes import (
    PATIENCE_S,
    SMALL,
    VIDEO,
    line_of,
    needs_proc,
    processes,
    started,
    until,
)


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in files(folder)}


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What an undisturbed run leaves."""
    folder = tmp_path_factory.mktemp("right") / "run"
    process = started(folder, *SMALL)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out) == (0, f"{folder}\n"), err
    return contents(folder)


def stopped(
    pagereel: Commands, monkeypatch: pytest.MonkeyPatch, folder: Path, *options: str
) -> None:
    """A run that fails when only its sheet is missing."""

    def broken(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device", "sheet.png")

    with monkeypatch.context() as patched:
        patched.setattr("pipeline.artefacts.sheet.write_sheet", broken)
        pagereel.refused("run", *SMALL, *options, "-o", folder, code=1)


# Going on.


@needs_proc
def test_killed_runs_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rounds of `make endurance`, of a still shorter run, killed in three stages."""
    monkeypatch.setattr(kills, "RUN", SMALL)
    monkeypatch.setattr(kills, "JOBS", (1,))
    folder = tmp_path / "undisturbed"
    reference = Reference(folder, {1: timed(folder, 1)})
    for number in range(2):
        found = round_of(number, 40, reference, tmp_path)
        assert found.kills
        assert (found.unreadable, found.lost, found.differing) == ([], 0, [])


@pytest.mark.parametrize("arguments", [[], SMALL])
def test_after_a_fault_it_goes_on(
    pagereel: Commands,
    tmp_path: Path,
    right: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
) -> None:
    stopped(pagereel, monkeypatch, tmp_path / "run")
    before = (tmp_path / "run" / "summary.csv").stat().st_ino
    outcome = pagereel("run", "--resume", *arguments, "-o", tmp_path / "run")
    assert outcome.code == 0
    assert outcome.out == f"{tmp_path / 'run'}\n"
    assert contents(tmp_path / "run") == right
    assert (tmp_path / "run" / "summary.csv").stat().st_ino == before, "made once more"


def test_an_interrupted_recording_loses_nothing(
    pagereel: Commands, tmp_path: Path, right: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = []

    def interrupted(*arguments: object, **values: object) -> None:
        frames.append(1)
        if len(frames) == 20:
            raise KeyboardInterrupt
        append(*arguments, **values)

    from pipeline.recording_writer import RecordingWriter

    append = RecordingWriter.append
    with monkeypatch.context() as patched:
        patched.setattr(RecordingWriter, "append", interrupted)
        outcome = pagereel("run", *SMALL, "-o", tmp_path / "run")
    assert (outcome.code, outcome.err.split()[-2:]) == (130, ["pagereel:", "stopped"])
    left = tmp_path / "run" / "recordings" / "churn-6.1-off-0.reel.partial"
    assert len(Recording.open(left)) == 19
    assert pagereel("run", "--resume", "-o", tmp_path / "run").code == 0
    assert contents(tmp_path / "run") == right


def test_a_complete_run_has_nothing_to_do(
    pagereel: Commands, tmp_path: Path, right: dict[str, bytes]
) -> None:
    fill(tmp_path, right)
    before = {name: (tmp_path / name).stat().st_ino for name in right}
    (tmp_path / "unfinished.json").write_bytes(right["metadata.json"])  # killed just before the end
    for arguments in ([], SMALL):
        outcome = pagereel("run", "--resume", *arguments, "-o", tmp_path)
        assert (outcome.code, outcome.out) == (0, f"{tmp_path}\n")
        assert "nothing to do" in outcome.err
    assert contents(tmp_path) == right
    assert {name: (tmp_path / name).stat().st_ino for name in right} == before
    assert "seeds [0], not [5]" in pagereel.refused(
        "run", *SMALL, "--seed", 5, "--resume", "-o", tmp_path, code=2
    )


def fill(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


@pytest.mark.parametrize("folder", ["none", "empty", "begun"])
def test_where_there_is_none_it_begins(
    pagereel: Commands, tmp_path: Path, right: dict[str, bytes], folder: str
) -> None:
    target = tmp_path / "run"
    if folder != "none":
        target.mkdir()
    if folder == "begun":  # killed while it wrote its first file
        (target / ".unfinished.77.partial.json").write_text("{")
    assert "no run that could go on" in pagereel.refused("run", "--resume", "-o", target, code=2)
    assert pagereel("run", "--resume", *SMALL, "-o", target).code == 0
    assert contents(target) == right


@pytest.fixture
def unfinished(tmp_path: Path, right: dict[str, bytes], monkeypatch, pagereel: Commands) -> Path:
    """A run without its sheet."""
    stopped(pagereel, monkeypatch, tmp_path / "run")
    return tmp_path / "run"


@pytest.mark.parametrize(
    ("entry", "value", "told"),
    [
        (("config", "frames"), 9, "its run has frames 9, not 8"),
        (("versions", "numpy"), "0.1", "begun with numpy 0.1"),
        (("versions", "core"), "other", "begun with core other"),
        (("made_of", "program"), "0", "the program changed"),
        (("made_of", "mechanisms"), "0", "the mechanisms changed"),
        (("made_of", "streams"), "0", "the streams changed"),
    ],
)
def test_another_run_does_not_go_on(
    pagereel: Commands,
    unfinished: Path,
    right: dict[str, bytes],
    entry: tuple[str, str],
    value: object,
    told: str,
) -> None:
    about = unfinished / "unfinished.json"
    entries = json.loads(about.read_text())
    entries[entry[0]][entry[1]] = value
    about.write_text(json.dumps(entries))
    before = contents(unfinished)
    line = pagereel.refused("run", *SMALL, "--resume", "-o", unfinished, code=2)
    assert line.startswith(f"pagereel: {unfinished}: {told}")
    assert line.endswith("--force makes it anew")
    assert contents(unfinished) == before
    assert pagereel("run", *SMALL, "--resume", "--force", "-o", unfinished).code == 0
    assert contents(unfinished) == right


def test_a_file_that_stood_there_before_is_not_taken_for_the_run_s(
    pagereel: Commands, tmp_path: Path, right: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sheet.png").write_text("a photo")
    stopped(pagereel, monkeypatch, tmp_path, "--force")
    assert (tmp_path / "sheet.png").read_text() == "a photo"
    assert pagereel("run", "--resume", "-o", tmp_path).code == 0
    assert contents(tmp_path) == right


def test_force_killed_while_it_removes_leaves_no_half_run_that_looks_whole(
    pagereel: Commands, tmp_path: Path, right: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, right)
    unlink = Path.unlink

    def killed(self: Path, missing_ok: bool = False) -> None:
        if self.name == "sheet.png":
            raise KeyboardInterrupt
        unlink(self, missing_ok=missing_ok)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", killed)
        assert pagereel("run", *SMALL, "--force", "-o", tmp_path).code == 130
    assert "did not end" in pagereel.refused("table", tmp_path, code=2)
    pagereel.refused("run", *SMALL, "--resume", "-o", tmp_path, code=2)
    assert pagereel("run", *SMALL, "--force", "-o", tmp_path).code == 0
    assert contents(tmp_path) == right


def test_a_replay_goes_on(pagereel: Commands, tmp_path: Path) -> None:
    from workloads import load_workload
    from workloads.packed import pack

    stream = tmp_path / "short.npz"
    pack(load_workload("churn", {"memory_mib": "16", "requests": "2000"}, 0), stream)
    options = ["-m", "6.1-off", "--frames", "8", "--repeats", "0", "--only", "tables", "-j", "1"]
    target, other = tmp_path / "run", tmp_path / "other.npz"
    assert pagereel("replay", stream, *options, "-o", target).code == 0
    assert "nothing to do" in pagereel("replay", stream, "--resume", "-o", target).err
    other.write_bytes(stream.read_bytes())
    assert "workloads" in pagereel.refused("replay", other, "--resume", "-o", target, code=2)


# Faults.


def test_two_runs_into_one_folder(
    pagereel: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.folder_lock.PATIENCE_S", 0.1)
    target = tmp_path / "run"
    target.mkdir()
    with locked(target):
        for more in ([], ["--force"], ["--resume"]):
            line = pagereel.refused("run", *SMALL, *more, "-o", target, code=1)
            assert line == f"pagereel: {target}: another run is at work there"
        assert files(target) == []
    lock_once(target)


@needs_proc
def test_a_lock_lasts_as_long_as_the_workers(tmp_path: Path, monkeypatch) -> None:
    """A run whose parent was killed: its workers and its ffmpeg end, and the folder is free."""
    process = started(tmp_path / "run", *VIDEO, "--only", "video", "-j", "2")
    until(lambda: processes(process.pid, words="rawvideo"), process)
    with monkeypatch.context() as patched:
        patched.setattr("pipeline.folder_lock.PATIENCE_S", 0.0)
        with pytest.raises(FolderInUse):
            lock_once(tmp_path / "run")
    process.kill()
    process.communicate(timeout=PATIENCE_S)
    with locked(tmp_path / "run"):  # waits for the workers
        assert not processes(process.pid, words="spawn_main")
    until(lambda: not alive(process.pid))


def lock_once(folder: Path) -> None:
    with locked(folder):
        pass


@needs_proc
@pytest.mark.parametrize(
    ("words", "options", "told"),
    [
        ("rawvideo", ["-j", "1"], "ffmpeg: killed by signal 9"),
        ("spawn_main", ["--only", "video", "-j", "2"], "a worker process was killed"),
    ],
)
def test_what_is_killed_in_the_middle_is_told(
    tmp_path: Path, words: str, options: list[str], told: str
) -> None:
    """ffmpeg, or a worker: no zombie, no temporary file, all that was finished is kept."""
    process = started(tmp_path / "run", *VIDEO, *options)
    until(lambda: processes(process.pid, words="rawvideo"), process)
    os.kill(processes(process.pid, words=words)[0], signal.SIGKILL)
    assert told in line_of(process, 1)
    until(lambda: not alive(process.pid))
    there = files(tmp_path / "run")
    assert not [name for name in there if "partial" in name]
    assert {"unfinished.json", "summary.csv", "recordings/churn-6.1-off-0.reel"} <= {*there}
    assert "metadata.json" not in there


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "pagereel", str(folder)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small file system can't be mounted here: needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_loses_nothing(pagereel: Commands, disk: Path, right: dict[str, bytes]) -> None:
    """At every stage in which it may fill up: with room for ever more of the run."""
    ballast, target, seen = disk / "ballast", disk / "run", set()
    room = 2 << 20
    for left in (0, 8_192, 40_000, 90_000, 120_000):
        ballast.write_bytes(bytes(max(room - 4096 * 6 - left - used(target), 0) // 4096 * 4096))
        outcome = pagereel("run", "--resume", *SMALL, "-o", target)
        if outcome.code == 0:
            break
        assert outcome.code == 1, outcome
        assert "No space left on device" in outcome.err
        assert str(target) in outcome.err
        assert len(outcome.err.splitlines()) == 1 + (not COMPILED)
        assert not [name for name in files(target) if "partial" in name]
        assert seen <= {*files(target)}, "finished results are gone"
        seen = {*files(target)}
    ballast.unlink()
    assert seen
    assert pagereel("run", "--resume", *SMALL, "-o", target).code == 0
    assert contents(target) == right


def used(folder: Path) -> int:
    return sum(-(-(folder / name).stat().st_size // 4096) * 4096 for name in files(folder))


def test_a_folder_that_became_read_only(pagereel: Commands, disk: Path) -> None:
    target = disk / "run"
    target.mkdir()
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    line = pagereel.refused("run", *SMALL, "-o", target, code=1)
    assert line == f"pagereel: {target / 'unfinished.json'}: Read-only file system"


def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    """A limit on the size of files: what a quota does, without being root."""
    import resource

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (16_384, 16_384))

    process = started(tmp_path / "run", *SMALL, preexec_fn=limited)
    line = line_of(process, 1)
    assert line == (f"pagereel: {tmp_path}/run/recordings/churn-6.1-off-0.reel: File too large")
    assert files(tmp_path / "run") == ["unfinished.json"]


def test_a_clock_that_runs_backwards(tmp_path: Path, right: dict[str, bytes]) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import time\n"
        "first, real = time.time(), time.monotonic\n"
        "time.time = lambda: first - 1e6 - real()\n"
        "time.time_ns = lambda: int(time.time() * 1e9)\n"
    )
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    process = started(tmp_path / "run", *SMALL, env=os.environ | {"PYTHONPATH": path})
    process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0
    assert contents(tmp_path / "run") == right
