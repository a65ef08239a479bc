"""The results of a sweep as one tidy table."""

from collections.abc import Mapping
from itertools import product
from math import nan
from typing import NamedTuple

import pandas as pd

from pipeline.measures import COLUMNS, TOTAL
from pipeline.sweep.plan import Plan

ELIGIBLE = "eligible_blocks"
DEFAULT_MEASURES = ("potential_huge", "huge_success", "huge_allocated", "nonmov_blocks")


def table_of(plan: Plan, results: Mapping[str, dict]) -> pd.DataFrame:
    """Rows of mechanism, workload, the swept parameters, seed, phase, measure, value, and the
    cell's eligible pageblocks, of which counts of blocks are.

    In the order of the plan. NaN where a cell has no such figure.
    """
    columns: dict[str, list] = {
        name: []
        for name in (
            "mechanism", "workload", *plan.config.parameters, "seed", *COLUMNS, ELIGIBLE,
        )
    }  # fmt: skip
    for cell in plan.cells:
        rows = results[cell.key]["rows"]
        of_cell = (cell.mechanism, cell.workload, *cell.setting, cell.seed)
        for column, value in zip(columns.values(), of_cell, strict=False):
            column.extend([value] * len(rows))
        for name, values in zip(COLUMNS, zip(*rows, strict=True), strict=True):
            columns[name].extend(values)
        columns[ELIGIBLE].extend([results[cell.key][ELIGIBLE]] * len(rows))
    return pd.DataFrame(columns).astype({"value": float})


class Shown(NamedTuple):
    """A figure that is told of: a measure of a workload in a phase."""

    workload: str
    measure: str
    phase: str


def shown_of(plan: Plan, results: Mapping[str, dict], table: pd.DataFrame) -> list[Shown]:
    """What is drawn and told of: what was asked for, else the usual measures at the last key phase.

    A count in total stands there, whatever the phases. What no cell has a value of is left out.
    """
    told = table[table["value"].notna()]
    there = set(told[["workload", "measure", "phase"]].itertuples(index=False, name=None))
    shown = []
    for workload, phases in _phases(plan, results).items():
        names = plan.config.phases or (_last_key(phases),)
        for measure in plan.config.measures or DEFAULT_MEASURES:
            at = [Shown(workload, measure, phase) for phase in names if phase != TOTAL]
            at = [one for one in at if one in there] or [Shown(workload, measure, TOTAL)]
            shown += [one for one in at if one in there]
    return shown


def _phases(plan: Plan, results: Mapping[str, dict]) -> dict[str, list[tuple[str, bool]]]:
    """The phases of each workload, in their order, and whether they are key ones."""
    return {cell.workload: results[cell.key]["phases"] for cell in reversed(plan.cells)}


def _last_key(phases: list[tuple[str, bool]]) -> str:
    return next((name for name, key in reversed(phases) if key), phases[-1][0])


class Values(NamedTuple):
    """One figure of all cells: f8[seeds] by mechanism and setting, seeds in the plan's order.

    `eligible`: how many eligible pageblocks they have, a mean over the seeds.
    """

    shown: Shown
    of: dict[tuple[str, tuple[str, ...]], list[float]]
    eligible: Mapping[tuple[str, tuple[str, ...]], float] = {}


def values_of(plan: Plan, table: pd.DataFrame, shown: Shown) -> Values:
    """The figure's values, those of one seed at one place: they are compared in pairs."""
    chosen = (table[list(Shown._fields)] == list(shown)).all(axis=1)
    rows = table[chosen]
    of: dict[tuple[str, tuple[str, ...]], list[float]] = {}
    parameters = list(plan.config.parameters)
    eligible: dict[tuple[str, tuple[str, ...]], list[float]] = {}
    columns = ["mechanism", *parameters, "value", ELIGIBLE]
    for row in rows[columns].itertuples(index=False, name=None):
        place = row[0], tuple(row[1:-2])
        of.setdefault(place, []).append(row[-2])
        eligible.setdefault(place, []).append(row[-1])
    seeds = max(map(len, of.values()), default=0)
    missing = [nan] * seeds  # of settings whose load has no such phase
    places = product(dict.fromkeys(rows["mechanism"]), plan.config.settings)
    return Values(
        shown,
        {place: of.get(place, missing) for place in places},
        {place: sum(found) / len(found) for place, found in eligible.items()},
    )
