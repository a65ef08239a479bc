"""Pictures and pages of recordings, wherever they lie: `pagereel video`, `report` and others."""

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.artefacts import (
    Progress,
    Task,
    animation,
    figures,
    genealogy,
    genealogy_figure,
    sheet,
    still,
    video,
)
from pipeline.artefacts.groups import groups_of
from pipeline.artefacts.panels import Drawing, check_look, opened
from pipeline.config import UsageError, check_file, check_output
from pipeline.execute import execute, progress_of
from pipeline.explain import slow_motion
from pipeline.recording import Recording
from pipeline.run_folder import RunFolder
from pipeline.views.zoom import pfn_range

if TYPE_CHECKING:
    from pipeline.explain.moments import Moment


ANIMATIONS = (".webp", ".gif")


def draw_video(
    paths: list[Path],
    output: Path,
    force: bool,
    lossless: bool = False,
    max_size: str | None = None,
    **look: object,
) -> None:
    """Into a file: all recordings on one clock. Into a folder: each, and all together.

    A file .webp or .gif becomes the small animation. `look`: as of `_drawing`.
    """
    drawing = _drawing(**look)
    if output.suffix in ANIMATIONS:
        _draw_animation(paths, output, drawing, lossless, max_size, force)
        return
    if max_size is not None:
        raise UsageError(f"{output}: --max-size is for {' and '.join(ANIMATIONS)}")
    suffix = video.LOSSLESS_SUFFIX if lossless else ".mp4"
    targets: list[tuple[list[Path], Path]] = []
    if _is_folder(output) and drawing.difference:
        targets = [(paths, output / f"difference{suffix}")]
    elif _is_folder(output):
        names = [Recording.open(path).header["mechanism"]["name"] for path in paths]
        targets = [([p], output / f"{n}{suffix}") for p, n in zip(paths, names, strict=True)]
        if len(paths) > 1:
            targets.append((paths, output / f"comparison{suffix}"))
        if len({target for _, target in targets}) < len(targets):
            raise UsageError(f"{output}: two of these videos would share a file")
    else:
        suffixes = (suffix,) if lossless else (suffix, *ANIMATIONS)
        targets = [(paths, _file(output, *suffixes))]
    _make([Task(str(t), video.write, (p, t, drawing)) for p, t in targets], force)


def _draw_animation(
    paths: list[Path],
    output: Path,
    drawing: Drawing,
    lossless: bool,
    max_size: str | None,
    force: bool,
) -> None:
    for asked, option in ((lossless, "--lossless"), (drawing.captions, "--captions")):
        if asked:
            raise UsageError(f"{output}: {option} is for videos")
    max_bytes = None if max_size is None else bytes_of(max_size)
    _make([Task(str(output), animation.write, (paths, output, drawing, max_bytes))], force)


def bytes_of(size: str) -> int:
    """Bytes of "2MB", "500 kB", "1.5MiB" or "90000". Raises UsageError."""
    match = re.fullmatch(r"(\d{1,15}(?:\.\d{1,15})?)\s*(?:([kKM])(i?)[bB]?|[bB]?)", size.strip())
    if not match:
        raise UsageError(f"size {size!r}: not of the form 2MB, 500kB or 1.5MiB")
    number, unit, binary = match.groups()
    power = {None: 0, "k": 1, "K": 1, "M": 2}[unit]
    return int(float(number) * (1024 if binary else 1000) ** power)


def draw_sheet(
    paths: list[Path], output: Path, phases: tuple[str, ...], force: bool, **look: object
) -> None:
    """A sheet of these recordings; `phases`: its columns. `look`: as of `_drawing`."""
    target = output / "sheet.png" if _is_folder(output) else _file(output, ".png")
    sheet.columns(Recording.open(paths[0]), phases)
    arguments = (paths, target, _drawing(**look), phases)
    _make([Task(str(target), sheet.write, arguments)], force)


