"""kernel-bursts: memory is full of page cache, and now and then the kernel needs much of it.

Processes come and go, files are read, more than memory holds, and reclaim makes room. In bursts
the kernel takes pages one by one and gives them back in random order, but for a few that stay to
the end. These stand for the slabs of dentries and inodes that a walk over very many files fills and
that are emptied but for objects still in use, and for page tables and stacks of many processes at
once; which of its pages the kernel gives back is told here, not left to shrinkers. At the end
processes exit and files are deleted. That such loads hurt grouping is published; how large and how
long bursts are is not, and is a parameter.
Source: M. Gorman, linux-mm, 2 November 2006: a known breaker of grouping by lists is heavy I/O on
very many files; C. Lameter, 'Slab defragmentation' (v5, September 2007): after updatedb slabs stay
behind sparsely populated.
"""

from dataclasses import dataclass

import numpy as np

from allocator.terms import ALLOC, ANON, FILE, FREE_OP, MOVABLE, RECLAIMABLE, UNMOVABLE, USE
from allocator.zones import Machine
from workloads.script import Script
from workloads.stream import Phase, Stream
from workloads.synthetic import booted, parsed, random_of

NAME = "kernel-bursts"
S = 1_000_000  # microseconds
START_S, CALM_S = 1.0, 5.0
LIFETIME_SPREAD = 100.0  # a process' longest lifetime by its shortest
PAGES_A_TABLE = 100  # of a process, for each page of its page tables; they are never full
READ_PAGES = 16  # of a file, one after the other


@dataclass(frozen=True)
class Parameters:
    """What can be set with -p; shares are of memory unless told."""

    memory_mib: float = 128.0
    seconds: float = 60.0  # of load
    kernel_share: float = 0.02  # unmovable, from the start to the end
    processes: int = 16  # at a time
    process_share: float = 0.4  # of them all together
    process_s: float = 10.0  # mean lifetime
    files_share: float = 1.5
    reads_share: float = 5.0  # read in all
    bursts: int = 4
    burst_share: float = 0.1  # that a burst takes at its height
    burst_reclaimable_share: float = 0.5  # of its pages; the rest is unmovable
    burst_kept_share: float = 0.02  # of its pages, that stay to the end
    burst_length: float = 0.1  # of the time between bursts in which its pages come; as long they go


RANGES = {
    "memory_mib": (16, 1 << 16),
    "seconds": (1, 86400),
    "kernel_share": (0, 0.5),
    "processes": (1, 10_000),
    "process_share": (0, 2),
    "process_s": (0.1, 86400),
    "files_share": (0.01, 10),
    "reads_share": (0, 1000),
    "bursts": (0, 1000),
    "burst_share": (0, 1),
    "burst_reclaimable_share": (0, 1),
    "burst_kept_share": (0, 1),
    "burst_length": (0, 0.5),
}
# In which range a search for loads looks; what isn't named stays as it is.
SEARCHED = {
    "kernel_share": (0.005, 0.05),
    "processes": (2, 32),
    "process_share": (0.1, 0.55),
    "process_s": (2, 60),
    "files_share": (0.2, 3),
    "reads_share": (1, 10),
    "bursts": (1, 12),
    "burst_share": (0.01, 0.2),
    "burst_reclaimable_share": (0, 1),
    "burst_kept_share": (0.001, 0.1),
    "burst_length": (0.005, 0.5),
}


def check(parameters: dict[str, str]) -> None:
    """Raise WorkloadError for parameters that it doesn't take."""
    parsed(NAME, Parameters, RANGES, parameters)


