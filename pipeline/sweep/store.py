"""Results by what they were made from: one file each, whole or not there.

A file is `ab/abcdef....json` by its key, with all inputs in it and a checksum of itself. Several
sweeps may write into one store at the same time: under one key all write the same bytes.
"""

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from shutil import rmtree

from pipeline.atomic import replacing, sync_folder, temporaries_of
from pipeline.sweep.identity import canonical, key_of


class Damaged(Exception):
    """A result that is not what was written: why, in a few words."""


class Store:
    """The results below `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, key: str) -> Path:
        """Where the result of that key lies, or will."""
        return self.folder / key[:2] / f"{key}.json"

    def __contains__(self, key: str) -> bool:
        return self.path(key).is_file()

    def read(self, key: str) -> dict:
        """A result as it was written. Raises Damaged, and OSError where it cannot be read."""
        content = self.path(key).read_bytes()
        try:
            result = json.loads(content)
            checksum = result.pop("sha256")
            intact = sha256(canonical(result)).hexdigest() == checksum
            is_this = key_of(result["inputs"]) == key
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise Damaged("not readable") from None
        if not intact:
            raise Damaged("its checksum is another")
        if not is_this:
            raise Damaged("it is of another cell")
        return result

    def write(self, key: str, result: dict) -> None:
        """Keep a result, whole or not at all. Raises OSError."""
        path = self.path(key)
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
            sync_folder(self.folder)
        content = canonical(result | {"sha256": sha256(canonical(result)).hexdigest()})
        with replacing(path) as partial:
            partial.write_bytes(content + b"\n")

    def remove(self, key: str) -> None:
        """Forget a result. Raises OSError."""
        self.path(key).unlink(missing_ok=True)

    def clean(self, keys: Iterable[str]) -> None:
        """Remove what killed writers of these results left, and their scratch. Raises OSError."""
        for partial in temporaries_of(map(self.path, keys)):
            if not _runs(partial.name.split(".")[-3]):
                partial.unlink(missing_ok=True)
        for scratch in self.folder.glob(".pagereel-*-*"):
            if not _runs(scratch.name.split("-")[1]):
                rmtree(scratch, ignore_errors=True)


def _runs(number: str) -> bool:
    """Whether there is a process of that number, here or with another owner."""
    with suppress(ValueError, OverflowError, ProcessLookupError):
        try:
            os.kill(int(number), 0)
        except PermissionError:
            return True
        return True
    return False
