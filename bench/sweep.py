"""How well a sweep runs on several cores: the time of one job to that of as many as there are.

Run: python -m bench.sweep [--rounds N] [--seeds N]. Rounds are interleaved; medians are compared.
Each time is that of the cells from the first process that starts to the last result on disk: it
has the start of the workers in it, and that each of them loads the stream.
"""

import argparse
import contextlib
import io
import os
import tempfile
import time
from pathlib import Path

from bench.engine import interleaved
from pipeline.execute import progress_of
from pipeline.sweep.config import load_sweep
from pipeline.sweep.local import run_here
from pipeline.sweep.plan import batches_of, planned
from pipeline.sweep.progress import LABEL
from pipeline.sweep.store import Store

SWEEP = """
seeds = {seeds}
mechanisms = ["6.1-off", "6.1-list", "6.1-zone", "6.1-both"]
workloads = ["debian-6.1-churn"]
[parameters]
min_free_kbytes = [1024, 4096]
"""
SEEDS = 30  # each process takes about a second to start, and one to load the stream


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    asked = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory(prefix="pagereel-") as folder:
        path = Path(folder) / "sweep.toml"
        path.write_text(SWEEP.format(seeds=asked.seeds), encoding="utf-8")
        plan = planned(load_sweep(path))
        jobs = list(plan.jobs.values())
        cases = {n: lambda n=n: sweep_s(jobs, n) for n in (1, cores)}
        seconds = interleaved(cases, asked.rounds)
    ratio = seconds[1] / seconds[cores]
    load = os.getloadavg()[1]
    print(f"sweep of {len(jobs)} cells, {asked.rounds} rounds, medians, load {load:.2f}")
    print(f"1 job {seconds[1]:.1f} s, {cores} jobs {seconds[cores]:.1f} s: {ratio:.2f} times")
    print(f"{ratio / cores:.2f} of linear")


def sweep_s(jobs: list, at_a_time: int) -> float:
    """Seconds for all cells into an empty store; with one job all in this process."""
    import pipeline.sweep.cell as cell

    cell._kept = None  # the stream is loaded in each round, as each worker does
    with tempfile.TemporaryDirectory(prefix="pagereel-") as folder:
        before = time.perf_counter()
        with contextlib.redirect_stderr(io.StringIO()), progress_of({LABEL: 1.0}) as report:
            run_here(batches_of(jobs, at_a_time), Store(Path(folder)), at_a_time, report)
        return time.perf_counter() - before


if __name__ == "__main__":
    main()
