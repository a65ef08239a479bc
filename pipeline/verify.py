"""Checks of a recording: whole, made again the same, and shown truly by the videos beside it."""

import filecmp
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from allocator.mechanism import Mechanism
from pipeline.artefacts.panels import Drawing, panels
from pipeline.config import UsageError, load_stream
from pipeline.metadata import of_recording
from pipeline.recording import Recording, RecordingError
from pipeline.run_folder import RunFolder
from pipeline.simulate import runnable, simulate
from pipeline.version import version
from renderer.ffmpeg import read_comment
from renderer.output import RenderError
from renderer.read_back import ReadBack, read_back
from workloads import WORKLOADS, load_workload
from workloads.stream import Stream, WorkloadError

RIGHT_SHARE = 0.999  # of the pages in a video, whose colour must be nearest to their class


class Check(NamedTuple):
    """One thing that was looked at; `ok` None where it could not be."""

    name: str
    ok: bool | None
    text: str


def verify(path: Path, stream_path: Path | None = None) -> Iterator[Check]:
    """Check a recording; `stream_path`: where the stream is that was replayed, if it moved."""
    try:
        recording = Recording.open(path)
        frames = sum(1 for _ in recording.grids())
        events = len(recording.events)
    except RecordingError as error:
        yield Check("file", False, str(error))
        return
    whole = f"{frames} frames, {events} events, every checksum right"
    if not recording.complete:
        yield Check("file", False, f"{path}: its writer was stopped, the end is missing; {whole}")
        return
    yield Check("file", True, whole)
    yield _made_again(recording, stream_path)
    yield from _videos(recording)


def _made_again(recording: Recording, stream_path: Path | None) -> Check:
    header = recording.header
    if header["source"].get("kind") != "simulation":
        return Check("re-run", None, "not a simulation: cannot be made again")
    if header.get("pagereel") != version():
        made_by = header.get("pagereel", "another version")
        return Check("re-run", None, f"made by pagereel {made_by}; this is {version()}")
    try:
        stream = runnable(_stream(recording, stream_path))
    except WorkloadError as error:
        return Check("re-run", None, str(error))
    if stream.digest() != header["workload"]["digest"]:
        return Check("re-run", False, "the stream isn't the one that was recorded")
    mechanism = Mechanism.model_validate(header["mechanism"])
    with tempfile.TemporaryDirectory(prefix="pagereel-") as folder:
        again = Path(folder) / recording.path.name
        simulate(stream, mechanism, again, frames=header["frames_asked"])
        same = filecmp.cmp(again, recording.path, shallow=False)
    return Check("re-run", same, "the same bytes" if same else "other bytes than were recorded")


def _stream(recording: Recording, stream_path: Path | None) -> Stream:
    workload, seed = recording.header["workload"], recording.header["seed"]
    stream_path = stream_path or _path_in_metadata(recording)
    if stream_path is not None:
        stream = load_stream(stream_path)
    elif workload["name"] in WORKLOADS:
        stream = load_workload(workload["name"], workload["parameters"], seed)
    else:
        raise WorkloadError(f"stream {workload['name']!r} isn't at hand; name it with --stream")
    return replace(stream, name=workload["name"], seed=seed)


def _path_in_metadata(recording: Recording) -> Path | None:
    """Where the run that made the recording found its stream."""
    try:
        config = RunFolder.open(recording.path.resolve().parents[1]).config
    except (UsageError, IndexError):
        return None
    for choice in config.workloads:
        if choice.path and choice.file_name == recording.header["workload"]["name"]:
            return Path(choice.path)
    return None


def _videos(recording: Recording) -> Iterator[Check]:
    """The videos of the run folder that say they show this recording."""
    videos = sorted((recording.path.resolve().parents[1] / "video").glob("*.mp4"))
    checks = [check for video in videos if (check := _video(video, recording))]
    if not checks:
        yield Check("video", None, "no video of it lies beside its folder")
    yield from checks


def _video(video: Path, recording: Recording) -> Check | None:
    """A video held against the recordings that it says it shows; None where this isn't one."""
    name, beside = f"video/{video.name}", recording.path.resolve().parent
    mine = of_recording(recording.header)
    try:
        shown = read_comment(video).get("recordings", [])
        if mine not in shown:
            wrong = _misnamed(video, mine, shown)
            return Check(name, False, "shows others than its name says") if wrong else None
        paths = [_find(beside, wanted) for wanted in shown]
        if None in paths:
            return Check(name, None, "another recording that it shows isn't there")
        return _looked_at(name, read_back(video, panels(paths, Drawing(values=_no_values))))
    except (RenderError, RecordingError) as error:
        return Check(name, False, str(error))


def _misnamed(video: Path, mine: dict, shown: list[dict]) -> bool:
    """Whether a video has the name of this recording's and shows none of its mechanism.

    One that shows the same with another seed is right: a run draws its first seed.
    """
    names = (mine["mechanism"], f"{mine['workload']}-{mine['mechanism']}")
    alike = [(one["mechanism"], one["workload"]) for one in shown]
    return video.stem in names and (mine["mechanism"], mine["workload"]) not in alike


def _no_values(recording: Recording, metric: str):
    """Reading back looks at pages, not at figures."""
    import numpy as np

    return np.zeros(len(recording))


def _find(folder: Path, wanted: dict) -> Path | None:
    for path in sorted(folder.glob("*.reel")):
        with suppress(RecordingError):
            if of_recording(Recording.open(path).header) == wanted:
                return path
    return None


def _looked_at(name: str, back: ReadBack) -> Check:
    frames = str(back.frames)
    if back.frames != back.frames_expected:
        frames += f" instead of {back.frames_expected}"
    text = (
        f"{frames} frames of {back.width_px} x {back.height_px}, "
        f"{100 * back.share_right:.4f} % of {back.pages_checked:,} pages in their class's colour"
    )
    return Check(name, back.whole and back.share_right >= RIGHT_SHARE, text)
