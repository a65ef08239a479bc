"""Files that are either whole or not there: written under another name, synced, then renamed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path to write to; afterwards the file gets the name `path`, or is removed on a fault.

    The temporary keeps the suffix, from which writers of pictures tell the format. Raises OSError.
    """
    partial = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        partial.touch()  # a folder that isn't there is told here, not by who writes
        yield partial
        with open(partial, "rb+") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        with suppress(OSError):  # it must not hide what went wrong before
            partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file with Unix line ends, whole or not at all. Raises OSError."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")
