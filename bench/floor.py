"""The floor: bench/floor.c compiled and run on what the engine chose."""

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np

from allocator.engine import Engine
from allocator.mechanism import Mechanism
from pipeline.start import start_memory
from workloads.stream import Stream


def compiled(folder: Path) -> Path | None:
    """The floor program, -O3; None without a C compiler."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        return None
    program = folder / "floor"
    source = Path(__file__).with_name("floor.c")
    subprocess.run([compiler, "-O3", "-o", program, source], check=True)
    return program


def write_input(stream: Stream, mechanism: Mechanism, path: Path) -> None:
    """The stream and the pages that the engine gives each id."""
    memory, pfn_of, _ = start_memory(stream, mechanism)
    Engine(memory, pfn_of).run(stream.ops, 0, len(stream.ops))
    ops, places = stream.ops, np.array(pfn_of, np.int32)
    head = np.array([len(ops), len(places), stream.machine.pages, len(stream.start.pfn)], np.int32)
    with open(path, "wb") as file:
        for array in (head, ops.kind, ops.id, ops.order, ops.offset, places):
            file.write(np.ascontiguousarray(array))


def floor_s(program: Path, path: Path) -> float:
    """Seconds for all operations."""
    out = subprocess.run([program, path], capture_output=True, text=True, check=True).stdout
    return float(out) / 1e9
