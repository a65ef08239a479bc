"""Run a matrix of workloads, mechanisms and seeds, and make every artefact of it."""

import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

from pipeline.artefacts import ARTEFACTS, Progress, Task, tasks_of
from pipeline.artefacts.panels import check_look
from pipeline.atomic import partials_of, write_text
from pipeline.config import Cell, RunConfig, UsageError, check_names, check_output, matrix, repeated
from pipeline.execute import ExecuteError, execute, progress_of
from pipeline.folder_lock import locked
from pipeline.metadata import as_json, versions
from pipeline.recording import Recording
from pipeline.resume import check_complete, check_same, left_of, made_of, standing, sweep
from pipeline.run_folder import METADATA, UNFINISHED, Recorded, RunFolder
from pipeline.simulate import core_note, runnable, simulate

# Shares of the work, for the estimate of the time left: seconds on some machine.
WEIGHTS = {
    "recordings": 1, "tables": 1, "video": 7, "comparison": 10, "report": 8, "figures": 6,
    "animation": 4,
}  # fmt: skip


def run(
    config: RunConfig, folder: Path, *, jobs: int, force: bool, resume: bool = False
) -> RunFolder:
    """Make the recordings of a run and every artefact it asks for, in `folder`.

    `resume`: goes on with the same run that was stopped there; begins it where there is none. With
    `force` too, anything else there is replaced. Raises UsageError before anything is written;
    FolderInUse, WorkloadError, RecordingError, RenderError, ExecuteError and OSError later: what
    was finished by then stays, without a metadata.json.
    """
    cells = matrix(config)
    check_look(config.layout, config.palette, config.size)
    wanted = _wanted(config)
    origin = made_of(config, cells)  # a damaged stream is told before a folder is made
    repeats = repeated(config, {cell.mechanism.name: cell.mechanism for cell in cells}.values())
    result = RunFolder(folder, config, _recorded(cells), repeats=_recorded(repeats))
    files = _check_files(result, wanted)
    check_output(folder, True, "run")
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder) as lock:
        if resume and not force and (folder / METADATA).is_file():
            check_complete(folder, config)
            (folder / UNFINISHED).unlink(missing_ok=True)
            print(f"pagereel: {folder}: the run is complete, nothing to do", file=sys.stderr)
            return result
        if not (resume and _goes_on(result, origin, force)):
            _begin(result, origin, files, force)
        sweep(folder, files)
        try:
            _make(result, cells, repeats, wanted, jobs, lock)
        except ExecuteError as error:
            raise ExecuteError(f"{error}; --resume goes on") from None
        finally:
            sweep(folder, files)  # what workers that were killed left
    return result


def _make(
    result: RunFolder,
    cells: list[Cell],
    repeats: list[Cell],
    wanted: list[str],
    jobs: int,
    lock: int,
) -> None:
    """All that isn't there yet, then metadata.json."""
    folder = result.folder
    if core_note():
        print(f"pagereel: {core_note()}", file=sys.stderr)
    for name in ("recordings", *(["repeats"] if repeats else [])):
        (folder / name).mkdir(exist_ok=True)
    simulations = [
        *_simulations(cells, result.paths, result.config.frames),
        *_simulations(repeats, result.repeat_paths, frames=None),
    ]
    simulations = left_of(folder, simulations)
    later = {name: WEIGHTS.get(name, 2) for name in wanted}
    with progress_of({**{t.label: WEIGHTS["recordings"] for t in simulations}, **later}) as report:
        execute(simulations, jobs, report, lock)
        execute(left_of(folder, tasks_of("tables", result)), 1, report)
    pictures = [task for name in wanted if name != "tables" for task in tasks_of(name, result)]
    pictures = left_of(folder, pictures)
    with progress_of({task.label: _weight(task) for task in pictures}) as report:
        execute(sorted(pictures, key=_weight, reverse=True), jobs, report, lock)
    _write_metadata(result, METADATA, [_facts(path) for path in result.paths])
    (folder / UNFINISHED).unlink()


def _recorded(cells: list[Cell]) -> tuple[Recorded, ...]:
    return tuple(
        Recorded(cell.file_name, cell.workload.file_name, cell.mechanism.name, cell.seed)
        for cell in cells
    )


