"""`pagereel mail`: a run, or two, as a text for a mailing list."""

from collections.abc import Sequence
from pathlib import Path

from pipeline.comparison.output import give
from pipeline.comparison.rows import Choice, Row, check_choice
from pipeline.comparison.sides import Group, groups
from pipeline.comparison.writers import written
from pipeline.mail.letter import letter
from pipeline.mail.limits import limits
from pipeline.mail.repeat import command_lines


def mail_command(
    run: str,
    base: str,
    base_mechanism: str,
    choice: Choice,
    form: str,
    output: Path | None,
    force: bool,
) -> None:
    """Print the mail, or write it to `output`. Raises UsageError, RecordingError, OSError."""
    compared = groups(base or run, run if base else "", base_mechanism)
    give(mail_text(compared, choice, form), output, force)


def mail_text(compared: Sequence[Group], choice: Choice, form: str = "text") -> str:
    """The mail in a format. Raises UsageError."""
    check_choice(choice, compared)
    document, rows = letter(compared, choice)
    return written(form, document, rows, facts(document.title, compared, rows))


def facts(title: str, compared: Sequence[Group], rows: Sequence[Row]) -> dict:
    """What is known beside the rows: loads, streams, versions, how to repeat it."""
    runs = {id(s.run): s.run for group in compared for s in (group.base, *group.others)}
    loads = [load for run in runs.values() for load in run.loads.values()]
    return {
        "title": title,
        "runs": [
            {
                "name": run.name,
                "versions": run.versions,
                "command": "\n".join(command_lines(run.run, "out")),
                "mechanisms": run.mechanisms,
                "workloads": {
                    name: load.about | {"digests": {str(s): d for s, d in load.digests.items()}}
                    for name, load in run.loads.items()
                },
            }
            for run in runs.values()
        ],
        "limits": limits(loads),
    }
