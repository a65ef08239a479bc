"""Where a comparison's text goes."""

from pathlib import Path

from pipeline.atomic import write_text


def give(text: str, output: Path | None) -> None:
    """Print a text, or write it to a file. Raises OSError."""
    if output is None:
        print(text, end="")
    else:
        write_text(output, text)
        print(output)
