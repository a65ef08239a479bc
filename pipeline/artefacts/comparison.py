"""video/comparison.mp4: the mechanisms side by side on one clock."""

from pipeline.artefacts import Task
from pipeline.artefacts.panels import picture_tasks
from pipeline.artefacts.video import write
from pipeline.run_folder import RunFolder


def tasks(run: RunFolder) -> list[Task]:
    """A task for each workload; none where there is only one mechanism to show."""
    if len(run.config.mechanisms) == 1:
        return []
    return picture_tasks(run, "video/comparison.mp4", write)
