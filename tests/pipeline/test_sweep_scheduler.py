"""Sweeps on the workers of a Dask scheduler: a real cluster, and what it must not do."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.execute import ExecuteError
from pipeline.sweep.cell import result_of
from pipeline.sweep.config import load_sweep
from pipeline.sweep.identity import code
from pipeline.sweep.plan import batches_of, planned
from pipeline.sweep.scheduler import _check_workers, _packed, run_batch, unpacked
from tests.pipeline.commands import Commands
from tests.pipeline.sweeps import files, small_sweep
from tests.workloads.folders import write_folder

WAIT_S = 120.0  # of a machine with much else to do
SWEEP = """
seeds = 4
mechanisms = ["6.1-off", "6.1-zone"]
measures = ["potential_huge"]
workloads = [{path = "recorded"}, {name = "churn", parameters = {requests = 5000, memory_mib = 48}}]
[parameters]
min_free_kbytes = [512, 1024]
"""


@pytest.fixture
def sweep(tmp_path: Path) -> Path:
    """Of a synthetic workload and a recorded stream by its path, 32 cells."""
    write_folder(tmp_path / "recorded")
    path = tmp_path / "sweep.toml"
    path.write_text(SWEEP)
    return path


class Cluster:
    """A scheduler and two workers, each a process of its own that nobody starts again."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._processes = folder, []
        told = folder / "scheduler.json"
        own = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        self._start("dask_scheduler", "--scheduler-file", str(told), *own)
        self.address = self._wait_for(lambda: json.loads(told.read_text())["address"])
        for _ in range(2):
            plain = ("--no-nanny", "--nthreads", "1", "--no-dashboard")
            self._start("dask_worker", self.address, *plain, "--local-directory", str(folder))

    def _start(self, name: str, *arguments: str) -> None:
        command = [sys.executable, "-m", f"distributed.cli.{name}", *arguments]
        with open(self._folder / "log", "ab") as log:
            self._processes.append(subprocess.Popen(command, stdout=log, stderr=log))

    def _wait_for(self, look):
        until_s = time.monotonic() + WAIT_S
        while time.monotonic() < until_s:
            try:
                return look()
            except (OSError, ValueError):
                time.sleep(0.05)
        raise AssertionError((self._folder / "log").read_text())

    def kill_worker(self) -> None:
        os.kill(self._processes[-1].pid, signal.SIGKILL)

    def end(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Ended with the test, whatever happens."""
    pytest.importorskip("distributed", reason="needs dask.distributed, as pip install .[test] has")
    folder = tmp_path / "cluster"
    folder.mkdir()
    made = Cluster(folder)
    yield made
    made.end()


def test_a_worker_killed_in_the_middle_changes_nothing(
    pagereel: Commands, cluster: Cluster, sweep: Path, tmp_path: Path
) -> None:
    there, here = tmp_path / "there", tmp_path / "here"
    command = [sys.executable, "-c", "from pipeline.cli import main; main()", "sweep", str(sweep)]
    running = subprocess.Popen(
        [*command, "-o", str(there), "--scheduler", cluster.address], stderr=subprocess.PIPE
    )
    until_s = time.monotonic() + WAIT_S
    while len(list(there.glob("results/*/*.json"))) < 4 and time.monotonic() < until_s:
        assert running.poll() is None, running.stderr.read()
        time.sleep(0.02)
    cluster.kill_worker()
    assert len(list(there.glob("results/*/*.json"))) < 32
    assert running.wait(WAIT_S) == 0, running.stderr.read()
    running.stderr.close()
    done = pagereel("sweep", sweep, "-o", here, "-j", 1)
    assert done.code == 0
    assert files(there) == files(here)


def test_a_scheduler_that_is_not_there_is_told(pagereel: Commands, tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    asked = ("sweep", small_sweep(tmp_path), "-o", tmp_path / "o", "--scheduler")
    told = pagereel.refused(*asked, "nowhere", code=1)
    assert told.startswith("pagereel: nowhere: no scheduler answers: ")


def test_without_dask_it_says_what_to_install(
    pagereel: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    asked = ("sweep", small_sweep(tmp_path), "-o", tmp_path / "o", "--scheduler", "tcp://x:1")
    assert "pip install 'pagereel[dask]'" in pagereel.refused(*asked, code=1)


class Workers:
    """What a client says of its workers."""

    def __init__(self, answers: dict[str, object]) -> None:
        self._answers = answers

    def run(self, function, on_error: str) -> dict[str, object]:
        assert (function, on_error) == (code, "return")
        return self._answers


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (code() | {"pagereel": "0.0.1"}, "worker b has other code: pagereel "),
        (code() | {"core": "other"}, "worker b has other code: core "),
        (ModuleNotFoundError("No module named 'pipeline'"), "worker b cannot run pagereel: "),
    ],
)
def test_workers_with_other_code_are_refused(answer: object, told: str) -> None:
    _check_workers(Workers({"a": code()}), "tcp://x:1")
    with pytest.raises(ExecuteError) as caught:
        _check_workers(Workers({"a": code(), "b": answer}), "tcp://x:1")
    assert str(caught.value).startswith("tcp://x:1: ")
    assert told in str(caught.value)


def test_a_worker_that_comes_late_is_looked_at_too(tmp_path: Path) -> None:
    jobs = list(planned(load_sweep(small_sweep(tmp_path))).jobs.values())
    batch = pickle.dumps(batches_of(jobs, 1)[0])
    seconds, results = run_batch(batch, code(), None)
    assert seconds > 0
    assert len(results) == 2
    with pytest.raises(ExecuteError, match="a worker that came later has other code: python"):
        run_batch(batch, code() | {"python": "2.7"}, None)


def test_a_recorded_stream_goes_to_workers_that_do_not_see_it(sweep: Path) -> None:
    jobs = [job for job in planned(load_sweep(sweep)).jobs.values() if job.workload.path]
    packed = _packed(jobs)
    (path,) = packed
    expected = result_of(jobs[0], replace(jobs[0].workload.load(0), seed=jobs[0].seed))
    (sweep.parent / "recorded").rename(sweep.parent / "moved")
    batch = pickle.dumps(batches_of(jobs[:1], 1)[0])
    _, results = run_batch(batch, code(), unpacked(packed[path]))
    assert results == [expected]
