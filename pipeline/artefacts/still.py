"""still.png: the frame at which the mechanisms differ most."""

from pathlib import Path

import numpy as np

from pipeline.artefacts import Progress, Task
from pipeline.artefacts.panels import FIGURE, Drawing, panels, picture_metadata, picture_tasks
from pipeline.run_folder import RunFolder
from renderer.panel import Panel
from renderer.still import write_still


def tasks(run: RunFolder) -> list[Task]:
    """A task for each workload."""
    return picture_tasks(run, "still.png", write)


def write(
    paths: list[Path],
    target: Path,
    drawing: Drawing,
    frame: int | None = None,
    *,
    progress: Progress,
) -> None:
    """A frame of these recordings, the one of greatest difference where none is named.

    Raises RecordingError, RenderError, OSError.
    """
    shown = panels(paths, drawing)
    chosen_by = "hand"
    if frame is None:
        frame = greatest_difference(shown, drawing.difference)
        chosen_by = f"greatest difference of {FIGURE}"
    write_still(
        shown,
        frame,
        target,
        **drawing.look,
        metadata={
            "frame": frame,
            "chosen_by": chosen_by,
            **picture_metadata(shown),
        },
    )
    progress(1, 1)


def greatest_difference(shown: list[Panel], from_zero: bool = False) -> int:
    """The first frame with the greatest span of the figure, of it and 0 where that is asked for.

    Alone, the one farthest from start.
    """
    values = np.array([panel.values for panel in shown])
    if from_zero:
        values = np.concatenate((values, np.zeros((1, values.shape[1]))))
    elif len(shown) == 1:
        values = np.array([values[0], np.full(len(values[0]), values[0][0])])
    return int(np.argmax(np.nan_to_num(values.max(axis=0) - values.min(axis=0))))
