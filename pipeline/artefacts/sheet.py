"""sheet.png: mechanism by phase."""

from pathlib import Path

from pipeline.artefacts import Progress, Task
from pipeline.artefacts.panels import Drawing, panels, picture_metadata, picture_tasks
from pipeline.artefacts.tables import is_key
from pipeline.config import check_names
from pipeline.measures import sample_frames
from pipeline.recording import Recording, RecordingError
from pipeline.run_folder import RunFolder
from renderer.sheet import MAX_ROWS, write_sheet


def tasks(run: RunFolder) -> list[Task]:
    """A task for each workload."""
    return picture_tasks(run, "sheet.png", write, most=MAX_ROWS)


def write(
    paths: list[Path],
    target: Path,
    drawing: Drawing,
    phases: tuple[str, ...] = (),
    *,
    progress: Progress,
) -> None:
    """The sheet of these recordings. Raises UsageError, RecordingError, RenderError, OSError."""
    shown = panels(paths, drawing)
    write_sheet(
        shown,
        columns(shown[0].recording, phases),
        target,
        layout=drawing.layout,
        palette=drawing.look["palette"],
        metadata=picture_metadata(shown),
    )
    progress(1, 1)


def columns(recording: Recording, names: tuple[str, ...] = ()) -> list[tuple[str, str, int]]:
    """Name, title and frame of the phases to show: those named, else the key ones.

    Raises UsageError for a phase that the recording doesn't have, RecordingError where it has none.
    """
    sampled = sample_frames(recording)
    known = [phase["name"] for phase, _ in sampled]
    check_names("phase", names, known, str(recording.path))
    if not sampled:
        raise RecordingError(f"{recording.path}: it ends before the first phase's sample")
    chosen = names or [p["name"] for p, _ in sampled if is_key(p)] or known
    return [(p["name"], p["title"], frame) for p, frame in sampled if p["name"] in chosen]
