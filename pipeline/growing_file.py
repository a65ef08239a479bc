"""A file that others may read while it grows, and that can be gone on with when its writer died."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipeline.atomic import growing_name, replacing, sync_folder


class GrowingFile:
    """Appends to `path` + ".partial", which is called `path` when it is finished.

    It is never seen without the bytes `start`. `go_on`: what a writer that died left there is kept
    as long as the same is appended again, and cut where that differs; so nothing that was on the
    disk is lost, however often its writers die. Otherwise it is written anew. `size_bytes`: of
    what was appended. Raises OSError that names `path`; so do the methods.
    """

    def __init__(self, path: Path, start: bytes, *, go_on: bool = False) -> None:
        self._path, self._partial = path, growing_name(path)
        self._go_on = go_on
        self.size_bytes = 0
        with self._naming():
            left = self._partial.exists()
            if not left:
                with replacing(self._partial) as fresh:
                    fresh.write_bytes(start)
            # Unbuffered: a reader sees whole chunks, and a full disk is told at once.
            mode = "wb" if left and not go_on else "rb+"
            self._file = open(self._partial, mode, buffering=0)  # noqa: SIM115
            self._standing_bytes = self._file.seek(0, os.SEEK_END)
        try:
            self.append(start)
        except BaseException as error:
            self.leave(error)
            raise

    def append(self, data: bytes) -> None:
        """Write the next bytes; or step over them where they stand already."""
        with self._naming():
            if self.size_bytes < self._standing_bytes and not self._stands(data):
                self._cut()
            if self.size_bytes >= self._standing_bytes:
                view = memoryview(data)
                while view:
                    view = view[self._file.write(view) :]
        self.size_bytes += len(data)

    def finish(self) -> None:
        """Bring all to the disk and give the file its name."""
        with self._naming():
            if self.size_bytes < self._standing_bytes:
                self._cut()
            os.fsync(self._file.fileno())
            self._file.close()
            self._partial.replace(self._path)
            sync_folder(self._path.parent)

    def leave(self, error: BaseException | None) -> None:
        """End before the end: remove what was written.

        Where it can be gone on with, it stays after an interrupt; `error`: why it ends. Not after
        a fault: that would come again, and a full disk wants room.
        """
        self._file.close()
        if self._go_on and error is not None and not isinstance(error, Exception):
            return
        with suppress(OSError):  # it must not hide what went wrong before
            self._partial.unlink(missing_ok=True)

    def _stands(self, data: bytes) -> bool:
        there = b""
        while len(there) < len(data):
            offset = self.size_bytes + len(there)
            part = os.pread(self._file.fileno(), len(data) - len(there), offset)
            if not part:
                return False
            there += part
        return there == data

    def _cut(self) -> None:
        self._file.truncate(self.size_bytes)
        self._file.seek(self.size_bytes)
        self._standing_bytes = 0

    @contextmanager
    def _naming(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self._path)) from error
