"""Run tasks in this process or several, with progress on standard error."""

import multiprocessing
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.reduction import DupFd
from multiprocessing.synchronize import Event

from pipeline.artefacts import Task

PLAIN_EVERY_S = 10.0  # a line now and then, where standard error is no terminal
STOP_WITHIN_S = 5.0
TELL_EVERY_S = 0.2  # how often a task tells how far it is
ENDED = (1, 1)  # of so many: before, it tells less than all

# In a worker: where it tells how far it is, and whether all are to stop.
_to_parent: "multiprocessing.Queue | None" = None
_stopping: Event | None = None


def execute(
    tasks: list[Task],
    jobs: int,
    report: "Callable[[str, int, int], None]",
    held: int | None = None,
) -> None:
    """Run all tasks, up to `jobs` at a time; `report(label, done, all)` hears of each.

    The first fault of a task is raised here, after those already running have ended; the others
    are not begun. `held`: a file descriptor that the workers have too: a lock on it lasts until
    they have ended. All have when this returns or raises, and where this process is killed they end
    at once.
    """
    if jobs <= 1 or len(tasks) <= 1:
        for task in tasks:
            _run(task, report)
        return
    context = multiprocessing.get_context("spawn")
    told, stopping = context.Queue(), context.Event()
    workers = min(jobs, len(tasks))
    shared = (told, stopping, None if held is None else _Held(held))
    with ProcessPoolExecutor(workers, context, _connect, shared) as pool:
        open_tasks: set[Future] = set()
        try:
            with _interrupts_blocked():
                open_tasks = {pool.submit(_run_apart, task) for task in tasks}
            _wait(open_tasks, told, report)
        except BrokenProcessPool:
            raise ExecuteError("a worker process was killed; perhaps memory ran out") from None
        except KeyboardInterrupt:
            stopping.set()  # what already waits in the pool's queue can't be cancelled
            _stop(open_tasks)
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """An interrupt waits for the end of the block; processes that start in it don't hear of it.

    A worker that is interrupted while it imports would print a traceback.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _wait(open_tasks: set[Future], told: multiprocessing.Queue, report: Callable) -> None:
    """Until all tasks have ended; raises the first fault of one.

    What a task tells goes another way than that it has ended, and may come later: the last word of
    each that ended well is waited for.
    """
    fault: BaseException | None = None
    ended_well = last_words = 0

    def hear(label: str, done: int, total: int) -> None:
        nonlocal last_words
        last_words += (done, total) == ENDED
        report(label, done, total)

    while open_tasks:
        done, open_tasks = wait(open_tasks, 0.1, FIRST_COMPLETED)
        _pass_on(told, hear)
        for future in done:
            ended_well += not future.cancelled() and not future.exception()
            if fault is None and not future.cancelled() and future.exception():
                fault = future.exception()
                for waiting in open_tasks:
                    waiting.cancel()
    _pass_on(told, hear)
    until_s = time.monotonic() + STOP_WITHIN_S
    while last_words < ended_well and time.monotonic() < until_s:
        time.sleep(0.01)
        _pass_on(told, hear)
    if fault is not None:
        raise fault


def _stop(open_tasks: set[Future]) -> None:
    """Interrupt the workers; those that don't end soon are killed."""
    for worker in multiprocessing.active_children():
        os.kill(worker.pid, signal.SIGINT)
    _, still_open = wait(open_tasks, STOP_WITHIN_S)
    if still_open:
        for worker in multiprocessing.active_children():
            worker.kill()


class ExecuteError(Exception):
    """Tasks that could not be run: one line."""


class _Held:
    """A file descriptor that goes with a process that is spawned."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __reduce__(self) -> tuple:
        return _held_here, (DupFd(self._descriptor),)


def _held_here(duplicate: DupFd) -> _Held:
    return _Held(duplicate.detach())


def _connect(told: multiprocessing.Queue, stopping: Event, held: _Held | None) -> None:
    """In a worker, first. Nothing here closes what is held."""
    global _to_parent, _stopping
    _to_parent, _stopping = told, stopping
    told.cancel_join_thread()  # what nobody reads any more must not keep a worker from ending
    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _end_with_parent() -> None:
    """A worker whose parent was killed has nobody to work for."""
    multiprocessing.parent_process().join()
    os._exit(1)


def _run_apart(task: Task) -> None:
    """In a worker: an interrupt stops the task, which removes what it has half written."""
    if _stopping.is_set():
        return
    signal.signal(signal.SIGINT, _interrupt_once)
    try:
        _run(task, lambda *message: _to_parent.put(message))
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _interrupt_once(number: int, frame: object) -> None:
    """From a terminal it comes twice, by the parent too: the second must not stop the cleaning."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def _run(task: Task, report: Callable[[str, int, int], None]) -> None:
    last_s = 0.0
    report(task.label, 0, 1)

    def progress(done: int, total: int) -> None:
        nonlocal last_s
        now_s = time.monotonic()
        if now_s - last_s >= TELL_EVERY_S:
            last_s = now_s
            report(task.label, min(done, total - 1), total)

    task.function(*task.arguments, progress=progress)
    report(task.label, *ENDED)


def _pass_on(told: multiprocessing.Queue, report: Callable[[str, int, int], None]) -> None:
    while True:
        try:
            report(*told.get_nowait())
        except queue.Empty:
            return


@contextmanager
def progress_of(weights: dict[str, float]):
    """A `report` for `execute`: a bar with the time left on a terminal, else lines.

    `weights`: the tasks by label, each with its share of the work.
    """
    if sys.stderr.isatty():
        with _bar(weights) as report:
            yield report
    else:
        yield _lines(weights)


class _Shares:
    """How much of the work is done, from the tasks' own fractions."""

    def __init__(self, weights: dict[str, float]) -> None:
        self._weights = weights
        self._fractions = dict.fromkeys(weights, 0.0)
        self._started_s = time.monotonic()

    def update(self, label: str, done: int, total: int) -> float:
        self._fractions[label] = done / max(total, 1)
        parts = (self._fractions[name] * weight for name, weight in self._weights.items())
        return sum(parts) / sum(self._weights.values())

    def seconds_left(self, share: float) -> float:
        elapsed_s = time.monotonic() - self._started_s
        return elapsed_s * (1 - share) / share if share else 0.0


@contextmanager
def _bar(weights: dict[str, float]):
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    shares = _Shares(weights)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("", total=1.0, left="")

        def report(label: str, done: int, total: int) -> None:
            share = shares.update(label, done, total)
            left_s = shares.seconds_left(share)
            progress.update(bar, completed=share, description=label, left=f"{left_s:.0f} s left")

        yield report


def _lines(weights: dict[str, float]) -> Callable[[str, int, int], None]:
    shares = _Shares(weights)
    last_s = time.monotonic()

    def report(label: str, done: int, total: int) -> None:
        nonlocal last_s
        share = shares.update(label, done, total)
        now_s = time.monotonic()
        if now_s - last_s < PLAIN_EVERY_S:
            return
        last_s = now_s
        left_s = shares.seconds_left(share)
        print(f"{100 * share:.0f} %, about {left_s:.0f} s left: {label}", file=sys.stderr)

    return report
