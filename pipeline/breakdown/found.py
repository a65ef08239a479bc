"""What a search found: everything that its report tells."""

from collections.abc import Sequence
from dataclasses import dataclass

from allocator.mechanism import Mechanism
from pipeline.breakdown.judge import KEPT_AT_MOST, Verdict, judge
from pipeline.breakdown.search import Tried
from pipeline.breakdown.space import Space
from pipeline.breakdown.tries import Left

SEARCH_SEEDS = 2  # a find shows with each of them, lest one seed's luck is what is found
CONFIRM_SEEDS = 10  # others: what was chosen for its figures isn't judged by them
TESTCASE_SEEDS = 3  # of those


@dataclass(frozen=True)
class Seeds:
    """Which seeds a search of that seed uses."""

    seed: int

    @property
    def search(self) -> range:
        """Of every try."""
        return range(self.seed, self.seed + SEARCH_SEEDS)

    @property
    def confirm(self) -> range:
        """Of the best one alone."""
        return range(self.search.stop, self.search.stop + CONFIRM_SEEDS)


@dataclass(frozen=True)
class Found:
    """A search's end. `mechanisms`: base, other, and that without either, if there is one.

    `chosen`: what was confirmed, None where no try was a find; `left`: by mechanism, for each
    confirming seed.
    """

    workload: str
    phase: str
    mechanisms: tuple[Mechanism, ...]
    fixed: dict[str, str]
    space: Space
    seeds: Seeds
    tried: Sequence[Tried]
    best: Sequence[Tried]
    chosen: Tried | None = None
    left: tuple[tuple[Left, ...], ...] = ()

    @property
    def verdict(self) -> Verdict:
        """Over the confirming seeds."""
        return judge(*self.left[:2])

    @property
    def confirmed(self) -> bool:
        """Whether it is a find with the confirming seeds too."""
        return self.chosen is not None and self.verdict.found

    @property
    def testcase_seeds(self) -> list[int]:
        """Confirming seeds that show it by themselves, which a testcase asks of each."""
        alone = [
            seed
            for seed, base, other in zip(self.seeds.confirm, *self.left[:2], strict=True)
            if judge((base,), (other,)).found and base.kept < KEPT_AT_MOST
        ]
        return alone[:TESTCASE_SEEDS]

    @property
    def parameters(self) -> dict[str, str]:
        """All of the find's that are set."""
        return self.fixed | (self.chosen.parameters if self.chosen else {})
