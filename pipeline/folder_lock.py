"""One run at a time in a folder."""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE_S = 3.0  # workers of a run that was killed end at once, but not in no time


class FolderInUse(Exception):
    """Another run writes there: one line."""


@contextmanager
def locked(folder: Path) -> Iterator[int]:
    """A folder that no other run writes into; gives the descriptor that the lock hangs on.

    The lock is the kernel's, on the folder itself: it leaves no file, and it ends with the last
    process that has the descriptor. File systems without such locks, as some on a network, are
    written to without one. Raises FolderInUse, OSError.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _lock(descriptor, folder)
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > until_s:
                raise FolderInUse(f"{folder}: another run is at work there") from None
        except OSError as error:
            if error.errno in (errno.EBADF, errno.ENOLCK, errno.ENOTSUP, errno.EINVAL):
                return
            raise
        time.sleep(0.02)
