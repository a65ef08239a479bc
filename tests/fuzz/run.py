"""A million damaged inputs for the parsers of everything that comes from outside.

`make fuzz`, or `python -m tests.fuzz.run --inputs N --state DIR`. Inputs have numbers and are the
same whenever they are made; every tenth batch is small and Hypothesis's. Finished batches are kept
in DIR. A fault is any exception but the documented ones, a message of several lines or without the
file's name, more than five seconds of processor time, too much memory, the end of the process.
"""

import argparse
import json
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from hashlib import blake2b
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import NamedTuple

from pipeline.atomic import write_text
from tests.fuzz.batch import Tally, by_hypothesis, by_number, peak_mb
from tests.fuzz.judge import FAULT
from tests.fuzz.targets import TARGETS

BATCH, HYPOTHESIS_EVERY, HYPOTHESIS_INPUTS = 2000, 10, 200
ADDRESS_BYTES = 4 << 30
SILENT_S = 120.0  # a process that gets no further for so long is stopped
PROJECT = Path(__file__).parents[2]


class Batch(NamedTuple):
    """Inputs of one parser."""

    target: str
    first: int
    count: int
    by_hypothesis: bool = False

    def file(self, folder: Path, digest: str) -> Path:
        """Where its tally is kept, for this state of the project's code."""
        kind = "h" if self.by_hypothesis else "n"
        name = f"{digest}-{self.target.replace(' ', '-')}-{kind}-{self.first}-{self.count}.json"
        return folder / name


def batches(inputs: int) -> list[Batch]:
    """All inputs, by shares, the parsers in turn; some small ones are left to Hypothesis."""
    found = []
    for target in TARGETS.values():
        left, first, number = round(inputs * target.share), 0, 0
        while left > 0:
            hypothesis = number % HYPOTHESIS_EVERY == 0
            count = min(left, HYPOTHESIS_INPUTS if hypothesis else BATCH)
            found.append(Batch(target.name, first, count, hypothesis))
            left, first, number = left - count, first + count, number + 1
    return sorted(found, key=lambda batch: batch.first / TARGETS[batch.target].share)


