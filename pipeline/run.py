"""Run a matrix of workloads, mechanisms and seeds, and make every artefact of it."""

import sys
from dataclasses import replace
from pathlib import Path

from pipeline.artefacts import ARTEFACTS, Progress, Task, tasks_of
from pipeline.atomic import write_text
from pipeline.config import Cell, RunConfig, UsageError, matrix
from pipeline.execute import execute, progress_of
from pipeline.metadata import as_json, versions
from pipeline.recording import Recording
from pipeline.run_folder import METADATA, RunFolder
from pipeline.simulate import core_note, runnable, simulate
from renderer.layouts import layout_named

RESULTS = (METADATA, "*.csv", "*.png", "*.webp", "recordings/*", "video/*", "figures/*")
# Shares of the work, for the estimate of the time left: seconds on some machine.
WEIGHTS = {"recordings": 1, "tables": 2, "video": 10, "comparison": 25, "figures": 6}


def run(config: RunConfig, folder: Path, *, jobs: int, force: bool) -> RunFolder:
    """Make the recordings of a run and every artefact it asks for, in `folder`.

    Raises UsageError before anything is written; WorkloadError, RecordingError, RenderError and
    OSError later: what was finished by then stays, without a metadata.json.
    """
    cells = matrix(config)
    layout_named(config.layout)
    wanted = _wanted(config)
    for choice in config.workloads:
        if choice.path:
            choice.load(seed=0)  # a damaged stream is told before a folder is made
    _prepare(folder, force)
    if core_note():
        print(f"pagereel: {core_note()}", file=sys.stderr)
    paths = tuple(folder / "recordings" / cell.file_name for cell in cells)
    result = RunFolder(folder, config, paths)
    simulations = [
        Task(f"recordings/{path.name}", record, (cell, path, config.frames))
        for cell, path in zip(cells, paths, strict=True)
    ]
    later = {name: WEIGHTS.get(name, 2) for name in wanted}
    with progress_of({**{t.label: WEIGHTS["recordings"] for t in simulations}, **later}) as report:
        execute(simulations, jobs, report)
        execute(tasks_of("tables", result), 1, report)
    pictures = [task for name in wanted if name != "tables" for task in tasks_of(name, result)]
    with progress_of({task.label: _weight(task) for task in pictures}) as report:
        execute(sorted(pictures, key=_weight, reverse=True), jobs, report)
    _write_metadata(result)
    return result


def _weight(task: Task) -> float:
    kind = "comparison" if "comparison" in task.label else task.label.partition("/")[0]
    return WEIGHTS.get(kind, 2)


def _wanted(config: RunConfig) -> list[str]:
    for name in config.artefacts:
        if name not in ARTEFACTS:
            raise UsageError(f"unknown artefact {name!r}; there are {', '.join(ARTEFACTS)}")
    return list(dict.fromkeys(["tables", *(config.artefacts or ARTEFACTS)]))


def record(cell: Cell, path: Path, frames: int, progress: Progress) -> None:
    """One recording of the matrix. Raises WorkloadError, OSError."""
    stream = replace(cell.workload.load(cell.seed), seed=cell.seed)
    simulate(runnable(stream), cell.mechanism, path, frames=frames, progress=progress)


def _prepare(folder: Path, force: bool) -> None:
    """Make the folder; with `force` remove an older run's results from it, and nothing else."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: exists and is no folder")
    if folder.is_dir() and any(folder.iterdir()) and not force:
        raise UsageError(f"{folder}: exists; --force replaces the run in it")
    if (folder / "recordings").is_dir():
        for pattern in RESULTS:
            for path in folder.glob(pattern):
                path.unlink()
    (folder / "recordings").mkdir(parents=True, exist_ok=True)


def _write_metadata(result: RunFolder) -> None:
    """Written last: a folder that has it is a whole run."""
    metadata = {
        "config": result.config.model_dump(mode="json"),
        "versions": versions(),
        "recordings": [path.name for path in result.recordings],
        "sources": [_source(path) for path in result.recordings],
    }
    write_text(result.folder / METADATA, as_json(metadata))


def _source(path: Path) -> dict:
    """Where a recording comes from, and what is missing from it."""
    recording = Recording.open(path)
    header = recording.header
    return {
        "recording": path.name,
        "source": header["source"],
        "mechanism": header["mechanism"]["source"],
        "parameters": header["mechanism"]["parameters"],
        "workload": header["workload"],
        "seed": header["seed"],
        "frames": len(recording),
        "start": header.get("start", {}),
        "dropped_events": recording.dropped_events,
    }
