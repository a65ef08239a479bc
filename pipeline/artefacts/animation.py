"""animation.webp: the comparison at half size, small enough for a web page."""

from pathlib import Path

from pipeline.artefacts import Progress, Task
from pipeline.artefacts.panels import Drawing, panels, picture_metadata, picture_tasks
from pipeline.run_folder import RunFolder
from renderer.animation import write_animation


def tasks(run: RunFolder) -> list[Task]:
    """A task for each workload."""
    return picture_tasks(run, "animation.webp", write)


def write(paths: list[Path], target: Path, drawing: Drawing, progress: Progress) -> None:
    """An animation of these recordings. Raises RecordingError, RenderError, OSError."""
    shown = panels(paths, drawing)
    write_animation(
        shown,
        target,
        layout=drawing.layout,
        metadata=picture_metadata([panel.recording for panel in shown]),
        progress=progress,
    )
