"""How fast the engine is: nanoseconds a request over the whole shipped stream.

Run: python -m bench.engine [--rounds N]. Rounds are interleaved; medians are printed. The
uncompiled core runs on the first operations only, and its ratio is taken on those.
"""

import argparse
import importlib.util
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path

from allocator import page_alloc
from allocator.mechanism import Mechanism, load_mechanism
from allocator.zones import build_zones
from bench.floor import compiled, floor_s, write_input
from pipeline import start
from pipeline.simulate import engine_of, simulate
from workloads import load_workload
from workloads.stream import Stream

UNCOMPILED_OPS = 40_000
MECHANISMS = ("2007-vanilla", "2007-list", "6.1-off", "6.1-list", "6.1-both")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    stream = load_workload("debian-6.1-churn")
    requests = len(stream.ops)
    print(f"debian-6.1-churn: {requests:,} requests and frees, {rounds} rounds, medians")
    own = load_mechanism("6.1-off")
    cases: dict[str, Callable[[], float]] = {
        f"engine, {name}": partial(engine_s, stream, load_mechanism(name)) for name in MECHANISMS
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.reel"
        cases["recording of 600 frames, 6.1-off"] = lambda: recording_s(stream, own, path)
        program, chosen = compiled(Path(folder)), Path(folder) / "input"
        if program:
            write_input(stream, own, chosen)
            cases["floor: unavoidable accesses, C -O3"] = lambda: floor_s(program, chosen)
        for label, seconds in interleaved(cases, rounds).items():
            print(f"{label:36} {1e9 * seconds / requests:8.1f} ns a request")
    reclaiming(load_workload("stress-highalloc", {"memory_mib": "256"}), rounds)
    uncompiled(stream.head(UNCOMPILED_OPS), own)
    print(f"memory: {bytes_a_page(stream, own):.1f} bytes a page")


def interleaved(cases: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """Median seconds of each case, the cases in turn in each round."""
    seconds: dict[str, list[float]] = {label: [] for label in cases}
    for _ in range(rounds):
        for label, case in cases.items():
            seconds[label].append(case())
    return {label: statistics.median(values) for label, values in seconds.items()}


def engine_s(stream: Stream, mechanism: Mechanism) -> float:
    """Seconds for all operations in one call, without frames."""
    memory, pfn_of, _ = start.start_memory(stream, mechanism)
    engine = engine_of(stream, memory, pfn_of)
    before = time.perf_counter()
    engine.run(stream.ops, 0, len(stream.ops))
    return time.perf_counter() - before


def reclaiming(stream: Stream, rounds: int) -> None:
    """The engine with reclaim, slabs and all daemons, on a stream that needs them."""
    cases = {
        f"with reclaim, {name}": partial(engine_s, stream, load_mechanism(name))
        for name in ("2007-list", "6.1-list")
    }
    print(f"{stream.title}: {len(stream.ops):,} operations")
    for label, seconds in interleaved(cases, rounds).items():
        print(f"{label:36} {1e9 * seconds / len(stream.ops):8.1f} ns an operation")


def recording_s(stream: Stream, mechanism: Mechanism, path: Path) -> float:
    """Seconds for the same with frames, counters and the file."""
    before = time.perf_counter()
    simulate(stream, mechanism, path)
    return time.perf_counter() - before


def uncompiled(stream: Stream, mechanism: Mechanism) -> None:
    """The same source as plain Python beside the compiled module, on a short stream."""
    built = start.Memory
    plain = plain_module().Memory

    def run_with(cls: type) -> float:
        start.Memory = cls
        try:
            return engine_s(stream, mechanism)
        finally:
            start.Memory = built

    cases = {"compiled": lambda: run_with(built), "uncompiled": lambda: run_with(plain)}
    result = interleaved(cases, 3)
    for label, seconds in result.items():
        per_request_ns = 1e9 * seconds / len(stream.ops)
        print(f"{'first 40,000 operations, ' + label:36} {per_request_ns:8.1f} ns a request")
    print(f"uncompiled / compiled: {result['uncompiled'] / result['compiled']:.0f}")


def plain_module():
    """allocator.page_alloc as plain Python, whatever is built."""
    path = Path(page_alloc.__file__).parent / "page_alloc.py"
    spec = importlib.util.spec_from_file_location("page_alloc_as_python", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def bytes_a_page(stream: Stream, mechanism: Mechanism) -> float:
    """What a Memory takes, all buffers counted, for each page that it simulates."""
    zones = build_zones(stream.machine, mechanism)
    tracemalloc.start()
    memory = page_alloc.Memory(zones, mechanism, stream.machine.pages)
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del memory
    return taken / stream.machine.pages


if __name__ == "__main__":
    main()
