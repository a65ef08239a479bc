"""Text tables as golden files: what is pasted into a mail."""

from pathlib import Path

import pandas as pd
import pytest

from pipeline.text_table import KEY, WIDTH, difference_text, table_text
from tests.pipeline.commands import Commands

GOLDEN = Path(__file__).parents[1] / "golden"
MECHANISMS = ("6.1-off", "6.1-list", "6.1-zone", "6.1-both")
VALUES = {
    ("mixed", "files"): (27.1028, 0, 0, 0),
    ("mixed", "mixed3"): (93.4579, 2.33645, 38.785, 11.6822),
    ("potential_huge", "files"): (143, 191, 196, 191),
    ("potential_huge", "mixed3"): (1, 180, 119, 159.5),
    ("extfrag_index", "files"): (-1, -1, -1, float("nan")),
    ("extfrag_index", "mixed3"): (-1, 0.986, 0.985, 0.984),
}


def figures(offset: float = 0) -> pd.Series:
    rows = {
        ("debian-6.1-churn", metric, phase, mechanism): value + offset
        for (metric, phase), values in VALUES.items()
        for mechanism, value in zip(MECHANISMS, values, strict=True)
    }
    return pd.Series(rows.values(), index=pd.MultiIndex.from_tuples(rows, names=KEY))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("table.txt", table_text(figures())),
        ("difference.txt", difference_text(figures(), figures(0.25).drop("6.1-zone", level=3))),
    ],
)
def test_tables_are_as_agreed(name: str, text: str) -> None:
    assert text == (GOLDEN / name).read_text()
    assert max(map(len, text.splitlines())) <= WIDTH


def test_the_table_of_a_run(pagereel: Commands, tmp_path: Path) -> None:
    run = ("run", "-w", "churn", "-p", "memory_mib=20", "-p", "requests=3000", "--only", "tables",
           "--frames", "4", "-m", "6.1-list", "-j", 1, "-o")  # fmt: skip
    assert pagereel(*run, tmp_path / "a").code == 0
    assert pagereel(*run, tmp_path / "b", "-p", "unmovable_share=0.4").code == 0
    alone = pagereel("table", tmp_path / "a", "--metric", "nonmov_blocks").out
    assert alone.startswith("nonmov_blocks (blocks)")
    assert "mixed (%)" not in alone
    assert alone.endswith("\nsimulated; synthetic churn, seed 0\n")
    both = pagereel("table", tmp_path / "a", tmp_path / "b", "--phase", "churn").out
    assert "+" in both
    assert "lunch" in pagereel.refused("table", tmp_path / "a", "--phase", "lunch", code=2)
    assert "beauty" in pagereel.refused("table", tmp_path / "a", "--metric", "beauty", code=2)
    (tmp_path / "a" / "summary.csv").write_bytes(b"\xff\x00")
    assert "summary.csv" in pagereel.refused("table", tmp_path / "a", code=2)


@pytest.mark.speed
def test_with_reclaim_the_table_says_when_kswapd_stops(pagereel: Commands, tmp_path: Path) -> None:
    run = ("run", "-w", "stress-highalloc", "-p", "memory_mib=32", "--only", "tables", "--frames",
           "4", "-m", "2007-list", "-m", "6.1-list", "-j", 1, "-o", tmp_path / "a")  # fmt: skip
    assert pagereel(*run).code == 0
    told = pagereel("table", tmp_path / "a", "--metric", "huge_allocated").out
    source = "simulated; synthetic stress-highalloc, seed 0; kswapd"
    assert f"2007-list: {source} order-aware" in told.replace("\n", " ")
    assert f"6.1-list: {source} twice-the-request" in told.replace("\n", " ")
    assert max(map(len, told.splitlines())) <= WIDTH
