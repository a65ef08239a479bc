"""Checks of a video or a still: does it show what was recorded, and say what series.csv says?"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.artefacts.captions import annotations
from pipeline.artefacts.panels import Drawing, panels
from pipeline.check import Check
from pipeline.config import UsageError
from pipeline.metadata import of_recording
from pipeline.recording import Recording, RecordingError
from pipeline.run_folder import RunFolder
from renderer.ffmpeg import decoded, read_comment
from renderer.output import RenderError

if TYPE_CHECKING:
    import numpy as np

    from renderer.annotations import Annotation
    from renderer.panel import Panel
    from renderer.read_back import ReadBack

VIDEOS, STILLS = (".mp4", ".mkv"), (".png",)
RIGHT_SHARE = 0.999  # of the pages in a video, whose colour must be nearest to their class
ALIKE = ("layout", "palette", "cell_px", "pages_per_cell", "pfn", "size", "panels")


def verify_video(path: Path, named: Sequence[Path] = ()) -> Iterator[Check]:
    """Check a video against the recordings that it says it shows, or those of `named` that it does.

    Raises UsageError where they aren't found, RenderError, RecordingError.
    """
    about = told_by_video(path)
    if "explained_ops" in about:
        yield Check("pages", None, "slow motion: its frames aren't those of a recording")
        return
    paths = recordings_of(about, path, named)
    run = run_of(paths)
    shown, said = as_told(about, paths, run)
    yield from looked_at(_read_back(path, shown, said))
    yield series_check(paths, run)


def verify_still(path: Path, named: Sequence[Path] = ()) -> Iterator[Check]:
    """Check a still against its recordings, and against the video beside it.

    Raises UsageError where the recordings aren't found, RenderError, RecordingError.
    """
    from renderer.read_back import PictureReader, composed_as, planes_of_image

    about, image = _still(path)
    paths = recordings_of(about, path, named)
    shown, _ = as_told(about, paths, run_of(paths))
    told = about["picture"]
    scene = composed_as(told, shown)
    frame = told["frame"]
    size, wanted = image.shape[1::-1], (scene.width_px, scene.height_px)
    yield Check("size", size == wanted, f"{size[0]} x {size[1]} px of {wanted[0]} x {wanted[1]}")
    if size != wanted:
        return
    reader, planes = PictureReader(scene), planes_of_image(image)
    reader.compare(planes, frame)
    back = reader.result(scene.frames, reader.size_px)
    yield from _content(back, least=1.0)
    yield _in_its_video(path, about, reader, planes)


def told_by_video(path: Path) -> dict:
    """The metadata of a video of ours. Raises UsageError, RenderError."""
    if not path.exists():
        raise RenderError(f"{path}: no such file")
    return _checked(path, read_comment(path))


def _still(path: Path) -> "tuple[dict, np.ndarray]":
    import json

    import numpy as np
    from PIL import Image, UnidentifiedImageError

    from renderer.png import KEYWORD

    try:
        with Image.open(path) as image:
            told = json.loads(image.text.get(KEYWORD, "{}"))
            pixels = np.asarray(image.convert("RGB"))
    except FileNotFoundError:
        raise RenderError(f"{path}: no such file") from None
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise RenderError(f"{path}: not readable: {error}") from None
    about = _checked(path, told)
    if "frame" not in about["picture"]:
        raise UsageError(f"{path}: no still: it doesn't tell a frame")
    return about, pixels


def _checked(path: Path, about: dict) -> dict:
    picture = about.get("picture") if isinstance(about, dict) else None
    if not isinstance(picture, dict) or not shown_by(about):
        raise UsageError(f"{path}: not a picture of pagereel: it doesn't tell its recordings")
    return about


def shown_by(about: dict) -> list[dict]:
    """What a picture says of its recordings, that which others are held against first."""
    if "difference" in about:
        return [about["difference"]["baseline"], *about["difference"]["recordings"]]
    return about.get("recordings", [])


def recordings_of(about: dict, path: Path, named: Sequence[Path] = ()) -> list[Path]:
    """The recordings of a picture: among those named, else in the folders beside it.

    Raises UsageError, RecordingError.
    """
    parent = path.resolve().parent
    folders = (parent / "recordings", parent.parent / "recordings", parent)
    known: dict[Path, dict] = {file: of_recording(Recording.open(file).header) for file in named}
    faults: list[RecordingError] = []
    for file in () if named else (f for d in folders for f in sorted(d.glob("*.reel"))):
        try:
            known[file] = of_recording(Recording.open(file).header)
        except RecordingError as fault:
            faults.append(fault)
    found = []
    for wanted in shown_by(about):
        file = next((file for file, header in known.items() if header == wanted), None)
        if file is None and faults:
            raise faults[0]
        if file is None:
            what = f"{wanted.get('mechanism')}, {wanted.get('workload')}, seed {wanted.get('seed')}"
            raise UsageError(
                f"{path}: it shows {what}, which "
                + ("none of these recordings is" if named else "isn't beside it: name it")
            )
        found.append(file)
    return found


def run_of(paths: Sequence[Path]) -> RunFolder | None:
    """The run that the recordings belong to."""
    folders = {path.resolve().parent.parent for path in paths}
    with suppress(UsageError):
        run = RunFolder.open(folders.pop())
        mine = {path.resolve() for path in run.paths}
        if not folders and {path.resolve() for path in paths} <= mine:
            return run
    return None


def as_told(
    about: dict, paths: Sequence[Path], run: RunFolder | None
) -> "tuple[list[Panel], tuple[Annotation, ...]]":
    """Panels and captions as a picture's metadata tell; the figures are those of series.csv."""
    told = about["picture"]
    drawing = Drawing(difference="difference" in about, fps=told.get("fps", Drawing.fps))
    if run is not None:
        drawing = replace(drawing, values=run.values)
    if "pfn" in told:
        drawing = replace(drawing, pfns=tuple(told["pfn"]))
    shown = panels(list(paths), drawing)
    return shown, annotations(shown, drawing.fps) if told.get("captions") else ()


