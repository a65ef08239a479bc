"""What a sweep's figures say: means with intervals, and differences to the first mechanism."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from pipeline.statistics.means import Interval, mean_interval
from pipeline.statistics.paired import LEVEL, SEEDS_NEEDED, family_wise
from pipeline.sweep.config import Setting
from pipeline.sweep.table import Shown, Values

Place = tuple[str, Setting]  # mechanism and setting


class Compared(NamedTuple):
    """One figure over all mechanisms and settings.

    `differences`: to the first mechanism, seed by seed, of the others; `beyond_noise` of each:
    None where the seeds are too few to tell. All of a figure's differences are tested together: in
    95 % of figures without any difference none at all is called one. `eligible`: how many eligible
    pageblocks there are, where it has a figure.
    """

    shown: Shown
    mechanisms: tuple[str, ...]
    settings: tuple[Setting, ...]
    seeds: np.ndarray  # f8[mechanisms, settings, seeds]
    intervals: dict[Place, Interval]
    differences: dict[Place, Interval]
    beyond_noise: dict[Place, bool | None]
    eligible: Mapping[Place, float] = {}

    def values(self, mechanism: str, setting: Setting) -> np.ndarray:
        """The figure with each seed, f8[seeds]; NaN where there is none."""
        return self.seeds[self.mechanisms.index(mechanism), self.settings.index(setting)]

    @property
    def varied(self) -> bool:
        """Whether seeds change anything at all."""
        known = np.isfinite(self.seeds)
        most = np.where(known, self.seeds, -np.inf).max(axis=2)
        least = np.where(known, self.seeds, np.inf).min(axis=2)
        return bool((most > least).any())


def compared(values: Values) -> Compared:
    """Means, differences and which of them are more than noise."""
    mechanisms = tuple(dict.fromkeys(mechanism for mechanism, _ in values.of))
    settings = tuple(dict.fromkeys(setting for _, setting in values.of))
    seeds = np.array([[values.of[m, setting] for setting in settings] for m in mechanisms], float)
    places = [(m, setting) for m in mechanisms for setting in settings]
    later = places[len(settings) :]
    paired = (seeds[1:] - seeds[:1]).reshape(len(later), seeds.shape[2])
    p = family_wise(paired) if len(later) else np.empty(0)
    told = seeds.shape[2] >= SEEDS_NEEDED
    return Compared(
        shown=values.shown,
        mechanisms=mechanisms,
        settings=settings,
        seeds=seeds,
        intervals={
            place: mean_interval(of)
            for place, of in zip(places, seeds.reshape(len(places), -1), strict=True)
        },
        differences={place: mean_interval(of) for place, of in zip(later, paired, strict=True)},
        beyond_noise={
            place: bool(p[number] <= LEVEL) if told and np.isfinite(p[number]) else None
            for number, place in enumerate(later)
        },
        eligible=values.eligible,
    )
