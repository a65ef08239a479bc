"""`pagereel sweep`: from a file to results, and from them to a table, a text and figures."""

import errno
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.artefacts.tables import write_csv
from pipeline.atomic import write_text
from pipeline.config import check_names
from pipeline.execute import progress_of
from pipeline.measures import MEASURES
from pipeline.metadata import as_json
from pipeline.run_folder import SWEEP
from pipeline.simulate import core_note
from pipeline.sweep.cell import Job
from pipeline.sweep.compare import compared
from pipeline.sweep.config import SweepConfig, load_sweep
from pipeline.sweep.folder import (
    FIGURES,
    RESULTS,
    TABLE,
    check_folder,
    forget_other,
)
from pipeline.sweep.identity import code
from pipeline.sweep.plan import Cell, Plan, State, batches_of, check_phases, planned, state_of
from pipeline.sweep.progress import LABEL
from pipeline.sweep.store import Damaged, Store
from pipeline.sweep.table import shown_of, table_of, values_of
from pipeline.sweep.text import main_text, matrix_text, text_of


@dataclass(frozen=True)
class Options:
    """What the command line says beside the file. `store`: None for one in the folder itself."""

    jobs: int
    scheduler: str | None = None
    store: Path | None = None
    dry_run: bool = False
    force: bool = False
    measures: tuple[str, ...] = ()
    phases: tuple[str, ...] = ()


def sweep_command(path: Path, folder: Path, options: Options) -> None:
    """Run what isn't there yet; write table, text and figures; print the text.

    Raises UsageError, WorkloadError, ExecuteError, RenderError, OSError.
    """
    config = _with_options(load_sweep(path), options)
    store = Store(options.store or folder / RESULTS)
    check_folder(folder, store.folder, config, options.force)
    plan = planned(config)
    check_phases(config, config.phases)
    state = state_of(plan, store)
    for key, fault in state.damaged.items():
        print(f"pagereel: {store.path(key)}: {fault}; it is computed again", file=sys.stderr)
    if options.dry_run:
        _tell_plan(plan, state)
        return
    if told := main_text(config):
        print(f"pagereel: {told}", file=sys.stderr)
    if core_note():
        print(f"pagereel: {core_note()}", file=sys.stderr)
    store.folder.mkdir(parents=True, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    results = state.there | _computed(plan, state, store, options)
    print(_written(plan, results, folder), end="")


def _with_options(config: SweepConfig, options: Options) -> SweepConfig:
    check_names("measure", options.measures, MEASURES)
    return config._replace(
        measures=options.measures or config.measures, phases=options.phases or config.phases
    )


def _tell_plan(plan: Plan, state: State) -> None:
    there, missing = len(state.there), len(plan.jobs) - len(state.there)
    for line in (
        matrix_text(plan),
        f"{len(plan.jobs):,} of them differ in what is run",
        f"{there:,} are there, {missing:,} are to be computed",
    ):
        print(line)


def _computed(plan: Plan, state: State, store: Store, options: Options) -> dict[str, dict]:
    """The results that were not there. Raises as `sweep_command`."""
    missing = [job for key, job in plan.jobs.items() if key not in state.there]
    store.clean(job.key for job in missing)
    for key in state.damaged:
        store.remove(key)
    if missing:
        with progress_of({LABEL: 1.0}) as report:
            _run(missing, store, options, report)
    return _read_back(missing, store)


def _run(missing: Sequence[Job], store: Store, options: Options, report) -> None:
    if options.scheduler is None:
        from pipeline.sweep.local import run_here

        run_here(batches_of(missing, options.jobs), store, options.jobs, report)
        return
    from pipeline.sweep.scheduler import run_there

    run_there(options.scheduler, missing, store, report)


def _read_back(missing: Sequence[Job], store: Store) -> dict[str, dict]:
    """What was written, as the next sweep will find it. Raises OSError."""
    try:
        return {job.key: store.read(job.key) for job in missing}
    except Damaged as fault:
        told = f"a result was not kept as it was written: {fault}"
        raise OSError(errno.EIO, told, str(store.folder)) from None


def _written(plan: Plan, results: dict[str, dict], folder: Path) -> str:
    """Table, text, figures and metadata; the text."""
    from pipeline.sweep.figures import draw_all

    table = table_of(plan, results)
    figures = [compared(values_of(plan, table, s)) for s in shown_of(plan, results, table)]
    text = text_of(plan, figures, results)
    forget_other(folder, plan.config)
    write_csv(table, folder / TABLE)
    write_text(folder / "sweep.txt", text)
    drawn = draw_all(plan, figures, folder / FIGURES)
    metadata = {
        "config": plan.config.as_table(),
        "code": code(),
        "figures": [base.name for base in drawn],
        "results": {_named(cell, plan.config): cell.key for cell in plan.cells},
    }
    write_text(folder / SWEEP, as_json(metadata))
    return text


def _named(cell: Cell, config: SweepConfig) -> str:
    setting = (f"{k}={v}" for k, v in zip(config.parameters, cell.setting, strict=True))
    return ", ".join((cell.workload, cell.mechanism, *setting, f"seed {cell.seed}"))
