"""Paired differences over perturbed starts: what is more than noise."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from allocator.mechanism import Mechanism
from pipeline.ablation.rules import Ablated
from pipeline.samples import PLACED_ANEW, TOTAL, Figures
from workloads.stream import Stream

NOISE_ERRORS = 3  # standard errors
INTEGRATION_STEPS = 200_000


class Difference(NamedTuple):
    """Off minus on. Means over the starts, in the metric's unit; NaN where a start has no value."""

    value_on: float
    value_off: float
    difference: float
    standard_error: float
    beyond_noise: bool


def paired(on: Sequence[float], off: Sequence[float]) -> Difference:
    """The difference of values from the same starts, at least two of them.

    Differences that are all alike have no error: then any but zero is beyond noise.
    """
    differences = np.subtract(off, on)
    mean = float(differences.mean())
    error = float(differences.std(ddof=1)) / math.sqrt(len(differences))
    beyond = abs(mean) > NOISE_ERRORS * error
    return Difference(float(np.mean(on)), float(np.mean(off)), mean, error, beyond)


def false_alarms(starts: int) -> float:
    """How often a difference is beyond noise where there is none: the tails of Student's t."""
    freedom = starts - 1
    # With t = sqrt(freedom) tan(angle) the density is cos(angle) to the power freedom - 1.
    limit = math.atan(NOISE_ERRORS / math.sqrt(freedom))
    angles = (np.arange(INTEGRATION_STEPS) + 0.5) / INTEGRATION_STEPS * math.pi / 2
    density = np.cos(angles) ** (freedom - 1)
    return float(density[angles > limit].sum() / density.sum())


@dataclass(frozen=True)
class Ablation:
    """What was switched off, and what it moved.

    `differences`: by rule, phase and metric. `values`: with all rules on, means over the starts, by
    phase and metric. `other_start`: rules whose switch decides whether the start's traced pages
    lie as recorded or are placed anew. `varied`: whether the starts differ at all.
    """

    stream: Stream
    mechanism: Mechanism
    rules: tuple[Ablated, ...]
    left_out: tuple[str, ...]
    phases: tuple[str, ...]
    metrics: tuple[str, ...]
    starts: int
    varied: bool
    differences: dict[tuple[str, str, str], Difference]
    values: dict[tuple[str, str], float]
    other_start: frozenset[str]

    def rows(self) -> list[dict[str, object]]:
        """The tidy table: one row a rule, phase and metric."""
        return [
            {
                "stream": self.stream.name,
                "mechanism": self.mechanism.name,
                "rule": rule.name,
                "parameters": rule.text,
                "phase": phase,
                "metric": metric,
                "value_on": (of := self.differences[rule.name, phase, metric]).value_on,
                "value_off": of.value_off,
                "difference": of.difference,
                "standard_error": of.standard_error,
                "starts": self.starts,
                "beyond_noise": of.beyond_noise,
            }
            for rule in self.rules
            for metric in self.metrics
            for phase in self.phases
        ]


def differences_of(
    rules: Sequence[Ablated],
    on: Sequence[Figures],
    off: Sequence[Sequence[Figures]],
    cells: Sequence[tuple[str, str]],
) -> dict[tuple[str, str, str], Difference]:
    """Ablation's `differences` for these phases and metrics.

    `on`: the figures from each start; `off`: the same for each rule.
    """
    return {
        (rule.name, *cell): paired([f[cell] for f in on], [f[cell] for f in switched])
        for rule, switched in zip(rules, off, strict=True)
        for cell in cells
    }


def other_start(
    rules: Sequence[Ablated], on: Sequence[Figures], off: Sequence[Sequence[Figures]]
) -> frozenset[str]:
    """Ablation's `other_start`."""
    key = (TOTAL, PLACED_ANEW)
    return frozenset(
        rule.name
        for rule, switched in zip(rules, off, strict=True)
        if bool(switched[0][key]) != bool(on[0][key])
    )
