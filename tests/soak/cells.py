"""What a soak runs: streams of many kinds and sizes, each under every mechanism."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import allocator
from allocator.mechanism import Mechanism, load_mechanism, mechanism_names
from workloads import load_workload
from workloads.stream import Stream

# Beside the built-in mechanisms as they are: rules and sizes that change how they work.
VARIANTS = (
    ("6.1-zone", {"kernelcore": "30%"}),
    ("6.1-both", {"kernelcore": "30%", "compaction.proactiveness": "100"}),
    ("2007-both", {"kernelcore": "30%", "reclaim.lumpy": "true"}),
    ("6.1-list", {"grouping.block_order": "10"}),
    ("6.1-list", {"grouping.block_order": "6", "min_free_kbytes": "4096"}),
    ("6.1-list", {"per_cpu.rule": "none", "reclaim.swappiness": "200"}),
    ("6.1-off", {"high_atomic.rule": "none", "reclaim.swappiness": "10"}),
    ("2007-list", {"reclaim.lumpy": "true", "reclaim.kswapd": "order-blind"}),
    ("6.1-list", {"grouping.claim_threshold_percent": "10", "free_lists.insertion": "tail"}),
    ("6.1-both", {"high_atomic.limit_percent": "10", "grouping.fallbacks.unmovable": "movable"}),
)

# Frequent atomic requests of high orders work the high-atomic reserve; memory full to the brim
# makes requests fail.
_ATOMIC = {"atomic_share": "0.3", "high_order_share": "0.2"}
_FULL = {"used_share": "1", "long_lived_share": "0.1", "unmovable_share": "0.3"}
_BUILDS = {"builds": "3", "build_s": "6", "settle_s": "1"}
WORKLOADS: tuple[tuple[str, dict[str, str]], ...] = (
    ("churn", {"memory_mib": "12", "requests": "200000", **_FULL}),
    ("churn", {"memory_mib": "64", "requests": "250000", **_ATOMIC}),
    ("churn", {"memory_mib": "192", "requests": "250000", **_ATOMIC, **_FULL}),
    ("churn", {"memory_mib": "256", "requests": "1500000", "high_order_share": "0.1"}),
    ("churn", {"memory_mib": "1024", "requests": "1500000", "reclaimable_share": "0.3"}),
    ("realloc-10", {"memory_mib": "128", "turns": "500"}),
    ("ebizzy", {"memory_mib": "32", "seconds": "30", "requests_per_s": "300"}),
    ("ebizzy", {"memory_mib": "96", "seconds": "40"}),
    ("stress-highalloc", {"memory_mib": "48", **_BUILDS}),
    ("stress-highalloc", {"memory_mib": "96", "order": "10", **_BUILDS}),
    ("stress-highalloc", {"memory_mib": "128", "architecture": "i386", **_BUILDS}),
    ("debian-6.1-churn", {}),
)


class Load(NamedTuple):
    """A stream to be made."""

    workload: str
    parameters: dict[str, str]
    seed: int

    def stream(self) -> Stream:
        """The stream; a recorded one is perturbed at its start by the seed."""
        return replace(load_workload(self.workload, self.parameters, self.seed), seed=self.seed)


class Cell(NamedTuple):
    """One stream under one mechanism."""

    load: Load
    mechanism: str
    parameters: dict[str, str]

    @property
    def name(self) -> str:
        """All that it takes to repeat it, as text."""
        load = self.load
        return " ".join(
            (
                *(load.workload, *_options(load.parameters), f"seed {load.seed}"),
                *("under", self.mechanism, *_options(self.parameters)),
            )
        )

    @property
    def label(self) -> str:
        """The mechanism with its parameters."""
        return " ".join((self.mechanism, *_options(self.parameters)))

    def rules(self) -> Mechanism:
        return load_mechanism(self.mechanism, self.parameters)

    def file(self, folder: Path) -> Path:
        """Where its result is kept: by what it is and by the allocator that ran it."""
        key = blake2b(f"{allocator_digest()} {self.name}".encode(), digest_size=12)
        return folder / f"{key.hexdigest()}.json"


def _options(parameters: dict[str, str]) -> list[str]:
    return [f"{key}={value}" for key, value in parameters.items()]


def loads() -> Iterator[Load]:
    """Without end: seed by seed, each with all workloads."""
    seed = 0
    while True:
        for workload, parameters in WORKLOADS:
            yield Load(workload, parameters, seed)
        seed += 1


def cells_of(load: Load) -> list[Cell]:
    """A stream under every mechanism."""
    built_in = [(name, {}) for name in mechanism_names()]
    return [Cell(load, name, dict(rules)) for name, rules in (*built_in, *VARIANTS)]


@cache
def allocator_digest() -> str:
    """Of the allocator's source, and of what feeds it: what another one did isn't taken as done."""
    digest = blake2b(digest_size=12)
    root = Path(allocator.__file__).parents[1]
    kinds = ("allocator/*.py", "allocator/mechanisms/*.toml", "workloads/*.py", "workloads/data/*",
             "pipeline/start.py", "pipeline/simulate.py", "tests/soak/*.py")  # fmt: skip
    for path in sorted(path for kind in kinds for path in root.glob(kind)):
        digest.update(f"{path.relative_to(root)}\n".encode() + path.read_bytes())
    return digest.hexdigest()
