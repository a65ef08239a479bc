"""What one try is: a workload's parameters, run under mechanisms, and what is left at rest."""

import json
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import numpy as np

from allocator.mechanism import Mechanism
from allocator.terms import HUGE_ORDER
from pipeline.metrics import pageblocks
from pipeline.metrics.evidence import Evidence
from pipeline.recording import Recording
from pipeline.samples import Call, brought_back
from pipeline.scratch import scratch_folder
from pipeline.simulate import GivenUp, runnable, simulate
from pipeline.sweep.identity import code
from workloads import load_workload
from workloads.stream import Stream

Parameters = dict[str, str]
# Failed requests, % of the stream's operations, after which a load is run no further: ten times
# what still counts as held, and each that fails under reclaim looks at all of memory first.
OVERLOADED_AT = 1.0
KEPT_EACH = 8  # tries a job, so that a search that is stopped loses no more


class Left(NamedTuple):
    """Of one run, at the sample of the last key phase.

    `blocks`: pageblocks that can become a huge page (potential_huge), of `eligible`; `failed`:
    requests below a huge page's order that failed by then, of `requests` made; `kernel_pages`:
    pages in use that cannot move. Of a load that was given up as too large only these two are
    known, and `eligible` is 0.
    """

    eligible: int
    blocks: int
    failed: int
    requests: int
    kernel_pages: int

    @property
    def kept(self) -> float:
        """Blocks, % of the eligible ones."""
        return 100 * self.blocks / self.eligible if self.eligible else 0.0


class Try(NamedTuple):
    """A workload's parameters with a seed."""

    parameters: Parameters
    seed: int


class Trier:
    """Runs tries under mechanisms, and keeps what came out in a file, so that none is run twice."""

    def __init__(
        self, workload: str, mechanisms: Sequence[Mechanism], cache: Path | None, jobs: int
    ) -> None:
        self._workload, self._mechanisms, self._jobs = workload, tuple(mechanisms), jobs
        self._cache = cache
        self._known = _read(cache) if cache else {}
        self._base = [workload, [m.model_dump(mode="json") for m in mechanisms]]
        self._base.append(code())

    def run(self, tries: Sequence[Try]) -> list[tuple[Left, ...]]:
        """What is left under each mechanism, for each try, in order.

        Raises WorkloadError, OSError and ExecuteError.
        """
        keys = [self._key(one) for one in tries]
        new = {key: one for key, one in zip(keys, tries, strict=True) if key not in self._known}
        calls = [
            Call(f"try {key[:8]}, seed {one.seed}", _tried, (self._workload, self._mechanisms, one))
            for key, one in new.items()
        ]
        for first in range(0, len(calls), some := KEPT_EACH * self._jobs):
            made = brought_back(calls[first : first + some], self._jobs)
            self._keep(dict(zip(list(new)[first : first + some], made, strict=True)))
        return [self._known[key] for key in keys]

    def _key(self, one: Try) -> str:
        told = json.dumps([*self._base, one.parameters, one.seed], sort_keys=True)
        return blake2b(told.encode(), digest_size=16).hexdigest()

    def _keep(self, found: dict[str, tuple[Left, ...]]) -> None:
        self._known |= found
        if self._cache:
            lines = (json.dumps([key, left]) + "\n" for key, left in found.items())
            with open(self._cache, "a", encoding="utf-8") as file:
                file.writelines(lines)


def _read(path: Path) -> dict[str, tuple[Left, ...]]:
    """What an earlier search kept; a line that was cut off is run again."""
    known = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                key, rows = json.loads(line)
                known[str(key)] = tuple(Left(*map(int, row)) for row in rows)
            except (ValueError, TypeError):
                continue
    return known


def _tried(workload: str, mechanisms: Sequence[Mechanism], one: Try) -> tuple[Left, ...]:
    """In any process: one stream under each mechanism."""
    stream = runnable(load_workload(workload, one.parameters, one.seed))
    return tuple(_left(stream, mechanism) for mechanism in mechanisms)


def _left(stream: Stream, mechanism: Mechanism) -> Left:
    with scratch_folder() as folder:
        path = folder / "try.reel"
        most_failed = OVERLOADED_AT * len(stream.ops) / 100
        try:
            simulate(
                stream,
                mechanism,
                path,
                frames=None,
                watched=False,
                give_up=lambda counters: _small(counters, "failed") > most_failed,
            )
        except GivenUp as over:
            return Left(0, 0, _small(over.counters, "failed"), _small(over.counters, "requests"), 0)
        return _read_left(stream, Evidence(Recording.open(path)))


def _small(counters: dict[str, int], what: str) -> int:
    """Requests below a huge page's order, or those of them that failed."""
    return sum(counters[f"{what}_order_{order}"] for order in range(HUGE_ORDER))


def _read_left(stream: Stream, evidence: Evidence) -> Left:
    at = [phase for phase in stream.phases if phase.key][-1].sample_op
    frame = int(np.searchsorted(evidence.recording.ops, at))
    counted = {
        f"{what}_order_{order}": int(evidence.column(f"{what}_order_{order}")[frame])
        for what in ("requests", "failed")
        for order in range(HUGE_ORDER)
    }
    kernel = evidence.pages_of("unmovable") + evidence.pages_of("reclaimable")
    return Left(
        eligible=int(evidence.eligible.sum()),
        blocks=int(pageblocks.potential_huge(evidence)[frame]),
        failed=_small(counted, "failed"),
        requests=_small(counted, "requests"),
        kernel_pages=int(kernel[frame]),
    )
