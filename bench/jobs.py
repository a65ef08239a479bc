"""How well replays run side by side: the time of one job to that of as many as there are cores.

Run: python -m bench.jobs [--rounds N]. Rounds are interleaved; medians are compared.
"""

import argparse
import contextlib
import io
import os
import time

from bench.engine import interleaved
from pipeline.samples import Variant, replays

MECHANISMS = ("6.1-off", "6.1-list", "6.1-zone", "6.1-both")
SEEDS = range(1, 41)  # each process takes about a second to start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2)
    rounds = parser.parse_args().rounds
    cores = len(os.sched_getaffinity(0))
    cases = {jobs: lambda jobs=jobs: replays_s(jobs) for jobs in (1, cores)}
    seconds = interleaved(cases, rounds)
    ratio = seconds[1] / seconds[cores]
    print(f"{len(MECHANISMS) * len(SEEDS)} replays, {rounds} rounds, medians")
    print(f"1 job {seconds[1]:.1f} s, {cores} jobs {seconds[cores]:.1f} s: {ratio:.2f} times")
    print(f"{ratio / cores:.2f} of linear")


def replays_s(jobs: int) -> float:
    """Seconds for all replays, their stream loaded by each process."""
    variants = [Variant(name, "debian-6.1-churn", name, {}) for name in MECHANISMS]
    before = time.perf_counter()
    with contextlib.redirect_stderr(io.StringIO()):
        replays(variants, SEEDS, jobs)
    return time.perf_counter() - before


if __name__ == "__main__":
    main()
