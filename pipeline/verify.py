"""Checks of a recording: whole, made again the same, and shown truly by the videos beside it."""

import filecmp
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from allocator.mechanism import Mechanism
from pipeline.again import CannotRepeat, stream_of
from pipeline.check import Check
from pipeline.metadata import of_recording
from pipeline.recording import Recording, RecordingError
from pipeline.scratch import scratch_folder
from pipeline.simulate import simulate
from pipeline.verify_picture import RIGHT_SHARE, as_told, run_of, shown_by
from renderer.ffmpeg import read_comment
from renderer.output import RenderError
from renderer.read_back import ReadBack, read_back


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
    try:
        stream = stream_of(recording, stream_path)
    except CannotRepeat as error:
        return Check("re-run", None, str(error))
    except ValueError as error:
        return Check("re-run", False, str(error))
    mechanism = Mechanism.model_validate(header["mechanism"])
    with scratch_folder() as folder:
        again = folder / recording.path.name
        simulate(
            stream,
            mechanism,
            again,
            frames=header["frames_asked"],
            watched=recording.has_marks,
        )
        same = filecmp.cmp(again, recording.path, shallow=False)
    return Check("re-run", same, "the same bytes" if same else "other bytes than were recorded")


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
        about = read_comment(video)
        shown = shown_by(about)
        if mine not in shown:
            wrong = _misnamed(video, mine, shown)
            return Check(name, False, "shows others than its name says") if wrong else None
        if "explained_ops" in about:
            return Check(name, None, "slow motion: its frames aren't those of a recording")
        paths = [_find(beside, wanted) for wanted in shown]
        if None in paths:
            return Check(name, None, "another recording that it shows isn't there")
        panels, said = as_told(about, paths, run_of(paths))
        return _looked_at(name, read_back(video, panels, annotations=said, texts=False))
    except (RenderError, RecordingError) as error:
        return Check(name, False, str(error))


def _misnamed(video: Path, mine: dict, shown: list[dict]) -> bool:
    """Whether a video has the name of this recording's and shows none of its mechanism.

    One that shows the same with another seed is right: a run draws its first seed.
    """
    names = (mine["mechanism"], f"{mine['workload']}-{mine['mechanism']}")
    alike = [(one["mechanism"], one["workload"]) for one in shown]
    return video.stem in names and (mine["mechanism"], mine["workload"]) not in alike


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
    if back.together:
        text += f"; {back.together}"
    right = back.share_right >= RIGHT_SHARE and not back.together
    return Check(name, back.whole and right, text)
