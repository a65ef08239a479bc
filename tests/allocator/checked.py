"""The allocator's core in two more forms: compiled with all checks on, and as plain Python.

Each is loaded beside the normal one; sys.modules keeps pointing at that.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES, SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location, spec_from_loader
from pathlib import Path
from types import ModuleType

import allocator.page_alloc as normal  # must be loaded first: it owns the module's name

PROJECT = Path(__file__).parents[2]
SOURCE = PROJECT / "allocator" / "page_alloc.py"
CHECKED = PROJECT / "build" / "checked"
NAME = "allocator.page_alloc"


class NotBuilt(Exception):
    """The checked core cannot be built here, and why."""


def checked_path() -> Path | None:
    """The checked core, if there is one that is no older than its source."""
    for suffix in EXTENSION_SUFFIXES:
        path = CHECKED / "allocator" / f"page_alloc{suffix}"
        if path.is_file() and path.stat().st_mtime >= SOURCE.stat().st_mtime:
            return path
    return None


def build() -> Path:
    """Build the checked core if need be. Raises NotBuilt."""
    path = checked_path()
    if path:
        return path
    command = [sys.executable, "setup.py", "-q", "build_ext"]
    command += ["--build-lib", str(CHECKED), "--build-temp", f"{CHECKED}-temp"]
    done = subprocess.run(
        command,
        cwd=PROJECT,
        env=os.environ | {"PAGEREEL_CHECKED": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    path = checked_path()
    if not path:
        said = (done.stderr + done.stdout).strip().splitlines() or ["nothing was said"]
        raise NotBuilt(f"no C compiler or no Cython here; the build said: {said[-1]}")
    return path


@cache
def checked_core() -> ModuleType:
    """The core with all checks on. Raises NotBuilt."""
    spec = spec_from_file_location(NAME, build())
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    if sys.modules[NAME] is not normal:
        raise RuntimeError("the checked core took the normal one's place")
    return module


@cache
def uncompiled_core() -> ModuleType:
    """The core as plain Python."""
    loader = SourceFileLoader("uncompiled_page_alloc", str(SOURCE))
    module = module_from_spec(spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


@contextmanager
def unraisable() -> Iterator[list[str]]:
    """Collects exceptions that compiled functions without an error return can only print."""
    caught: list[str] = []
    before = sys.unraisablehook
    sys.unraisablehook = lambda info: caught.append(f"{info.exc_value!r} in {info.object!r}")
    try:
        yield caught
    finally:
        sys.unraisablehook = before
