"""Replays of which nothing is kept but the figures at the phases' samples."""

import pickle
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import permutations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from allocator.mechanism import Mechanism, load_mechanism
from allocator.terms import EVENT_FALLBACK, MIGRATETYPES, NR_ORDERS
from pipeline.artefacts import Progress, Task
from pipeline.config import load_stream
from pipeline.execute import execute, progress_of
from pipeline.measures import TOTAL
from pipeline.metrics import METRICS
from pipeline.metrics.evidence import Evidence
from pipeline.recording import Recording
from pipeline.scratch import scratch_folder
from pipeline.simulate import phase_ops, runnable, simulate
from workloads import WORKLOADS, load_workload
from workloads.stream import Stream

PLACED_ANEW = "placed_anew"  # in total: allocations of the start that the mechanism placed
Figures = dict[tuple[str, str], float]  # by phase and measure
# Parameters of the null model: what agrees with them too proves nothing about the rules they drop.
BARE = {"per_cpu.rule": "none", "min_free_kbytes": "1", "free_lists.tail_insertion": "false"}
FALLBACK_TYPES = ("unmovable", "movable", "reclaimable")
FALLBACK_PAIRS = tuple(permutations(FALLBACK_TYPES, 2))


@lru_cache(maxsize=4)
def stream_of(source: str) -> Stream:
    """A built-in workload by its name, or the recorded stream at a path. Raises WorkloadError."""
    stream = load_workload(source) if source in WORKLOADS else load_stream(Path(source))
    return runnable(stream)


@lru_cache(maxsize=2)
def seeded(source: str, seed: int) -> Stream:
    """The same made with a seed: a synthetic one has other requests, a recorded one another start.

    Raises WorkloadError.
    """
    stream = stream_of(source)
    if seed and source in WORKLOADS and not stream.start.mechanism:
        return runnable(load_workload(source, seed=seed))
    return replace(stream, seed=seed)


def varied(source: str) -> bool:
    """Whether seeds change anything: not where a stream of requests has no recorded start."""
    return source in WORKLOADS or bool(stream_of(source).start.mechanism)


class Variant(NamedTuple):
    """What is replayed, under which mechanism with which parameters."""

    label: str
    source: str
    mechanism: str
    parameters: dict[str, str]


def replays(
    variants: Sequence[Variant], seeds: Sequence[int], jobs: int, before: Sequence[Task] = ()
) -> list[list[Figures]]:
    """The figures of each variant with each seed, in that order; up to `jobs` at a time.

    `before`: other tasks that are begun first. Raises as `replayed` and they do, and ExecuteError.
    """
    # One seed after the other: its stream is made once in a process, and kept for the others.
    calls = [
        Call(f"{variant.label}, seed {seed}", replayed, (*variant[1:], seed))
        for seed in seeds
        for variant in variants
    ]
    made = brought_back(calls, jobs, before)
    return [made[number :: len(variants)] for number in range(len(variants))]


class Call(NamedTuple):
    """A function of a module, to be called in any process."""

    label: str
    function: Callable
    arguments: tuple


def brought_back(calls: Sequence[Call], jobs: int, before: Sequence[Task] = ()) -> list[Any]:
    """What each call returns, in their order; up to `jobs` at a time.

    `before`: tasks that are begun first. Raises what they do, and ExecuteError.
    """
    with scratch_folder() as folder:
        paths = [folder / str(number) for number in range(len(calls))]
        tasks = [
            Task(call.label, _call, (call, path)) for call, path in zip(calls, paths, strict=True)
        ]
        with progress_of({task.label: 1.0 for task in (*before, *tasks)}) as report:
            execute([*before, *tasks], jobs, report)
        return [pickle.loads(path.read_bytes()) for path in paths]


def _call(call: Call, path: Path, *, progress: Progress) -> None:
    """In any process, from which results come back by file."""
    path.write_bytes(pickle.dumps(call.function(*call.arguments)))
    progress(1, 1)


def replayed(source: str, mechanism: str, parameters: dict[str, str], seed: int) -> Figures:
    """Figures of one replay: every metric and more at each phase's sample; fragmenting fallbacks.

    `seed`: 0 from the start as it was recorded, else as `seeded`. Raises WorkloadError,
    MechanismError, OSError.
    """
    return figures_of(seeded(source, seed), load_mechanism(mechanism, parameters))


def figures_of(
    stream: Stream,
    mechanism: Mechanism,
    more_stops: Iterable[int] = (),
    more: Callable[[Recording], Figures] = lambda recording: {},
) -> Figures:
    """Every metric at each phase's sample, and in total all counters; of one run of the stream.

    Frames are taken at the phases' ends and at `more_stops`, operations done; what `more` finds in
    them is added. Raises OSError.
    """
    stops = np.union1d(phase_ops(stream), np.array(list(more_stops), np.int64))
    with scratch_folder() as folder:
        path = folder / "samples.reel"
        simulate(stream, mechanism, path, stops=stops, watched=False)
        recording = Recording.open(path)
        placed = {(TOTAL, PLACED_ANEW): float(recording.header["start"]["placed_anew"])}
        return _figures(recording) | placed | more(recording)


def _figures(recording: Recording) -> Figures:
    evidence = Evidence(recording)
    values = {name: metric.measure(evidence) for name, metric in METRICS.items()}
    values["pcp_pages"] = evidence.column("pcp_pages")
    by_order = evidence.free_blocks.sum(axis=(1, 3))
    values |= {f"nr_free_order_{order}": by_order[:, order] for order in range(NR_ORDERS)}
    types = np.array([recording.block_types(frame) for frame in range(len(recording))])
    values |= {f"{t}_blocks": (types == code).sum(axis=1) for code, t in enumerate(MIGRATETYPES)}
    frames = np.searchsorted(recording.ops, [p["sample_op"] for p in recording.header["phases"]])
    figures = {
        (phase["name"], measure): float(series[frame])
        for phase, frame in zip(recording.header["phases"], frames, strict=True)
        for measure, series in values.items()
    }
    return figures | _fragmenting(recording)


def _fragmenting(recording: Recording) -> Figures:
    """Fallbacks onto a block smaller than a pageblock, of each type to each other one's list."""
    events = recording.events
    smaller = events["fallback_order"] < recording.header["geometry"]["pageblock_order"]
    events = events[(events["kind"] == EVENT_FALLBACK) & smaller]
    pairs = events["migratetype"], events["fallback_migratetype"]
    counts = np.zeros((len(MIGRATETYPES), len(MIGRATETYPES)), np.int64)
    np.add.at(counts, pairs, 1)
    code = MIGRATETYPES.index
    return {
        (TOTAL, fragmenting_name(a, b)): float(counts[code(a), code(b)]) for a, b in FALLBACK_PAIRS
    }


def fragmenting_name(wanted: str, had: str) -> str:
    """The measure that counts fragmenting fallbacks of one migratetype to another's lists."""
    return f"fragmenting_{wanted}_in_{had}"
