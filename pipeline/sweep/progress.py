"""How far a sweep is, in expected seconds of work, not in cells: some cost a hundred times others.

A cell is expected to cost what those of its kind did so far; as long as none was measured, what
those of its workload did, or all. Times are told to whoever waits and never kept in a result.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence

from pipeline.sweep.plan import Batch

Kind = tuple[str, str]
Report = Callable[[str, int, int], None]
LABEL = "cells"
STEPS = 10_000


class Estimate:
    """The work of a sweep's batches, as far as it is known; see the module."""

    def __init__(self, batches: Sequence[Batch]) -> None:
        self._batches = {batch.label: batch for batch in batches}
        self._open_jobs: Counter[Kind] = Counter()
        for batch in batches:
            self._open_jobs[batch.kind] += len(batch.jobs)
        self._begun: dict[str, tuple[float, float]] = {}  # since when, and which part is done
        self._done_s = 0.0
        self._seconds: Counter[object] = Counter()  # measured, by kind, by workload, and of all
        self._jobs: Counter[object] = Counter()

    def begin(self, label: str) -> None:
        """A batch is being run."""
        self._begun.setdefault(label, (time.monotonic(), 0.0))

    def advance(self, label: str, share: float) -> None:
        """Which part of a batch that is being run is done."""
        self._begun[label] = (self._begun[label][0], share)

    def end(self, label: str, seconds: float | None = None) -> None:
        """A batch is done, after as many seconds as since its begin, or as are told."""
        batch = self._batches[label]
        since_s, _ = self._begun.pop(label, (time.monotonic(), 0.0))
        took_s = time.monotonic() - since_s if seconds is None else seconds
        self._done_s += took_s
        self._open_jobs[batch.kind] -= len(batch.jobs)
        for about in (batch.kind, batch.kind[0], None):
            self._seconds[about] += took_s
            self._jobs[about] += len(batch.jobs)

    @property
    def share(self) -> float:
        """Which part of all work is done, 0 to 1."""
        begun_s = 0.0
        for label, (_, share) in self._begun.items():
            batch = self._batches[label]
            begun_s += share * len(batch.jobs) * self._job_s(batch.kind)
        open_s = sum(jobs * self._job_s(kind) for kind, jobs in self._open_jobs.items())
        all_s = self._done_s + open_s
        return (self._done_s + begun_s) / all_s if all_s else 0.0

    def _job_s(self, kind: Kind) -> float:
        """What a job of that kind is expected to take."""
        known = next((a for a in (kind, kind[0], None) if self._jobs[a]), None)
        return self._seconds[known] / self._jobs[known] if self._jobs[known] else 1.0


def told_by(estimate: Estimate, report: Report) -> Report:
    """A `report` for `execute` that tells the one given how much of all work is done."""

    def tell(label: str, done: int, total: int) -> None:
        if done >= total:
            estimate.end(label)
        else:
            estimate.begin(label)
            estimate.advance(label, done / total)
        _tell(estimate, report)

    return tell


def told_by_seconds(estimate: Estimate, report: Report) -> Callable[[str, float], None]:
    """The same for batches of which is known only that they are done, and what they took."""

    def tell(label: str, seconds: float) -> None:
        estimate.end(label, seconds)
        _tell(estimate, report)

    return tell


def _tell(estimate: Estimate, report: Report) -> None:
    if share := estimate.share:  # before that nothing is known of the time left
        report(LABEL, int(STEPS * share), STEPS)
