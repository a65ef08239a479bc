"""figures/: the metrics as curves over the run, as PNG, SVG and PDF."""

from pathlib import Path

from pipeline.artefacts import Progress, Task
from pipeline.artefacts.panels import Drawing, drawing_of, opened, picture_metadata
from pipeline.metrics import METRICS
from pipeline.recording import Recording
from pipeline.run_folder import RunFolder
from renderer.figures import FORMATS, Curve, Figure, Graph, write_figure

GRAPHS = ("potential_huge", "mixed", "free_blocks", "unusable_index")
OVERVIEW = "overview"


def tasks(run: RunFolder) -> list[Task]:
    """A task for each workload."""
    folder, drawing = run.folder / "figures", drawing_of(run)
    result = []
    for prefix, shown in run.drawn().items():
        files = tuple(
            f"figures/{prefix}{name}.{kind}" for name in (OVERVIEW, *METRICS) for kind in FORMATS
        )
        arguments = ([run.path(cell) for cell in shown], folder, prefix, drawing)
        result.append(Task(f"{prefix}figures", write, arguments, files))
    return result


def write(
    paths: list[Path], folder: Path, prefix: str, drawing: Drawing, progress: Progress
) -> None:
    """An overview of four metrics, and each metric alone. Raises RecordingError, OSError."""
    recordings = [opened(path) for path in paths]
    graphs = {name: _graph(name, recordings, drawing) for name in METRICS}
    folder.mkdir(exist_ok=True)
    wanted = {OVERVIEW: [graphs[name] for name in GRAPHS]}
    wanted |= {name: [graph] for name, graph in graphs.items()}
    for number, (name, shown) in enumerate(wanted.items()):
        write_figure(_figure(recordings, shown), folder / f"{prefix}{name}")
        progress(number + 1, len(wanted))


def _graph(name: str, recordings: list[Recording], drawing: Drawing) -> Graph:
    curves = [
        Curve(
            name=recording.header["mechanism"]["name"],
            title=recording.header["mechanism"]["title"],
            ops=recording.ops,
            values=drawing.values(recording, name),
        )
        for recording in recordings
    ]
    metric = METRICS[name]
    return Graph(name=name, title=metric.title, unit=metric.unit, curves=curves)


def _figure(recordings: list[Recording], graphs: list[Graph]) -> Figure:
    header = recordings[0].header
    return Figure(
        title=header["title"],
        source=header["source"]["text"],
        phases=[(phase["name"], phase["start_op"]) for phase in header["phases"]],
        graphs=graphs,
        metadata=picture_metadata(recordings),
    )
