"""video/<mechanism>.mp4: one recording a video."""

from pathlib import Path

from pipeline.artefacts import Progress, Task
from pipeline.artefacts.panels import Drawing, drawing_of, panels, picture_metadata
from pipeline.recording import Recording
from pipeline.run_folder import RunFolder
from renderer.video import write_video


def tasks(run: RunFolder) -> list[Task]:
    """A task for each recording that is drawn."""
    result = []
    for prefix, paths in run.drawn().items():
        for path in paths:
            mechanism = Recording.open(path).header["mechanism"]["name"]
            target = run.folder / "video" / f"{prefix}{mechanism}.mp4"
            result.append(Task(f"video/{target.name}", write, ([path], target, drawing_of(run))))
    return result


def write(paths: list[Path], target: Path, drawing: Drawing, progress: Progress) -> None:
    """One video of these recordings of a run. Raises RecordingError, RenderError, OSError."""
    shown = panels(paths, drawing)
    target.parent.mkdir(exist_ok=True)
    write_video(
        shown,
        target,
        layout=drawing.layout,
        fps=drawing.fps,
        metadata=picture_metadata([panel.recording for panel in shown]),
        progress=progress,
    )
