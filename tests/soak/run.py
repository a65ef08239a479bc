"""A long soak: operations under every mechanism, with all that must hold checked on the way.

`make soak`, or `python -m tests.soak.run --operations N --state DIR`. Each stream under each
mechanism is a cell, the same whenever it is run; finished ones are kept in DIR, so that a soak
that was stopped, killed too, goes on where it was. Only operations that the engine has done count.
"""

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline.atomic import write_text
from pipeline.simulate import engine_of
from pipeline.start import start_memory
from tests.soak.cells import Cell, Load, cells_of, loads
from tests.soak.checker import Checker
from workloads.stream import Stream

CHECKS = 16  # of a cell, at random operations
CLOSE = 6  # and after each of so many operations in a row
NARROWING = 16  # a violation is looked for in so many steps at a time
SEEN = ("failed_requests", "claims", "highatomic_reserved", "pages_migrated")
RECLAIMED = ("pages_reclaimed_direct", "pages_reclaimed_kswapd")
TOLD_EVERY_S = 30


class Result(NamedTuple):
    """What came of a cell."""

    label: str
    operations: int
    checks: int
    violation: str  # one line; empty: none
    counters: dict[str, int]


def stops_of(cell: Cell, operations: int) -> np.ndarray:
    """After which operations a cell is checked, i8, ascending."""
    random = np.random.default_rng([cell.load.seed, *cell.name.encode()])
    stops = random.integers(1, operations + 1, CHECKS)
    close = int(stops[0]) + np.arange(CLOSE)
    stops = np.concatenate((stops, close, [operations]))
    return np.unique(stops[stops <= operations])


def run_cell(cell: Cell, stream: Stream) -> Result:
    """The cell with all its checks. A violation tells the operations it came up in."""
    done, checks, fault, counters = run_to(cell, stream, stops_of(cell, len(stream.ops)))
    if fault:
        fault = f"{cell.name}: {_narrowed(cell, stream, done, fault)}"
    return Result(cell.label, done, checks, fault, counters)


def run_to(cell: Cell, stream: Stream, stops: np.ndarray) -> tuple[int, int, str, dict[str, int]]:
    """Operations up to the first stop where something doesn't hold; those done, checks, the fault,
    counters.
    """
    memory, pfn_of, _ = start_memory(stream, cell.rules())
    engine = engine_of(stream, memory, pfn_of)
    checker, done, fault = Checker(stream, engine), 0, ""
    for stop in stops.tolist():
        try:
            engine.run(stream.ops, done, stop)
            memory.events()
            done = stop
            checker.check(done)
        except Exception as error:  # any is a violation; it must not end the soak
            fault = " ".join(f"{type(error).__name__}: {error}".split())
            done = stop
            break
    return done, checker.checks, fault, memory.counters()


def _narrowed(cell: Cell, stream: Stream, last: int, fault: str) -> str:
    """The fault, and in which operations it comes up, by running the cell again."""
    first = 0
    while last - first > 1:
        steps = np.unique(np.linspace(first, last, NARROWING + 1).astype(np.int64)[1:])
        done, _, found, _ = run_to(cell, stream, steps)
        if not found:
            return f"operations {first} to {last}: {fault}; not seen when run again"
        first, last, fault = int(steps[steps < done].max(initial=first)), done, found
    return f"operations {first} to {last}: {fault}"


# Many cells.


def run_load(load: Load, folder: Path, parent: int) -> list[Result]:
    """All cells of a stream; those that are done are read. It ends with the process `parent`."""
    results, stream = [], None
    for cell in cells_of(load):
        if parent not in (os.getpid(), os.getppid()):
            sys.exit(1)
        result = _kept(cell, folder)
        if result is None:
            stream = stream or load.stream()
            result = run_cell(cell, stream)
            write_text(cell.file(folder), json.dumps(result._asdict()) + "\n")
        results.append(result)
    return results


def _kept(cell: Cell, folder: Path) -> Result | None:
    try:
        return Result(**json.loads(cell.file(folder).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def soak(operations: int, folder: Path, jobs: int) -> Iterator[Result]:
    """Cells until so many operations are done. A stream's cells are finished once begun."""
    done, waiting, coming = 0, {}, loads()
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        while done < operations or waiting:
            if done < operations:
                for load in islice(coming, jobs - len(waiting)):
                    waiting[pool.submit(run_load, load, folder, os.getpid())] = load
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                for result in _results(future, waiting.pop(future)):
                    done += result.operations
                    yield result


def _results(future: Future, load: Load) -> list[Result]:
    try:
        return future.result()
    except BrokenProcessPool:
        sys.exit(f"a process died in a cell of {cells_of(load)[0].name}, or of one beside it")


class Told:
    """Progress on standard error, and the table in the end."""

    def __init__(self, operations: int) -> None:
        self._asked, self._begun, self._told = operations, time.monotonic(), time.monotonic()
        self.sums: dict[str, Counter] = {}

    def add(self, result: Result) -> None:
        sums = self.sums.setdefault(result.label, Counter())
        sums.update(cells=1, operations=result.operations, checks=result.checks)
        sums.update({name: result.counters[name] for name in (*SEEN, *RECLAIMED)})
        if result.violation:
            sums["violations"] += 1
            print(f"VIOLATION {result.violation}", flush=True)
        if time.monotonic() - self._told > TOLD_EVERY_S:
            self._told = time.monotonic()
            done, seconds = self.total("operations"), self._told - self._begun
            print(f"{done:,} operations of {self._asked:,}, {seconds:.0f} s", file=sys.stderr)

    def total(self, name: str) -> int:
        return sum(sums[name] for sums in self.sums.values())

    def table(self) -> str:
        """By mechanism: what was run, checked and found, and what had happened in it."""
        heads = ("cells", "operations", "checks", "violations", "failed", "claims", "reserved",
                 "migrated", "reclaimed")  # fmt: skip
        widths = (5, 13, 7, 10, 10, 9, 8, 11, 11)
        names = max(map(len, self.sums), default=0)
        lines = [" " * names + "".join(f" {h:>{w}}" for h, w in zip(heads, widths, strict=True))]
        for label, sums in self.sums.items():
            values = [sums[name] for name in (*heads[:4], *SEEN)] + [
                sum(sums[n] for n in RECLAIMED)
            ]
            cells = (f" {value:>{w},}" for value, w in zip(values, widths, strict=True))
            lines.append(f"{label:<{names}}" + "".join(cells))
        totals = [f"{self.total(name):,} {name}" for name in heads[:4]]
        return "\n".join((*lines, ", ".join(totals)))


def main() -> int:
    """Command line; 1 where anything didn't hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--operations", type=int, default=10**9)
    parser.add_argument("--state", type=Path, required=True, help="folder of finished cells")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    arguments.state.mkdir(parents=True, exist_ok=True)
    told = Told(arguments.operations)
    for result in soak(arguments.operations, arguments.state, arguments.jobs):
        told.add(result)
    print(told.table())
    return 1 if told.total("violations") else 0


if __name__ == "__main__":
    sys.exit(main())
