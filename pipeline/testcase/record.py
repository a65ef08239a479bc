"""Recordings of a testcase: made, hashed and measured."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from pipeline.config import Cell, RunConfig, matrix
from pipeline.measures import SEEDS_COLUMNS, measures_of
from pipeline.recording import Recording
from pipeline.run import record
from pipeline.samples import Call, brought_back
from pipeline.scratch import scratch_folder


class Made(NamedTuple):
    """A recording's hash, the digest of its stream, and its figures, with SEEDS_COLUMNS."""

    file: str
    sha256: str
    stream: str
    figures: pd.DataFrame


def made_anew(config: RunConfig, jobs: int) -> list[Made]:
    """All recordings of a run, in the matrix' order; none is kept. Raises as `record` does."""
    calls = [
        Call(f"recordings/{cell.file_name}", _make, (cell, config.frames))
        for cell in matrix(config)
    ]
    return brought_back(calls, jobs)


def _make(cell: Cell, frames: int) -> Made:
    with scratch_folder() as folder:
        path = folder / cell.file_name
        record(cell, path, frames, progress=lambda done, total: None)
        return made_of(path)


def made_of(path: Path) -> Made:
    """What a recording's file holds. Raises RecordingError, OSError."""
    recording = Recording.open(path)
    header = recording.header
    figures = measures_of(recording)
    figures["mechanism"] = header["mechanism"]["name"]
    figures["workload"] = header["workload"]["name"]
    figures["seed"] = header["seed"]
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Made(path.name, digest, header["workload"]["digest"], figures[list(SEEDS_COLUMNS)])


def figures_of(made: Sequence[Made]) -> pd.DataFrame:
    """All their figures, with SEEDS_COLUMNS."""
    return pd.concat([one.figures for one in made], ignore_index=True)
