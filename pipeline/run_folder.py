"""The folder of a run: which recordings it has, and where its results stand."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.config import RunConfig, UsageError
from pipeline.recording import Recording

if TYPE_CHECKING:
    import pandas as pd

METADATA = "metadata.json"


@dataclass(frozen=True)
class RunFolder:
    """A run's results. `recordings`: their paths, in the order of the run matrix."""

    folder: Path
    config: RunConfig
    recordings: tuple[Path, ...]

    @classmethod
    def open(cls, folder: Path) -> "RunFolder":
        """A folder that `pagereel run` or `replay` made. Raises UsageError."""
        try:
            metadata = json.loads((folder / METADATA).read_text(encoding="utf-8"))
            config = RunConfig.model_validate(metadata["config"])
            recordings = tuple(folder / "recordings" / name for name in metadata["recordings"])
        except FileNotFoundError:
            raise UsageError(f"{folder}: no run of pagereel: it has no {METADATA}") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{folder / METADATA}: not readable: {error}") from None
        return cls(folder, config, recordings)

    @cached_property
    def series(self) -> "pd.DataFrame":
        """series.csv. Raises OSError."""
        import pandas as pd

        return pd.read_csv(self.folder / "series.csv", keep_default_na=False, na_values=[""])

    def drawn(self) -> dict[str, list[Path]]:
        """The recordings that pictures are made of, by the prefix of the pictures' names.

        Those of the first seed. One workload: no prefix; several: the workload's name and a dash.
        """
        by_workload: dict[str, list[Path]] = {}
        for path in self.recordings:
            header = Recording.open(path).header
            if header["seed"] == self.first_seed:
                by_workload.setdefault(header["workload"]["name"], []).append(path)
        if len(by_workload) == 1:
            return {"": next(iter(by_workload.values()))}
        return {f"{name}-": paths for name, paths in by_workload.items()}

    @property
    def first_seed(self) -> int:
        """The seed whose recordings are drawn."""
        return self.config.seeds[0]

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
