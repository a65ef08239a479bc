"""video/comparison.mp4: the mechanisms side by side on one clock."""

from pipeline.artefacts import Task
from pipeline.artefacts.panels import drawing_of
from pipeline.artefacts.video import write
from pipeline.run_folder import RunFolder


def tasks(run: RunFolder) -> list[Task]:
    """A task for each workload; none where there is only one mechanism to show."""
    result = []
    for prefix, paths in run.drawn().items():
        if len(paths) > 1:
            target = run.folder / "video" / f"{prefix}comparison.mp4"
            result.append(Task(f"video/{target.name}", write, (paths, target, drawing_of(run))))
    return result
