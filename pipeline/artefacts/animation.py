"""animation.webp: the comparison at half size, small enough for a web page."""

import sys
from pathlib import Path

from pipeline.artefacts import Progress, Task
from pipeline.artefacts.panels import Drawing, panels, picture_metadata, picture_tasks
from pipeline.run_folder import RunFolder
from renderer.animation import write_animation


def tasks(run: RunFolder) -> list[Task]:
    """A task for each workload."""
    return picture_tasks(run, "animation.webp", write)


def write(
    paths: list[Path],
    target: Path,
    drawing: Drawing,
    max_bytes: int | None = None,
    *,
    progress: Progress,
) -> None:
    """An animation of these recordings; with `max_bytes` it says on stderr what it left out.

    Raises RecordingError, RenderError, OSError.
    """
    shown = panels(paths, drawing)
    made = write_animation(
        shown,
        target,
        **drawing.look,
        max_bytes=max_bytes,
        metadata=picture_metadata(shown),
        progress=progress,
    )
    if max_bytes is not None:
        size = f"{made.width_px} x {made.height_px} px, {made.bytes:,} bytes"
        print(f"{target}: {len(made.frames)} of {made.of_frames} frames, {size}", file=sys.stderr)
