"""summary.csv, series.csv, cost.csv, events.csv and blame.csv of a run, made with pandas."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from allocator.terms import (
    EVENT_KINDS,
    MIGRATETYPES,
    NR_ORDERS,
    PFN_NONE,
)
from pipeline.artefacts import Progress, Task
from pipeline.atomic import replacing
from pipeline.grouping import grouping_of
from pipeline.measures import COLUMNS, COSTS, rows_of, sample_frames
from pipeline.metrics import METRICS, measured
from pipeline.metrics.evidence import Evidence
from pipeline.metrics.put_there import let_in_ops
from pipeline.recording import Recording
from pipeline.recording_format import BLAME_CAUSES
from pipeline.run_folder import RunFolder

SEEDS = "seeds"


def tasks(run: RunFolder) -> list[Task]:
    """One task: the tables share what they read."""
    files = tuple(f"{name}.csv" for name in (*TABLES, SEEDS))
    return [Task("tables", write_tables, (run.folder, run.paths, run.repeat_paths), files)]


def write_tables(
    folder: Path, recordings: tuple[Path, ...], repeats: tuple[Path, ...], progress: Progress
) -> None:
    """Write the tables of these recordings, and with the repeats seeds.csv.

    Raises RecordingError, OSError.
    """

    def read(path: Path) -> tuple[Evidence, dict[str, np.ndarray]]:
        evidence = Evidence(Recording.open(path))
        return evidence, {name: measured(name, evidence) for name in METRICS}

    write_each(folder, recordings, TABLES, read, progress)
    write_each(folder, (*recordings, *repeats), {SEEDS: seeds}, read, progress)


def write_each(
    folder: Path,
    recordings: tuple[Path, ...],
    tables: dict[str, Callable[..., pd.DataFrame]],
    read: Callable[[Path], tuple],
    progress: Progress,
) -> None:
    """Write each of `tables` as CSV, with the rows of all recordings and whose they are.

    A table is a function of what `read(path)` gives of a recording; the first of that has its
    header.
    """
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in tables}
    for number, path in enumerate(recordings):
        known = read(path)
        for name, table in tables.items():
            rows = table(*known)
            for column, value in reversed(identity(known[0].header).items()):
                rows.insert(0, column, value)
            parts[name].append(rows)
        progress(number + 1, len(recordings))
    for name, rows in parts.items():
        write_csv(pd.concat(rows, ignore_index=True), folder / f"{name}.csv")


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """A table as CSV; twelve digits of a number, so that no count loses one."""
    with replacing(path) as partial:
        table.to_csv(partial, index=False, lineterminator="\n", float_format="%.12g")


def identity(header: dict) -> dict[str, object]:
    """The columns that say which recording a row is of."""
    return {
        "mechanism": header["mechanism"]["name"],
        "workload": header["workload"]["name"],
        "seed": header["seed"],
    }


def summary(evidence: Evidence, values: dict[str, np.ndarray]) -> pd.DataFrame:
    """One row for each phase and metric, taken at the phase's sample; empty where there is none."""
    rows = [
        (phase["name"], name, values[name][frame], metric.unit, metric.better)
        for phase, frame in sample_frames(evidence.recording)
        for name, metric in METRICS.items()
    ]
    return pd.DataFrame(rows, columns=["phase", "metric", "value", "unit", "better"])


def is_key(phase: dict) -> bool:
    """Whether a phase of a header is one of those that are named where not all have room."""
    return phase.get("key", True)


def series(evidence: Evidence, values: dict[str, np.ndarray]) -> pd.DataFrame:
    """One row a frame: clock, metrics, pages by class and zone, free blocks by order."""
    recording = evidence.recording
    phases = [phase["name"] for phase in evidence.header["phases"]]
    columns: dict[str, object] = {
        "frame": np.arange(len(recording)),
        "op": recording.ops,
        "time_us": recording.times_us,
        "phase": [phases[phase] for phase in recording.phases],
        **values,
    }
    for code, name in enumerate(evidence.header["page_classes"]):
        columns[f"{name}_pages"] = evidence.class_pages[:, code]
    for zone in evidence.zones:
        columns[f"free_pages_{zone['name']}"] = evidence.column(f"free_pages:{zone['name']}")
    by_order = evidence.free_blocks.sum(axis=(1, 3))
    for order in range(NR_ORDERS):
        columns[f"nr_free_order_{order}"] = by_order[:, order]
    return pd.DataFrame(columns)