def _read_back(path: Path, shown: "list[Panel]", said: "tuple[Annotation, ...]") -> "ReadBack":
    from renderer.read_back import read_back

    return read_back(path, shown, annotations=said)


def looked_at(back: "ReadBack") -> Iterator[Check]:
    """What was read back of a video, as checks."""
    frames = f"{back.frames} frames of {back.width_px} x {back.height_px} px"
    if back.frames != back.frames_expected:
        frames += f" instead of {back.frames_expected}"
    if (back.width_px, back.height_px) != back.size_expected_px:
        frames += f" instead of {' x '.join(map(str, back.size_expected_px))} px"
    yield Check("frames", back.whole, frames)
    yield from _content(back, RIGHT_SHARE)


def _content(back: "ReadBack", least: float) -> Iterator[Check]:
    """Pages and words; `least`: the share of pages that must be right."""
    classes = [
        {"class": name, "pages": pages, "right": right, "share": right / pages}
        for name, (pages, right) in back.by_class.items()
        if pages
    ]
    share = f"{_percent(back.share_right)} of {back.pages_checked:,} pages in their class's colour"
    if back.together:
        share += f"; {back.together}"
    yield Check("pages", back.share_right >= least and not back.together, share, classes)
    texts = f"{back.texts_right:,} of {back.texts_checked:,} changing lines as drawn anew"
    if back.wrong_text:
        frame, text = back.wrong_text
        texts += f"; frame {frame} doesn't say {text!r}"
    right = back.texts_right == back.texts_checked > 0
    yield Check("words", right, texts)


def _percent(share: float) -> str:
    """Never 100 % where something is missing."""
    text = f"{100 * share:.4f} %"
    return "100 %" if share == 1 else text.replace("100.0000", "99.9999")


def series_check(paths: Sequence[Path], run: RunFolder | None) -> Check:
    """Whether series.csv, whose figures the pictures print, is that of the recordings."""
    import numpy as np

    if run is None:
        return Check("series.csv", None, "the recordings lie in no run folder")
    rows = 0
    for path in paths:
        recording = Recording.open(path)
        names = [n for n in recording.header["series_columns"] if n.startswith("free_pages:")]
        pairs = [("op", recording.ops), ("time_us", recording.times_us)]
        pairs += [(name.replace(":", "_"), recording.column(name)) for name in names]
        for column, values in pairs:
            there = run.values(recording, column)
            if len(there) != len(values) or not np.array_equal(there, values):
                return Check("series.csv", False, f"{column} isn't that of {path.name}")
        rows += len(recording)
    return Check("series.csv", True, f"clock and free pages of {rows:,} rows are the recordings'")


def _in_its_video(path: Path, about: dict, reader, planes: tuple) -> Check:
    """The frame of the video beside a still: the same classes, and the same words."""
    import numpy as np

    from renderer.canvas import planes_of
    from renderer.read_back import PictureReader

    video = _video_beside(path, about)
    if video is None:
        return Check("video", None, "no video of the same panels and layout lies beside it")
    frame = about["picture"]["frame"]
    shown = _frame_of(video, frame, reader.size_px)
    if shown is None:
        return Check("video", False, f"{video}: it has no frame {frame} of this size")
    there = planes_of(shown, *reader.size_px)
    pairs = list(zip(reader.classes(planes), reader.classes(there), strict=True))
    same = sum(int(np.count_nonzero(a == b)) for a, b in pairs)
    cells = sum(len(a) for a, _ in pairs)
    words = PictureReader(reader.scene)
    words.compare(there, frame)
    back = words.result(1, reader.size_px)
    right = back.texts_right == back.texts_checked and same >= RIGHT_SHARE * cells
    text = f"frame {frame} of {video}: {_percent(same / cells)} of {cells:,} cells alike, "
    return Check("video", right, text + f"{back.texts_right} of {back.texts_checked} lines")


def _video_beside(path: Path, about: dict) -> Path | None:
    """A video of the same recordings in the same way."""
    folder = path.resolve().parent
    for video in sorted([*folder.glob("*.m[pk][4v]"), *folder.glob("video/*.m[pk][4v]")]):
        with suppress(RenderError):
            other = read_comment(video)
            mine, theirs = about["picture"], other.get("picture", {})
            alike = all(mine.get(key) == theirs.get(key) for key in ALIKE)
            if alike and shown_by(other) == shown_by(about) and not theirs.get("captions"):
                return video
    return None


def _frame_of(video: Path, wanted: int, size_px: tuple[int, int]) -> "np.ndarray | None":
    with decoded(video) as (size, pictures):
        found = None
        for number, picture in enumerate(pictures):
            if number == wanted and size == size_px:
                found = picture.copy()
    return found
