"""All runs that the claims need, made once each, and what came out of the checks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.claims.catalogue import Claim
from pipeline.claims.checks import Outcome, Results
from pipeline.claims.settings import Run, Setting
from pipeline.samples import Call, brought_back

HOLDS, FAILS, CANNOT = "holds", "fails", "cannot be simulated"
HOLDING_SHARE = 0.9  # of the seeds


@dataclass(frozen=True)
class Verdict:
    """What came of a claim. `outcomes`: by setting, the default first; none without a check."""

    claim: Claim
    outcomes: dict[Setting, Outcome]

    @property
    def text(self) -> str:
        """Under the default: holds, fails, or cannot be simulated."""
        if self.claim.why_not:
            return CANNOT
        return word(self.outcomes[self.claim.setting])

    @property
    def deciding(self) -> list[Setting]:
        """The choices under which it comes out otherwise."""
        if self.claim.why_not:
            return []
        return [s for s, outcome in self.outcomes.items() if word(outcome) != self.text]


def word(outcome: Outcome) -> str:
    """Whether a claim holds, with nine of ten seeds or more."""
    return HOLDS if np.mean(outcome.holds) >= HOLDING_SHARE else FAILS


def verdicts(
    claims: Sequence[Claim], memory_mib: float, seeds: Sequence[int], jobs: int
) -> list[Verdict]:
    """Run what the claims need, up to `jobs` at a time, and check them.

    Raises WorkloadError, MechanismError, OSError, ExecuteError.
    """
    results = _results(_needed(claims), memory_mib, seeds, jobs)
    return [
        Verdict(claim, {s: claim.check(results, s) for s in (claim.setting, *claim.over)})
        if claim.check
        else Verdict(claim, {})
        for claim in claims
    ]


def _needed(claims: Sequence[Claim]) -> list[Run]:
    """Each setting once, with all mechanisms that some claim needs there, in order."""
    mechanisms: dict[Setting, list[str]] = {}
    for claim in claims:
        for run in claim.runs():
            names = mechanisms.setdefault(run.setting, [])
            names += [name for name in run.mechanisms if name not in names]
    return [Run(setting, tuple(names)) for setting, names in mechanisms.items()]


def _results(runs: list[Run], memory_mib: float, seeds: Sequence[int], jobs: int) -> Results:
    calls = [
        Call(f"{run.setting.title}, seed {seed}", run.figures, (memory_mib, seed))
        for run in runs
        for seed in seeds
    ]
    made = brought_back(calls, jobs)
    by_run = {run: made[n * len(seeds) : (n + 1) * len(seeds)] for n, run in enumerate(runs)}
    return Results(
        {
            (run.setting, name): [figures[name] for figures in by_run[run]]
            for run in runs
            for name in run.mechanisms
        }
    )
