"""Run a stream under a mechanism and keep what happens as a recording."""

from array import array
from collections.abc import Callable
from pathlib import Path

import numpy as np

from allocator.engine import Engine, Observer
from allocator.mechanism import Mechanism
from allocator.page_alloc import COMPILED, Memory
from allocator.terms import COUNTERS, MIGRATETYPES, NR_ORDERS, PAGE_CLASSES, PAGE_SIZE_BYTES
from pipeline.blame import Blame
from pipeline.recording import RecordingWriter
from pipeline.recording_format import FORMAT, VERSION
from pipeline.start import start_memory
from pipeline.version import version
from workloads.stream import Stream

FRAMES_A_PHASE = 16
OPS_A_STRETCH = 4096
UNCOMPILED_OPS = 40_000  # a short cut of the stream, where the core runs as plain Python


class GivenUp(Exception):
    """A run that its caller wanted no more of; `counters` as they were then."""

    def __init__(self, counters: dict[str, int]) -> None:
        super().__init__("given up")
        self.counters = counters


def simulate(
    stream: Stream,
    mechanism: Mechanism,
    path: Path,
    *,
    frames: int | None = 600,
    stops: np.ndarray | None = None,
    key_every: int = 64,
    watched: bool = True,
    go_on: bool = False,
    progress: Callable[[int, int], None] | None = None,
    give_up: Callable[[dict[str, int]], bool] | None = None,
) -> None:
    """Write one recording of `stream` under `mechanism`.

    About `frames` frames, see `frame_ops`, or none but those that figures are taken at (None); or
    one at each of `stops`, i8, operations done, ascending. Not `watched`: without marks and blame,
    for figures alone a third quicker.
    `go_on`: as of RecordingWriter. `progress(done, all)` is called with operations after each
    frame. `give_up(counters)` is asked every few thousand operations. Raises OSError where the file
    cannot be written, GivenUp where it was so; nothing is left then.
    """
    memory, pfn_of, start = start_memory(stream, mechanism)
    blame = Blame(stream, memory, pfn_of) if watched else None
    engine = engine_of(stream, memory, pfn_of, blame)
    if stops is None:
        stops = phase_ops(stream) if frames is None else frame_ops(stream, frames)
    phase_of = np.searchsorted([p.start_op for p in stream.phases], stops, side="right") - 1
    header = _header(stream, mechanism, memory, frames) | {"start": start, "marks": watched}
    with RecordingWriter(path, header, key_every=key_every, go_on=go_on) as writer:
        done = 0
        for stop, phase in zip(stops.tolist(), phase_of.tolist(), strict=True):
            _advance(engine, stream, done, stop, writer, blame, give_up)
            done = stop
            grid = memory.page_class()
            writer.append(
                op=stop,
                time_us=int(stream.ops.time_us[stop - 1]) if stop else 0,
                phase=max(phase, 0),
                grid=grid,
                marks=blame.marks(done, grid) if blame else None,
                block_types=block_types(memory, stream.machine.pages, stream.pageblock_order),
                series=_series(memory),
            )
            if progress:
                progress(done, len(stream.ops))
        writer.dropped_events = memory.dropped_events()


def engine_of(
    stream: Stream, memory: Memory, pfn_of: array, observer: Observer | None = None
) -> Engine:
    """An engine for the stream's operations, with all that they leave to it."""
    return Engine(
        memory,
        pfn_of,
        reclaim=stream.reclaim,
        caches=stream.caches,
        objects=stream.ops.objects,
        observer=observer,
    )


def _advance(
    engine: Engine,
    stream: Stream,
    start: int,
    stop: int,
    writer: RecordingWriter,
    blame: Blame | None,
    give_up: Callable[[dict[str, int]], bool] | None,
) -> None:
    """Operations [start, stop), in stretches short enough for the memory's buffer of events."""
    for first in range(start, stop, OPS_A_STRETCH):
        engine.run(stream.ops, first, min(first + OPS_A_STRETCH, stop))
        events = engine.memory.events()
        rows = blame.take(events) if blame else ()
        if len(events):
            writer.add_events(events)
        if len(rows):
            writer.add_blame(rows)
        if give_up and give_up(engine.memory.counters()):
            raise GivenUp(engine.memory.counters())


