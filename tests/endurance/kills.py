"""Kill runs at random moments and resume them: is everything as if nothing had happened?

A round starts a short run with recordings, tables, a video and a report, kills its whole process
group with SIGKILL, looks at what lies on the disk, resumes it, perhaps kills that too, and in the
end holds every file against an undisturbed run, byte for byte. The moments are drawn by seed: a
stage, and a time within it. A round is kept in rounds-SEED.jsonl as soon as it is done, so this
itself can be stopped and goes on.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pipeline.recording import Recording
from pipeline.recording_format import FRAM, MAGIC, read_chunk
from pipeline.resume import program_digest

ROOT = Path(__file__).parents[2]
RUN = [
    "-w", "churn", "-p", "memory_mib=16", "-p", "requests=40000", "--frames", "60", "-m", "6.1-off",
    "-m", "6.1-list", "--only", "tables", "--only", "comparison", "--only", "report",
]  # fmt: skip
STAGES = ("start", "recordings", "tables", "pictures", "end")
JOBS = (1, 1, 1, 2)  # drawn from; workers take time to start
AIMED_AT = (*STAGES, "recordings", "recordings")  # frames being written are what matters most
MOST_KILLS = 4  # in one round
PATIENCE_S = 600.0


@dataclass
class Found:
    """What a round found. `lost`: frames that were on the disk once and then no more."""

    number: int
    kills: list[str] = field(default_factory=list)  # the stage of each
    whole: int = 0  # recordings on the disk at a kill
    growing: int = 0
    unreadable: list[str] = field(default_factory=list)
    cut: int = 0  # frames that were being written
    lost: int = 0
    differing: list[str] = field(default_factory=list)  # files, in the end


@dataclass(frozen=True)
class Reference:
    """The undisturbed run: its folder, and how long each stage lasted on one job and on two."""

    folder: Path
    lasted_s: dict[int, dict[str, float]]

    @property
    def files(self) -> list[str]:
        """What is in it, below its folder."""
        return files(self.folder)


def files(folder: Path) -> list[str]:
    """All files below a folder, temporary ones too."""
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def start(folder: Path, jobs: int, *options: str) -> subprocess.Popen:
    """A run in a process group of its own."""
    program = "from pipeline.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", program, "run", *options, "-o", folder, "-j", str(jobs)],
        cwd=ROOT, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


def stage(folder: Path) -> str:
    """Which stage the run in a folder is in."""
    if (folder / "metadata.json").exists():
        return "end"
    if not (folder / "unfinished.json").exists():
        return "start"
    if len(list(folder.glob("recordings/*.reel"))) < 2:
        return "recordings"
    tables = ("summary", "series", "cost", "events", "blame", "seeds")
    there = all((folder / f"{name}.csv").exists() for name in tables)
    return "pictures" if there else "tables"


def timed(folder: Path, jobs: int) -> dict[str, float]:
    """Run undisturbed; how long each stage lasted."""
    lasted_s = dict.fromkeys(STAGES, 0.0)
    process = start(folder, jobs, *RUN)
    before_s = time.monotonic()
    while process.poll() is None:
        now = stage(folder)
        time.sleep(0.002)
        lasted_s[now] += -before_s + (before_s := time.monotonic())
    if process.returncode:
        raise SystemExit(f"the undisturbed run failed: {process.stderr.read().decode()}")
    process.stderr.close()
    return lasted_s


def kill(process: subprocess.Popen, folder: Path, wanted: str, delay_s: float) -> str | None:
    """SIGKILL the group `delay_s` after a stage began; the stage it hit, None: it had ended."""
    order, until_s = STAGES.index(wanted), time.monotonic() + PATIENCE_S
    while STAGES.index(stage(folder)) < order and process.poll() is None:
        time.sleep(0.001)
        assert time.monotonic() < until_s, "it hangs"
    try:
        process.wait(delay_s)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
    code = process.wait()
    process.stderr.close()
    while alive(process.pid):
        time.sleep(0.001)
    return stage(folder) if code == -signal.SIGKILL else None


def alive(group: int) -> bool:
    """Whether a process of the group still runs; one that nobody has waited for doesn't."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, of = stat.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(of) == group and state not in "ZX":
            return True
    return False


def inspect(folder: Path, reference: Reference, found: Found, before: dict[str, int]) -> None:
    """Look at every recording on the disk; `before`: its whole frames at the last kill."""
    for name in reference.files:
        if not name.endswith(".reel"):
            continue
        path, right = folder / name, (reference.folder / name).read_bytes()
        growing = path.with_name(path.name + ".partial")
        frames = 0
        if path.exists():
            found.whole += 1
            frames = _frames(path, right, found)
            if path.read_bytes() != right:
                found.unreadable.append(f"{name}: whole, but differs")
        elif growing.exists():
            found.growing += 1
            frames = _frames(growing, right, found)
        found.lost += max(before.get(name, 0) - frames, 0)
        before[name] = frames


def _frames(path: Path, right: bytes, found: Found) -> int:
    """Frames of a recording, all decoded."""
    data = path.read_bytes()
    if data != right[: len(data)]:
        found.unreadable.append(f"{path}: not what an undisturbed run writes")
        return 0
    try:
        recording = Recording.open(path)
        frames = sum(1 for _ in recording.grids())
        whole, cut = _chunks(path)
    except Exception as error:
        found.unreadable.append(f"{path}: {error}")
        return 0
    if frames != whole:
        found.unreadable.append(f"{path}: {frames} frames can be read of {whole}")
    found.cut += cut
    return frames


