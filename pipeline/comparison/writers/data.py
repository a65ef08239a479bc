"""Rows as CSV and JSON, with all digits."""

import json
from collections.abc import Sequence
from math import isfinite, nan
from typing import TYPE_CHECKING

from pipeline.comparison.cells import gain_percent, verdict
from pipeline.comparison.names import name_of
from pipeline.comparison.rows import Row

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "workload", "phase", "measure", "name", "unit", "better", "base", "other", "base_mean",
    "other_mean", "change", "low", "high", "change_percent", "gain_percent", "p", "significant",
    "effect", "detectable", "seeds", "verdict",
)  # fmt: skip


def record(row: Row) -> dict[str, object]:
    """A row as a tidy table has it. `gain_percent`: + is better.

    No `effect` where all seeds differ alike, which makes it infinite: tables hold numbers.
    """
    difference = row.difference
    return {
        "workload": row.workload,
        "phase": row.phase,
        "measure": row.measure,
        "name": name_of(row.measure, row.workload, row.phase),
        "unit": row.about.unit,
        "better": row.about.better,
        "base": row.base.label,
        "other": row.other.label,
        "base_mean": difference.before,
        "other_mean": difference.after,
        "change": difference.change.mean,
        "low": difference.change.low,
        "high": difference.change.high,
        "change_percent": difference.change_percent,
        "gain_percent": gain_percent(row),
        "p": difference.p,
        "significant": difference.significant,
        "effect": difference.effect if isfinite(difference.effect) else nan,
        "detectable": difference.detectable,
        "seeds": difference.seeds,
        "verdict": verdict(row),
    }


def table(rows: Sequence[Row]) -> "pd.DataFrame":
    """All rows, one each."""
    import pandas as pd

    return pd.DataFrame([record(row) for row in rows], columns=list(COLUMNS))


def as_csv(rows: Sequence[Row]) -> str:
    """With a line of names first; empty where there is no figure."""
    return table(rows).to_csv(index=False, lineterminator="\n")


def as_json_text(rows: Sequence[Row], facts: dict) -> str:
    """`facts` and the rows with the figures of each seed; null where there is none."""
    entries = [
        record(row) | {"before": row.before.tolist(), "after": row.after.tolist()} for row in rows
    ]
    return json.dumps(_strict(facts | {"rows": entries}), indent=1, allow_nan=False) + "\n"


def _strict(value: object) -> object:
    """The same without what JSON doesn't have: no number is null."""
    if isinstance(value, dict):
        return {key: _strict(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(entry) for entry in value]
    return None if isinstance(value, float) and not isfinite(value) else value
