"""mail.txt: the run as a text for a mailing list."""

from pathlib import Path

from pipeline.artefacts import Progress, Task
from pipeline.atomic import write_text
from pipeline.comparison.rows import Choice
from pipeline.comparison.runs import RunFigures
from pipeline.comparison.sides import within
from pipeline.mail.command import mail_text
from pipeline.metadata import versions
from pipeline.run_folder import RunFolder

FILE = "mail.txt"


def tasks(run: RunFolder) -> list[Task]:
    """One task: it reads the tables."""
    return [Task("mail", write, (run, run.folder / FILE), (FILE,))]


def write(run: RunFolder, target: Path, progress: Progress) -> None:
    """Write the mail of a run that may not have ended.

    Raises UsageError, RecordingError, OSError.
    """
    group = within(RunFigures.of(run, versions()))
    write_text(target, mail_text([group], Choice()))
    progress(1, 1)