def _chunks(path: Path) -> tuple[int, bool]:
    """Whole frames in a file, and whether it ends within a chunk."""
    size, offset, frames = path.stat().st_size, len(MAGIC), 0
    with open(path, "rb") as file:
        while chunk := read_chunk(file, offset, size):
            kind, _, offset = chunk
            frames += kind == FRAM
    return frames, offset < size


def round_of(number: int, seed: int, reference: Reference, scratch: Path) -> Found:
    """One round: kill, look, resume, compare."""
    draw, found = random.Random(f"{seed}-{number}"), Found(number)
    folder, before = scratch / f"round-{number}", {}
    shutil.rmtree(folder, ignore_errors=True)
    options: list[str] = [*RUN]
    while len(found.kills) < MOST_KILLS and (not found.kills or draw.random() < 0.3):
        jobs, wanted = draw.choice(JOBS), draw.choice(AIMED_AT)
        delay_s = draw.random() * max(reference.lasted_s[jobs][wanted], 0.02)
        hit = kill(start(folder, jobs, *options), folder, wanted, delay_s)
        if hit is None and not found.kills:  # it was quicker; this round is to be had
            shutil.rmtree(folder)
            continue
        if hit is None:
            break
        found.kills.append(hit)
        inspect(folder, reference, found, before)
        alone = (folder / "unfinished.json").exists() and draw.random() < 0.5
        options = ["--resume", *([] if alone else RUN)]
    process = start(folder, draw.choice(JOBS), *options)
    _, told = process.communicate(timeout=PATIENCE_S)
    if process.returncode:
        found.differing.append(f"exit code {process.returncode}: {told.decode().strip()}")
    found.differing += differing(folder, reference)
    if not (found.differing or found.unreadable or found.lost):
        shutil.rmtree(folder)
    return found


def differing(folder: Path, reference: Reference) -> list[str]:
    """Files that aren't those of the undisturbed run, that are too many, or that are missing."""
    there, wanted = set(files(folder)), set(reference.files)
    return sorted(there ^ wanted) + [
        name
        for name in sorted(there & wanted)
        if (folder / name).read_bytes() != (reference.folder / name).read_bytes()
    ]


def reference_in(scratch: Path) -> Reference:
    """The undisturbed run in a folder, made where it isn't there or of another program."""
    folder, about = scratch / "undisturbed", scratch / "undisturbed.json"
    identity = {"program": program_digest(), "run": RUN}
    if about.exists():
        known = json.loads(about.read_text())
        if known.pop("lasted_s", None) and known == identity:
            lasted_s = json.loads(about.read_text())["lasted_s"]
            return Reference(folder, {int(jobs): of for jobs, of in lasted_s.items()})
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    lasted_s = {2: timed(folder, 2), 1: timed(scratch / "again", 1)}
    unlike = differing(scratch / "again", Reference(folder, lasted_s))
    if unlike:
        raise SystemExit(f"two undisturbed runs differ: {', '.join(unlike)}")
    shutil.rmtree(scratch / "again")
    about.write_text(json.dumps(identity | {"lasted_s": lasted_s}))
    return Reference(folder, lasted_s)


def rounds(kills: int, seed: int, scratch: Path, parallel: int) -> list[Found]:
    """All rounds, those that were done before too."""
    reference = reference_in(scratch)
    log = scratch / f"rounds-{seed}.jsonl"
    done = [Found(**json.loads(line)) for line in log.open()] if log.exists() else []
    left = sorted(set(range(kills)) - {found.number for found in done})
    with ThreadPoolExecutor(parallel) as pool, open(log, "a") as kept:
        for found in pool.map(lambda n: round_of(n, seed, reference, scratch), left):
            kept.write(json.dumps(asdict(found)) + "\n")
            kept.flush()
            done.append(found)
            _tell(found, len(done), kills)
    return [found for found in done if found.number < kills]


def _tell(found: Found, done: int, kills: int) -> None:
    for fault in (*found.unreadable, *found.differing):
        print(f"round {found.number}: {fault}", file=sys.stderr)
    if found.lost:
        print(f"round {found.number}: {found.lost} frames lost", file=sys.stderr)
    if done % 10 == 0:
        print(f"{done} of {kills} rounds", file=sys.stderr)


def summary(all_found: list[Found]) -> str:
    """What came out, in words."""
    stages = Counter(hit for found in all_found for hit in found.kills)
    by_stage = ", ".join(f"{name} {stages[name]}" for name in STAGES)
    identical = sum(not found.differing for found in all_found)
    return (
        f"{sum(stages.values())} SIGKILLs in {len(all_found)} runs, by stage: {by_stage}\n"
        f"recordings on the disk then: {sum(found.whole for found in all_found)} whole, "
        f"{sum(found.growing for found in all_found)} growing; "
        f"unreadable {sum(len(found.unreadable) for found in all_found)}; "
        f"cut in the frame being written {sum(found.cut for found in all_found)}; "
        f"other frames lost {sum(found.lost for found in all_found)}\n"
        f"identical to an undisturbed run after --resume: {identical} of {len(all_found)}"
    )


def main() -> int:
    """Exit code 0 where nothing was lost and every result is identical."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=200, help="rounds, each of one kill or more")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--parallel", type=int, default=2, help="rounds at a time")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "endurance")
    arguments = parser.parse_args()
    found = rounds(arguments.kills, arguments.seed, arguments.folder.absolute(), arguments.parallel)
    print(summary(found))
    return int(any(one.unreadable or one.differing or one.lost for one in found))


if __name__ == "__main__":
    sys.exit(main())
