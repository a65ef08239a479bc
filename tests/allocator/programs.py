"""Random programs for comparing the compiled core with the oracle: machine, start, operations."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

import numpy as np

from allocator.boot import aligned_blocks, boot, free_ranges, release_free_pages
from allocator.mechanism import Mechanism, load_mechanism, mechanism_names
from allocator.terms import (
    ALLOC,
    ATOMIC,
    CLASS_MOVABLE,
    CLASS_RECLAIMABLE,
    CLASS_UNMOVABLE,
    DRAIN,
    FREE_OP,
    HIGHATOMIC,
    HOLE,
    HUGE,
    HUGETLB,
    KERNEL_UNKNOWN,
    MAX_ORDER,
    MIGRATETYPES,
    MOVABLE,
    PFN_NONE,
    RECLAIMABLE,
    RESERVED,
    UNMOVABLE,
)
from allocator.zones import MOVABLE_ZONE, Machine, Zone, build_zones, grouping_enabled

NAMES = mechanism_names()
SMALLEST_MACHINE, LARGEST_MACHINE = 300, 20_000  # pages
MOBILITIES = (UNMOVABLE, MOVABLE, RECLAIMABLE)


@dataclass(frozen=True)
class Start:
    """Memory in the midst of its life, as a recording of a real machine gives it.

    `used` are (pfn, order, class) in use; they are the first ids of the program. `pcp_pfns` lie on
    the per-CPU lists; the pages of `free` are free, on the lists of `list_types[block]`.
    """

    used: list[tuple[int, int, int]]
    pcp_pfns: list[int]
    free: np.ndarray
    block_types: list[int]
    list_types: list[int]


@dataclass(frozen=True)
class Operation:
    """One operation on id `id`; a piece of an allocation lies `offset` pages into it."""

    kind: int
    id: int = 0
    order: int = 0
    mobility: int = UNMOVABLE
    flags: int = 0
    offset: int = 0


@dataclass(frozen=True)
class Program:
    """A machine under a mechanism, and what is done to it.

    `start`: None for a machine just booted. `pfn_of`: by id, before the first operation.
    """

    seed: int
    mechanism: Mechanism
    parameters: dict[str, str]
    machine: Machine
    zones: tuple[Zone, ...]
    start: Start | None
    operations: list[Operation]
    pfn_of: list[int]

    def memory(self, cls: type):
        """A new memory of class `cls` in the program's start state."""
        if self.start is None:
            # Not the zones that boot builds but these, whose names may differ.
            return boot(
                self.machine,
                self.mechanism,
                lambda _, mechanism, pages: cls(self.zones, mechanism, pages),
            )
        memory = cls(self.zones, self.mechanism, self.machine.pages)
        for pfn in np.flatnonzero(self.machine.unusable == HOLE).tolist():
            memory.set_used(pfn, 0, HOLE)
        for block, migratetype in enumerate(self.start.block_types):
            memory.set_block_type(block, migratetype)
        for pfn, order, page_class in self.start.used:
            memory.set_used(pfn, order, page_class)
        for pfn in self.start.pcp_pfns:
            memory.set_pcp(pfn)
        block_order, list_types = self.mechanism.grouping.block_order, self.start.list_types
        release_free_pages(memory, self.start.free, lambda pfn: list_types[pfn >> block_order])
        return memory


def make_program(seed: int) -> Program:
    """The program of a seed; the mechanisms take turns."""
    random = Random(seed)
    name = NAMES[seed % len(NAMES)]
    machine = _machine(random)
    parameters = _parameters(random, name, machine)
    mechanism = load_mechanism(name, parameters)
    zones = _zones(random, machine, mechanism)
    start = None if random.random() < 0.35 else _start(random, machine, mechanism, zones)
    pfn_of = [] if start is None else [pfn for pfn, _, _ in start.used]
    writer = _Writer(random, machine, start)
    operations = list(writer.operations())
    pfn_of += [PFN_NONE] * (writer.next_id - len(pfn_of))
    return Program(seed, mechanism, parameters, machine, zones, start, operations, pfn_of)


# Machine and mechanism.


