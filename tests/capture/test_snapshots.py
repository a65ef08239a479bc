"""Snapshots of a real kernel as a recording: each of them, on its stream's clock."""

import csv
from pathlib import Path

import numpy as np
import pytest

from pipeline.metrics import METRICS
from pipeline.metrics.evidence import Evidence
from pipeline.recording import Recording
from tests.pipeline.commands import Commands
from tests.real import real_folder
from tests.workloads.folders import write_boot
from workloads.recorded import load_with_snapshots

FIGURES = ("nonmov_blocks", "potential_huge", "free_blocks")


def test_a_folder_becomes_a_recording(pagereel: Commands, tmp_path: Path) -> None:
    folder, target = write_boot(tmp_path / "boot"), tmp_path / "boot.reel"
    assert pagereel("import", "snapshots", folder, "-o", target).code == 0
    stream, places = load_with_snapshots(folder)
    recording = Recording.open(target)
    assert recording.ops.tolist() == sorted(set(places.tolist()))
    assert recording.header["source"]["kind"] == "real"
    assert recording.header["workload"]["digest"] == stream.digest()
    assert pagereel("sheet", target, "-o", tmp_path / "sheet.png").code == 0
    assert "exists; --force" in pagereel.refused(
        "import", "snapshots", folder, "-o", target, code=2
    )
    assert pagereel("import", "snapshots", folder, "-o", target, "--force").code == 0


def test_what_is_refused(pagereel: Commands, tmp_path: Path) -> None:
    folder = write_boot(tmp_path / "boot")
    assert "-o FILE.reel" in pagereel.refused("import", "snapshots", folder, code=2)
    target = tmp_path / "boot.mp4"
    assert "end in .reel" in pagereel.refused("import", "snapshots", folder, "-o", target, code=2)
    target = tmp_path / "boot.reel"
    with np.load(folder / "snapshots.npz") as file:
        tables = dict(file)
    np.savez(folder / "snapshots.npz", **{n: t[:1] for n, t in tables.items()})
    told = pagereel.refused("import", "snapshots", folder, "-o", target, code=1)
    assert str(folder / "snapshots.npz") in told
    (folder / "snapshots.npz").unlink()
    told = pagereel.refused("import", "snapshots", folder, "-o", target, code=1)
    assert "snapshots.npz: No such file" in told
    assert not target.exists()


@pytest.mark.parametrize("name", ["c_nogroup", "a_group_mig", "b_movable_minfree"])
def test_every_snapshot_has_the_figures_that_were_recorded(
    pagereel: Commands, tmp_path: Path, name: str
) -> None:
    folder, target = real_folder(name), tmp_path / "real.reel"
    assert pagereel("import", "snapshots", folder, "-o", target).code == 0
    _, places = load_with_snapshots(folder)
    recording = Recording.open(target)
    evidence = Evidence(recording)
    values = {measure: METRICS[measure].measure(evidence) for measure in FIGURES}
    with open(folder / "series.csv", newline="", encoding="utf-8") as file:
        rows = {int(row["snap"]): row for row in csv.DictReader(file)}
    last = {int(op): number for number, op in enumerate(places)}
    compared = 0
    for frame, op in enumerate(recording.ops.tolist()):
        row = rows[last[op]]
        if row["hugetlb"] == "0":
            compared += 1
            told = {measure: values[measure][frame] for measure in FIGURES}
            assert told == {measure: float(row[measure]) for measure in FIGURES}, (op, row["phase"])
    assert compared > 130
