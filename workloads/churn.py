"""A synthetic churn: seeded random requests on a machine of any size.

Requests arrive one a step. Each lives for a random number of steps, drawn log-uniformly around a
mean that keeps the asked share of memory in use. Three phases: memory fills, churns, and comes to
rest (all but the longest-lived is freed). It is no picture of any real load; it is for tests, for
machines of other sizes, and for a first look at a mechanism.
"""

from dataclasses import dataclass, fields

import numpy as np

from allocator.terms import ALLOC, ATOMIC, FREE_OP, RESERVED
from allocator.zones import Machine
from workloads.stream import MAX_TIME_US, Ops, Phase, Stream, WorkloadError
from workloads.synthetic import booted, parsed, random_of


@dataclass(frozen=True)
class Parameters:
    """What can be set with -p; shares are of requests, except `used_share` (of pages)."""

    memory_mib: float = 64.0
    requests: int = 200_000
    used_share: float = 0.85
    unmovable_share: float = 0.12
    reclaimable_share: float = 0.08
    high_order_share: float = 0.04  # of orders 1 to 3, halving with each order
    atomic_share: float = 0.01
    lifetime_spread: float = 100.0  # longest lifetime as a multiple of the shortest
    long_lived_share: float = 0.02  # live to the end
    reserved_share: float = 0.02
    requests_per_second: float = 10_000.0


RANGES = {
    "memory_mib": (1, 1 << 20),
    "requests": (1, 100_000_000),
    "lifetime_spread": (1, 1e6),
    "requests_per_second": (1e-6, 1e12),
    **{field.name: (0, 1) for field in fields(Parameters) if field.name.endswith("_share")},
}

# In which range a search for loads looks; what isn't named stays as it is.
SEARCHED = {
    "used_share": (0.4, 0.95),
    "unmovable_share": (0.01, 0.3),
    "reclaimable_share": (0.01, 0.3),
    "high_order_share": (0.005, 0.2),
    "lifetime_spread": (1, 10_000),
    "long_lived_share": (0.0001, 0.05),
}


def parse(parameters: dict[str, str]) -> Parameters:
    """Parameters from text. Raises WorkloadError for unknown names and values out of range."""
    result = parsed("churn", Parameters, RANGES, parameters)
    if result.unmovable_share + result.reclaimable_share > 1:
        raise WorkloadError("churn: unmovable_share and reclaimable_share add up to more than 1")
    if result.requests / result.requests_per_second * 1e6 > MAX_TIME_US:
        raise WorkloadError(
            f"churn: requests_per_second={result.requests_per_second}: takes more than 100 days"
        )
    return result


def check(parameters: dict[str, str]) -> None:
    """Raise WorkloadError for parameters that it doesn't take."""
    parse(parameters)


def load(parameters: dict[str, str], seed: int) -> Stream:
    """The churn for that seed. Raises WorkloadError for parameters out of range."""
    p = parse(parameters)
    random = random_of("churn", seed)
    machine = _machine(p)
    order, mobility, flags = _requests(p, random)
    fill = min(
        int(p.used_share * _usable(machine) / (1 << order.astype(np.int64)).mean()), p.requests
    )
    lifetime = _lifetimes(p, random, fill)
    ops, rest_op = _operations(p, order, mobility, flags, lifetime)
    fill_op = int(np.searchsorted(np.cumsum(ops.kind == ALLOC), fill))
    return Stream(
        name="churn",
        title=f"synthetic churn on {p.memory_mib:g} MiB",
        source=f"synthetic churn, seed {seed}",
        machine=machine,
        start=booted(machine),
        ops=ops,
        phases=(
            Phase("fill", "requests come, few go", 0, fill_op),
            Phase("churn", "requests come and go", fill_op, rest_op),
            Phase("rest", "at rest: only long-lived pages remain", rest_op, len(ops)),
        ),
        seed=seed,
        parameters=dict(parameters),
    )


def _machine(p: Parameters) -> Machine:
    """Memory whose lowest pages belong to the kernel for good."""
    unusable = np.zeros(int(p.memory_mib * 256), np.uint8)
    unusable[: int(len(unusable) * p.reserved_share)] = RESERVED
    return Machine(name=f"{p.memory_mib:g} MiB, synthetic", unusable=unusable)


def _usable(machine: Machine) -> int:
    return int((machine.unusable == 0).sum())


def _requests(p: Parameters, random: np.random.Generator) -> tuple[np.ndarray, ...]:
    draw = random.random(p.requests)
    mobility = np.where(
        draw < p.unmovable_share, 0, np.where(draw < p.unmovable_share + p.reclaimable_share, 2, 1)
    )
    high = random.random(p.requests) < p.high_order_share
    order = np.where(high, np.minimum(random.geometric(0.5, p.requests), 3), 0)
    flags = np.where(random.random(p.requests) < p.atomic_share, ATOMIC, 0)
    return order.astype(np.uint8), mobility.astype(np.uint8), flags.astype(np.uint8)


def _lifetimes(p: Parameters, random: np.random.Generator, fill: int) -> np.ndarray:
    """When each request is freed, in steps, f8; log-uniform lifetimes of mean `fill`, some endless.

    Powers are rounded to 1/1024: their last digit differs between processors, and the sum of whole
    numbers doesn't depend on its order.
    """
    lifetime = np.rint(1024 * p.lifetime_spread ** random.random(p.requests))
    lifetime *= fill / lifetime.mean()
    lifetime[random.random(p.requests) < p.long_lived_share] = np.inf
    steps = np.arange(p.requests) + np.maximum(lifetime, 1)
    return np.where(np.isfinite(steps), np.minimum(steps, p.requests), np.inf)


def _operations(p: Parameters, order, mobility, flags, death) -> tuple[Ops, int]:
    """All requests and frees in order; the operation at which rest begins."""
    ids = np.arange(p.requests)
    mortal = np.isfinite(death)
    step = np.concatenate((ids, death[mortal]))
    kind = np.concatenate((np.full(p.requests, ALLOC), np.full(int(mortal.sum()), FREE_OP)))
    which = np.concatenate((ids, ids[mortal]))
    sequence = np.lexsort((which, kind == ALLOC, step))  # at one step frees come first
    kind, which, step = kind[sequence], which[sequence], step[sequence]
    alloc = kind == ALLOC
    ops = Ops(
        kind=kind.astype(np.uint8),
        id=which.astype(np.int32),
        order=order[which],
        mobility=np.where(alloc, mobility[which], 0).astype(np.uint8),
        flags=np.where(alloc, flags[which], 0).astype(np.uint8),
        offset=np.zeros(len(kind), np.uint16),
        time_us=(step * (1e6 / p.requests_per_second)).astype(np.int64),
    )
    return ops, int(np.flatnonzero(alloc)[-1]) + 1
