"""Runs in processes of their own: started, looked at while they work, and waited for."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from allocator.page_alloc import COMPILED
from pipeline.simulate import core_note

SMALL = [
    "-w", "churn", "-p", "memory_mib=16", "-p", "requests=4000", "--frames", "8",
    "-m", "6.1-off", "-m", "6.1-list", "--only", "sheet", "-j", "1",
]  # fmt: skip
VIDEO = [*SMALL[:-4], "--frames", "200", "--only", "comparison"]
PATIENCE_S = 600.0  # of a machine with much else to do

needs_proc = pytest.mark.skipif(
    not Path("/proc/self/stat").exists(), reason="this system doesn't tell its processes"
)


def started(folder: Path, *options: str, **more: object) -> subprocess.Popen:
    """A run in a process group of its own."""
    command = [Path(sys.executable).parent / "pagereel", "run", *options, "-o", folder]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen(command, start_new_session=True, **pipes, **more)


def until(there: Callable[[], object], process: subprocess.Popen | None = None) -> None:
    """Wait for something to be so, while the run that is to bring it about is at work."""
    end_s = time.monotonic() + PATIENCE_S
    while not there():
        assert process is None or process.poll() is None, process.communicate()
        if time.monotonic() > end_s:
            if process:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
            raise AssertionError("it never was")
        time.sleep(0.01)


def line_of(process: subprocess.Popen, code: int) -> str:
    """The one line that a run ends with."""
    out, err = process.communicate(timeout=PATIENCE_S)
    lines = [line for line in err.splitlines() if line and " s left: " not in line]
    lines = [line for line in lines if COMPILED or core_note() not in line]
    assert (process.returncode, out, len(lines)) == (code, "", 1), err
    return lines[0]


def processes(group: int, *, words: str = "") -> list[int]:
    """Those of a process group that run, or that nobody waited for, with `words` in the command."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            of = (folder / "stat").read_text().rpartition(")")[2].split()[2]
            command = (folder / "cmdline").read_bytes().decode()
        except OSError:
            continue
        if int(of) == group and words in command:
            found.append(int(folder.name))
    return found
