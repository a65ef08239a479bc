"""Recordings: how small the main job's are, and how fast frames are written and read.

Run: python -m bench.recording [--rounds N] [RUN]. RUN is a run folder, output/main without it. Raw
frames are one byte a page. Rounds are interleaved, medians are printed.
"""

import argparse
import tempfile
import time
from pathlib import Path

from bench.engine import interleaved
from pipeline.recording import Recording, RecordingWriter
from pipeline.run_folder import RunFolder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("run", type=Path, nargs="?", default=Path("output/main"))
    arguments = parser.parse_args()
    recordings = [Recording.open(path) for path in RunFolder.open(arguments.run).paths]
    for recording in recordings:
        size, raw = recording.path.stat().st_size, raw_bytes(recording)
        print(
            f"{recording.path.name:44} {raw / 1e6:6.1f} MB of frames in {size / 1e6:5.2f} MB: "
            f"{raw / size:5.1f} times smaller"
        )
    first = recordings[0]
    with tempfile.TemporaryDirectory() as folder:
        cases = {
            "written": lambda: write_s(first, Path(folder) / "again.reel"),
            "read in order": lambda: read_s(first.path, range(len(first))),
            "read backwards, every 10th": lambda: read_s(first.path, range(len(first) - 1, 0, -10)),
        }
        seconds = interleaved(cases, arguments.rounds)
    frames = {"read backwards, every 10th": len(range(len(first) - 1, 0, -10))}
    for label, taken in seconds.items():
        count = frames.get(label, len(first))
        pages = count * first.header["geometry"]["pages"]
        print(f"{label:28} {pages / 1e6 / taken:7.0f} MB of raw frames a second")


def raw_bytes(recording: Recording) -> int:
    """All frames, one byte a page."""
    return len(recording) * recording.header["geometry"]["pages"]


def write_s(recording: Recording, path: Path) -> float:
    """Seconds to write the recording's frames, all that belongs to them too."""
    frames = [
        {
            "op": int(recording.ops[n]),
            "time_us": int(recording.times_us[n]),
            "phase": int(recording.phases[n]),
            "grid": recording.grid(n),
            "block_types": recording.block_types(n),
            "series": recording.series[n],
        }
        | ({} if recording.marks(n) is None else {"marks": recording.marks(n)})
        for n in range(len(recording))
    ]
    before = time.perf_counter()
    with RecordingWriter(path, recording.header) as writer:
        for frame in frames:
            writer.append(**frame)
    return time.perf_counter() - before


def read_s(path: Path, frames: range) -> float:
    """Seconds to open a recording and to decode frames of it."""
    before = time.perf_counter()
    recording = Recording.open(path)
    for frame in frames:
        recording.grid(frame)
    return time.perf_counter() - before


if __name__ == "__main__":
    main()