def frame_ops(stream: Stream, frames: int) -> np.ndarray:
    """Operations done at each frame, i8, ascending, from 0 to all.

    Evenly by requests; one for each recorded second and at least FRAMES_A_PHASE for each phase, so
    that the phases at rest, which make few requests, are seen too; one where the figures of each
    phase are taken. The schedule depends on the stream alone: all mechanisms share it.
    """
    total = len(stream.ops)
    times_us = stream.ops.time_us
    seconds = np.arange(1, int(times_us[-1]) // 1_000_000 + 1) if total else np.empty(0)
    by_time = np.searchsorted(times_us, seconds * 1_000_000, side="right")
    starts = [phase.start_op for phase in stream.phases]
    stretches = zip(starts, [*starts[1:], total], strict=True)
    by_phase = [np.linspace(start, end, FRAMES_A_PHASE) for start, end in stretches]
    chosen = np.unique(np.rint(np.concatenate((by_time, phase_ops(stream), *by_phase))))
    by_request = np.rint(np.linspace(0, total, max(frames - len(chosen), 2)))
    return np.unique(np.concatenate((chosen, by_request))).astype(np.int64)


def phase_ops(stream: Stream) -> np.ndarray:
    """Operations done where figures are taken: each phase's begin and sample, first and last."""
    at = [op for phase in stream.phases for op in (phase.start_op, phase.sample_op)]
    return np.unique(np.array([0, *at, len(stream.ops)], np.int64))


def block_types(memory: Memory, pages: int, pageblock_order: int) -> np.ndarray:
    """Migratetypes of the recording's pageblocks, whatever the mechanism's own size, u1."""
    types = memory.block_types()
    order = memory.mechanism.grouping.block_order
    if order >= pageblock_order:
        types = np.repeat(types, 1 << (order - pageblock_order))
    else:
        types = types[:: 1 << (pageblock_order - order)]
    return types[: -(-pages >> pageblock_order)]


def series_columns(zones: list[str]) -> list[str]:
    """Names of the values that each frame keeps beside the grid; all cumulative or counts."""
    orders = range(NR_ORDERS)
    return [
        *(f"free_pages:{zone}" for zone in zones),
        "pcp_pages",
        *(f"nr_free:{zone}:{order}" for zone in zones for order in orders),
        *(f"nr_free:{z}:{o}:{t}" for z in zones for o in orders for t in MIGRATETYPES),
        *COUNTERS,
    ]


def _series(memory: Memory) -> np.ndarray:
    states = [memory.zone_state(zone) for zone in range(len(memory.zones))]
    blocks = memory.free_blocks()
    return np.concatenate(
        (
            [state["free_pages"] for state in states],
            [sum(state["pcp_count"] for state in states)],
            blocks.sum(axis=2).ravel(),
            blocks.ravel(),
            list(memory.counters().values()),
        )
    ).astype(np.int64)


def _header(stream: Stream, mechanism: Mechanism, memory: Memory, frames: int | None) -> dict:
    """All that the frames need to be understood and made again."""
    zone_keys = (
        "name",
        "start_pfn",
        "end_pfn",
        "managed_pages",
        "min_pages",
        "low_pages",
        "high_pages",
        "lowmem_reserve_pages",
    )
    return {
        "format": FORMAT,
        "version": VERSION,
        "pagereel": version(),
        "title": stream.title,
        "source": {"kind": "simulation", "text": _source(stream, mechanism)},
        "mechanism": mechanism.model_dump(),
        "workload": stream.metadata(),
        "seed": stream.seed,
        "frames_asked": frames,
        "geometry": {
            "page_size_bytes": PAGE_SIZE_BYTES,
            "pages": stream.machine.pages,
            "pageblock_order": stream.pageblock_order,
            "zones": [{key: getattr(zone, key) for key in zone_keys} for zone in memory.zones],
        },
        "page_classes": list(PAGE_CLASSES),
        "migratetypes": list(MIGRATETYPES),
        "phases": [vars(phase) for phase in stream.phases],
        "series_columns": series_columns([zone.name for zone in memory.zones]),
    }


def _source(stream: Stream, mechanism: Mechanism) -> str:
    """What made the recording; with reclaim also when kswapd stops, which decides much."""
    text = f"simulated; {stream.source}"
    reclaims = stream.reclaim and mechanism.reclaim.rule != "none"
    return f"{text}; kswapd {mechanism.reclaim.kswapd}" if reclaims else text


def runnable(stream: Stream) -> Stream:
    """The stream as this installation can run it in reasonable time."""
    return stream if COMPILED else stream.head(UNCOMPILED_OPS)


def core_note() -> str:
    """What a user must be told of this installation's core; empty where it is compiled."""
    if COMPILED:
        return ""
    return (
        "the core is not compiled (no C compiler at installation): it is slow, and only the first "
        f"{UNCOMPILED_OPS:,} operations of a stream are run"
    )
