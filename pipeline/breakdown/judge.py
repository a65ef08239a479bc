"""When a mechanism breaks down, and when another holds: what counts as found, and how much."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from pipeline.breakdown.tries import Left

KEPT_AT_MOST = 50.0  # % of the eligible pageblocks: more is no breakdown
RESCUED_AT_LEAST = 20.0  # points of the same
FAILED_AT_MOST = 0.1  # % of the requests: more is a load that memory can't hold


class Verdict(NamedTuple):
    """Of one try over its seeds: `base` keeps so much, `other` so much, % of eligible; is it fair?

    `failed`: % of the requests, of the one that fails more.
    """

    base: float
    other: float
    failed: float
    fair: bool

    @property
    def found(self) -> bool:
        """Whether base breaks down, other holds, and neither because it refused its load."""
        rescued = self.other - self.base
        return self.fair and self.base <= KEPT_AT_MOST and rescued >= RESCUED_AT_LEAST

    @property
    def score(self) -> float:
        """By how much other is ahead, points; below all that are fair where it isn't."""
        return self.other - self.base if self.fair else -100.0 - self.failed


def judge(base: Sequence[Left], other: Sequence[Left]) -> Verdict:
    """The means over seeds; the same seed stands at the same place in both."""
    failed = max(100 * one.failed / max(one.requests, 1) for one in (*base, *other))
    no_refuge = all(b.failed >= o.failed for b, o in zip(base, other, strict=True))
    return Verdict(
        float(np.mean([one.kept for one in base])),
        float(np.mean([one.kept for one in other])),
        failed,
        no_refuge and failed <= FAILED_AT_MOST,
    )


DEFINITION = (
    "Looked for is a load under which {base} breaks down and {other} holds: at rest (phase "
    "{phase}), of the eligible pageblocks, at most {kept:g} % can still become a huge page under "
    "{base} (potential_huge: nothing in them that cannot move), and at least {rescued:g} points "
    "more under {other}. It counts only where both served it: no request more failed under "
    "{other} than under {base} with any seed, and at most {failed:g} % of the requests under "
    "either. A zone has only the pages below it for the kernel: a load that needs more fails "
    "there, and isn't held."
)
