"""Writing a picture whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.atomic import replacing


class RenderError(Exception):
    """A picture that cannot be written or read; one line that names the file and the fault."""


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """As pipeline.atomic.replacing. Raises RenderError where the file system refuses."""
    try:
        with replacing(path) as partial:
            yield partial
    except OSError as error:
        raise RenderError(f"{path}: {error.strerror or error}") from error
