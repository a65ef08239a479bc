"""difference.png, difference-still.png, video/difference.mp4: mechanisms against the first."""

from dataclasses import replace
from pathlib import Path

from pipeline.artefacts import Progress, Task, sheet, still, video
from pipeline.artefacts.panels import Drawing, picture_tasks
from pipeline.run_folder import RunFolder


def tasks(run: RunFolder) -> list[Task]:
    """Three tasks for each workload; none where there is only one mechanism."""
    if len(run.config.mechanisms) == 1:
        return []
    return [
        *picture_tasks(run, "video/difference.mp4", write_video),
        *picture_tasks(run, "difference.png", write_sheet),
        *picture_tasks(run, "difference-still.png", write_still),
    ]


def write_video(paths: list[Path], target: Path, drawing: Drawing, progress: Progress) -> None:
    """The video. Raises UsageError, RecordingError, RenderError, OSError; so do the others."""
    video.write(paths, target, replace(drawing, difference=True), progress)


def write_sheet(paths: list[Path], target: Path, drawing: Drawing, progress: Progress) -> None:
    """The sheet, mechanism by phase."""
    sheet.write(paths, target, replace(drawing, difference=True), progress=progress)


def write_still(paths: list[Path], target: Path, drawing: Drawing, progress: Progress) -> None:
    """The frame of greatest difference."""
    still.write(paths, target, replace(drawing, difference=True), progress=progress)
