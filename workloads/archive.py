"""Archives of arrays (.npz) from anywhere: what they unpack to is bounded before it is unpacked."""

import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from workloads.stream import WorkloadError

MOST_TIMES = 10_000  # what an archive may grow to; LZMA comes to 7,000, others have no limit
SMALL_BYTES = 1 << 24  # any archive may hold so much


@contextmanager
def opened(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip file for reading.

    Raises WorkloadError for one that would unpack to far more than it is; whatever a damaged
    archive makes zipfile raise.
    """
    with open(path, "rb") as data, zipfile.ZipFile(data) as file:
        most_bytes = SMALL_BYTES + MOST_TIMES * os.fstat(data.fileno()).st_size
        if sum(member.file_size for member in file.infolist()) > most_bytes:
            raise WorkloadError(f"{path}: not a readable stream: it unpacks to far more than it is")
        yield file


def array_of(file: zipfile.ZipFile, name: str) -> np.ndarray:
    """A member as an array; pickled ones are never loaded. Raises ValueError and others."""
    with file.open(name) as member:
        return np.lib.format.read_array(member)
