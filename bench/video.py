"""How fast the comparison video is made, beside the same frames piped with nothing drawn.

Run: python -m bench.video [--rounds N] [--frames N] [RUN]. RUN is a run folder, output/main without
it; the frames are a stretch from its middle. Rounds are interleaved, medians are printed. The raw
frames that are only piped lie in a temporary folder: 17 MB a frame.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.engine import interleaved
from bench.matplotlib_video import matplotlib_s
from pipeline.artefacts.panels import Drawing, panels
from pipeline.run_folder import RunFolder
from renderer.canvas import RgbCanvas, YuvCanvas
from renderer.ffmpeg import MP4, Coding, encode
from renderer.frame import Painter
from renderer.panel import Panel
from renderer.read_back import read_back
from renderer.scene import Scene, compose

# What anyone would write: RGB frames, x264's usual settings, as many threads as it likes.
USUAL = Coding(
    "rgb24",
    "mp4",
    (),
    ("-vf", "scale=out_color_matrix=bt709:out_range=tv", "-c:v", "libx264", "-pix_fmt", "yuv420p",
     "-preset", "veryfast", "-crf", "18", *MP4.reading, "-movflags", "+faststart"),
)  # fmt: skip
MATPLOTLIB_FRAMES = 20
FPS = 20


class Case(NamedTuple):
    """What is measured: a name, and a function that makes the video and gives its seconds."""

    label: str
    seconds: Callable[[], float]
    frames: int
    video: Path | None = None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("run", type=Path, nargs="?", default=Path("output/main"))
    arguments = parser.parse_args()
    shown = drawn_panels(arguments.run)
    frames = stretch(shown, arguments.frames)
    with tempfile.TemporaryDirectory() as folder:
        cases = cases_of(shown, frames, Path(folder))
        seconds = interleaved({c.label: c.seconds for c in cases}, arguments.rounds)
        rates = {case.label: case.frames / seconds[case.label] for case in cases}
        print(
            f"comparison video, frames {frames[0]} to {frames[-1]}, {arguments.rounds} rounds, "
            f"medians, load {Path('/proc/loadavg').read_text().split()[0]}"
        )
        drawn = rates[cases[0].label]
        for case in cases:
            rate = rates[case.label]
            words = f"{case.label:44} {rate:7.1f} frames/s, ours {drawn / rate:6.2f} times"
            print(words + _told(case, shown, frames), flush=True)


def _told(case: Case, shown: Sequence[Panel], frames: Sequence[int]) -> str:
    """Size and truth of a video."""
    if case.video is None:
        return ""
    back = read_back(case.video, shown, first=frames[0])
    share = f"{100 * back.share_right:.5f} % of pages right"
    return f", {case.video.stat().st_size / 1e3:8,.0f} kB, {share}"


def drawn_panels(run: Path) -> list[Panel]:
    """The panels of a run's comparison video."""
    of = RunFolder.open(run)
    recordings = next(iter(of.drawn().values()))
    return panels([of.path(cell) for cell in recordings], Drawing(values=of.values))


def stretch(shown: Sequence[Panel], wanted: int) -> list[int]:
    """So many successive frames from the middle."""
    there = len(shown[0].recording)
    first = max(there - wanted, 0) // 2
    return list(range(first, min(first + wanted, there)))


def cases_of(shown: Sequence[Panel], frames: Sequence[int], folder: Path) -> list[Case]:
    """Ours, and what it is held against."""
    scene = compose(shown)
    size_px = (scene.width_px, scene.height_px)
    raw = {
        kind: keep(scene, frames, canvas, folder / kind)
        for kind, canvas in (("rgb", RgbCanvas), ("yuv", YuvCanvas))
    }
    ours, usual, planes = (folder / f"{name}.mp4" for name in ("ours", "usual", "planes"))
    count = len(frames)
    return [
        Case("drawn and encoded", lambda: drawn_s(shown, frames, ours), count, ours),
        Case(
            "(a) rgb24 piped, x264 veryfast crf 18",
            lambda: piped_s(raw["rgb"], size_px, usual, USUAL), count, usual,
        ),
        Case(
            "(b) yuv420p piped, the same settings",
            lambda: piped_s(raw["yuv"], size_px, planes, MP4), count, planes,
        ),
        Case(
            "(c) matplotlib's FFMpegWriter",
            lambda: matplotlib_s(scene, frames[:MATPLOTLIB_FRAMES], folder / "matplotlib.mp4"),
            MATPLOTLIB_FRAMES,
        ),
    ]  # fmt: skip


def keep(
    scene: Scene, frames: Iterable[int], canvas: type[RgbCanvas | YuvCanvas], path: Path
) -> np.ndarray:
    """Frames drawn into a file, u1[frames, bytes of a frame], mapped."""
    painter = Painter(scene, canvas)
    with open(path, "wb") as file:
        for frame in frames:
            file.write(painter.draw(frame).buffer)
    return np.memmap(path, np.uint8, "r").reshape(-1, len(painter.canvas.buffer))


def drawn_s(shown: Sequence[Panel], frames: Sequence[int], path: Path) -> float:
    """Seconds to compose, draw and encode, as write_video does."""
    before = time.perf_counter()
    scene = compose(shown)

    def drawn() -> Iterator[np.ndarray]:
        painter = Painter(scene, YuvCanvas)
        for frame in frames:
            yield painter.draw(frame).buffer

    encode(drawn(), (scene.width_px, scene.height_px), FPS, path, path, "")
    return time.perf_counter() - before


def piped_s(raw: np.ndarray, size_px: tuple[int, int], path: Path, coding: Coding) -> float:
    """Seconds to encode frames that are there."""
    before = time.perf_counter()
    encode(raw, size_px, FPS, path, path, "", coding)
    return time.perf_counter() - before


if __name__ == "__main__":
    main()
