"""Small machines and random programs for the tests of the allocator."""

from dataclasses import dataclass, field
from random import Random

import numpy as np
from hypothesis import strategies as st

from allocator.boot import boot
from allocator.mechanism import load_mechanism, mechanism_names
from allocator.page_alloc import Memory
from allocator.terms import ATOMIC, HOLE, PFN_NONE, RESERVED
from allocator.zones import Machine

MECHANISMS = mechanism_names()
# Sizes at which the zones differ: one zone; DMA and a little more; grouping off (below 2560).
SMALL_PAGES = (2304, 3072, 4096, 5000, 6144)


def small_machine(pages: int, seed: int = 0, patches: int = 6) -> Machine:
    """Memory with some reserved pages and holes, at places drawn from `seed`."""
    random = Random(seed)
    unusable = np.zeros(pages, np.uint8)
    for _ in range(patches):
        start = random.randrange(pages)
        unusable[start : start + random.choice((1, 3, 40))] = random.choice((RESERVED, HOLE))
    return Machine(
        f"{pages} pages, seed {seed}", unusable, min_free_kbytes=random.choice((None, 128))
    )


@st.composite
def machines(draw) -> Machine:
    return small_machine(draw(st.sampled_from(SMALL_PAGES)), draw(st.integers(0, 99)))


# A step: ("alloc", order, mobility, flags), ("free", which, piece) or ("drain",).
ORDERS = st.sampled_from((0, 0, 0, 0, 1, 2, 3, 3, 4, 6, 7, 8, 9, 9, 10))
STEPS = st.one_of(
    st.tuples(st.just("alloc"), ORDERS, st.integers(0, 2), st.sampled_from((0, 0, 0, ATOMIC))),
    st.tuples(st.just("alloc"), ORDERS, st.integers(0, 2), st.sampled_from((0, 0, 0, ATOMIC))),
    st.tuples(st.just("free"), st.integers(0, 10**6), st.sampled_from((0, 0, 1, 2))),
    st.just(("drain",)),
)


def random_steps(seed: int, count: int, fill: float = 0.6) -> list[tuple]:
    """A long program; memory fills where more than half of the steps are requests."""
    random = Random(seed)
    steps = []
    for _ in range(count):
        draw = random.random()
        if draw < fill:
            order = random.choice((0,) * 12 + (1, 1, 2, 3, 3, 4, 5, 7, 9, 9, 10))
            steps.append(
                ("alloc", order, random.choice((0, 1, 1, 2)), ATOMIC * (random.random() < 0.2))
            )
        elif draw < 0.995:
            steps.append(("free", random.randrange(10**6), random.choice((0, 0, 0, 1, 2))))
        else:
            steps.append(("drain",))
    return steps


@dataclass
class Runner:
    """Applies steps to a machine and keeps what is in use."""

    memory: Memory
    live: list[tuple[int, int]] = field(default_factory=list)
    pfns: list[int] = field(default_factory=list)  # of all requests, in order

    def step(self, step: tuple) -> None:
        kind, *values = step
        if kind == "alloc":
            pfn = self.memory.alloc(*values)
            self.pfns.append(pfn)
            if pfn != PFN_NONE:
                self.live.append((pfn, values[0]))
        elif kind == "free" and self.live:
            self._free(*values)
        elif kind == "drain":
            self.memory.drain_all()

    def _free(self, which: int, halvings: int) -> None:
        """Free an allocation, or its upper half, or the upper quarter of the upper half."""
        pfn, order = self.live.pop(which % len(self.live))
        for _ in range(min(halvings, order)):
            order -= 1
            self.live.append((pfn, order))
            pfn += 1 << order
        self.memory.free(pfn, order)

    def run(self, steps: list[tuple]) -> "Runner":
        for step in steps:
            self.step(step)
        return self


def booted(name: str, machine: Machine, cls: type = Memory, **parameters: str) -> Memory:
    return boot(machine, load_mechanism(name, parameters), cls)


def worked(name: str, machine: Machine, seed: int = 1, count: int = 1500) -> Memory:
    """A machine after a random program."""
    return Runner(booted(name, machine)).run(random_steps(seed, count)).memory


def state(memory: Memory) -> dict:
    """All that a machine shows of itself."""
    zones = range(len(memory.zones))
    return {
        "free": [
            memory.free_list(zone, order, migratetype)
            for zone in zones
            for order in range(11)
            for migratetype in range(4)
        ],
        "pcp": [memory.pcp_list(zone, index) for zone in zones for index in range(14)],
        "classes": memory.page_class().tolist(),
        "types": memory.block_types().tolist(),
        "free_blocks": memory.free_blocks().tolist(),
        "zones": [memory.zone_state(zone) for zone in zones],
        "counters": memory.counters(),
        "next_op": memory.next_op(),
        "events": memory.events().tolist(),
        "dropped": memory.dropped_events(),
    }