def code_digest() -> str:
    """Of all code that is tried here, and of what tries it."""
    digest = blake2b(digest_size=6)
    for folder in ("allocator", "pipeline", "renderer", "workloads", "tests/fuzz"):
        for path in sorted((PROJECT / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


# One process.


def work(pipe: Connection, at: "multiprocessing.sharedctypes.Synchronized") -> None:
    """Do batches as they come; `at`: the number of the input being tried."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_BYTES, ADDRESS_BYTES))
    with suppress(EOFError, BrokenPipeError):  # the one that gives them has ended
        while batch := pipe.recv():
            pipe.send(_done(batch, at))


def _done(batch: Batch, at) -> Tally:
    """Its tally; it ends early where memory has grown too much: that never shrinks again."""
    at.value = batch.first
    if batch.by_hypothesis:
        return by_hypothesis(batch.target, batch.first, batch.count)
    tally = Tally()
    for number, verdict in by_number(batch.target, batch.first, batch.count):
        at.value = number
        if verdict:
            tally.add(verdict, f"{batch.target} {number}")
            if verdict.kind == FAULT and verdict.fault.startswith("memory"):
                break
    tally.peak_mb = peak_mb()
    return tally


# All of them.


class Worker:
    """A process, and the batch it is at."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.at = context.Value("q", 0)
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(theirs, self.at), daemon=True)
        self.process.start()
        theirs.close()
        self.batch: Batch | None = None
        self._seen, self._since = -1, time.monotonic()

    def begin(self, batch: Batch) -> None:
        self.batch, self._seen, self._since = batch, -1, time.monotonic()
        self.pipe.send(batch)

    def silent(self) -> bool:
        """Whether it has been at the same input for too long."""
        if self.at.value != self._seen:
            self._seen, self._since = self.at.value, time.monotonic()
        limit_s = SILENT_S * (5 if self.batch and self.batch.by_hypothesis else 1)
        return self.batch is not None and time.monotonic() - self._since > limit_s

    def stop(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


def fuzz(inputs: int, folder: Path, jobs: int) -> Iterator[tuple[Batch, Tally]]:
    """Every batch with its tally, as they are finished or found."""
    digest, todo = code_digest(), []
    for batch in batches(inputs):
        kept = _kept(batch.file(folder, digest))
        if kept:
            yield batch, kept
        else:
            todo.append(batch)
    workers, parts = [Worker() for _ in range(min(jobs, len(todo)))], {}
    while todo or any(worker.batch for worker in workers):
        for number, worker in enumerate(workers):
            if worker.batch is None and todo:
                worker.begin(todo.pop(0))
            tally = _answer(worker)
            if tally is None:
                continue
            batch, worker.batch = worker.batch, None
            whole, rest = _joined(batch, tally, parts)
            if rest:  # what comes after the input that ended it
                todo.insert(0, rest)
                worker.stop()
                workers[number] = Worker()
                continue
            write_text(whole[0].file(folder, digest), json.dumps(whole[1].as_dict()) + "\n")
            yield whole
        wait([worker.pipe for worker in workers if worker.batch], timeout=0.5)
    for worker in workers:
        worker.stop()


def _answer(worker: Worker) -> Tally | None:
    """What a worker has sent; a tally up to the fault where it has died or is stuck."""
    if worker.batch is None:
        return None
    why = ""
    try:
        if worker.pipe.poll():
            return worker.pipe.recv()
    except EOFError:
        worker.process.join()
        why = f"the process died, exit code {worker.process.exitcode}"
    if worker.silent():
        why = f"nothing heard for {SILENT_S:.0f} s"
    if not why:
        return None
    tally = Tally(inputs=worker.at.value - worker.batch.first + 1)
    tally.fault(f"{worker.batch.target} {worker.at.value}: {why}")
    return tally


def _joined(batch: Batch, tally: Tally, parts: dict) -> tuple[tuple[Batch, Tally], Batch | None]:
    """A batch with all its parts so far, and what is left of it."""
    whole_batch, whole = parts.pop(batch, (batch, Tally()))
    whole.join(tally)
    left = 0 if batch.by_hypothesis else batch.count - tally.inputs
    if left <= 0:
        return (whole_batch, whole), None
    rest = Batch(batch.target, batch.first + tally.inputs, left)
    parts[rest] = (whole_batch, whole)
    return (whole_batch, whole), rest


def _kept(path: Path) -> Tally | None:
    try:
        return Tally(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def table(sums: dict[str, Tally]) -> str:
    """A line a parser."""
    head = ("inputs", "accepted", "refused", "faults", "slowest ms", "peak MB")
    width = max(map(len, sums))
    lines = [" " * width + "".join(f"{name:>12}" for name in head)]
    total = Tally()
    for name, tally in sums.items():
        total.join(tally)
        lines.append(_line(f"{name:<{width}}", tally))
    return "\n".join((*lines, _line(f"{'all':<{width}}", total)))


def _line(name: str, tally: Tally) -> str:
    counts = (tally.inputs, tally.accepted, tally.refused, tally.faults)
    measured = (round(1000 * tally.slowest_s), tally.peak_mb)
    return name + "".join(f"{count:>12,}" for count in (*counts, *measured))


def main() -> int:
    """Command line; 1 where there was a fault."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--inputs", type=int, default=10**6)
    parser.add_argument("--state", type=Path, required=True, help="folder of finished batches")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    arguments.state.mkdir(parents=True, exist_ok=True)
    sums, done, told = {name: Tally() for name in TARGETS}, 0, time.monotonic()
    for batch, tally in fuzz(arguments.inputs, arguments.state, arguments.jobs):
        sums[batch.target].join(tally)
        done += tally.inputs
        for fault in tally.told:
            print(f"FAULT {fault}", flush=True)
        if time.monotonic() - told > 30:
            told = time.monotonic()
            print(f"{done:,} inputs of {arguments.inputs:,}", file=sys.stderr, flush=True)
    print(table(sums))
    return 1 if any(tally.faults for tally in sums.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
