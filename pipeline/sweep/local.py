"""Running a sweep's batches on the cores of this machine."""

from collections.abc import Sequence
from pathlib import Path

from pipeline.artefacts import Progress, Task
from pipeline.execute import execute
from pipeline.sweep.cell import result_of
from pipeline.sweep.plan import Batch
from pipeline.sweep.progress import Estimate, Report, told_by
from pipeline.sweep.store import Store


def run_here(batches: Sequence[Batch], store: Store, jobs: int, report: Report) -> None:
    """Run all batches, up to `jobs` at a time; each result is kept as soon as it is there.

    Raises WorkloadError, ExecuteError, OSError; what was kept by then stays.
    """
    tasks = [Task(batch.label, run_batch, (batch, store.folder)) for batch in batches]
    execute(tasks, jobs, told_by(Estimate(batches), report))


def run_batch(batch: Batch, folder: Path, progress: Progress) -> None:
    """The jobs of a batch, but those that another sweep has done meanwhile."""
    store = Store(folder)
    for number, job in enumerate(batch.jobs):
        if job.key not in store:
            store.write(job.key, result_of(job, scratch=folder))
        progress(number + 1, len(batch.jobs))
