"""What pictures are drawn of: recordings with the figure that stands beside their name."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pipeline.artefacts import Task
from pipeline.config import UsageError
from pipeline.metadata import of_recording
from pipeline.metrics import METRICS
from pipeline.metrics.evidence import Evidence, eligible_blocks
from pipeline.recording import Recording, RecordingError
from pipeline.run_folder import RunFolder
from renderer.panel import MAX_PANELS, Panel

FIGURE = "potential_huge"
TEXT = "{value:,.0f} of {maximum:,.0f} blocks can become a huge page"
TEXT_NONE = "memory is in huge pages: no figure"
HUGE_PAGES = "hugetlb_pages"  # a column of series.csv beside the metrics
CHART_TITLE = "blocks that can become a huge page"

Values = Callable[[Recording, str], np.ndarray]


@dataclass
class Measured:
    """`values` of recordings without a series.csv: measured when asked for, read once.

    A metric, or HUGE_PAGES.
    """

    _evidence: dict[Path, Evidence] = field(default_factory=dict)

    def __call__(self, recording: Recording, metric: str) -> np.ndarray:
        """The metric at each frame, f8[frames]. Raises RecordingError."""
        if recording.path not in self._evidence:
            self._evidence[recording.path] = Evidence(recording)
        evidence = self._evidence[recording.path]
        if metric == HUGE_PAGES:
            return evidence.pages_of("hugetlb")
        return METRICS[metric].measure(evidence)


@dataclass(frozen=True)
class Drawing:
    """How pictures are drawn. `values(recording, metric)` gives f8[frames]."""

    layout: str = "blocks"
    fps: int = 20
    values: Values = field(default_factory=Measured)


def drawing_of(run: RunFolder) -> Drawing:
    """How a run's configuration wants its pictures; their figures are those of its series.csv."""
    return Drawing(run.config.layout, run.config.fps, run.values)


def picture_tasks(
    run: RunFolder, name: str, write: Callable[..., None], most: int = MAX_PANELS
) -> list[Task]:
    """A task `write(paths, target, drawing)` for each workload of a run.

    `name` is a path below the run folder; its file name gets the workload's prefix. Raises
    UsageError for more than `most` mechanisms.
    """
    result = []
    for prefix, shown in run.drawn().items():
        if len(shown) > most:
            raise UsageError(
                f"{name} shows at most {most} mechanisms, this run has {len(shown)}; name the "
                "artefacts to make (--only)"
            )
        target = Path(name).with_name(prefix + Path(name).name)
        paths = [run.path(cell) for cell in shown]
        arguments = (paths, run.folder / target, drawing_of(run))
        result.append(Task(str(target), write, arguments, (str(target),)))
    return result


def panels(paths: list[Path], drawing: Drawing) -> list[Panel]:
    """One panel a recording. Raises RecordingError."""
    return [_panel(opened(path), drawing.values) for path in paths]


def opened(path: Path) -> Recording:
    """A recording that has something to show. Raises RecordingError."""
    recording = Recording.open(path)
    if not len(recording):
        raise RecordingError(f"{path}: it ends before its first frame")
    return recording


def picture_metadata(recordings: list[Recording]) -> dict:
    """What a picture says of the recordings it shows."""
    return {"recordings": [of_recording(recording.header) for recording in recordings]}


def _panel(recording: Recording, values: Values) -> Panel:
    mechanism = recording.header["mechanism"]
    parameters = mechanism.get("parameters", {})
    name = ", ".join([mechanism["name"], *(f"{k}={v}" for k, v in parameters.items())])
    return Panel(
        recording=recording,
        title=mechanism["title"],
        name=name,
        values=np.where(values(recording, HUGE_PAGES) > 0, np.nan, values(recording, FIGURE)),
        maximum=float(eligible_blocks(recording).sum()),
        text=TEXT,
        chart_title=CHART_TITLE,
        text_none=TEXT_NONE,
    )
