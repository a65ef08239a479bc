"""`pagereel import`: what it prints and draws, and what it refuses."""

import io
from pathlib import Path

import pandas as pd
import pytest

import capture.import_command as import_command
from capture.failure_picture import figure_of
from capture.failure_report import read_reports
from capture.free_lists import COLUMNS
from pipeline.plain_text import WIDTH
from renderer.failure_figure import FOREIGN, KEPT, SMALL
from tests.capture.test_free_lists import BUDDYINFO
from tests.capture.test_free_lists import MODERN as MODERN_LISTS
from tests.pipeline.commands import Commands

FIXTURES = Path(__file__).parent / "fixtures"
MODERN = FIXTURES / "failure-5.10.txt"


def test_a_report_is_told_and_drawn(pagereel: Commands, tmp_path: Path) -> None:
    outcome = pagereel("import", "dmesg", MODERN, "-o", tmp_path / "why.png")
    assert outcome.code == 0
    assert outcome.out.startswith("line 1: order 4 (16 pages, 64 KiB) failed:")
    assert {path.name for path in tmp_path.iterdir()} == {"why.png", "why.svg", "why.pdf"}
    assert "Why a request of order 4 failed" in (tmp_path / "why.svg").read_text()


def test_standard_input_and_several_reports(
    pagereel: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = MODERN.read_bytes() + b"\xff\n" + (FIXTURES / "oom-6.12.txt").read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text)))
    outcome = pagereel("import", "dmesg", "-o", tmp_path / "why")
    assert outcome.code == 0
    assert outcome.out.count("order 4 (16 pages") == outcome.out.count("OOM killer") == 1
    assert {path.stem for path in tmp_path.iterdir()} == {"why-1", "why-2"}


def test_what_is_drawn_is_what_was_judged() -> None:
    (report,) = read_reports(MODERN.read_text())
    dma32, dma = figure_of(report, "a").zones
    assert [bar.use for bar in dma32.bars] == [SMALL] * 4 + [
        FOREIGN if n == 8 else 0 for n in range(4, 11)
    ]
    assert {bar.use for bar in dma.bars[4:]} == {KEPT}
    assert [round(bar.mib * 1024) for bar in dma32.bars[:4]] == [38852, 40960, 6528, 448]
    assert dma.title.endswith("7.6 MiB kept from this request, too little memory")


def test_bad_input(pagereel: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = tmp_path / "empty.txt"
    empty.write_text("Testing page allocation failure: none\n")
    assert f"{empty}: no report of a failed request" in pagereel.refused(
        "import", "dmesg", empty, code=1
    )
    assert "no such file" in pagereel.refused("import", "dmesg", tmp_path / "none", code=2)
    assert "a folder" in pagereel.refused("import", "dmesg", tmp_path, code=2)
    assert "unknown kind 'dmseg'" in pagereel.refused("import", "dmseg", empty, code=2)
    (tmp_path / "why.svg").write_text("mine")
    told = pagereel.refused("import", "dmesg", MODERN, "-o", tmp_path / "why.png", code=2)
    assert "why.svg: exists; --force replaces it" in told
    assert (tmp_path / "why.svg").read_text() == "mine"
    monkeypatch.setattr(import_command, "MOST_BYTES", 100)
    assert "more than 0 MiB" in pagereel.refused("import", "dmesg", MODERN, code=1)


def test_free_lists_are_told_and_written(pagereel: Commands, tmp_path: Path) -> None:
    text, table = tmp_path / "both.txt", tmp_path / "lists.csv"
    text.write_text(MODERN_LISTS + BUDDYINFO + MODERN_LISTS.replace("709", "809") + BUDDYINFO)
    outcome = pagereel("import", "pagetypeinfo", text, "-o", table)
    assert outcome.code == 0
    told = " ".join(outcome.out.split())
    assert told.startswith("2 readings; the last, of line 17:")
    assert "Node 0 DMA: 14.9 MiB free, largest block of order 10 (4 MiB); 0.058 unusable" in told
    assert "Pageblocks: 107 Unmovable, 2889 Movable, 140 Reclaimable." in told
    assert " >100000 2247 " in told
    assert all(len(line) <= WIDTH for line in outcome.out.splitlines())
    rows = pd.read_csv(table)
    assert list(rows.columns) == list(COLUMNS)
    assert len(rows) == 2 * 11 * (6 + 2)
    assert rows[rows.more == 1][["migratetype", "order", "blocks"]].to_numpy().tolist() == [
        ["Movable", 0, 100_000]
    ] * 2  # fmt: skip
    assert "exists; --force" in pagereel.refused("import", "buddyinfo", text, "-o", table, code=2)
    assert "end in .csv" in pagereel.refused("import", "buddyinfo", text, "-o", text, code=2)
    text.write_text("nothing of the kind")
    assert "neither pagetypeinfo nor buddyinfo" in pagereel.refused(
        "import", "buddyinfo", text, code=1
    )
