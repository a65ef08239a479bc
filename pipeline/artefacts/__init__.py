"""Artefacts of a run. A new one is a module with `tasks(run)` and one line in ARTEFACTS."""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pipeline.run_folder import RunFolder

# Name -> (module with `tasks(run) -> list[Task]`, what it makes). Tables come first: the pictures
# take their figures from them.
ARTEFACTS = {
    "tables": (
        "pipeline.artefacts.tables",
        "summary.csv, series.csv, cost.csv, events.csv, blame.csv",
    ),
    "mail": ("pipeline.artefacts.mail", "mail.txt: the run as a text for a mailing list"),
    "video": ("pipeline.artefacts.video", "video/<mechanism>.mp4"),
    "comparison": ("pipeline.artefacts.comparison", "video/comparison.mp4: all on one clock"),
    "sheet": ("pipeline.artefacts.sheet", "sheet.png: mechanism by phase"),
    "difference": (
        "pipeline.artefacts.difference",
        "video/difference.mp4, difference*.png",
    ),
    "still": ("pipeline.artefacts.still", "still.png: the frame of greatest difference"),
    "animation": ("pipeline.artefacts.animation", "animation.webp: small, for a web page"),
    "genealogy": (
        "pipeline.artefacts.genealogy",
        "genealogy.csv, episodes.csv, half_life.csv, figures/genealogy.*",
    ),
    "findings": ("pipeline.artefacts.findings", "findings.csv: what is worth pointing at"),
    "report": ("pipeline.artefacts.report", "report.html: every frame, for a browser"),
    "figures": (
        "pipeline.artefacts.figures",
        "figures/: curves and what blocks huge pages, with CSV",
    ),
}

Progress = Callable[[int, int], None]


class Task(NamedTuple):
    """One file or group of files to make: `function(*arguments, progress=...)`, in any process.

    `files`: what it makes, as names below the run folder.
    """

    label: str
    function: Callable[..., None]
    arguments: tuple
    files: tuple[str, ...] = ()


def tasks_of(name: str, run: "RunFolder") -> list[Task]:
    """The tasks that make one artefact."""
    return import_module(ARTEFACTS[name][0]).tasks(run)