def _simulations(cells: list[Cell], paths: tuple[Path, ...], frames: int | None) -> list[Task]:
    return [
        Task(name, record, (cell, path, frames), (name,))
        for cell, path in zip(cells, paths, strict=True)
        for name in (f"{path.parent.name}/{path.name}",)
    ]


def _weight(task: Task) -> float:
    named = [kind for kind in ("comparison", "report", "animation") if kind in task.label]
    kind = named[0] if named else task.label.partition("/")[0]
    return WEIGHTS.get(kind, 2)


def _wanted(config: RunConfig) -> list[str]:
    check_names("artefact", config.artefacts, ARTEFACTS)
    return list(dict.fromkeys(["tables", *(config.artefacts or ARTEFACTS)]))


def record(cell: Cell, path: Path, frames: int | None, progress: Progress) -> None:
    """One recording of the matrix; `frames` None: for figures alone.

    Raises WorkloadError, OSError.
    """
    stream = cell.workload.load(cell.seed)
    stream = replace(stream, name=cell.workload.file_name, seed=cell.seed)
    simulate(
        runnable(stream), cell.mechanism, path,
        frames=frames, watched=frames is not None, go_on=True, progress=progress,
    )  # fmt: skip


def _check_files(result: RunFolder, wanted: list[str]) -> list[str]:
    """What a run makes. Raises UsageError where two results would be one file, or too many."""
    files = _files(result, wanted)
    for file, times in Counter(files).items():
        if times > 1:
            raise UsageError(f"two results would be {file}; change a name or a label")
    return files


def _files(result: RunFolder, wanted: list[str]) -> list[str]:
    """What a run makes, below its folder. Raises UsageError where a picture can't be drawn."""
    recordings = [
        str(path.relative_to(result.folder)) for path in (*result.paths, *result.repeat_paths)
    ]
    pictures = (task for name in wanted for task in tasks_of(name, result))
    return recordings + [file for task in pictures for file in task.files]


def _goes_on(result: RunFolder, origin: dict[str, str], force: bool) -> bool:
    """Whether this run was begun in its folder. Raises UsageError for another, without `force`."""
    if not (result.folder / UNFINISHED).is_file():
        return False
    try:
        check_same(result.folder, result.config, origin)
    except UsageError:
        if not force:
            raise
        return False
    return not (result.folder / METADATA).is_file()


def _begin(result: RunFolder, origin: dict[str, str], files: list[str], force: bool) -> None:
    """Begin anew; with `force` remove an older run's results from the folder, and nothing else."""
    folder = result.folder
    sweep(folder, [])
    check_output(folder, force, "run")
    for name in (UNFINISHED, METADATA):
        if (folder / name).is_file():
            _remove(RunFolder.open(folder, name), name)
    more = {"made_of": origin, "foreign": standing(folder, files)}
    _write_metadata(result, UNFINISHED, [{} for _ in result.recordings], more)


def _remove(old: RunFolder, name: str) -> None:
    """Remove what that run wrote, or was writing when it was killed."""
    unfinished = old.folder / UNFINISHED
    (old.folder / name).replace(unfinished)  # from here on it isn't whole
    paths = [old.folder / file for file in _files(old, _wanted(old.config))]
    for path in (*paths, *partials_of(paths)):
        path.unlink(missing_ok=True)
    unfinished.unlink()


def _write_metadata(
    result: RunFolder, name: str, facts: list[dict], more: dict[str, object] | None = None
) -> None:
    recordings = (recorded._asdict() for recorded in result.recordings)
    metadata = {
        "config": result.config.model_dump(mode="json"),
        "versions": versions(),
        "recordings": [r | more for r, more in zip(recordings, facts, strict=True)],
        "repeats": [recorded._asdict() for recorded in result.repeats],
        **(more or {}),
    }
    write_text(result.folder / name, as_json(metadata))


def _facts(path: Path) -> dict:
    """Where a recording comes from, and what is missing from it."""
    recording = Recording.open(path)
    header = recording.header
    return {
        "source": header["source"],
        "rules": header["mechanism"]["source"],
        "table": header["mechanism"],
        "parameters": header["mechanism"]["parameters"],
        "stream": header["workload"],
        "frames": len(recording),
        "start": header.get("start", {}),
        "dropped_events": recording.dropped_events,
    }
