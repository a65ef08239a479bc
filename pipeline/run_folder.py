"""The folder of a run: which recordings it has, and where its results stand."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pipeline.config import RunConfig, UsageError
from pipeline.recording import Recording

if TYPE_CHECKING:
    import pandas as pd

METADATA = "metadata.json"  # of a whole run, written last
UNFINISHED = "unfinished.json"  # in its place until then
NAMES = ("mechanism", "workload", "phase", "metric", "unit", "better", "counter")


class Recorded(NamedTuple):
    """One recording of a run: its file's name and what it is of."""

    file: str
    workload: str
    mechanism: str
    seed: int


def _source_of(entry: dict) -> str:
    return str(entry.get("source", {}).get("text", ""))


@dataclass(frozen=True)
class RunFolder:
    """A run's results. `recordings`: in the order of the run matrix; `sources`: what made each."""

    folder: Path
    config: RunConfig
    recordings: tuple[Recorded, ...]
    sources: tuple[str, ...] = ()

    @classmethod
    def open(cls, folder: Path, name: str = METADATA) -> "RunFolder":
        """A folder that `pagereel run` or `replay` made. Raises UsageError."""
        try:
            metadata = json.loads((folder / name).read_text(encoding="utf-8"))
            config = RunConfig.model_validate(metadata["config"])
            recordings = tuple(
                Recorded(*(entry[key] for key in Recorded._fields))
                for entry in metadata["recordings"]
            )
            sources = tuple(map(_source_of, metadata["recordings"]))
            if any(Path(recorded.file).name != recorded.file for recorded in recordings):
                raise ValueError("a recording outside its folder")
        except NotADirectoryError:
            raise UsageError(f"{folder}: no folder of a run") from None
        except FileNotFoundError:
            why = "its run did not end" if (folder / UNFINISHED).exists() else f"it has no {name}"
            raise UsageError(f"{folder}: no run of pagereel: {why}") from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(f"{folder / name}: not readable: {error}") from None
        return cls(folder, config, recordings, sources)

    def path(self, recorded: Recorded) -> Path:
        """Where a recording lies."""
        return self.folder / "recordings" / recorded.file

    @property
    def paths(self) -> tuple[Path, ...]:
        """Where the recordings lie, in their order."""
        return tuple(self.path(recorded) for recorded in self.recordings)

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
    """A CSV table of a run; names stay text, "2007" too. Raises OSError, ValueError."""
    import pandas as pd

    types = dict.fromkeys(NAMES, str)
    return pd.read_csv(path, dtype=types, keep_default_na=False, na_values=[""])
