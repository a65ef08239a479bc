"""Run many random programs through the compiled core and the oracle and compare all they do.

python -m tests.allocator.oracle_many --programs 10000 [--first SEED]
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing import Pool

import numpy as np

from allocator.oracle import OracleMemory
from allocator.page_alloc import PCP_LISTS, Memory
from allocator.terms import ALLOC, FREE_OP, NR_MIGRATETYPES, NR_ORDERS, PFN_NONE
from tests.allocator.programs import Operation, Program, make_program

COMPARE_EVERY = 16  # operations


class Mismatch(Exception):
    """Core and oracle differ: says where."""


def apply(memory, operation: Operation, pfn_of: list[int]) -> int:
    """Do one operation, PFN_NONE where its id has no pages; the pfn it concerns."""
    if operation.kind == ALLOC:
        return memory.alloc(operation.order, operation.mobility, operation.flags)
    if operation.kind == FREE_OP:
        pfn = pfn_of[operation.id]
        if pfn != PFN_NONE:
            memory.free(pfn + operation.offset, operation.order)
        return pfn
    memory.drain_all()
    return PFN_NONE


def compare(
    program: Program, oracle_class: type = OracleMemory, every: int = COMPARE_EVERY
) -> tuple[Memory, OracleMemory]:
    """Run a program on both; raises Mismatch.

    The pfn of every operation is compared, and all that is to be seen after each `every` of them.
    """
    core, oracle = program.memory(Memory), program.memory(oracle_class)
    check_same(core, oracle, "start")
    pfn_of = list(program.pfn_of)
    for number, operation in enumerate(program.operations):
        pfn, expected = apply(core, operation, pfn_of), apply(oracle, operation, pfn_of)
        if pfn != expected:
            raise Mismatch(f"operation {number} {operation}: core pfn {pfn}, oracle {expected}")
        if operation.kind == ALLOC:
            pfn_of[operation.id] = pfn
        if number % every == 0:
            check_same(core, oracle, f"operation {number} {operation}")
    check_same(core, oracle, f"end, after {len(program.operations)} operations")
    return core, oracle


def check_same(core, oracle, where: str) -> None:
    """Compare everything that is to be seen of two memories; raises Mismatch at the first."""
    for (what, mine), (_, expected) in zip(_views(core), _views(oracle), strict=True):
        if what == "counters":
            mine = {name: mine[name] for name in expected}
        if isinstance(mine, np.ndarray):
            same = mine.shape == expected.shape and bool((mine == expected).all())
        else:
            same = mine == expected
        if not same:
            raise Mismatch(f"{where}: {what}: {_first_difference(mine, expected)}")


def _views(memory) -> Iterator[tuple[str, object]]:
    """All that is to be seen of a memory, with a name each."""
    for zone in range(len(memory.zones)):
        for order in range(NR_ORDERS):
            for migratetype in range(NR_MIGRATETYPES):
                yield (
                    f"free_list({zone}, {order}, {migratetype})",
                    memory.free_list(zone, order, migratetype),
                )
        for index in range(PCP_LISTS):
            yield f"pcp_list({zone}, {index})", memory.pcp_list(zone, index)
        yield f"zone_state({zone})", memory.zone_state(zone)
    yield "page_class", memory.page_class()
    yield "block_types", memory.block_types()
    yield "free_blocks", memory.free_blocks()
    yield "counters", memory.counters()
    yield "events", memory.events()
    yield "next_op", memory.next_op()


def _first_difference(mine, expected) -> str:
    if isinstance(mine, dict):
        differing = {k: (v, expected[k]) for k, v in mine.items() if v != expected[k]}
        return f"(core, oracle) {differing}"
    if isinstance(mine, int):
        return f"core {mine}, oracle {expected}"
    if len(mine) != len(expected):
        return f"core {len(mine)} entries {list(mine)[:8]}, oracle {len(expected)} " + str(
            list(expected)[:8]
        )
    for place, (one, other) in enumerate(zip(mine, expected, strict=True)):
        if np.any(one != other):
            return f"entry {place}: core {one}, oracle {other}"
    return "same entries"


def describe(program: Program) -> str:
    """What is needed to make a program again, and its machine in short."""
    zones = ", ".join(f"{z.name} {z.start_pfn}-{z.end_pfn}" for z in program.zones)
    return (
        f"seed {program.seed}: {program.mechanism.name} {program.parameters}; "
        f"{program.machine.pages} pages, {zones}; make_program({program.seed})"
    )


def first_mismatch(program: Program) -> str:
    """Where a program that differs differs first, and how to make it again."""
    try:
        compare(program, every=1)
    except Exception as error:  # one that only one of the two raises is a mismatch too
        return f"{describe(program)}\n  {type(error).__name__}: {error}"
    return f"{describe(program)}\n  no mismatch when run again"


def run_seed(seed: int) -> tuple[str, int, str, dict[str, int]]:
    """(mechanism, operations, mismatch or '', the core's counters) of one program."""
    program = make_program(seed)
    name, operations = program.mechanism.name, len(program.operations)
    try:
        core, _ = compare(program)
    except Exception:
        return name, operations, first_mismatch(program), {}
    return name, operations, "", core.counters()


def main() -> int:
    """Command line; 1 where anything differed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, metavar="SEED")
    parser.add_argument("--counters", action="store_true", help="print sums by mechanism")
    arguments = parser.parse_args()
    seeds = range(arguments.first, arguments.first + arguments.programs)
    operations, mismatches, started, told = 0, 0, time.monotonic(), time.monotonic()
    sums: dict[str, Counter] = {}
    with Pool() as pool:
        results = pool.imap_unordered(run_seed, seeds, chunksize=8)
        for done, (name, count, mismatch, counters) in enumerate(results, 1):
            operations += count
            sums.setdefault(name, Counter()).update(counters)
            if mismatch:
                mismatches += 1
                print(mismatch, flush=True)
            if time.monotonic() - told > 20:
                told = time.monotonic()
                print(f"{done} of {len(seeds)} programs", file=sys.stderr, flush=True)
    if arguments.counters:
        for name, counter in sorted(sums.items()):
            print(name, dict(counter))
    print(
        f"{len(seeds)} programs, {operations} operations compared, {mismatches} mismatches, "
        f"{time.monotonic() - started:.0f} s"
    )
    return 1 if mismatches else 0


if __name__ == "__main__":
    sys.exit(main())
