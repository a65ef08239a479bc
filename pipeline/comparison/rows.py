"""Rows: one figure of a load at a phase, of two sides, seed by seed, and their difference."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from pipeline.comparison.runs import Key, Load
from pipeline.comparison.sides import Group, Side
from pipeline.config import UsageError, check_names
from pipeline.measures import MEASURES, TOTAL, Measure
from pipeline.statistics.paired import Difference, compare

ATTEMPTS = "huge_allocated"  # has figures where huge pages are asked for only: those are all shown


@dataclass(frozen=True)
class Row:
    """`before` and `after`: f8[seeds], paired; the baseline's and the other side's."""

    workload: str
    phase: str
    measure: str
    base: Side
    other: Side
    before: np.ndarray
    after: np.ndarray
    difference: Difference

    @property
    def about(self) -> Measure:
        """Unit, direction and words of its measure."""
        return MEASURES.get(self.measure, Measure("", "-", self.measure.replace("_", " ")))

    @property
    def gain(self) -> float:
        """The mean change, positive where it is for the better; NaN where nothing is better."""
        sign = {"higher": 1.0, "lower": -1.0}.get(self.about.better, np.nan)
        return sign * self.difference.change.mean

    @property
    def where(self) -> str:
        """MEASURE@PHASE, as the gate names it."""
        return f"{self.measure}@{self.phase}"


@dataclass(frozen=True)
class Choice:
    """Which rows; what is empty leaves out nothing. Not `all_phases`: key phases and totals."""

    measures: tuple[str, ...] = ()
    phases: tuple[str, ...] = ()
    workloads: tuple[str, ...] = ()
    all_phases: bool = False

    def takes(self, load: Load, key: Key) -> bool:
        """Whether a phase's measure is among them."""
        phase, measure = key
        if self.measures and measure not in self.measures:
            return False
        if self.phases:
            return phase in self.phases
        shown = phase == TOTAL or phase in load.key_phases or measure == ATTEMPTS
        return self.all_phases or shown


def check_choice(choice: Choice, groups: Iterable[Group]) -> None:
    """Raise UsageError for a name that stands in no figures of these groups."""
    tables = [side.run.table for group in groups for side in (group.base, *group.others)]
    for column in ("measure", "phase", "workload"):
        known = list(dict.fromkeys(name for t in tables for name in t[column].unique()))
        check_names(column, getattr(choice, f"{column}s"), known)


def workloads_of(group: Group, choice: Choice = Choice()) -> list[str]:
    """The loads that all sides of a group have. Raises UsageError where there is none."""
    names = [
        name
        for name in group.base.run.loads
        if all(name in other.run.loads for other in group.others)
        and (not choice.workloads or name in choice.workloads)
    ]
    if not names:
        runs = dict.fromkeys(str(side.run.run.folder) for side in (group.base, *group.others))
        raise UsageError(f"{' and '.join(runs)} have no workload in common")
    return names


def rows_of(group: Group, choice: Choice) -> list[Row]:
    """All rows of a group that have a figure on a side: by load, phase, measure, then other side.

    Where there is no other side, the baseline stands against itself. Raises UsageError.
    """
    rows = []
    for workload in workloads_of(group, choice):
        load = group.base.run.loads[workload]
        by_other = [
            _rows(group.base, other, workload, choice) for other in group.others or (group.base,)
        ]
        keys = dict.fromkeys(key for found in by_other for key in found)
        order = [*(phase["name"] for phase in load.phases), TOTAL]
        for key in sorted(keys, key=lambda key: order.index(key[0]) if key[0] in order else -1):
            rows += [found[key] for found in by_other if key in found]
    return rows


def _rows(base: Side, other: Side, workload: str, choice: Choice) -> dict[Key, Row]:
    seeds, before = base.run.values(base.mechanism, workload)
    other_seeds, after = other.run.values(other.mechanism, workload)
    common = sorted(set(seeds) & set(other_seeds))
    left = np.array([seeds.index(seed) for seed in common], int)
    right = np.array([other_seeds.index(seed) for seed in common], int)
    load, missing = base.run.loads[workload], np.full(len(common), np.nan)
    keys = [key for key in dict.fromkeys((*before, *after)) if choice.takes(load, key)]
    pairs = {
        key: (
            before[key][left] if key in before else missing,
            after[key][right] if key in after else missing,
        )
        for key in dict.fromkeys((*before, *after))
    }
    if len(common) > 1 and all(_copies(values) for pair in pairs.values() for values in pair):
        pairs = {key: (one[:1], another[:1]) for key, (one, another) in pairs.items()}
    return {
        key: Row(workload, *key, base, other, *pairs[key], compare(*pairs[key]))
        for key in keys
        if any(np.isfinite(values).any() for values in pairs[key])
    }


def _copies(values: np.ndarray) -> bool:
    """Whether all seeds have one value: where all measures do, seeds change nothing."""
    return bool((values == values[0]).all() or np.isnan(values).all())


def unalike(group: Group) -> list[str]:
    """Why the sides of a group are no fair pair: other requests, other versions; in sentences."""
    return [*other_requests(group), *_other_versions(group)]


def _strangers(group: Group) -> list[Side]:
    return [other for other in group.others if other.run is not group.base.run]


def _other_versions(group: Group) -> list[str]:
    told = []
    for other in _strangers(group):
        for name in ("pagereel", "core", "code"):
            versions = [side.run.versions.get(name, "unknown") for side in (group.base, other)]
            if versions[0] != versions[1]:
                what = "code of figures" if name == "code" else f"versions of {name}"
                told.append(f"Made by different {what}: {' and '.join(versions)}.")
    return told


def other_requests(group: Group) -> list[str]:
    """Which loads of the sides are not the same requests; in sentences."""
    return [told for other in _strangers(group) for told in _unalike_loads(group.base, other)]


def _unalike_loads(base: Side, other: Side) -> list[str]:
    told = []
    for name in workloads_of(Group(base, (other,))):
        digests = [side.run.loads[name].digests for side in (base, other)]
        common = sorted(set(digests[0]) & set(digests[1]))
        differing = [seed for seed in common if digests[0][seed] != digests[1][seed]]
        if not common:
            told.append(f"{name}: the two runs have no seed in common, so nothing is compared.")
        elif differing:
            told.append(
                f"{name}: NOT THE SAME REQUESTS. The streams of {len(differing)} of {len(common)} "
                "common seeds differ, so pairing them means little, and a difference may be that "
                "of the requests."
            )
    return told
