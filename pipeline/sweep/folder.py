"""The folder that a sweep's table, text and figures go to: none that holds another one.

A sweep is told by what it crosses. One with more seeds, values, mechanisms or workloads than that
in the folder goes on with it: all rows of the table stay. What would lose a row is another sweep.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from pipeline.config import UsageError
from pipeline.run_folder import SWEEP
from pipeline.sweep.config import SweepConfig

RESULTS = "results"
TABLE = "sweep.csv"
FIGURES = "figures"
DATA = ".csv"
KINDS = (DATA, ".png", ".svg", ".pdf")  # what a figure consists of


def check_folder(folder: Path, store: Path, config: SweepConfig, force: bool) -> None:
    """Raise UsageError for a folder that can't take this sweep, or holds something else."""
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: exists and is not a folder")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    ours = any((folder / name).is_file() for name in (TABLE, SWEEP))
    if not ours and not (folder / RESULTS).is_dir() and not _holds(folder, store):
        raise UsageError(f"{folder}: exists and holds no sweep")
    if not force and (lost := _lost(folder, config)):
        raise UsageError(f"{folder}: holds another sweep, {lost}; --force replaces it")


def _holds(folder: Path, store: Path) -> bool:
    """Whether results are kept in the folder under another name than usual."""
    return store.is_dir() and store.resolve().is_relative_to(folder.resolve())


def forget_other(folder: Path, config: SweepConfig) -> None:
    """Remove the figures of another sweep: they would look like this one's. Raises OSError."""
    if not _lost(folder, config):
        return
    for name in _read(folder).get("figures", []):
        for kind in KINDS:
            if Path(str(name)).name == name:
                (folder / FIGURES / f"{name}{kind}").unlink(missing_ok=True)


def _lost(folder: Path, config: SweepConfig) -> str:
    """What the sweep in the folder has and this one hasn't, in words; "" where that is nothing."""
    if not (folder / SWEEP).exists():
        return ""  # stopped before its table was whole
    try:
        return next(_differing(_read(folder)["config"], config.as_table()), "")
    except (KeyError, TypeError, AttributeError, ValueError):
        return f"whose {SWEEP} is not readable"


def _read(folder: Path) -> dict:
    """A sweep's metadata; an empty table where it is not readable. Raises OSError."""
    try:
        read = json.loads((folder / SWEEP).read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def _differing(old: dict, new: dict) -> Iterator[str]:
    for kind in ("workload", "mechanism"):
        known = [_entry(entry) for entry in new[f"{kind}s"]]
        for entry in map(_entry, old[f"{kind}s"]):
            if entry not in known:
                again = any(one[0] == entry[0] for one in known)
                yield f"with {'other parameters of' if again else kind} {entry[0]}"
    for key in dict.fromkeys([*old["parameters"], *new["parameters"]]):
        if key not in new["parameters"] or key not in old["parameters"]:
            yield f"with{'out' * (key not in old['parameters'])} the parameter {key}"
            continue
        for value in old["parameters"][key]:
            if value not in new["parameters"][key]:
                yield f"with {key}={value}"
    for seed in old["seeds"]:
        if seed not in new["seeds"]:
            yield f"with seed {seed}"


def _entry(entry: dict) -> tuple[str, dict]:
    """Of a workload or mechanism: what it is called, wherever its file lies, and its parameters."""
    name = entry.get("label") or Path(entry["name"] or entry["path"]).name
    return name, entry["parameters"]
