"""What an sdist and a wheel hold, file by file."""

import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

PACKAGES = ("allocator", "workloads", "capture", "pipeline", "renderer")
BESIDE = ("CHANGELOG.md", "KERNEL.md", "LICENSE", "MANIFEST.in", "README.md", "pyproject.toml",
          "setup.py")  # fmt: skip
BUILT = {".so", ".pyd", ".c", ".pyc"}
ABOUT = ("METADATA", "WHEEL", "entry_points.txt", "licenses/LICENSE")
CORE = ("page_alloc", "scanners", "slab", "vmscan")


def shipped(root: Path) -> set[str]:
    """Every file of the packages, as a path below `root`, but for what building leaves there."""
    return {
        path.relative_to(root).as_posix()
        for package in PACKAGES
        for path in (root / package).rglob("*")
        if path.is_file() and path.suffix not in BUILT
    }


def of_sdist(path: Path) -> set[str]:
    """The files in an sdist, without its folder and what setuptools notes of it."""
    with tarfile.open(path) as archive:
        names = [member.name.partition("/")[2] for member in archive if member.isfile()]
    return {name for name in names if not name.startswith("pagereel.egg-info/")} - {
        "PKG-INFO",
        "setup.cfg",
    }


def of_wheel(path: Path) -> tuple[set[str], set[str]]:
    """The files in a wheel: those that are installed as packages, and those that describe it."""
    names = set(zipfile.ZipFile(path).namelist())
    about = {name for name in names if name.partition("/")[0].endswith(".dist-info")}
    return names - about, {name.partition("/")[2] for name in about}


class PackageError(Exception):
    """A package that lacks a file, or has one too many."""


def check_sdist(path: Path, root: Path) -> None:
    """Raises PackageError where an sdist does not hold exactly what it should of the project."""
    _same(path, of_sdist(path), shipped(root) | set(BESIDE))


def check_wheel(path: Path, root: Path, *, compiled: bool) -> None:
    """Raises PackageError where a wheel does not hold exactly what it should, or another core."""
    files, about = of_wheel(path)
    built = {name for name in files if Path(name).suffix in BUILT}
    _same(path, files - built, shipped(root))
    _same(path, {Path(name).name.partition(".")[0] for name in built}, CORE if compiled else ())
    _same(path, about & set(ABOUT), ABOUT)


def _same(path: Path, found: Iterable[str], wanted: Iterable[str]) -> None:
    too_few, too_many = sorted(set(wanted) - set(found)), sorted(set(found) - set(wanted))
    if too_few or too_many:
        raise PackageError(f"{path}: too few: {too_few}; too many: {too_many}")
