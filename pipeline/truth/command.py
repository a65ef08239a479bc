"""`pagereel truth`: replays of real recordings beside what those kernels did."""

import shlex
import sys
from pathlib import Path

from pipeline.artefacts import Task
from pipeline.atomic import write_text
from pipeline.config import check_output
from pipeline.simulate import core_note
from pipeline.truth.compare import Comparison, Row, compared
from pipeline.truth.pictures import draw_pair
from pipeline.truth.replays import Boot, make, planned
from pipeline.truth.report import report


def truth_command(
    folders: list[Path], starts: int, output: Path | None, jobs: int, force: bool
) -> None:
    """Print the text; with `output` write it there, with the table and the pictures.

    Raises UsageError, WorkloadError, OSError.
    """
    if output is not None:
        check_output(output, force, "results")
    boots = [Boot.open(folder) for folder in folders]
    replays = planned(boots)
    if core_note():
        print(f"pagereel: {core_note()}", file=sys.stderr)
    pictures: list[Task] = []
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
        pictures = [
            Task(f"{boot.name}.png", draw_pair, (boot.folder, output / f"{boot.name}.png"))
            for boot in boots
        ]
    # Pictures first: a folder without snapshots is told at once.
    outcomes = make(replays, starts, jobs, before=pictures)
    comparisons = [compared(*each) for each in zip(replays, outcomes, strict=True)]
    names = [boot.name for boot in boots]
    command = shlex.join(["pagereel", "truth", *names, "--starts", str(starts)])
    text = report(command, comparisons, starts)
    if output is not None:
        _write(comparisons, text, output)
    print(text, end="")


def _write(comparisons: list[Comparison], text: str, output: Path) -> None:
    import pandas as pd

    from pipeline.artefacts.tables import write_csv

    rows = [row for comparison in comparisons for row in comparison.rows.values()]
    write_csv(pd.DataFrame(rows, columns=Row._fields), output / "truth.csv")
    write_text(output / "truth.txt", text)
