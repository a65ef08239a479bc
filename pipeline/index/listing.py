"""What there is to say of each run of a folder, whole or not."""

import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import quote

from pipeline.artefacts.report import FIRST_SHOWN
from pipeline.artefacts.report_making import config_text
from pipeline.comparison.cells import cell_of, mean_of, value_text
from pipeline.comparison.rows import Choice, Row, rows_of
from pipeline.comparison.runs import RunFigures
from pipeline.comparison.sides import Group, within
from pipeline.comparison.tables import seeds_of
from pipeline.config import RunConfig, UsageError, check, load_config
from pipeline.measures import MEASURES
from pipeline.recording import RecordingError
from pipeline.run_folder import METADATA, UNFINISHED, RunFolder
from pipeline.statistics.paired import SEEDS_NEEDED
from renderer.index.page import Cell, Column, Entry, Figures, Link

COMPLETE, UNFINISHED_RUN, BROKEN, OUTDATED, NOT_RUN = (
    "complete", "unfinished", "broken", "outdated", "not run",
)  # fmt: skip
PICTURES = ("still.png", "sheet.png", "difference-still.png", "difference.png")
# Of each workload, then of the whole run.
LINKED = ("report.html", "video/comparison.mp4", "sheet.png", "still.png")
LINKED_ONCE = ("mail.txt", "summary.csv", "seeds.csv", "findings.csv", METADATA)


def listing(folder: Path, configs: Path | None, page: Path) -> list[Entry]:
    """An entry for each run right below `folder`, and for each file of `configs` without one.

    Links are relative to `page`. Raises UsageError where there is nothing to list.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder")
    if (folder / METADATA).is_file() or (folder / UNFINISHED).is_file():
        raise UsageError(f"{folder}: a run itself; name the folder that it lies in")
    if configs is not None and not configs.is_dir():
        raise UsageError(f"{configs}: no such folder")
    runs = {path.name: path for path in folder.iterdir() if _is_run(path)}
    files = {path.stem: path for path in configs.glob("*.toml")} if configs else {}
    if not runs and not files:
        raise UsageError(f"{folder}: no runs in it")
    return [
        _entry(name, runs.get(name), files.get(name), page, asked=configs is not None)
        for name in sorted({*runs, *files}, key=_natural)
    ]


def _is_run(path: Path) -> bool:
    return not path.name.startswith(".") and any(
        (path / name).exists() for name in (METADATA, UNFINISHED, "recordings")
    )


def _natural(name: str) -> tuple:
    """Sorts "a10" behind "a9"."""
    return tuple((int(part), "") if part.isdigit() else (-1, part)
                 for part in re.split(r"(\d+)", name))  # fmt: skip


def _entry(name: str, folder: Path | None, file: Path | None, page: Path, *, asked: bool) -> Entry:
    wanted, fault = _config(file)
    told = [fault] if fault else []
    if folder is None:
        return Entry(name, NOT_RUN, told or [f"{name}.toml has no run yet."])
    state, notes, run = _opened(folder)
    if run is None:
        return Entry(name, state, [*notes, *told])
    if asked and file is None:
        told.append(f"Its configuration {name}.toml is gone.")
    elif wanted is not None and config_text(wanted) != config_text(run.config):
        told.append(f"{name}.toml has changed since: this run is of what stood there before.")
        state = OUTDATED if state == COMPLETE else state
    figures: list[Figures] = []
    if state in (COMPLETE, OUTDATED):
        try:
            figures = _figures(run, page)
        except (RecordingError, UsageError) as error:
            state = BROKEN
            notes.append(_without(folder, error))
    links = _links(run, page) if state != UNFINISHED_RUN else []
    return Entry(name, state, [*notes, *told], _facts(run), figures, links)


def _config(file: Path | None) -> tuple[RunConfig | None, str]:
    """What a file asks for now, or its fault in a line."""
    if file is None:
        return None, ""
    try:
        config = load_config(file)
        check(config)
    except UsageError as error:
        return None, f"{file.name} cannot be run: {_without(file.parent, error)}"
    return config, ""


def _opened(folder: Path) -> tuple[str, list[str], RunFolder | None]:
    """The run's state, what to say of it, and the run where it can be read."""
    name = METADATA if (folder / METADATA).exists() else UNFINISHED
    try:
        run = RunFolder.open(folder, name)
    except UsageError as error:
        return BROKEN, [_without(folder, error)], None
    paths = [*run.paths, *run.repeat_paths]
    missing = [path.name for path in paths if not path.is_file()]
    if name == UNFINISHED:
        there = f"{len(paths) - len(missing)} of {len(paths)} recordings are there."
        return UNFINISHED_RUN, [f"The run was stopped or still goes on: {there}"], run
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        return BROKEN, [f"{missing[0]}{more}: no such file"], run
    return COMPLETE, [], run


