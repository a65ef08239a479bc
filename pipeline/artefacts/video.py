"""video/<mechanism>.mp4: one recording a video."""

from pathlib import Path

from pipeline.artefacts import Progress, Task
from pipeline.artefacts.captions import annotations
from pipeline.artefacts.panels import Drawing, drawing_of, panels, picture_metadata
from pipeline.run_folder import RunFolder
from renderer.video import write_video

LOSSLESS_SUFFIX = ".mkv"


def tasks(run: RunFolder) -> list[Task]:
    """A task for each recording that is drawn."""
    result = []
    for prefix, shown in run.drawn().items():
        for cell in shown:
            name = f"video/{prefix}{cell.mechanism}.mp4"
            arguments = ([run.path(cell)], run.folder / name, drawing_of(run))
            result.append(Task(name, write, arguments, (name,)))
    return result


def write(paths: list[Path], target: Path, drawing: Drawing, progress: Progress) -> None:
    """One video of these recordings; a name in .mkv gets the lossless one.

    Raises RecordingError, RenderError, OSError.
    """
    shown = panels(paths, drawing)
    target.parent.mkdir(exist_ok=True)
    write_video(
        shown,
        target,
        **drawing.look,
        fps=drawing.fps,
        lossless=target.suffix == LOSSLESS_SUFFIX,
        annotations=annotations(shown, drawing.fps) if drawing.captions else (),
        metadata=picture_metadata(shown),
        progress=progress,
    )
