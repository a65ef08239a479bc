"""Files that are either whole or not there: written under another name, synced, then renamed."""

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_TEMPORARY = re.compile(r"\.(?P<stem>.+)\.\d+\.partial(?P<suffix>(\.[^.]*)?)")  # of `replacing`


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A path to write to; afterwards the file gets the name `path`, or is removed on a fault.

    The temporary keeps the suffix, from which writers of pictures tell the format. Raises OSError
    that names `path`.
    """
    partial = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        partial.touch()  # a folder that isn't there is told here, not by who writes
        yield partial
        with open(partial, "rb+") as file:
            os.fsync(file.fileno())
        partial.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        if error.errno is None or str(error.filename or partial) != str(partial):
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error
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


def temporaries_of(paths: Iterable[Path]) -> list[Path]:
    """What killed writers of these files left beside them and nobody can use."""
    paths = list(paths)
    written = {name for path in paths for name in (path, growing_name(path))}
    folders = sorted({path.parent for path in paths if path.parent.is_dir()})
    return [left for folder in folders for left in folder.iterdir() if _written(left) in written]


def partials_of(paths: Iterable[Path]) -> list[Path]:
    """All that killed writers of these files left beside them."""
    paths = list(paths)
    growing = [name for name in map(growing_name, paths) if name.exists()]
    return [*temporaries_of(paths), *growing]


def _written(temporary: Path) -> Path | None:
    """What `replacing` would have called it; None where it isn't from there."""
    match = _TEMPORARY.fullmatch(temporary.name)
    return temporary.with_name(match["stem"] + match["suffix"]) if match else None


def write_text(path: Path, text: str) -> None:
    """Write a text file with Unix line ends, whole or not at all. Raises OSError."""
    with replacing(path) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")