def draw_still(
    paths: list[Path],
    output: Path,
    frame: int | None,
    phase: str | None,
    force: bool,
    **look: object,
) -> None:
    """One frame of these recordings. `look`: as of `_drawing`."""
    target = output / "still.png" if _is_folder(output) else _file(output, ".png")
    recording = Recording.open(paths[0])
    if phase is not None:
        frame = sheet.columns(recording, (phase,))[0][2]
    if frame is not None and frame >= len(recording):
        raise UsageError(f"{paths[0]} has {len(recording)} frames; there is no frame {frame}")
    arguments = (paths, target, _drawing(**look), frame)
    _make([Task(str(target), still.write, arguments)], force)


def draw_figures(paths: list[Path], output: Path, columns: str, force: bool) -> None:
    """All figures of these recordings, into a folder; `columns`: a size (renderer.figure_style)."""
    if not _is_folder(output):
        raise UsageError(f"{output}: figures are several files: name a folder")
    check_output(output, force, "figures")
    _make([Task(str(output), _write_figures, (paths, output, columns))], force=True)


def _write_figures(paths: list[Path], output: Path, columns: str, progress: Progress) -> None:
    """Curves and what blocks huge pages, of all seeds; genealogy, of the first ones."""
    figures.write(paths, output, "", _drawing(), columns, progress=progress)
    first_seeds = [group.recordings[0].path for group in groups_of([*map(opened, paths)])]
    genealogy_figure.write_picture(first_seeds, output / genealogy.FIGURE, progress)


def draw_report(paths: list[Path], output: Path, layout: str | None, force: bool) -> None:
    """One page of these recordings; of a run folder one for each of its workloads."""
    from pipeline.artefacts import report

    if len(paths) == 1 and paths[0].is_dir():
        made = report.tasks(RunFolder.open(paths[0]))
    else:
        made = [Task("", report.write, (paths, Path(report.FILE), _drawing(layout=layout)))]
    if not _is_folder(output) and len(made) > 1:
        raise UsageError(f"{output}: {paths[0]} has {len(made)} workloads: name a folder")
    targets = []
    for task in made:
        recordings, name, drawing, *rest = task.arguments
        target = output / name.name if _is_folder(output) else _file(output, ".html")
        shown = replace(drawing, layout=layout or drawing.layout)
        check_look(shown.layout, shown.palette, shown.size)
        targets.append(Task(str(target), report.write, (recordings, target, shown, *rest)))
    _make(targets, force)


def draw_slow_motion(
    path: Path,
    moments: "list[Moment]",
    output: Path,
    stream: Path | None,
    force: bool,
    **look: object,
) -> None:
    """A video that slows down at moments of a recording. `look`: as of `_drawing`."""
    target = _file(output, ".mp4")
    arguments = (path, moments, target, _drawing(**look), stream)
    _make([Task(str(target), slow_motion.write_slow_motion, arguments)], force)


def _drawing(
    *,
    layout: str | None = None,
    palette: str | None = None,
    size: str | None = None,
    pfn: str | None = None,
    fps: int | None = None,
    difference: bool = False,
    captions: bool = False,
) -> Drawing:
    """How to draw. Raises UsageError, LayoutError, PaletteError for what cannot be."""
    if difference and (palette or captions):
        what = "--palette" if palette else "--captions"
        raise UsageError(f"{what}: a difference has colours of its own, and no captions")
    default = Drawing()
    drawing = Drawing(
        layout=layout or default.layout,
        fps=fps or default.fps,
        palette=palette or default.palette,
        size=size,
        pfns=pfn_range(pfn) if pfn else None,
        difference=difference,
        captions=captions,
    )
    check_look(drawing.layout, drawing.palette, drawing.size)
    return drawing


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
        check_file(Path(task.label), force)
        Path(task.label).parent.mkdir(parents=True, exist_ok=True)
    with progress_of({task.label: 1.0 for task in tasks}) as report:
        execute(tasks, 1, report)
    for task in tasks:
        print(task.label)
