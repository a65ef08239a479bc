"""ebizzy: threads copy chunks of a large working set into buffers of their own, and drop them.

As a web server does that answers from memory: chunks stay, are used at random, and are slightly
more than memory holds; each request takes a buffer, fills and drops it. All memory is anonymous,
with the page tables that it needs.
Source: the load of ebizzy (V. Henson); sizes were chosen here, not taken from a published run.
"""

from dataclasses import dataclass

import numpy as np

from allocator.terms import ALLOC, ANON, FREE_OP, MOVABLE, UNMOVABLE, USE
from allocator.zones import Machine
from workloads.script import Script
from workloads.stream import Phase, Stream
from workloads.synthetic import booted, parsed, random_of

S = 1_000_000  # microseconds
CALM_S = 5.0


@dataclass(frozen=True)
class Parameters:
    """What can be set with -p."""

    memory_mib: float = 256.0
    chunks_share: float = 1.05  # of memory, all chunks together
    chunk_pages: int = 128
    requests_per_s: float = 200.0
    seconds: float = 60.0
    dropped_share: float = 0.5  # of the chunks, at the end


RANGES = {
    "memory_mib": (16, 1 << 16),
    "chunks_share": (0.1, 4),
    "chunk_pages": (1, 65536),
    "requests_per_s": (1, 1e5),
    "seconds": (1, 86400),
    "dropped_share": (0, 1),
}

SEARCHED = {"chunks_share": (0.3, 1.2), "chunk_pages": (8, 1024), "dropped_share": (0.1, 1)}


def check(parameters: dict[str, str]) -> None:
    """Raise WorkloadError for parameters that it doesn't take."""
    parsed("ebizzy", Parameters, RANGES, parameters)


def load(parameters: dict[str, str], seed: int) -> Stream:
    """The load for that seed: chunks are filled, used for `seconds`, and partly dropped."""
    p = parsed("ebizzy", Parameters, RANGES, parameters)
    random = random_of("ebizzy", seed)
    machine = Machine(
        name=f"{p.memory_mib:g} MiB, synthetic",
        unusable=np.zeros(int(p.memory_mib * 256), np.uint8),
    )
    chunks = max(int(machine.pages * p.chunks_share) // p.chunk_pages, 1)
    script = Script()
    pages = script.new_ids(chunks * p.chunk_pages).reshape(chunks, p.chunk_pages)
    fill_s = chunks / p.requests_per_s
    _fill(script, pages, fill_s)
    _answer(script, pages, fill_s, p, random)
    end_s = fill_s + p.seconds
    dropped = random.permutation(chunks)[: int(chunks * p.dropped_share)]
    script.add(int(end_s * S), FREE_OP, pages[dropped].ravel(), flags=ANON)
    last = script.new_ids(1)  # until then the daemons have time
    script.add(int((end_s + CALM_S) * S), USE, last, mobility=MOVABLE, flags=ANON)
    ops = script.ops(int((end_s + CALM_S) * S))
    load, rest = (int(np.searchsorted(ops.time_us, int(s * S))) for s in (fill_s, end_s))
    return Stream(
        name="ebizzy",
        title=f"buffers beside a working set of {p.chunks_share:g} of {p.memory_mib:g} MiB",
        source=f"synthetic ebizzy, seed {seed}",
        machine=machine,
        start=booted(machine),
        ops=ops,
        phases=(
            Phase("fill", "chunks are filled", 0, load),
            Phase("load", "requests are answered from them", load, rest),
            Phase("rest", "chunks have been dropped", rest, len(ops)),
        ),
        reclaim=True,
        seed=seed,
        parameters=dict(parameters),
    )


def _fill(script: Script, pages: np.ndarray, fill_s: float) -> None:
    """All chunks, one after the other, each with a page of page tables."""
    times = (np.linspace(0, fill_s, len(pages), endpoint=False) * S).astype(np.int64)
    script.add(times, ALLOC, script.new_ids(len(pages)), mobility=UNMOVABLE)
    script.add(np.repeat(times, pages.shape[1]), USE, pages.ravel(), mobility=MOVABLE, flags=ANON)


def _answer(
    script: Script, pages: np.ndarray, start_s: float, p: Parameters, random: np.random.Generator
) -> None:
    """Requests: a chunk is read, a buffer of its size is filled and dropped."""
    count = int(p.seconds * p.requests_per_s)
    times = ((start_s + np.arange(count) / p.requests_per_s) * S).astype(np.int64)
    each = np.repeat(times, p.chunk_pages)
    use = {"mobility": MOVABLE, "flags": ANON}
    script.add(each, USE, pages[random.integers(0, len(pages), count)].ravel(), **use)
    buffers, tables = script.new_ids(count * p.chunk_pages), script.new_ids(count)
    script.add(times, ALLOC, tables, mobility=UNMOVABLE)
    script.add(each, USE, buffers, **use)
    done_us = 1 + int(S / p.requests_per_s)
    script.add(each + done_us, FREE_OP, buffers, flags=ANON)
    script.add(times + done_us, FREE_OP, tables)
