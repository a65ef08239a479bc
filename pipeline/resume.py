"""Going on with a run that was stopped: whether it is the same run, and what is left of it.

Finished files have their names only when they are whole, so a file that is there is done, as long
as the same run made it. What that means stands in unfinished.json: the configuration, the versions,
digests of the program and of what it read, and which files stood in the folder before.
"""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from pipeline.artefacts import Task
from pipeline.atomic import temporaries_of
from pipeline.config import Cell, RunConfig, UsageError
from pipeline.metadata import versions
from pipeline.run_folder import METADATA, UNFINISHED, RunFolder

PACKAGES = ("allocator", "workloads", "capture", "pipeline", "renderer")
ANEW = "--force makes it anew"


def begun(folder: Path) -> RunConfig:
    """The configuration of the run in a folder, whether it ended or not. Raises UsageError."""
    for name in (UNFINISHED, METADATA):
        if (folder / name).is_file():
            return RunFolder.open(folder, name).config
    raise UsageError(f"{folder}: no run that could go on; name what to run")


def made_of(config: RunConfig, cells: list[Cell]) -> dict[str, str]:
    """Digests of all that decides a run's bytes beside its configuration and the versions.

    Raises WorkloadError for a stream that can't be read.
    """
    mechanisms = [cell.mechanism.model_dump(mode="json") for cell in cells]
    streams = [choice.load(seed=0).digest() for choice in config.workloads if choice.path]
    return {
        "mechanisms": _digest(json.dumps(mechanisms).encode()),
        "streams": _digest(json.dumps(streams).encode()),
        "program": program_digest(),
    }


def program_digest() -> str:
    """Of every file that the program consists of, built ones too."""
    root, digest = Path(__file__).parents[1], hashlib.sha256()
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                name = path.relative_to(root).as_posix()
                digest.update(f"{name} {_digest(path.read_bytes())}\n".encode())
    return digest.hexdigest()


def check_same(folder: Path, config: RunConfig, made_of: dict[str, str]) -> None:
    """Raise UsageError where the unfinished run in a folder isn't this one, as it would be now."""
    before = _entries(folder / UNFINISHED)
    _check_config(folder, before, config)
    told = before.get("versions", {})
    for name, version in versions().items():
        if told.get(name) != version:
            was = told.get(name, "unknown")
            raise UsageError(f"{folder}: begun with {name} {was}, this is {version}; {ANEW}")
    for name, digest in made_of.items():
        if before.get("made_of", {}).get(name) != digest:
            raise UsageError(f"{folder}: the {name} changed since its run was begun; {ANEW}")


def check_complete(folder: Path, config: RunConfig) -> None:
    """Raise UsageError where the complete run in a folder had another configuration."""
    _check_config(folder, _entries(folder / METADATA), config)


def standing(folder: Path, files: Iterable[str]) -> list[str]:
    """Those of the files that are there."""
    return [file for file in files if (folder / file).exists()]


def left_of(folder: Path, tasks: list[Task]) -> list[Task]:
    """The tasks that aren't done; what another made isn't taken for theirs."""
    foreign = set(_entries(folder / UNFINISHED).get("foreign", []))

    def done(task: Task) -> bool:
        return foreign.isdisjoint(task.files) and standing(folder, task.files) == [*task.files]

    return [task for task in tasks if not done(task)]


def sweep(folder: Path, files: list[str]) -> None:
    """Remove what killed writers of the files left, and nobody can use."""
    for left in temporaries_of(folder / file for file in (*files, METADATA, UNFINISHED)):
        left.unlink(missing_ok=True)


def _check_config(folder: Path, before: dict, config: RunConfig) -> None:
    told, wanted = before.get("config", {}), config.model_dump(mode="json")
    for entry in {**wanted, **told}:
        if told.get(entry) != wanted.get(entry):
            was, now = (json.dumps(of.get(entry)) for of in (told, wanted))
            raise UsageError(f"{folder}: its run has {entry} {was}, not {now}; {ANEW}")


def _entries(path: Path) -> dict:
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(entries, dict):
            raise ValueError("no table")
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: not readable: {error}") from None
    return entries


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
