"""How the engine's speed changes with the size of memory, beside the floor.

Run: python -m bench.growth [--rounds N] [MIB...]. The synthetic churn, twice as many requests as
fill memory; rounds are interleaved with the floor's, medians are printed.
"""

import argparse
import statistics
import tempfile
from pathlib import Path

from allocator.mechanism import load_mechanism
from bench.engine import engine_s
from bench.floor import compiled, floor_s, write_input
from workloads import load_workload

SIZES_MIB = (256, 4096, 65536)  # 64 Ki, 1 Mi, 16 Mi pages


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sizes", metavar="MIB", type=int, nargs="*", default=SIZES_MIB)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    print(f"{'pages':>12} {'engine':>10} {'floor':>10} {'ratio':>8}   ns a request, 6.1-list")
    with tempfile.TemporaryDirectory() as folder:
        program = compiled(Path(folder))
        for size_mib in arguments.sizes:
            measure(size_mib, arguments.rounds, program, Path(folder) / "input")


def measure(size_mib: int, rounds: int, program: Path | None, path: Path) -> None:
    """Print one row."""
    pages = size_mib * 256
    parameters = {
        "memory_mib": str(size_mib),
        "requests": str(2 * pages),
        "requests_per_second": str(pages),
    }
    stream = load_workload("churn", parameters)
    mechanism = load_mechanism("6.1-list")
    if program:
        write_input(stream, mechanism, path)
    engine, floor = [], []
    for _ in range(rounds):
        engine.append(engine_s(stream, mechanism))
        if program:
            floor.append(floor_s(program, path))
    each_ns = 1e9 / len(stream.ops)
    taken_ns = statistics.median(engine) * each_ns
    if not program:
        print(f"{pages:12,} {taken_ns:10.1f} {'-':>10} {'-':>8}   no C compiler for the floor")
        return
    least_ns = statistics.median(floor) * each_ns
    print(f"{pages:12,} {taken_ns:10.1f} {least_ns:10.1f} {taken_ns / least_ns:8.1f}", flush=True)


if __name__ == "__main__":
    main()
