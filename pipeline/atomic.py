"""Files that are either whole or not there: written under another name, synced, then renamed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
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
        sync_folder(path.parent)
    finally:
        with suppress(OSError):  # it must not hide what went wrong before
            partial.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make a file's new name outlive a crash of the machine. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def growing_name(path: Path) -> Path:
    """The name of a recording that others may read while it grows."""
    return path.with_name(path.name + ".partial")


def partials_of(path: Path) -> list[Path]:
    """What killed writers of `path` left beside it."""
    left = path.parent.glob(f".{escape(path.stem)}.[0-9]*.partial{path.suffix}")
    return [*left, *([growing_name(path)] if growing_name(path).exists() else [])]


def write_text(path: Path, text: str) -> None:
    """Write a text file with Unix line ends, whole or not at all. Raises OSError."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")
