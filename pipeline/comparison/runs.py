"""What a run brings to a comparison: its figures by seed, its loads and phases, its versions."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.config import UsageError
from pipeline.grouping import tells_types
from pipeline.measures import TOTAL
from pipeline.metadata import label_of
from pipeline.metrics.evidence import eligible_blocks
from pipeline.recording import Recording
from pipeline.run_folder import Recorded, RunFolder, read_seeds

if TYPE_CHECKING:
    import pandas as pd

SEEDS_FILE = "seeds.csv"
REST = re.compile(r"(.+-)?rest\d*")  # "rest", "rest3", "r2-rest"; not "restart"
MIGRATED = "pages_migrated"
# One of them is counted wherever memory was to be compacted.
COMPACTIONS = ("compact_stalls", "compact_proactive", "compact_daemon_wakes")
Key = tuple[str, str]  # phase, measure


@dataclass(frozen=True)
class Load:
    """A workload of a run. `phases`: as in a recording's header; `digests`: of its stream, by seed.

    `mechanisms`: the header's entry of each that it was run under, with its `label`, which has the
    parameters, what it was `made_by`, whether it `tells_types` apart,
    the `geometry` that it gave memory, and its `eligible_blocks`.
    """

    about: dict
    phases: tuple[dict, ...]
    digests: dict[int, str]
    mechanisms: dict[str, dict]

    @property
    def key_phases(self) -> list[str]:
        """Those that are named where not all have room."""
        return [phase["name"] for phase in self.phases if phase.get("key", True)]

    @property
    def rest_phases(self) -> list[str]:
        """Key phases at rest: by their names, as workloads call them."""
        return [name for name in self.key_phases if REST.fullmatch(name)]

    def title_of(self, phase: str) -> str:
        """A phase in words."""
        titles = {p["name"]: p["title"] for p in self.phases}
        return "the whole run" if phase == TOTAL else titles.get(phase, phase)


@dataclass(frozen=True, eq=False)
class RunFigures:
    """A run's seeds.csv, its loads by name, and the versions that made it."""

    run: RunFolder
    table: "pd.DataFrame"
    loads: dict[str, Load]
    versions: dict[str, str]

    @classmethod
    def of(cls, run: RunFolder, versions: dict[str, str]) -> "RunFigures":
        """Of a run whose tables and recordings are there. Raises UsageError, RecordingError."""
        return cls(run, _table(run.folder), _loads(run), versions)

    @classmethod
    def open(cls, folder: Path) -> "RunFigures":
        """Of a finished run. Raises UsageError, RecordingError."""
        run = RunFolder.open(folder)
        return cls.of(run, run.versions)

    @property
    def mechanisms(self) -> list[str]:
        """In the order of the run."""
        return list(dict.fromkeys(recorded.mechanism for recorded in self.run.recordings))

    @property
    def name(self) -> str:
        """Of the folder, whole or its last part."""
        return self.run.folder.resolve().name

    @cached_property
    def _by_side(self) -> dict[tuple[str, str], "pd.DataFrame"]:
        return dict(list(self.table.groupby(["mechanism", "workload"], sort=False)))

    def values(self, mechanism: str, workload: str) -> tuple[list[int], dict[Key, np.ndarray]]:
        """Seeds, and f8[seeds] by phase and measure in their order. Raises UsageError.

        Of migrated pages there is no figure where compaction has no target: few are no merit then.
        """
        rows = self._by_side.get((mechanism, workload))
        if rows is None:
            return [], {}
        try:
            wide = rows.pivot(index=["phase", "measure"], columns="seed", values="value")
        except ValueError:
            where = self.run.folder / SEEDS_FILE
            raise UsageError(f"{where}: a row of {mechanism}, {workload} stands twice") from None
        order = rows[["phase", "measure"]].drop_duplicates().itertuples(index=False, name=None)
        found = dict(zip(wide.index, wide.to_numpy(float, copy=True), strict=True))
        if self.compacts_in_vain(mechanism, workload):
            found[TOTAL, MIGRATED][:] = np.nan
        return [int(seed) for seed in wide.columns], {key: found[key] for key in order}

    def totals(self, mechanism: str, workload: str, measure: str) -> np.ndarray:
        """A count of the whole run, f8[seeds]; only of those seeds that have it."""
        rows = self._by_side.get((mechanism, workload))
        if rows is None:
            return np.empty(0)
        of_it = rows[(rows["phase"] == TOTAL) & (rows["measure"] == measure)]
        return of_it["value"].dropna().to_numpy(float)

    def tells_types(self, mechanism: str, workload: str) -> bool:
        """Whether the mechanism tells mobilities apart, under that load."""
        return self.loads[workload].mechanisms[mechanism]["tells_types"]

    def compacts_in_vain(self, mechanism: str, workload: str) -> bool:
        """Whether memory was to be compacted, but no pageblock is movable, so that none moves.

        Source: 6.1 suitable_migration_target, set_pageblock_migratetype.
        """
        if self.tells_types(mechanism, workload):
            return False
        migrated = self.totals(mechanism, workload, MIGRATED)
        tried = any(self.totals(mechanism, workload, name).any() for name in COMPACTIONS)
        return tried and len(migrated) > 0 and not migrated.any()


def _table(folder: Path) -> "pd.DataFrame":
    path = folder / SEEDS_FILE
    if not path.exists():
        raise UsageError(f"{path}: not there; run it again: an older pagereel made this run")
    return read_seeds(path)


def _loads(run: RunFolder) -> dict[str, Load]:
    """From the recordings' headers; seeds of one load share all but the stream."""
    loads: dict[str, Load] = {}
    for recorded, path in _each(run):
        known = loads.get(recorded.workload)
        if known and recorded.seed in known.digests and recorded.mechanism in known.mechanisms:
            continue
        recording = Recording.open(path)
        header = recording.header
        load = known or Load(header["workload"], tuple(header["phases"]), {}, {})
        load.digests.setdefault(recorded.seed, header["workload"].get("digest", ""))
        source = header["source"].get("text", "")
        entry = header["mechanism"] | {
            "label": label_of(header),
            "made_by": source,
            "tells_types": tells_types(header),
            "geometry": header["geometry"],
            "eligible_blocks": int(eligible_blocks(recording).sum()),
        }
        load.mechanisms.setdefault(recorded.mechanism, entry)
        loads[recorded.workload] = load
    return loads


def _each(run: RunFolder) -> list[tuple[Recorded, Path]]:
    recorded = zip(run.recordings, run.paths, strict=True)
    return [*recorded, *zip(run.repeats, run.repeat_paths, strict=True)]
