"""How long pageblocks stay polluted: counts of their episodes, survival curves, half-lives."""

from dataclasses import dataclass
from math import isnan

import numpy as np

from pipeline.genealogy.survival import Survival, survival
from pipeline.plain_text import figure_text

NOT_REACHED = "not reached"
FEW = 20  # pageblocks at risk: a median that rests on fewer says so
IN_MILLIONS_FROM = 100_000  # operations


@dataclass(frozen=True)
class Lifetimes:
    """Of the episodes of a recording; all but the first two of those that began in it.

    `at_start`: polluted at the first frame; `recovered_of_these`. `recovered`, `censored`: that
    ended, that last longer than the recording. `over_us`, `over_ops`: their survival by time and by
    operations. `observed_us`: the longest of them.
    """

    at_start: int
    recovered_of_these: int
    episodes: int
    recovered: int
    censored: int
    over_us: Survival
    over_ops: Survival
    observed_us: int

    @property
    def surviving_at_end(self) -> float:
        """The share that outlasts all that is known."""
        return float(self.over_us.surviving[-1]) if len(self.over_us.surviving) else 1.0

    def half_life_text(self) -> str:
        """The half-life in seconds with its 95 % interval: "12 s (8.5 to 30)"."""
        text = interval_text(*(bound / 1e6 for bound in self.over_us.median()), unit="s")
        return text + _few(self.over_us)

    def half_life_texts(self) -> list[str]:
        """The half-life in seconds and in operations; one line where it isn't reached on either."""
        if not self.episodes:
            return ["none was polluted"]
        seconds, operations = self.half_life_text(), self.over_ops.median()
        millions = operations[0] >= IN_MILLIONS_FROM
        unit, name = (1_000_000, "M operations") if millions else (1, "operations")
        counted = interval_text(*(bound / unit for bound in operations), unit=name)
        counted += _few(self.over_ops)
        if seconds == counted == NOT_REACHED:
            return [f"{NOT_REACHED}: {self.surviving_at_end:.0%} still polluted"]
        return [
            f"{text} in {clock}" if text == NOT_REACHED else text
            for text, clock in ((seconds, "seconds"), (counted, "operations"))
        ]


def _few(of: Survival) -> str:
    """How few pageblocks a median rests on, where they are few."""
    at_risk = of.at_risk_at_median()
    return f", by {at_risk} left" if 0 < at_risk < FEW else ""


def lifetimes(episodes: np.ndarray) -> Lifetimes:
    """Those of all episodes of a recording, see pipeline/genealogy/episodes.py."""
    start, censored = episodes["at_start"], episodes["censored"]
    begun = episodes[~start]
    return Lifetimes(
        at_start=int(start.sum()),
        recovered_of_these=int((start & ~censored).sum()),
        episodes=len(begun),
        recovered=int((~begun["censored"]).sum()),
        censored=int(begun["censored"].sum()),
        over_us=survival(begun["time_us"], ~begun["censored"]),
        over_ops=survival(begun["ops"], ~begun["censored"]),
        observed_us=int(begun["time_us"].max(initial=0)),
    )


def interval_text(value: float, low: float, high: float, *, unit: str) -> str:
    """A median with its interval. A bound that isn't reached: beyond all that is known.

    Where all end at one time there is no interval.
    """
    if isnan(value):
        return NOT_REACHED
    if isnan(low):
        return f"{figure_text(value)} {unit} (no interval)"
    to = "\N{INFINITY}" if isnan(high) else figure_text(high)
    return f"{figure_text(value)} {unit} ({figure_text(low)} to {to})"
