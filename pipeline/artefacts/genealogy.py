"""genealogy.csv, episodes.csv, half_life.csv and a figure: how pageblocks are polluted and recover.

What each word means stands in pipeline/genealogy/.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from allocator.terms import MIGRATETYPES
from pipeline.artefacts import Progress, Task
from pipeline.artefacts.genealogy_figure import write_picture
from pipeline.artefacts.panels import opened
from pipeline.artefacts.tables import write_each
from pipeline.genealogy import changes
from pipeline.genealogy.episodes import cause, episodes
from pipeline.genealogy.history import History
from pipeline.genealogy.lifetimes import lifetimes
from pipeline.metrics.evidence import KERNEL_PAGES
from pipeline.run_folder import RunFolder
from renderer.figure_style import FORMATS

FIGURE = "genealogy"


def tasks(run: RunFolder) -> list[Task]:
    """A task for the tables, and one for the figure of each workload."""
    tables = tuple(f"{name}.csv" for name in TABLES)
    result = [Task("genealogy", write_tables, (run.folder, run.paths), tables)]
    for prefix, shown in run.drawn().items():
        base = f"figures/{prefix}{FIGURE}"
        files = (*(f"{base}.{kind}" for kind in FORMATS), f"{base}.csv", f"{base}_map.csv")
        arguments = ([run.path(cell) for cell in shown], run.folder / base)
        result.append(Task(base, write_picture, arguments, files))
    return result


def write_tables(folder: Path, recordings: tuple[Path, ...], progress: Progress) -> None:
    """Write the tables of these recordings. Raises RecordingError, OSError."""

    def read(path: Path) -> tuple[History, np.ndarray]:
        history = History(opened(path))
        return history, episodes(history)

    write_each(folder, recordings, TABLES, read, progress)


def blocks(history: History, found: np.ndarray) -> pd.DataFrame:
    """One row a whole pageblock. Those that aren't eligible have no episodes.

    `recoveries`: episodes that ended. `polluted_share`: of the frames, from the beginning of each
    episode to its end. `longest_*`: of the longest episode, as far as it is seen.
    """
    frames, numbers = len(history), np.arange(history.blocks)
    by_block = pd.DataFrame(found).groupby("block", sort=True)
    lasted = (found["last_frame"] - found["first_frame"] + 1).astype(float)
    per = pd.DataFrame(
        {
            "first_polluted_frame": by_block["first_frame"].min().astype("Int64"),
            "episodes": by_block.size(),
            "recoveries": by_block["censored"].agg(lambda censored: int((~censored).sum())),
            "polluted_share": pd.Series(lasted).groupby(found["block"]).sum() / max(frames, 1),
            "longest_ops": by_block["ops"].max().astype("Int64"),
            "longest_us": by_block["time_us"].max().astype("Int64"),
        }
    ).reindex(numbers)
    counted = per[["episodes", "recoveries", "polluted_share"]].fillna(0)
    first = per["first_polluted_frame"]
    known = first.notna().to_numpy()
    op = history.recording.ops[first.fillna(0).to_numpy(int)]
    names = np.array(MIGRATETYPES)
    return pd.DataFrame(
        {
            "block": numbers,
            "first_pfn": numbers << history.block_order,
            "zone": [history.zone_of(block) for block in numbers],
            "eligible": history.eligible.astype(int),
            "type_at_start": names[history.types[0]],
            "type_at_end": names[history.types[-1]],
            "claims": changes.claims(history),
            "steals": changes.steals(history),
            "polluting_fallbacks": changes.polluting(history),
            "changes_between_frames": changes.between_frames(history).sum(axis=0),
            "first_polluted_frame": first,
            "first_polluted_op": pd.Series(op).astype("Int64").where(known),
            "episodes": counted["episodes"].astype(int),
            "polluted_share": counted["polluted_share"],
            "recoveries": counted["recoveries"].astype(int),
            "longest_ops": per["longest_ops"],
            "longest_us": per["longest_us"],
            "kernel_pages_at_end": history.kernel_pages[-1],
        }
    )


def episode_rows(history: History, found: np.ndarray) -> pd.DataFrame:
    """One row an episode; `ops` and `time_us`: how long it lasted, if `censored` at least."""
    recording, known = history.recording, found["event"] >= 0
    cause_op = np.zeros(len(found), np.int64)
    cause_op[known] = recording.events["op"][found["event"][known]]
    return pd.DataFrame(
        {
            "block": found["block"],
            "first_pfn": found["block"].astype(np.int64) << history.block_order,
            "first_frame": found["first_frame"],
            "last_frame": found["last_frame"],
            "first_op": recording.ops[found["first_frame"]],
            "first_time_us": recording.times_us[found["first_frame"]],
            "ops": found["ops"],
            "time_us": found["time_us"],
            "censored": found["censored"].astype(int),
            "at_start": found["at_start"].astype(int),
            "cause": [cause(history, episode) for episode in found],
            "cause_op": pd.Series(cause_op).astype("Int64").where(known),
            "kernel_pages": history.kernel_pages[found["first_frame"], found["block"]],
            "type": np.array(MIGRATETYPES)[history.types[found["first_frame"], found["block"]]],
        }
    )


def half_life(history: History, found: np.ndarray) -> pd.DataFrame:
    """One row: the half-life of a polluted pageblock, in operations and seconds, with intervals.

    Empty: not reached. `episodes`, `recovered`, `censored`: of those that began in the recording;
    the others are counted apart. `surviving_at_end`: by the curve over seconds.
    """
    of = lifetimes(found)
    row: dict[str, object] = {
        "polluted_at_start": of.at_start,
        "recovered_of_these": of.recovered_of_these,
        "episodes": of.episodes,
        "recovered": of.recovered,
        "censored": of.censored,
        "kernel_blocks_at_end": _kernel_blocks_at_end(history),
    }
    for name, value in zip(("", "_low", "_high"), of.over_ops.median(), strict=True):
        row[f"half_life{name}_ops"] = value
    for name, value in zip(("", "_low", "_high"), of.over_us.median(), strict=True):
        row[f"half_life{name}_s"] = value / 1e6
    row["surviving_at_end"] = of.surviving_at_end
    return pd.DataFrame([row])


def _kernel_blocks_at_end(history: History) -> int:
    """Eligible pageblocks that hold a page that cannot move at the last frame."""
    return int((history.block_kinds[-1, history.eligible] & KERNEL_PAGES > 0).sum())


TABLES = {"genealogy": blocks, "episodes": episode_rows, "half_life": half_life}
