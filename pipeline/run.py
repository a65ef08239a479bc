"""Run a matrix of workloads, mechanisms and seeds, and make every artefact of it."""

import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

from pipeline.artefacts import ARTEFACTS, Progress, Task, tasks_of
from pipeline.artefacts.panels import check_look
from pipeline.atomic import partials_of, write_text
from pipeline.config import Cell, RunConfig, UsageError, check_names, check_output, matrix
from pipeline.execute import execute, progress_of
from pipeline.metadata import as_json, versions
from pipeline.recording import Recording
from pipeline.run_folder import METADATA, UNFINISHED, Recorded, RunFolder
from pipeline.simulate import core_note, runnable, simulate

# Shares of the work, for the estimate of the time left: seconds on some machine.
WEIGHTS = {
    "recordings": 1, "tables": 1, "video": 7, "comparison": 10, "report": 8, "figures": 6,
    "animation": 4,
}  # fmt: skip


def run(config: RunConfig, folder: Path, *, jobs: int, force: bool) -> RunFolder:
    """Make the recordings of a run and every artefact it asks for, in `folder`.

    Raises UsageError before anything is written; WorkloadError, RecordingError, RenderError and
    OSError later: what was finished by then stays, without a metadata.json.
    """
    cells = matrix(config)
    check_look(config.layout, config.palette, config.size)
    wanted = _wanted(config)
    recordings = tuple(
        Recorded(cell.file_name, cell.workload.file_name, cell.mechanism.name, cell.seed)
        for cell in cells
    )
    result = RunFolder(folder, config, recordings)
    _check_files(result, wanted)
    for choice in config.workloads:
        if choice.path:
            choice.load(seed=0)  # a damaged stream is told before a folder is made
    _prepare(result, force)
    if core_note():
        print(f"pagereel: {core_note()}", file=sys.stderr)
    simulations = [
        Task(f"recordings/{path.name}", record, (cell, path, config.frames))
        for cell, path in zip(cells, result.paths, strict=True)
    ]
    later = {name: WEIGHTS.get(name, 2) for name in wanted}
    with progress_of({**{t.label: WEIGHTS["recordings"] for t in simulations}, **later}) as report:
        execute(simulations, jobs, report)
        execute(tasks_of("tables", result), 1, report)
    pictures = [task for name in wanted if name != "tables" for task in tasks_of(name, result)]
    with progress_of({task.label: _weight(task) for task in pictures}) as report:
        execute(sorted(pictures, key=_weight, reverse=True), jobs, report)
    _write_metadata(result, METADATA, [_facts(path) for path in result.paths])
    (folder / UNFINISHED).unlink()
    return result


def _weight(task: Task) -> float:
    named = [kind for kind in ("comparison", "report", "animation") if kind in task.label]
    kind = named[0] if named else task.label.partition("/")[0]
    return WEIGHTS.get(kind, 2)


def _wanted(config: RunConfig) -> list[str]:
    check_names("artefact", config.artefacts, ARTEFACTS)
    return list(dict.fromkeys(["tables", *(config.artefacts or ARTEFACTS)]))


def record(cell: Cell, path: Path, frames: int, progress: Progress) -> None:
    """One recording of the matrix. Raises WorkloadError, OSError."""
    stream = cell.workload.load(cell.seed)
    stream = replace(stream, name=cell.workload.file_name, seed=cell.seed)
    simulate(runnable(stream), cell.mechanism, path, frames=frames, progress=progress)


def _check_files(result: RunFolder, wanted: list[str]) -> None:
    """Raise UsageError where two results would be one file, or a picture can't hold them all."""
    for file, times in Counter(_files(result, wanted)).items():
        if times > 1:
            raise UsageError(f"two results would be {file}; change a name or a label")


def _files(result: RunFolder, wanted: list[str]) -> list[str]:
    """What a run makes, below its folder. Raises UsageError where a picture can't be drawn."""
    recordings = [f"recordings/{recorded.file}" for recorded in result.recordings]
    pictures = (task for name in wanted for task in tasks_of(name, result))
    return recordings + [file for task in pictures for file in task.files]


def _prepare(result: RunFolder, force: bool) -> None:
    """Make the folder; with `force` remove an older run's results from it, and nothing else."""
    folder = result.folder
    check_output(folder, force, "run")
    for name in (UNFINISHED, METADATA):
        if (folder / name).is_file():
            _remove(RunFolder.open(folder, name), name)
    (folder / "recordings").mkdir(parents=True, exist_ok=True)
    _write_metadata(result, UNFINISHED, [{} for _ in result.recordings])


def _remove(old: RunFolder, name: str) -> None:
    """Remove what that run wrote, or was writing when it was killed."""
    for path in (old.folder / file for file in _files(old, _wanted(old.config))):
        path.unlink(missing_ok=True)
        for partial in partials_of(path):
            partial.unlink()
    (old.folder / name).unlink()


def _write_metadata(result: RunFolder, name: str, facts: list[dict]) -> None:
    recordings = (recorded._asdict() for recorded in result.recordings)
    metadata = {
        "config": result.config.model_dump(mode="json"),
        "versions": versions(),
        "recordings": [r | more for r, more in zip(recordings, facts, strict=True)],
    }
    write_text(result.folder / name, as_json(metadata))


def _facts(path: Path) -> dict:
    """Where a recording comes from, and what is missing from it."""
    recording = Recording.open(path)
    header = recording.header
    return {
        "source": header["source"],
        "rules": header["mechanism"]["source"],
        "parameters": header["mechanism"]["parameters"],
        "stream": header["workload"],
        "frames": len(recording),
        "start": header.get("start", {}),
        "dropped_events": recording.dropped_events,
    }
