"""Folders for files that are needed for a while only, which outlive not even a killed process long.

Each lies among the system's temporary files, with the kernel's lock on it, which ends with the
process that made it. Whoever makes the next one removes those that nobody has a lock on.
"""

import fcntl
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree

PREFIX = "pagereel-scratch-"


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A new empty folder, removed afterwards. Raises OSError."""
    root = Path(tempfile.gettempdir())
    _sweep(root)
    folder, descriptor = _made(root)
    try:
        yield folder
    finally:
        rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def _made(root: Path) -> tuple[Path, int]:
    """A folder and the descriptor that its lock hangs on."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))
        with suppress(FileNotFoundError):  # another one swept it before it was locked
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            with suppress(OSError):  # a file system without locks: nobody sweeps there
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if folder.exists():
                return folder, descriptor
            os.close(descriptor)


def _sweep(root: Path) -> None:
    """Remove what killed processes of this user left."""
    for left in root.glob(f"{PREFIX}*"):
        with suppress(OSError):  # another one was quicker, or it belongs to another user
            descriptor = os.open(left, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(descriptor).st_uid == os.getuid():
                    rmtree(left, ignore_errors=True)
            finally:
                os.close(descriptor)
