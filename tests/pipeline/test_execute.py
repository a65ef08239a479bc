"""Tasks in processes of their own: faults, and what becomes of the others then."""

import queue
import signal
import time
from concurrent.futures import Future
from pathlib import Path

import pytest

from pipeline import execute as execute_module
from pipeline.artefacts import Progress, Task
from pipeline.execute import execute
from renderer.output import RenderError

PATIENCE_S = 60.0


def fail_once(there: Path, progress: Progress) -> None:
    """Fails when the other task has begun."""
    wait_for(there)
    raise RenderError("a.png: broken on purpose")


def tell_much(there: Path, done: Path, progress: Progress) -> None:
    """Begins, then tells far more than a pipe holds, after the other task has failed."""
    there.touch()
    time.sleep(1)
    for number in range(20_000):
        execute_module._to_parent.put(("much", number, 20_000))
    done.touch()


def touch(path: Path, progress: Progress) -> None:
    """Makes a file."""
    path.touch()


def wait_for(path: Path) -> None:
    """Until a file is there."""
    started_s = time.monotonic()
    while not path.exists():
        assert time.monotonic() - started_s < PATIENCE_S
        time.sleep(0.01)


def test_a_fault_in_a_worker_is_raised_when_the_running_tasks_have_ended(tmp_path: Path) -> None:
    there, done, never = (tmp_path / name for name in ("there", "done", "never"))
    tasks = [
        Task("a.png", fail_once, (there,)),
        Task("much", tell_much, (there, done)),
        *(Task(f"later {n}", touch, (tmp_path / f"never{n}",)) for n in range(20)),
    ]
    heard = []
    with pytest.raises(RenderError, match="broken on purpose"):
        execute(tasks, 2, lambda *message: heard.append(message))
    assert done.exists()
    assert ("much", 19_999, 20_000) in heard
    begun = list(tmp_path.glob("never*"))
    assert len(begun) < 20, "tasks were begun after the fault"
    assert never not in begun


@pytest.mark.parametrize("jobs", [1, 2])
def test_all_tasks_are_done_and_told(tmp_path: Path, jobs: int) -> None:
    tasks = [Task(str(n), touch, (tmp_path / str(n),)) for n in range(5)]
    heard = []
    execute(tasks, jobs, lambda *message: heard.append(message))
    assert {path.name for path in tmp_path.iterdir()} == {label for label, *_ in heard}
    assert [message for message in heard if message[1]] == [(str(n), 1, 1) for n in range(5)] or (
        jobs == 2 and {m for m in heard if m[1]} == {(str(n), 1, 1) for n in range(5)}
    )


class Late(queue.Queue):
    """As a queue whose messages come some time after the task that sent them has ended."""

    def get_nowait(self) -> tuple:
        if time.monotonic() < self.from_s:
            raise queue.Empty
        return super().get_nowait()


def test_the_last_word_of_a_task_is_waited_for() -> None:
    ended, failed = Future(), Future()
    ended.set_result(None)
    told, heard = Late(), []
    told.from_s = time.monotonic() + 0.3
    told.put(("a", 1, 1))
    execute_module._wait({ended}, told, lambda *message: heard.append(message))
    assert heard == [("a", 1, 1)]
    failed.set_exception(RenderError("a.png: broken on purpose"))  # it has no last word
    before_s = time.monotonic()
    with pytest.raises(RenderError):
        execute_module._wait({failed}, queue.Queue(), print)
    assert time.monotonic() - before_s < execute_module.STOP_WITHIN_S / 2


def test_a_second_interrupt_does_not_stop_the_cleaning() -> None:
    """As it comes from a terminal: to the whole group, and once more from the parent."""
    before = signal.signal(signal.SIGINT, execute_module._interrupt_once)
    try:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)
