"""Where a comparison's text goes."""

from pathlib import Path

from pipeline.atomic import write_text
from pipeline.config import UsageError


def give(text: str, output: Path | None, force: bool) -> None:
    """Print a text, or write it to a file. Raises UsageError for one that is there, OSError."""
    if output is None:
        print(text, end="")
    elif output.exists() and not force:
        raise UsageError(f"{output}: exists; --force replaces it")
    else:
        write_text(output, text)
        print(output)
