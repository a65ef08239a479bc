"""The whole main job beside the encoding of its videos alone, and what memory a video takes.

Run: python -m bench.main_job [--jobs N] [--long N]. Encoding alone: the frames of each video, drawn
before, through the same encoder, video after video. --long N: a recording of N times as many frames
to see that memory doesn't grow with them. Raw frames of one video at a time lie in a temporary
folder: 3.3 GB.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.video import keep, piped_s
from pipeline.artefacts.panels import Drawing, panels
from pipeline.recording import Recording, RecordingWriter
from pipeline.run_folder import RunFolder
from pipeline.views.difference import Difference
from renderer.canvas import YuvCanvas
from renderer.ffmpeg import MP4
from renderer.palette import DIFFERENCE, STANDARD
from renderer.panel import Panel
from renderer.scene import compose

EVERY_S = 0.05  # how often memory is looked at


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--long", type=int, default=10)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "main"
        job_s, job_mb = measured("run", "-o", folder, "-j", arguments.jobs)
        run = RunFolder.open(folder)
        encoded_s = sum(encode_only_s(shown, Path(name)) for shown in videos_of(run))
        print(f"main job, {arguments.jobs} jobs: {job_s:.1f} s, peak {job_mb:.0f} MB")
        print(f"encoding its videos alone: {encoded_s:.1f} s; ratio {job_s / encoded_s:.2f}")
        for times in (1, arguments.long):
            paths = [longer(path, times, Path(name) / f"{times}-{path.name}") for path in run.paths]
            _, peak_mb = measured("video", *paths, "-o", Path(name) / "long.mp4", "--force")
            frames = len(Recording.open(paths[0]))
            print(f"video of {frames:,} frames, {len(paths)} panels: peak {peak_mb:.0f} MB")


def videos_of(run: RunFolder) -> list[list[Panel]]:
    """The panels of each video of a run: of each recording, of all, of their difference."""
    (shown,) = run.drawn().values()
    paths = [run.path(cell) for cell in shown]
    plain = Drawing(values=run.values)
    wanted = [*([path] for path in paths), paths]
    return [
        *(panels(paths, plain) for paths in wanted),
        panels(paths, replace(plain, difference=True)),
    ]


def encode_only_s(shown: Sequence[Panel], folder: Path) -> float:
    """Seconds to encode a video whose frames are there."""
    is_difference = isinstance(shown[0].recording, Difference)
    scene = compose(shown, palette=DIFFERENCE.name if is_difference else STANDARD.name)
    raw = keep(scene, range(scene.frames), YuvCanvas, folder / "raw")
    seconds = piped_s(raw, (scene.width_px, scene.height_px), folder / "raw.mp4", MP4)
    (folder / "raw").unlink()
    return seconds


def measured(*arguments: object) -> tuple[float, float]:
    """Seconds that `pagereel ARGUMENTS` takes, and the most memory of its processes, MB."""
    command = [sys.executable, "-c", "from pipeline.cli import main; main()", *map(str, arguments)]
    before = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    peaks = [0.0]

    def watch() -> None:
        while process.poll() is None:
            peaks.append(memory_mb(process.pid))
            time.sleep(EVERY_S)

    watcher = threading.Thread(target=watch)
    watcher.start()
    _, words = process.communicate()
    seconds = time.perf_counter() - before
    watcher.join()
    if process.returncode:
        raise SystemExit(words.decode())
    return seconds, max(peaks)


def memory_mb(pid: int) -> float:
    """Memory of a process and all that it started; what they share counted once."""
    total_kb, waiting = 0, [pid]
    while waiting:
        folder = Path("/proc") / str(waiting.pop())
        try:
            rollup = (folder / "smaps_rollup").read_text()
            for children in folder.glob("task/*/children"):
                waiting += map(int, children.read_text().split())
        except OSError:  # it has ended
            continue
        total_kb += sum(int(line.split()[1]) for line in rollup.splitlines() if line[:4] == "Pss:")
    return total_kb * 1024 / 1e6


def longer(path: Path, times: int, target: Path) -> Path:
    """The recording `times` times in a row, on a clock that goes on."""
    if times == 1:
        return path
    recording = Recording.open(path)
    header, step = recording.header, int(recording.ops[-1]) + 1
    phases = [
        phase | {key: phase[key] + n * step for key in ("start_op", "sample_op")}
        for n in range(times)
        for phase in header["phases"]
    ]
    with RecordingWriter(target, header | {"phases": phases}) as writer:
        for n in range(times):
            for frame in range(len(recording)):
                writer.append(
                    op=int(recording.ops[frame]) + n * step,
                    time_us=int(recording.times_us[frame]) + n * int(recording.times_us[-1] + 1),
                    phase=int(recording.phases[frame]) + n * len(header["phases"]),
                    grid=recording.grid(frame),
                    block_types=recording.block_types(frame),
                    series=np.array(recording.series[frame]),
                    **_marks(recording, frame),
                )
    return target


def _marks(recording: Recording, frame: int) -> dict:
    marks = recording.marks(frame)
    return {} if marks is None else {"marks": marks}


if __name__ == "__main__":
    main()
