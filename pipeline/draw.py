"""`pagereel video`, `sheet`, `still` and `figures`: pictures of recordings, wherever they lie."""

from pathlib import Path

from pipeline.artefacts import Task, animation, figures, sheet, still, video
from pipeline.artefacts.panels import Drawing
from pipeline.config import UsageError, check_output
from pipeline.execute import execute, progress_of
from pipeline.recording import Recording
from renderer.layouts import layout_named


def draw_video(
    paths: list[Path], output: Path, layout: str | None, fps: int | None, force: bool
) -> None:
    """Into a file: all recordings on one clock. Into a folder: each, and all together.

    A file .webp becomes the small animation.
    """
    drawing = _drawing(layout, fps)
    targets: list[tuple[list[Path], Path]] = []
    if _is_folder(output):
        names = [Recording.open(path).header["mechanism"]["name"] for path in paths]
        targets = [([p], output / f"{n}.mp4") for p, n in zip(paths, names, strict=True)]
        if len(paths) > 1:
            targets.append((paths, output / "comparison.mp4"))
        if len({target for _, target in targets}) < len(targets):
            raise UsageError(f"{output}: two of these videos would share a file")
    else:
        targets = [(paths, _file(output, ".mp4", ".webp"))]
    write = animation.write if output.suffix == ".webp" else video.write
    _make([Task(str(t), write, (p, t, drawing)) for p, t in targets], force)


def draw_sheet(
    paths: list[Path], output: Path, layout: str | None, phases: tuple[str, ...], force: bool
) -> None:
    """A sheet of these recordings; `phases`: its columns."""
    target = output / "sheet.png" if _is_folder(output) else _file(output, ".png")
    sheet.columns(Recording.open(paths[0]), phases)
    arguments = (paths, target, _drawing(layout), phases)
    _make([Task(str(target), sheet.write, arguments)], force)


def draw_still(
    paths: list[Path],
    output: Path,
    layout: str | None,
    frame: int | None,
    phase: str | None,
    force: bool,
) -> None:
    """One frame of these recordings."""
    target = output / "still.png" if _is_folder(output) else _file(output, ".png")
    recording = Recording.open(paths[0])
    if phase is not None:
        frame = sheet.columns(recording, (phase,))[0][2]
    if frame is not None and frame >= len(recording):
        raise UsageError(f"{paths[0]} has {len(recording)} frames; there is no frame {frame}")
    arguments = (paths, target, _drawing(layout), frame)
    _make([Task(str(target), still.write, arguments)], force)


def draw_figures(paths: list[Path], output: Path, force: bool) -> None:
    """All figures of these recordings, into a folder."""
    if not _is_folder(output):
        raise UsageError(f"{output}: figures are several files: name a folder")
    check_output(output, force, "figures")
    task = Task(str(output), figures.write, (paths, output, "", _drawing(None)))
    _make([task], force=True)


def _drawing(layout: str | None, fps: int | None = None) -> Drawing:
    default = Drawing()
    layout_named(layout or default.layout)
    return Drawing(layout or default.layout, fps or default.fps)


def _file(output: Path, *suffixes: str) -> Path:
    """Raises UsageError for a file name that doesn't tell what will be in it."""
    if output.suffix not in suffixes:
        raise UsageError(f"{output}: the name must end in {' or '.join(suffixes)}, or be a folder")
    return output


def _is_folder(output: Path) -> bool:
    return output.is_dir() or output.suffix == ""


def _make(tasks: list[Task], force: bool) -> None:
    """Run the tasks; each label is the file it makes. Raises UsageError where one exists."""
    for task in tasks:
        if Path(task.label).exists() and not force:
            raise UsageError(f"{task.label}: exists; --force replaces it")
        Path(task.label).parent.mkdir(parents=True, exist_ok=True)
    with progress_of({task.label: 1.0 for task in tasks}) as report:
        execute(tasks, 1, report)
    for task in tasks:
        print(task.label)
