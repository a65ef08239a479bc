"""The sdist and the wheel, built here without a compiler; `make check-dist` installs them."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.packages.contents import (
    BESIDE,
    PACKAGES,
    PackageError,
    check_sdist,
    check_wheel,
    of_sdist,
    of_wheel,
)

ROOT = Path(__file__).parents[2]
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
JOB = [
    "run", "-w", "churn", "-p", "memory_mib=16", "-p", "requests=2000", "-m", "6.1-list",
    "--frames", "4", "--only", "report",
]  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder with src, a copy of the project, and dist, what was built of it; what was said.

    The copy has what must not be shipped too. Its translated core saves the translation.
    """
    folder = tmp_path_factory.mktemp("packages")
    source, dist = folder / "src", folder / "dist"
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__", "*.so", "*.partial*")
        shutil.copytree(ROOT / package, source / package, ignore=ignored)
    if (ROOT / "build" / "c").is_dir():
        shutil.copytree(ROOT / "build" / "c", source / "build" / "c")
    for name in BESIDE:
        shutil.copy2(ROOT / name, source / name)
    for name in ("tests/test_a.py", "bench/speed.py", "output/main/a.csv", "docs/a.md", "a.py"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text("")
    done = subprocess.run(
        [sys.executable, "setup.py", "-q", "sdist", "-d", dist, "bdist_wheel", "-d", dist],
        cwd=source,
        env={**os.environ, "CC": "false"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout + done.stderr


def one(folder: Path, pattern: str) -> Path:
    [path] = folder.glob(pattern)
    return path


def test_they_hold_every_file_and_no_other(built: tuple[Path, str]) -> None:
    folder, _ = built
    check_sdist(one(folder, f"dist/pagereel-{VERSION}.tar.gz"), folder / "src")
    check_wheel(one(folder, f"dist/pagereel-{VERSION}-*.whl"), folder / "src", compiled=False)


def test_a_file_too_few_or_too_many_is_seen(built: tuple[Path, str], tmp_path: Path) -> None:
    folder, _ = built
    sdist, wheel = one(folder, "dist/*.tar.gz"), one(folder, "dist/*.whl")
    root = tmp_path / "src"
    for name in of_sdist(sdist):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    check_sdist(sdist, root)
    (root / "renderer" / "report" / "page" / "more.css").touch()
    with pytest.raises(PackageError, match=r"too few.*more\.css.*too many: \[\]"):
        check_sdist(sdist, root)
    with pytest.raises(PackageError, match=r"too few.*more\.css.*too many: \[\]"):
        check_wheel(wheel, root, compiled=False)
    with pytest.raises(PackageError, match=r"too few: .'page_alloc'"):
        check_wheel(wheel, folder / "src", compiled=True)
    (root / "pipeline" / "cli.py").unlink()
    with pytest.raises(PackageError, match=r"too many: \['pipeline/cli\.py'\]"):
        check_sdist(sdist, root)
    assert "allocator/mechanisms/6.1-off.toml" in of_wheel(wheel)[0]


def test_that_there_is_no_compiler_is_said(built: tuple[Path, str]) -> None:
    assert built[1].count("pagereel: the core stays uncompiled: ") == 4


def test_the_wheel_runs_where_nothing_else_of_the_project_is(
    built: tuple[Path, str], tmp_path: Path
) -> None:
    library = tmp_path / "library"
    with zipfile.ZipFile(one(built[0], "dist/*.whl")) as wheel:
        wheel.extractall(library)
    start = (
        "import pipeline, sys\n"
        "sys.argv[0] = 'pagereel'\n"
        f"assert pipeline.__file__.startswith({str(library)!r})\n"
        "from pipeline.cli import main\n"
        "main()"
    )

    def pagereel(*arguments: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-c", start, *arguments],
            env={**os.environ, "PYTHONPATH": str(library)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    assert pagereel("--version").stdout == f"pagereel, version {VERSION}\n"
    done = pagereel(*JOB, "-o", "run")
    assert done.returncode == 0, done.stderr
    assert "the core is not compiled" in done.stderr
    versions = json.loads((tmp_path / "run" / "metadata.json").read_text())["versions"]
    assert (versions["pagereel"], versions["core"]) == (VERSION, "uncompiled")
    assert (tmp_path / "run" / "report.html").stat().st_size > 100_000


def test_the_version_stands_in_one_place() -> None:
    elsewhere = [
        path
        for name in (*PACKAGES, "setup.py", "Makefile", "README.md", "docs/batch")
        for path in ([ROOT / name] if (ROOT / name).is_file() else (ROOT / name).rglob("*"))
        if path.suffix in {"", ".py", ".toml", ".jinja", ".js", ".md"} and path.is_file()
        and re.search(rf"(?<![\d.]){re.escape(VERSION)}(?![\d.])", path.read_text("utf-8"))
    ]  # fmt: skip
    assert elsewhere == []


def test_the_changelog_ends_with_this_version_or_what_is_not_released() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    titles = re.findall(r"^## (.+)$", text, re.MULTILINE)
    released = [title for title in titles if title != "Unreleased"]
    assert titles in (released, ["Unreleased", *released])
    assert released[0] == VERSION
    numbers = [tuple(map(int, title.split("."))) for title in released]
    assert numbers == sorted(set(numbers), reverse=True)
