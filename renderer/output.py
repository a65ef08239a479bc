"""Writing a file whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


class RenderError(Exception):
    """A picture that cannot be written or read; one line that names the file and the fault."""


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary name beside `path`, with its suffix; the file is moved to `path` at the end.

    Its bytes are on the disk before it gets its name. Whatever goes wrong in the block, nothing is
    left. Raises RenderError where the file system refuses.
    """
    partial = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    try:
        partial.touch()  # a folder that is missing or read-only is told in plain words
        yield partial
        with open(partial, "rb+") as file:
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        raise RenderError(f"{path}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):  # it must not hide what went wrong before
            partial.unlink(missing_ok=True)
