"""Install what `make dist` built into clean environments, and run a short job in each.

Run: python -m tests.packages.check_dist FOLDER [wheel] [sdist] [pipx]. The wheel; the sdist,
without a compiler; the wheel by pipx; all of them where none is named. Nothing of the project's own
folder can be reached there.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.packages.contents import PackageError, check_sdist, check_wheel

ROOT = Path(__file__).parents[2]
WAYS = ("wheel", "sdist", "pipx")
JOB = ["run", "-w", "churn", "-p", "memory_mib=16", "-p", "requests=20000", "-m", "6.1-off",
       "-m", "6.1-list", "--frames", "8"]  # fmt: skip
RECORDING = "run/recordings/churn-6.1-list-0.reel"
EVERYTHING = ("sheet.png", "still.png", "report.html", "video/comparison.mp4", "animation.webp",
              "figures/overview.pdf", "findings.csv", "summary.csv")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("ways", nargs="*", metavar="WAY", help=", ".join(WAYS))
    arguments = parser.parse_args()
    folder, ways = arguments.folder.absolute(), arguments.ways or WAYS
    if set(ways) - set(WAYS):
        parser.error(f"there are {', '.join(WAYS)}")
    try:
        [sdist], [wheel] = folder.glob("*.tar.gz"), folder.glob("*.whl")
    except ValueError:
        raise SystemExit(f"{folder}: not one sdist and one wheel") from None
    try:
        check_sdist(sdist, ROOT)
        check_wheel(wheel, ROOT, compiled=True)
        if "wheel" in ways:
            _timed("wheel", _installed, wheel, "compiled")
        if "sdist" in ways:
            _timed("sdist, no compiler", _installed, sdist, "uncompiled", CC="false")
        if "pipx" in ways:
            _timed("wheel by pipx", _by_pipx, wheel)
    except PackageError as error:
        raise SystemExit(str(error)) from None


def _timed(title: str, check, *arguments: object, **changes: str) -> None:
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pagereel-") as name:
        check(Path(name), *arguments, **changes)
    print(f"{title}: installed, and a short job done, in {time.monotonic() - start:.0f} s",
          flush=True)  # fmt: skip


def _installed(folder: Path, package: Path, core: str, **changes: str) -> None:
    """In a new virtual environment. Raises PackageError."""
    _run(folder, sys.executable, "-m", "venv", "env")
    scripts = folder / "env" / ("Scripts" if os.name == "nt" else "bin")
    pip = [scripts / "python", "-m", "pip", "--disable-pip-version-check"]
    _run(folder, *pip, "install", "--quiet", "--no-compile", package, **changes)
    _run(folder, *pip, "check")
    only = None if core == "compiled" else "report"
    _job(folder, [scripts / "pagereel"], package, core, only)


def _by_pipx(folder: Path, wheel: Path) -> None:
    """Without installing it for good. Raises PackageError."""
    changes = {"PIPX_HOME": str(folder / "pipx"), "PIPX_BIN_DIR": str(folder / "bin")}
    pipx = [shutil.which("pipx")]
    if not pipx[0]:
        _run(folder, sys.executable, "-m", "venv", "tool")
        _run(folder, folder / "tool" / "bin" / "pip", "install", "--quiet", "pipx")
        pipx = [folder / "tool" / "bin" / "pipx"]
    command = [*pipx, "run", "--python", sys.executable, "--spec", wheel, "pagereel"]
    said = _run(folder, *command, "--help", **changes)
    if "replay" not in said:
        raise PackageError(f"{wheel}: pagereel --help by pipx says {said!r}")
    _job(folder, command, wheel, "compiled", "sheet", **changes)


def _job(
    folder: Path, pagereel: list, package: Path, core: str, only: str | None, **changes: str
) -> None:
    """A run with every artefact or one, and what the recording is. Raises PackageError."""
    version = package.name.removesuffix(".tar.gz").split("-")[1]
    said = _run(folder, *pagereel, "--version", **changes)
    if said != f"pagereel, version {version}\n":
        raise PackageError(f"{package}: --version says {said!r}")
    _run(folder, *pagereel, *JOB, *(["--only", only] if only else []), "-o", "run", **changes)
    _run(folder, *pagereel, "info", RECORDING, **changes)
    _run(folder, *pagereel, "verify", RECORDING, **changes)
    for kind in ("mechanisms", "workloads", "artefacts"):
        _run(folder, *pagereel, "list", kind, **changes)
    wanted = [name for name in EVERYTHING if not only or name.startswith((only, "summary"))]
    missing = [name for name in wanted if not (folder / "run" / name).is_file()]
    versions = json.loads((folder / "run" / "metadata.json").read_text())["versions"]
    if missing or (versions["pagereel"], versions["core"]) != (version, core):
        raise PackageError(f"{package}: the run lacks {missing}, and says {versions}")


def _run(folder: Path, *command: object, **changes: str) -> str:
    """What a command prints, run in `folder`. Raises PackageError where it fails."""
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=kept | changes,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        told = " ".join(str(word) for word in command)
        raise PackageError(f"{told}: exit code {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
