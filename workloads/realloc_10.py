"""realloc-10: does an allocator heal? Random tenths of what is held are freed and taken again.

Nine tenths of memory are taken page by page, half of them are freed at random; then in each turn a
random tenth of what is held is freed, and as much is taken again. All pages are movable; nothing is
reclaimed or compacted.
Source: benchmark `frag` of linux-alloc-bench, for LLFree (L. Wrenger et al., USENIX ATC 2023).
"""

from dataclasses import dataclass

import numpy as np

from allocator.terms import ALLOC, FREE_OP, MOVABLE, RESERVED
from allocator.zones import Machine
from workloads.script import Script
from workloads.stream import Phase, Stream
from workloads.synthetic import booted, parsed, random_of

S = 1_000_000  # microseconds
DMA_PAGES = 4096


@dataclass(frozen=True)
class Parameters:
    """What can be set with -p."""

    memory_mib: float = 256.0
    turns: int = 100
    taken_share: float = 0.9
    turn_share: float = 0.1


RANGES = {
    "memory_mib": (4, 1 << 18),
    "turns": (1, 10_000),
    "taken_share": (0.01, 1),
    "turn_share": (0.001, 1),
}


def check(parameters: dict[str, str]) -> None:
    """Raise WorkloadError for parameters that it doesn't take."""
    parsed("realloc-10", Parameters, RANGES, parameters)


def load(parameters: dict[str, str], seed: int) -> Stream:
    """The benchmark for that seed: a second for filling, one for thinning, one a turn."""
    p = parsed("realloc-10", Parameters, RANGES, parameters)
    random = random_of("realloc-10", seed)
    unusable = np.zeros(int(p.memory_mib * 256), np.uint8)
    if len(unusable) > DMA_PAGES:
        unusable[:DMA_PAGES] = RESERVED  # the benchmark takes its pages from one zone
    machine = Machine(name=f"{p.memory_mib:g} MiB, synthetic", unusable=unusable)
    script = Script()
    usable_pages = int((unusable == 0).sum())
    held = random.permutation(script.new_ids(int(usable_pages * p.taken_share)))
    script.add(0, ALLOC, np.sort(held), mobility=MOVABLE)
    half = len(held) // 2
    script.add(S, FREE_OP, held[half:])
    held, count = held[:half], int(half * p.turn_share)
    for turn in range(p.turns):
        held = random.permutation(held)
        script.add((turn + 2) * S, FREE_OP, held[:count])
        taken = script.new_ids(count)
        script.add((turn + 2) * S, ALLOC, taken, mobility=MOVABLE)
        held = np.concatenate([held[count:], taken])
    ops = script.ops((p.turns + 2) * S)
    thin, churn = (int(np.searchsorted(ops.time_us, second * S)) for second in (1, 2))
    return Stream(
        name="realloc-10",
        title=f"a tenth freed and taken again, on {p.memory_mib:g} MiB",
        source=f"synthetic realloc-10, seed {seed}",
        machine=machine,
        start=booted(machine),
        ops=ops,
        phases=(
            Phase("fill", "memory is taken page by page", 0, thin),
            Phase("thin", "a random half is freed", thin, churn),
            Phase("turns", "tenths are freed and taken again", churn, len(ops)),
        ),
        seed=seed,
        parameters=dict(parameters),
    )
