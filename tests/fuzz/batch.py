"""Many inputs for one parser, by numbers or by Hypothesis, and what came of them."""

import resource
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz.judge import ACCEPTED, FAULT, Verdict, judge, seeded
from tests.fuzz.targets import TARGETS

MEMORY_MB = 640  # that a process may come to by any input; about 150 are its own
KEPT_FAULTS = 20  # of a batch are told
SCRATCH = Path("/dev/shm") if Path("/dev/shm").is_dir() else None


@dataclass
class Tally:
    """What came of some inputs."""

    inputs: int = 0
    accepted: int = 0
    refused: int = 0
    faults: int = 0
    slowest_s: float = 0.0
    slowest: str = ""
    peak_mb: int = 0
    told: list[str] = field(default_factory=list)

    def add(self, verdict: Verdict, which: str) -> None:
        """One more; `which` tells which input it was."""
        self.inputs += 1
        self.accepted += verdict.kind == ACCEPTED
        self.refused += verdict.kind not in (ACCEPTED, FAULT)
        if verdict.seconds > self.slowest_s:
            self.slowest_s, self.slowest = verdict.seconds, which
        if verdict.kind == FAULT:
            self.fault(f"{which}: {verdict.fault}")

    def fault(self, told: str) -> None:
        self.faults += 1
        self.told = [*self.told, told][:KEPT_FAULTS]

    def join(self, other: "Tally") -> None:
        """Both together."""
        for name in ("inputs", "accepted", "refused", "faults"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        if other.slowest_s > self.slowest_s:
            self.slowest_s, self.slowest = other.slowest_s, other.slowest
        self.peak_mb = max(self.peak_mb, other.peak_mb)
        self.told += other.told

    def as_dict(self) -> dict:
        return asdict(self)


def peak_mb() -> int:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def by_number(name: str, first: int, count: int) -> Iterator[tuple[int, Verdict]]:
    """Each input's number, before it is tried and after: then with its verdict."""
    target = TARGETS[name]
    with tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
        for number in range(first, first + count):
            yield number, None
            verdict = judge(target, target.make(seeded(target, number), Path(folder)))
            if peak_mb() > MEMORY_MB:
                verdict = Verdict(FAULT, f"memory: {peak_mb()} MB", verdict.seconds)
            yield number, verdict


class Found(Exception):
    """A fault; Hypothesis looks for the smallest input that has it."""


def by_hypothesis(name: str, first: int, count: int) -> Tally:
    """So many inputs whose choices Hypothesis makes; a fault is told by its smallest input."""
    target, tally = TARGETS[name], Tally()
    with tempfile.TemporaryDirectory(dir=SCRATCH) as folder:

        @seed(first)
        @settings(max_examples=count, database=None, deadline=None, derandomize=False,
                  phases=(Phase.generate, Phase.shrink),
                  suppress_health_check=list(HealthCheck), report_multiple_bugs=False)  # fmt: skip
        @given(st.randoms(use_true_random=False))
        def tried(random) -> None:
            verdict = judge(target, target.make(random, Path(folder)))
            if verdict.kind == FAULT:
                raise Found(verdict.fault)
            tally.add(verdict, f"Hypothesis {first}")

        try:
            tried()
        except Found as found:
            tally.fault(f"{name}, Hypothesis {first}: {found}")
    tally.peak_mb = peak_mb()
    return tally
