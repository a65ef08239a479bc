"""Where a comparison's text goes."""

from pathlib import Path

from pipeline.atomic import write_text
from pipeline.config import check_file


def give(text: str, output: Path | None, force: bool) -> None:
    """Print a text, or write it to a file. Raises UsageError for one that is there, OSError."""
    if output is None:
        print(text, end="")
    else:
        check_file(output, force)
        write_text(output, text)
        print(output)