def _machine(random: Random) -> Machine:
    """Memory of any size with reserved ranges and holes in it."""
    pages = int(SMALLEST_MACHINE * (LARGEST_MACHINE / SMALLEST_MACHINE) ** random.random())
    if random.random() < 0.3:
        pages = max(pages & ~1023, 1024)
    unusable = np.zeros(pages, np.uint8)
    for kind in (RESERVED, HOLE):
        for _ in range(random.choice((0, 1, 3))):
            start = random.randrange(pages)
            unusable[start : start + random.randrange(1, pages // 8)] = kind
    min_free_kbytes = None
    if random.random() < 0.7:
        min_free_kbytes = max(int(pages * 4 * random.choice((0, 0.004, 0.02, 0.06, 0.15))), 4)
    return Machine("random", unusable, min_free_kbytes)


def _parameters(random: Random, name: str, machine: Machine) -> dict[str, str]:
    """Entries that differ from the built-in mechanism's."""
    choices = {
        "kernelcore": (0.15, ("20%", "37.5%", "50%", "75%", "95%", "3M")),
        "min_free_kbytes": (0.1, (str(random.randrange(4, 64 + machine.pages // 4)),)),
        "zones.movable_start_order": (0.3, ("0", "3", "9", "10")),
        "grouping.block_order": (0.4, _block_orders(name)),
        "per_cpu.rule": (0.25, _pcp_rules(name)),
        "per_cpu.batch_cap_pages": (0.1, ("4", "8", "256")),
        "watermarks.rule": (0.1, ("halving", "one-block")),
        "watermarks.distance": (0.1, ("quarter", "scale-factor")),
        "per_cpu.batch_pages": (0.1, ("1", "2", "5", "31", "100")),
        "per_cpu.high_pages": (0.1, ("1", "7", "60", "400")),
        "watermarks.scale_factor": (0.1, ("1", "100", "1000")),
        "free_lists.tail_insertion": (0.1, ("true", "false")),
        "free_lists.insertion": (0.15, ("head", "tail", "tail")),
        "free_lists.boot_order": (0.1, ("highest-first", "lowest-first")),
        "high_atomic.rule": (0.05, ("none",)),
        "high_atomic.limit_percent": (0.1, ("0", "5", "50")),
        **_grouping(random, name),
    }
    if name.endswith(("zone", "both")):
        choices["kernelcore"] = (0.6, choices["kernelcore"][1])
    if name.startswith("6.1"):
        choices["grouping.nofragment"] = (0.1, ("false",))
    return {
        key: random.choice(values)
        for key, (share, values) in choices.items()
        if random.random() < share
    }


def _grouping(random: Random, name: str) -> dict[str, tuple[float, tuple[str, ...]]]:
    """Entries that only have an effect where types are told apart."""
    types = {"2007-list": MIGRATETYPES, "2007-both": MIGRATETYPES}.get(name, MIGRATETYPES[:3])
    if name in ("2007-vanilla", "2007-zone"):
        return {}
    choices = {
        "grouping.claims": (0.05, ("false",)),
        "grouping.smallest": (0.1, ("false",)),
        "grouping.claim_threshold_percent": (0.2, ("1", "20", "33", "51", "80", "100")),
    }
    for of_type in types:
        others = [other for other in types if other != of_type]
        some = random.sample(others, random.choice((0, *range(1, len(others) + 1))))
        choices[f"grouping.fallbacks.{of_type}"] = (0.15, (",".join(some),))
    return choices


def _block_orders(name: str) -> tuple[str, ...]:
    if name.startswith("2007"):
        return ("10", "10", "9", "8")
    return ("1", "2", "3", "4", "5", "6", "7", "8", "9", "10")


def _pcp_rules(name: str) -> tuple[str, ...]:
    """Rules that go with a mechanism: no list of types-and-orders has March 2007's type 3."""
    if name in ("2007-list", "2007-both"):
        return ("none", "none", "hot")
    return ("none", "none", "hot", "tagged", "types-and-orders")


def _zones(random: Random, machine: Machine, mechanism: Mechanism) -> tuple[Zone, ...]:
    """The zones, often with what only much larger machines have.

    A real Normal, whose name nofragment asks for, begins at 4 GiB; the full batch of the per-CPU
    lists needs 512 MiB in a zone.
    """
    zones = list(build_zones(machine, mechanism))
    highest = max(n for n, zone in enumerate(zones) if zone.name != MOVABLE_ZONE)
    if random.random() < 0.5:
        zones[highest] = replace(zones[highest], name="Normal")
    if random.random() < 0.5:
        batch = random.choice((2, 3, 7, 15, 63))
        high = random.choice((6 * batch, 6 * batch, 4 * batch, batch + 1, batch - 1))
        zones = [replace(zone, batch_pages=batch, pcp_high_pages=high) for zone in zones]
    return tuple(zones)


# Start.


def _start(
    random: Random, machine: Machine, mechanism: Mechanism, zones: tuple[Zone, ...]
) -> Start:
    """Pages in use in runs of any length, the rest free, some of it on per-CPU lists."""
    usable = machine.unusable == 0
    used = np.zeros(machine.pages, bool)
    fill, run = random.choice((0.05, 0.5, 0.8, 0.95, 1.0)), random.choice((2, 8, 60, 500))
    at = 0
    while at < machine.pages:
        length = 1 + int(random.expovariate(1 / run))
        used[at : at + length] = random.random() < fill
        at += length
    used &= usable
    free = usable & ~used
    pcp_pfns = []
    if mechanism.per_cpu.rule != "none" and random.random() < 0.6:
        candidates = np.flatnonzero(free).tolist()
        pcp_pfns = random.sample(candidates, min(len(candidates), random.randrange(60)))
        free[pcp_pfns] = False
    block_types = _block_types(random, machine, mechanism, zones)
    strays = 0 if mechanism.grouping.rule == "none" else random.choice((0, 0.2, 0.6))
    list_types = [
        random.choice(MOBILITIES) if random.random() < strays else migratetype
        for migratetype in block_types
    ]
    return Start(_used_blocks(random, used, zones), pcp_pfns, free, block_types, list_types)


def _used_blocks(
    random: Random, used: np.ndarray, zones: tuple[Zone, ...]
) -> list[tuple[int, int, int]]:
    """What is in use, in blocks of any order."""
    classes = random.choices(
        (CLASS_MOVABLE, CLASS_UNMOVABLE, CLASS_RECLAIMABLE, HUGETLB, KERNEL_UNKNOWN),
        random.choice(((8, 1, 1, 0, 0), (1, 4, 4, 1, 1), (4, 4, 1, 0, 1))),
        k=20,
    )
    blocks = []
    for zone in zones:
        for start, end in free_ranges(used[zone.start_pfn : zone.end_pfn]):
            for pfn, order in aligned_blocks(zone.start_pfn + start, zone.start_pfn + end):
                page_class, piece = random.choice(classes), random.randint(0, order)
                for first in range(pfn, pfn + (1 << order), 1 << piece):
                    blocks.append((first, piece, page_class))
    return blocks


def _block_types(
    random: Random, machine: Machine, mechanism: Mechanism, zones: tuple[Zone, ...]
) -> list[int]:
    """Types of the pageblocks: what the mechanism can have."""
    choice = [UNMOVABLE]
    if grouping_enabled(zones, mechanism):
        choice = random.choices(MOBILITIES, k=random.randint(1, 4))
    if mechanism.high_atomic.rule != "none" and random.random() < 0.5:
        choice.append(HIGHATOMIC)
    nr_blocks = -(-machine.pages >> mechanism.grouping.block_order)
    return random.choices(choice, k=nr_blocks)


# Operations.


class _Writer:
    """Writes the operations: phases that each aim at an amount of memory in use.

    It cannot know which requests fail; what concerns a failed request's id is left out when the
    program is run. So programs that aim above all of memory run it full.
    """

    def __init__(self, random: Random, machine: Machine, start: Start | None):
        self.random = random
        self.usable_pages = int(np.count_nonzero(machine.unusable == 0))
        used = [] if start is None else start.used
        self.live = [(number, 0, order) for number, (_, order, _) in enumerate(used)]
        self.live_pages = sum(1 << order for _, order, _ in used)
        self.next_id = len(used)

    def operations(self) -> Iterator[Operation]:
        """A few phases."""
        for _ in range(self.random.randint(3, 8)):
            yield from self._phase(self.random.randint(40, 400))

    def _phase(self, length: int) -> Iterator[Operation]:
        random = self.random
        aim = random.choice((0.1, 0.5, 0.9, 1.0, 1.1, 1.3)) * self.usable_pages
        order_weights = self._order_weights(max(aim - self.live_pages, 0) / length)
        mobility_weights = random.choice(((1, 1, 1), (1, 8, 1), (8, 1, 1), (1, 1, 8), (0, 1, 0)))
        atomic = random.choice((0, 0.05, 0.3, 0.9))
        pieces, newest_first = random.choice((0, 0.1, 0.5)), random.choice((0, 0.5, 1))
        for _ in range(length):
            if not self.live or random.random() < (0.85 if self.live_pages < aim else 0.3):
                yield self._alloc(order_weights, mobility_weights, atomic)
            elif random.random() < 0.02:
                yield Operation(DRAIN)
            else:
                yield self._free(pieces, newest_first)

    def _order_weights(self, pages_needed: float) -> list[float]:
        """Small orders above all, and some large enough to reach the aim in time."""
        large = min(int(pages_needed).bit_length(), MAX_ORDER)
        falling, share = self.random.choice((0.1, 0.3, 0.6)), self.random.choice((0, 0.1, 1))
        return [
            falling**order + share * falling ** abs(order - large) for order in range(MAX_ORDER + 1)
        ]

    def _alloc(self, order_weights, mobility_weights, atomic: float) -> Operation:
        order = self.random.choices(range(MAX_ORDER + 1), order_weights)[0]
        mobility = self.random.choices(MOBILITIES, mobility_weights)[0]
        flags = ATOMIC if self.random.random() < atomic else 0
        if mobility == MOVABLE and self.random.random() < 0.1:
            flags |= HUGE
        number = self.next_id
        self.next_id += 1
        self.live.append((number, 0, order))
        self.live_pages += 1 << order
        return Operation(ALLOC, number, order, mobility, flags)

    def _free(self, pieces: float, newest_first: float) -> Operation:
        """Free what is live, or one piece of it; the other pieces stay live."""
        random = self.random
        newest = random.random() < newest_first
        number, offset, order = self.live.pop(-1 if newest else random.randrange(len(self.live)))
        while order > 0 and random.random() < pieces:
            order -= 1
            upper = offset + (1 << order)
            kept, offset = random.choice(((offset, upper), (upper, offset)))
            self.live.append((number, kept, order))
        self.live_pages -= 1 << order
        return Operation(FREE_OP, number, order, offset=offset)