def load(parameters: dict[str, str], seed: int) -> Stream:
    """The load for that seed. Raises WorkloadError for parameters out of range."""
    p = parsed(NAME, Parameters, RANGES, parameters)
    random, script = random_of(NAME, seed), Script()
    machine = Machine(
        name=f"{p.memory_mib:g} MiB, synthetic",
        unusable=np.zeros(int(p.memory_mib * 256), np.uint8),
    )
    pages, end_s = machine.pages, START_S + p.seconds
    kernel = script.new_ids(int(pages * p.kernel_share))
    script.add(_times(0, START_S, len(kernel)), ALLOC, kernel, mobility=UNMOVABLE)
    _processes(script, p, pages, random)
    files = _files(script, p, pages, random)
    _bursts(script, p, pages, random)
    script.add(int(end_s * S), FREE_OP, files, flags=FILE)
    last = script.new_ids(1)  # until then the daemons have time
    script.add(int((end_s + CALM_S) * S), USE, last, mobility=MOVABLE, flags=ANON)
    ops = script.ops(int((end_s + CALM_S) * S))
    first, rest = np.searchsorted(ops.time_us, (int(START_S * S), int(end_s * S))).tolist()
    return Stream(
        name=NAME,
        title=f"{p.bursts} bursts of the kernel in a full memory of {p.memory_mib:g} MiB",
        source=f"synthetic {NAME}, seed {seed}",
        machine=machine,
        start=booted(machine),
        ops=ops,
        phases=(
            Phase("boot", "the kernel takes its pages", 0, first, key=False),
            Phase("load", "processes, files, and bursts of the kernel", first, rest),
            Phase("rest", "at rest: only pages of the kernel remain", rest, len(ops)),
        ),
        reclaim=True,
        seed=seed,
        parameters=dict(parameters),
    )


def _times(start_s: float, end_s: float, count: int) -> np.ndarray:
    """Evenly from start to end, microseconds, i8[count]."""
    return np.rint(np.linspace(start_s * S, end_s * S, count, endpoint=False)).astype(np.int64)


def _processes(script: Script, p: Parameters, pages: int, random: np.random.Generator) -> None:
    """One after the other in each place; what a process needs, it takes in its first half."""
    size = int(pages * p.process_share / p.processes)
    end_s = START_S + p.seconds
    count = int(4 * p.seconds / p.process_s) + 8
    for _ in range(p.processes):
        lifetime_s = np.rint(1024 * LIFETIME_SPREAD ** random.random(count))
        ends_s = START_S + np.cumsum(lifetime_s * (p.process_s / lifetime_s.mean()))
        start_s = START_S
        for stop_s in np.minimum(ends_s, end_s).tolist():
            if start_s < stop_s:
                _process(script, size, start_s, stop_s)
            start_s = stop_s


def _process(script: Script, size: int, start_s: float, stop_s: float) -> None:
    own, tables = script.new_ids(size), script.new_ids(-(-size // PAGES_A_TABLE))
    half_s = (start_s + stop_s) / 2
    script.add(_times(start_s, half_s, len(tables)), ALLOC, tables, mobility=UNMOVABLE)
    script.add(_times(start_s, half_s, size), USE, own, mobility=MOVABLE, flags=ANON)
    script.add(int(stop_s * S), FREE_OP, own, flags=ANON)
    script.add(int(stop_s * S), FREE_OP, tables)


def _files(script: Script, p: Parameters, pages: int, random: np.random.Generator) -> np.ndarray:
    """Pieces of files, read at random; ids of all their pages."""
    ids = script.new_ids(max(int(pages * p.files_share), READ_PAGES))
    reads = int(pages * p.reads_share) // READ_PAGES
    first = random.integers(0, len(ids) - READ_PAGES + 1, reads)
    times = np.repeat(_times(START_S, START_S + p.seconds, reads), READ_PAGES)
    read = ids[(first[:, None] + np.arange(READ_PAGES)).ravel()]
    script.add(times, USE, read, mobility=MOVABLE, flags=FILE)
    return ids


def _bursts(script: Script, p: Parameters, pages: int, random: np.random.Generator) -> None:
    """Bursts of the kernel, evenly in the time of load, the first after half an interval."""
    size, every_s = int(pages * p.burst_share), p.seconds / max(p.bursts, 1)
    length_s = p.burst_length * every_s
    for burst in range(p.bursts):
        start_s = START_S + burst * every_s + (every_s - 2 * length_s) / 2
        ids = script.new_ids(size)
        reclaimable = random.random(size) < p.burst_reclaimable_share
        mobility = np.where(reclaimable, RECLAIMABLE, UNMOVABLE)
        script.add(_times(start_s, start_s + length_s, size), ALLOC, ids, mobility=mobility)
        going = random.permutation(ids)
        going = going[random.random(size) >= p.burst_kept_share]
        times = _times(start_s + length_s, start_s + 2 * length_s, len(going))
        script.add(times, FREE_OP, going)
