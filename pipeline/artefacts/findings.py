"""findings.csv: what is worth pointing at in the recordings of a run, found by rule."""

from pathlib import Path

import pandas as pd

from pipeline.artefacts import Progress, Task
from pipeline.artefacts.tables import write_csv
from pipeline.findings import findings_of
from pipeline.findings.finding import COLUMNS
from pipeline.recording import Recording
from pipeline.run_folder import RunFolder

FILE = "findings.csv"


def tasks(run: RunFolder) -> list[Task]:
    """One task: the rules compare recordings with each other."""
    return [Task("findings", write, (run.folder / FILE, compared(run)), (FILE,))]


def compared(run: RunFolder) -> list[list[Path]]:
    """The recordings that are held against each other: of one workload and seed each."""
    groups: dict[tuple[str, int], list[Path]] = {}
    for recorded in run.recordings:
        groups.setdefault((recorded.workload, recorded.seed), []).append(run.path(recorded))
    return list(groups.values())


def write(target: Path, groups: list[list[Path]], progress: Progress) -> None:
    """Write the findings of each group of recordings in turn. Raises RecordingError, OSError."""
    rows = []
    for number, paths in enumerate(groups):
        found = findings_of([Recording.open(path) for path in paths])
        rows += [finding.row() for finding in found]
        progress(number + 1, len(groups))
    write_csv(pd.DataFrame(rows, columns=COLUMNS), target)