def _without(folder: Path, error: Exception) -> str:
    """What an error says; where the folder lies is nobody's business."""
    return str(error).replace(f"{folder}{os.sep}", "").replace(str(folder), folder.name)


def _facts(run: RunFolder) -> list[tuple[str, str]]:
    def names(key: str) -> str:
        return ", ".join(dict.fromkeys(str(getattr(one, key)) for one in run.recordings))

    facts = [(f"{key}s", names(key)) for key in ("workload", "mechanism", "seed")]
    seeds = {recorded.seed for recorded in run.repeats}
    return (
        [*facts, ("further seeds", f"{len(seeds)}, of which only figures are kept")]
        if seeds
        else facts
    )


def _figures(run: RunFolder, page: Path) -> list[Figures]:
    """Each workload's figures at its last key phase. Raises RecordingError, UsageError."""
    group = within(RunFigures.of(run, run.versions))
    return [
        _of_workload(group, recorded[0].workload, _picture(run, prefix, page))
        for prefix, recorded in run.by_workload().items()
    ]


def _of_workload(group: Group, workload: str, picture: Link | None) -> Figures:
    """Means over all seeds, each mechanism held against the first."""
    run = group.base.run
    if not all(run.values(name, workload)[0] for name in run.mechanisms):
        raise UsageError(f"seeds.csv: not all mechanisms have figures of {workload}")
    load = run.loads[workload]
    rows = rows_of(group, Choice(FIRST_SHOWN, workloads=(workload,), all_phases=True))
    sampled = dict.fromkeys(row.phase for row in rows)
    phases = [name for name in sampled if name in load.key_phases] or [*sampled]
    if not phases:
        raise UsageError(f"seeds.csv: nothing of {workload}")
    rows = [row for row in rows if row.phase == phases[-1]]
    shown = [name for name in FIRST_SHOWN if any(row.measure == name for row in rows)]
    by_place = {(row.other.mechanism, row.measure): row for row in rows}
    seeds = max(len(row.before) for row in rows)
    of_all = seeds_of(rows)
    cells = [(group.base.mechanism, [_base_cell(rows, name) for name in shown])]
    for other in group.others:
        found = [by_place.get((other.mechanism, name)) for name in shown]
        cells.append((other.mechanism, [_cell(row, of_all) for row in found]))
    return Figures(
        workload=workload,
        phase=phases[-1],
        phase_title=load.title_of(phases[-1]),
        columns=[_column(name) for name in shown],
        rows=cells,
        seeds=_seeds_text(seeds, judged=bool(group.others)),
        picture=picture,
    )


def _base_cell(rows: Sequence[Row], measure: str) -> Cell:
    row = next(row for row in rows if row.measure == measure)
    return Cell(value_text(mean_of(row.before)))


def _cell(row: Row | None, seeds: int) -> Cell:
    return Cell(*cell_of(row, seeds)) if row else Cell("-")


def _column(measure: str) -> Column:
    about = MEASURES[measure]
    return Column(measure, about.title, about.unit, about.better)


def _seeds_text(seeds: int, *, judged: bool) -> str:
    told = f"mean of {seeds} seeds" if seeds > 1 else "one seed"
    if judged and seeds < SEEDS_NEEDED:
        told += f", too few to tell a difference from noise ({SEEDS_NEEDED} are needed)"
    return told


def _picture(run: RunFolder, prefix: str, page: Path) -> Link | None:
    there = _there(run.folder, (_prefixed(prefix, name) for name in PICTURES))
    return _link(run.folder, there[0], page) if there else None


def _links(run: RunFolder, page: Path) -> list[Link]:
    """To the files that one looks at first, as far as they are there."""
    of_workloads = [_prefixed(prefix, name) for prefix in run.by_workload() for name in LINKED]
    return [
        _link(run.folder, name, page) for name in _there(run.folder, (*of_workloads, *LINKED_ONCE))
    ]


def _prefixed(prefix: str, name: str) -> str:
    return Path(name).with_name(prefix + Path(name).name).as_posix()


def _there(folder: Path, names: Iterable[str]) -> list[str]:
    return [name for name in names if (folder / name).is_file()]


def _link(folder: Path, name: str, page: Path) -> Link:
    target = os.path.relpath(folder / name, page.parent)
    return Link(name, quote(Path(target).as_posix()))
