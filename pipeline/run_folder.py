"""The folder of a run: which recordings it has, and where its results stand."""

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from functools import cached_property
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from pipeline.config import RunConfig, UsageError, fault_of
from pipeline.recording import Recording
from pipeline.recording_format import check_characters

if TYPE_CHECKING:
    import pandas as pd

METADATA = "metadata.json"  # of a whole run, written last
UNFINISHED = "unfinished.json"  # in its place until then
SWEEP = "sweep.json"  # of a sweep's folder
NAMES = ("mechanism", "workload", "phase", "metric", "measure", "unit", "better", "counter")


class Recorded(NamedTuple):
    """One recording of a run: its file's name and what it is of."""

    file: str
    workload: str
    mechanism: str
    seed: int


def _versions(entry: object) -> dict[str, str]:
    if not isinstance(entry, dict):
        raise ValueError("versions: not a table")
    return {str(of): str(one) for of, one in entry.items()}


def _source_of(entry: dict) -> str:
    return str(entry.get("source", {}).get("text", ""))


def _recorded(entries: list[dict]) -> tuple[Recorded, ...]:
    recorded = tuple(Recorded(*(entry[key] for key in Recorded._fields)) for entry in entries)
    for one in recorded:
        if type(one.seed) is not int or not all(map(_is_name, one[:-1])):
            raise ValueError("a recording without a name, mechanism, workload or seed")
        if Path(one.file).name != one.file or one.file == "..":
            raise ValueError("a recording outside its folder")
    return recorded


def _is_name(name: object) -> bool:
    return isinstance(name, str) and name != "" and name.isprintable()


@dataclass(frozen=True)
class RunFolder:
    """A run's results. `recordings`: in the order of the run matrix; `sources`: what made each.

    `repeats`: recordings of further seeds, with those frames alone that figures are taken from;
    `versions`: of what made it.
    """

    folder: Path
    config: RunConfig
    recordings: tuple[Recorded, ...]
    sources: tuple[str, ...] = ()
    repeats: tuple[Recorded, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)

    @classmethod
    def open(cls, folder: Path, name: str = METADATA) -> "RunFolder":
        """A folder that `pagereel run` or `replay` made. Raises UsageError."""
        try:
            text = (folder / name).read_text(encoding="utf-8")
            metadata = json.loads(text)
            check_characters(metadata, text.encode())
            config = RunConfig.model_validate(metadata["config"])
            recordings = _recorded(metadata["recordings"])
            repeats = _recorded(metadata.get("repeats", []))
            sources = tuple(map(_source_of, metadata["recordings"]))
            versions = _versions(metadata.get("versions", {}))
            if not config.seeds:
                raise ValueError("a run without a seed")
        except NotADirectoryError:
            raise UsageError(f"{folder}: no folder of a run") from None
        except FileNotFoundError:
            why = "its run did not end" if (folder / UNFINISHED).exists() else f"it has no {name}"
            if (folder / SWEEP).exists():
                why = "it holds a sweep, whose comparison stands in sweep.txt"
            raise UsageError(f"{folder}: no run of pagereel: {why}") from None
        except (OSError, ValueError, LookupError, TypeError, AttributeError, RuntimeError) as error:
            raise UsageError(f"{folder / name}: not readable: {_told(error)}") from None
        return cls(folder, config, recordings, sources, repeats, versions)

    def path(self, recorded: Recorded) -> Path:
        """Where a recording lies."""
        return self.folder / "recordings" / recorded.file

    @property
    def paths(self) -> tuple[Path, ...]:
        """Where the recordings lie, in their order."""
        return tuple(self.path(recorded) for recorded in self.recordings)

    @property
    def repeat_paths(self) -> tuple[Path, ...]:
        """Where the repeats lie, in their order."""
        return tuple(self.folder / "repeats" / recorded.file for recorded in self.repeats)

    @cached_property
    def series(self) -> "pd.DataFrame":
        """series.csv. Raises OSError."""
        return read_table(self.folder / "series.csv")

    def drawn(self) -> dict[str, list[Recorded]]:
        """The recordings that pictures are made of, those of the first seed, as by_workload."""
        first = self.config.seeds[0]
        return {
            prefix: [recorded for recorded in of if recorded.seed == first]
            for prefix, of in self.by_workload().items()
        }

    def by_workload(self) -> dict[str, list[Recorded]]:
        """All recordings, by the prefix of their pictures' names.

        One workload: no prefix; several: the workload's name and a dash.
        """
        by_name: dict[str, list[Recorded]] = {}
        for recorded in self.recordings:
            by_name.setdefault(recorded.workload, []).append(recorded)
        if len(by_name) == 1:
            return {"": next(iter(by_name.values()))}
        return {f"{name}-": of for name, of in by_name.items()}

    def values(self, recording: Recording, metric: str):
        """One metric of a recording at each frame, f8[frames], from series.csv."""
        table = self.series
        of = {
            "mechanism": recording.header["mechanism"]["name"],
            "workload": recording.header["workload"]["name"],
            "seed": recording.header["seed"],
        }
        rows = (table[list(of)] == list(of.values())).all(axis=1)
        return table.loc[rows, metric].to_numpy(float)


def read_table(path: Path) -> "pd.DataFrame":
    """A CSV table of a run; names stay text, "2007" too. Raises OSError, ValueError: one line."""
    import pandas as pd

    types = dict.fromkeys(NAMES, str)
    try:
        return pd.read_csv(path, dtype=types, keep_default_na=False, na_values=[""])
    except (ValueError, OverflowError) as error:
        raise ValueError(_told(error)) from None


def read_figures(path: Path, keys: Collection[str], value: str) -> "pd.DataFrame":
    """The same of a table with a name in each of its `keys` and a number, or none, in `value`.

    Raises UsageError.
    """
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    try:
        table = read_table(path)
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: not readable: {_told(error)}") from None
    missing = [column for column in (*keys, value) if column not in table]
    if missing:
        raise UsageError(f"{path}: not readable: it has no column {missing[0]!r}")
    if not len(table):
        raise UsageError(f"{path}: not readable: it has no rows")
    empty = [key for key in keys if table[key].isna().any()]
    if empty:
        raise UsageError(f"{path}: not readable: a row without {empty[0]}")
    kind = table[value].dtype
    if not is_numeric_dtype(kind) or is_bool_dtype(kind) or (table[value].abs() == inf).any():
        raise UsageError(f"{path}: not readable: a {value} is no number")
    return table


def read_seeds(path: Path) -> "pd.DataFrame":
    """The same of figures by seed, with SEEDS_COLUMNS alone. Raises UsageError."""
    from pandas.api.types import is_integer_dtype

    from pipeline.measures import SEEDS_COLUMNS

    *keys, value = SEEDS_COLUMNS
    table = read_figures(path, keys, value)
    if not is_integer_dtype(table["seed"].dtype):
        raise UsageError(f"{path}: not readable: a seed is no whole number")
    return table[[*keys, value]].astype({value: float})


def _told(error: Exception) -> str:
    """An exception in one line."""
    if isinstance(error, ValidationError):
        error = ValueError(fault_of(error))
    return " ".join(str(error).split()) or type(error).__name__
