"""The folder of a testcase: what lies in it, written whole and read with distrust.

config.toml (a run, which `pagereel run` takes too), expected.csv (figures), testcase.toml (symptom,
conditions, hashes, versions), README.md, and what the run needs: streams/ and mechanisms/. Hashes
cover all that a check reads, so that a change by hand or on the way is told with the file's name.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from allocator.mechanism import mechanism_names
from allocator.table_file import TableFault, TableFile
from pipeline.atomic import replacing, write_text
from pipeline.config import RunConfig, UsageError, check, load_config, matrix
from pipeline.measures import SEEDS_COLUMNS
from pipeline.plain_text import joined, paragraph
from pipeline.run_folder import read_seeds
from pipeline.testcase.conditions import Condition

ABOUT, CONFIG, EXPECTED, README = "testcase.toml", "config.toml", "expected.csv", "README.md"
# Versions that the bytes of a recording depend on, whatever the figures do.
OF_BYTES = ("pagereel", "core", "numpy", "zstandard")


class TestcaseError(Exception):
    """A testcase that cannot be made, read or trusted: one line."""

    __test__ = False  # pytest takes classes of this name for tests


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RecordingHash(_Table):
    """One recording of the run and the hash of its file's bytes; `stream`: its digest."""

    file: str
    sha256: str
    stream: str


class About(_Table):
    """What testcase.toml holds."""

    format: Literal["pagereel testcase"] = "pagereel testcase"
    version: Literal[2] = 2
    symptom: str
    conditions: tuple[str, ...] = ()
    sealed: str  # the sha256 of all other entries
    versions: dict[str, str]
    files: dict[str, str]  # the sha256 of each other file that a check reads, by its path
    recordings: tuple[RecordingHash, ...]

    @field_validator("symptom")
    @classmethod
    def _printable(cls, text: str) -> str:
        if not text.isprintable():
            raise ValueError("has characters that can't be printed")
        return text

    def seal(self) -> str:
        """What `sealed` is, where nothing was changed."""
        entries = self.model_dump(mode="json", exclude={"sealed"})
        return hashlib.sha256(json.dumps(entries, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Testcase:
    """A testcase in memory. `expected`: figures with SEEDS_COLUMNS.

    `changed`: the files that aren't as they were exported.
    """

    __test__ = False

    about: About
    config: RunConfig
    expected: pd.DataFrame
    conditions: tuple[Condition, ...]
    changed: tuple[str, ...]


def write(folder: Path, about: About, config: dict, expected: pd.DataFrame) -> None:
    """Write the tables of a testcase and seal it; testcase.toml last. Raises OSError.

    What the run needs must lie there already.
    """
    import tomli_w

    with replacing(folder / EXPECTED) as partial:
        expected.to_csv(partial, index=False, lineterminator="\n")
    write_text(folder / CONFIG, tomli_w.dumps(config))
    write_text(folder / README, _readme(about))
    files = (EXPECTED, *_needed(load_config(folder / CONFIG), folder))
    about = about.model_copy(update={"files": {file: _hash(folder / file) for file in files}})
    about = about.model_copy(update={"sealed": about.seal()})
    write_text(folder / ABOUT, tomli_w.dumps(about.model_dump(mode="json")))


def _readme(about: About) -> str:
    conditions = [f"    {condition}" for condition in about.conditions]
    return joined(
        [
            "# A testcase of pagereel",
            "",
            *paragraph(about.symptom or "No symptom in words."),
            *(["", "To be seen with each seed:", "", *conditions] if conditions else []),
            "",
            "In this folder:",
            "",
            "    pagereel testcase check .",
            "",
            *paragraph(
                f"It makes {len(about.recordings)} recordings again, compares their bytes and "
                "figures with those expected, and says whether the symptom still shows. Made with "
                + ", ".join(f"{name} {about.versions.get(name, '?')}" for name in OF_BYTES)
                + ". With other versions bytes may differ; figures and symptom count then."
            ),
            "",
            "To see it, with pictures and tables:",
            "",
            f"    pagereel run {CONFIG} -o output/testcase",
        ]
    )


def read(folder: Path) -> Testcase:
    """A testcase, checked: nothing outside its folder is read. Raises UsageError, TestcaseError."""
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder")
    for name in (ABOUT, CONFIG, EXPECTED):
        _inside(folder, folder / name)
        if not (folder / name).exists():
            raise UsageError(f"{folder}: no testcase: it has no {name}")
    about = _about(folder / ABOUT)
    config = _config(folder)
    files = [cell.file_name for cell in matrix(config)]
    if [recording.file for recording in about.recordings] != files:
        raise TestcaseError(f"{folder / ABOUT}: its recordings aren't those of {CONFIG}")
    expected = _expected(folder / EXPECTED)
    try:
        conditions = tuple(map(Condition.parse, about.conditions))
        for condition in conditions:
            condition.check(expected)
    except UsageError as error:
        raise TestcaseError(f"{folder / ABOUT}: {error}") from None
    changed = tuple(_changed(folder, about, (EXPECTED, *_needed(config, folder))))
    return Testcase(about, config, expected, conditions, changed)


def _needed(config: RunConfig, folder: Path) -> list[str]:
    """The files of a run that lie in the folder, and the one that says it."""
    named = [choice.path for choice in config.workloads if choice.path]
    named += [choice.name for choice in config.mechanisms if choice.name.endswith(".toml")]
    inside = [Path(os.path.relpath(name, folder)).as_posix() for name in named]
    return [CONFIG, *dict.fromkeys(inside)]


def _changed(folder: Path, about: About, files: Iterable[str]) -> Iterator[str]:
    """Those of the files, and testcase.toml, that aren't as they were written."""
    if about.sealed != about.seal():
        yield ABOUT
    for file in files:
        try:
            same = about.files.get(file) == _hash(folder / file)
        except OSError as error:
            raise TestcaseError(f"{folder / file}: not readable: {error.strerror}") from None
        if not same:
            yield file


def _hash(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _inside(folder: Path, path: Path) -> None:
    """Raise TestcaseError for a path that leads out of the folder, by links too."""
    try:
        inside = path.resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError):  # a loop of links, a name that can be none
        inside = False
    if not inside:
        raise TestcaseError(f"{folder}: refused: it leads outside: {str(path)!r}")


def _about(path: Path) -> About:
    try:
        file = TableFile.read(path)
    except TableFault as error:
        raise TestcaseError(str(error)) from None
    try:
        return About.model_validate(file.table)
    except ValidationError as error:
        raise TestcaseError(file.fault(error, About)) from None


def _config(folder: Path) -> RunConfig:
    """config.toml, whose paths must stay in the folder."""
    try:
        config = load_config(folder / CONFIG)
    except UsageError as error:
        raise TestcaseError(str(error)) from None
    try:
        for choice in config.workloads:
            if choice.path:
                _inside(folder, Path(choice.path))
        for choice in config.mechanisms:
            if choice.name.endswith(".toml"):
                _inside(folder, Path(choice.name))
            elif choice.name not in mechanism_names():
                raise UsageError(f"unknown mechanism {choice.name!r}")
        check(config)
    except UsageError as error:
        raise TestcaseError(f"{folder / CONFIG}: {error}") from None
    return config


def _expected(path: Path) -> pd.DataFrame:
    try:
        table = read_seeds(path)
    except UsageError as error:
        raise TestcaseError(str(error)) from None
    if table.duplicated(list(SEEDS_COLUMNS[:-1])).any():
        raise TestcaseError(f"{path}: a figure stands twice")
    return table
