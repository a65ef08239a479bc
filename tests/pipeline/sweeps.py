"""Small sweeps for tests."""

from pathlib import Path

import pytest

import pipeline.sweep.local as local
from pipeline.sweep.command import Options, sweep_command

SMALL = """
seeds = {seeds}
mechanisms = ["6.1-off", "6.1-zone"]
measures = ["potential_huge"]
[[workloads]]
name = "churn"
parameters = {{requests = 3000}}
[parameters]
memory_mib = [32, 48]
"""


def small_sweep(folder: Path, seeds: object = 2, more: str = "") -> Path:
    """A sweep of 2 mechanisms x 2 sizes x seeds; `more`: further parameters."""
    path = folder / "sweep.toml"
    path.write_text(SMALL.format(seeds=seeds) + more, encoding="utf-8")
    return path


def made_sweep(folder: Path) -> Path:
    """The folder of a small sweep that was run."""
    sweep_command(small_sweep(folder), folder / "done", Options(jobs=1))
    return folder / "done"


def files(folder: Path) -> dict[str, bytes]:
    """What stands below a folder, by name."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def counting(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Mechanism and seed of each cell that is run from now on in this process."""
    ran, really = [], local.result_of

    def result_of(job, **options):
        ran.append((job.mechanism.name, job.seed))
        return really(job, **options)

    monkeypatch.setattr(local, "result_of", result_of)
    return ran