def cost(evidence: Evidence, values: dict[str, np.ndarray]) -> pd.DataFrame:
    """How often the allocator did what, in each phase (to the start of the next) and in total."""
    recording = evidence.recording
    starts = [phase["start_op"] for phase in evidence.header["phases"]]
    bounds = np.minimum(np.searchsorted(recording.ops, starts), len(recording) - 1)
    frames = [*bounds[1:], len(recording) - 1]
    before = [0, *bounds[1:]]
    rows = []
    for name in COSTS:
        counted = evidence.column(name)
        for phase, first, last in zip(evidence.header["phases"], before, frames, strict=True):
            since = counted[first] if first else 0
            rows.append((phase["name"], name, int(counted[last] - since)))
        rows.append(("total", name, int(counted[-1])))
    return pd.DataFrame(rows, columns=["phase", "counter", "count"])


def events(evidence: Evidence, values: dict[str, np.ndarray]) -> pd.DataFrame:
    """Fallbacks, claims and failures in order. What was dropped stands in metadata.json.

    Of a fallback `free_pages` and `alike_pages` are what the choice to claim the pageblock was made
    by. Of a failure `pfn`, `free_pages` and `in_the_way_pages` are of the block that came nearest.
    """
    recorded = evidence.recording.events
    names = np.array(MIGRATETYPES)
    phases = np.array([phase["name"] for phase in evidence.header["phases"]])
    fallback = recorded["kind"] != EVENT_KINDS.index("failure")
    nearest = ~fallback & (recorded["pfn"] != PFN_NONE)
    sizes_pages = np.left_shift(1, recorded["order"].astype(np.int64))
    return pd.DataFrame(
        {
            "op": recorded["op"],
            "phase": phases[evidence.recording.phases_of(recorded["op"])],
            "kind": np.array(EVENT_KINDS)[recorded["kind"]],
            "order": recorded["order"],
            "migratetype": names[recorded["migratetype"]],
            "fallback_order": _where(fallback, recorded["fallback_order"]),
            "fallback_migratetype": np.where(fallback, names[recorded["fallback_migratetype"]], ""),
            "block_migratetype": np.where(fallback, names[recorded["block_migratetype"]], ""),
            "pfn": _where(recorded["pfn"] != PFN_NONE, recorded["pfn"]),
            "claimed": _where(fallback, recorded["claimed"]),
            "free_pages": _where(recorded["free_pages"] >= 0, recorded["free_pages"]),
            "alike_pages": _where(recorded["alike_pages"] >= 0, recorded["alike_pages"]),
            "in_the_way_pages": _where(nearest, sizes_pages - recorded["free_pages"]),
        }
    )


def blame(evidence: Evidence, values: dict[str, np.ndarray]) -> pd.DataFrame:
    """The pages that stood in the way of each failed request of order 1 or higher.

    `placed_op`: the operation that allocated the page; a movable one may have been moved there
    since. `let_in_op`: the fallback or claim that had opened its pageblock to its type. Empty where
    it was there before the recording.
    """
    recording = evidence.recording
    rows, placed = recording.blame, recording.blame["placed_op"] >= 0
    let_in = let_in_ops(rows, recording.events, grouping_of(evidence.header)["block_order"])
    phases = np.array([phase["name"] for phase in evidence.header["phases"]])
    return pd.DataFrame(
        {
            "failed_op": rows["failed_op"],
            "phase": phases[recording.phases_of(rows["failed_op"])],
            "order": rows["order"],
            "start_pfn": rows["start_pfn"],
            "pfn": rows["pfn"],
            "page_class": np.array(evidence.header["page_classes"])[rows["page_class"]],
            "held_order": rows["held_order"],
            "placed_op": _where(placed, rows["placed_op"]),
            "placed_phase": np.where(placed, phases[recording.phases_of(rows["placed_op"])], ""),
            "let_in_op": _where(let_in >= 0, let_in),
            "cause": np.array(BLAME_CAUSES)[rows["cause"]],
        }
    )


def seeds(evidence: Evidence, values: dict[str, np.ndarray]) -> pd.DataFrame:
    """One row for each measure of a phase and in total: what mechanisms are compared by."""
    return pd.DataFrame(rows_of(evidence, values), columns=COLUMNS)


def _where(there: np.ndarray, values: np.ndarray) -> pd.Series:
    """Whole numbers, empty where there is none."""
    return pd.Series(values).astype("Int64").where(there)


TABLES = {
    "summary": summary,
    "series": series,
    "cost": cost,
    "events": events,
    "blame": blame,
}
