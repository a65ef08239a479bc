"""The gate: passes what improves its target and harms nothing, and says which row failed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.comparison.rows import Row
from pipeline.config import UsageError
from pipeline.gate.conditions import Limit, Named
from pipeline.gate.judge import judge
from pipeline.plain_text import WIDTH
from pipeline.statistics.paired import compare
from tests.pipeline.commands import Commands

RANDOM = np.random.default_rng(7)


def row(measure: str, before: float, change: float, noise: float = 1, seeds: int = 10,
        phase: str = "rest") -> Row:  # fmt: skip
    """A row whose seeds differ by `change`, give or take."""
    first = before + RANDOM.normal(0, 2, seeds)
    second = first + change + noise * RANDOM.permutation(np.linspace(-1, 1, seeds))
    return Row("churn", phase, measure, None, None, first, second, compare(first, second))


TARGET = Named("potential_huge")
GOOD = row("potential_huge", 100, 9)


def failed(rows: list[Row], *limits: str) -> list[str]:
    return [
        one.row.measure
        for one in judge(rows, TARGET, [Limit.parse(text) for text in limits])
        if one.failed
    ]


def test_it_passes_what_improves_and_harms_nothing() -> None:
    assert failed([GOOD, row("mixed", 50, -3), row("nonmov_blocks", 50, 0.02, noise=9)]) == []


def test_a_target_must_improve_beyond_noise() -> None:
    assert failed([row("potential_huge", 100, 0.5, noise=9)]) == ["potential_huge"]
    assert failed([row("potential_huge", 100, -9)]) == ["potential_huge"]
    same = np.arange(10.0)
    equal = Row("churn", "rest", "potential_huge", None, None, same, same, compare(same, same))
    assert failed([equal]) == ["potential_huge"]
    assert "equal in all seeds" in judge([equal], TARGET, [])[0].told


def test_a_target_is_judged_where_it_was_asked_or_last() -> None:
    early = row("potential_huge", 100, -9, phase="fill")
    assert failed([early, GOOD]) == ["potential_huge"]  # worse beyond noise, as any other row
    judged = judge([early, GOOD], Named("potential_huge", "fill"), [])
    assert [one.role for one in judged if one.row is early] == ["target"]


def of_load(name: str, *args: object, **more: object) -> Row:
    return replace(row(*args, **more), workload=name)


def test_with_two_loads_and_few_seeds_a_worse_row_still_trips_it() -> None:
    """The smallest p of six seeds is 2 / 64: twice of it would never be significant."""
    good = row("potential_huge", 100, 9, seeds=6)
    worse = of_load("ebizzy", "mixed", 50, 40, seeds=6)
    rows = [good, row("nonmov_blocks", 50, -3, seeds=6), worse]
    assert failed(rows) == ["mixed"]


def test_a_load_that_seeds_do_not_change_has_no_noise_for_an_excuse() -> None:
    one = np.array([10.0]), np.array([90.0])
    copies = Row("small", "rest", "mixed", None, None, *one, compare(*one))
    assert failed([GOOD, copies]) == ["mixed"]
    better = Row("small", "rest", "mixed", None, None, *one[::-1], compare(*one[::-1]))
    assert failed([GOOD, better]) == []


def test_every_limit_on_a_row_is_judged() -> None:
    worse = row("huge_success", 100, -2, noise=0.1)
    assert failed([GOOD, worse], "huge_success:-5%") == []
    assert failed([GOOD, worse], "huge_success:-5%", "huge_success@rest:-1%") == ["huge_success"]


def test_worse_rows_trip_it_and_better_or_neutral_ones_don_t() -> None:
    assert failed([GOOD, row("mixed", 50, 3)]) == ["mixed"]
    assert failed([GOOD, row("mixed", 50, -3), row("splits", 50, 30)]) == []


def test_too_few_seeds_can_t_tell() -> None:
    judged = judge([row("potential_huge", 100, 9, seeds=5)], TARGET, [])
    assert judged[0].failed
    assert "6 seeds are needed, here: 5" in judged[0].told


def test_a_limit_counts_without_noise() -> None:
    noisy = row("mixed", 50, 1.5, noise=40)
    assert failed([GOOD, noisy]) == []
    assert failed([GOOD, noisy], "mixed:-1%") == ["mixed"]
    sure = row("mixed", 50, 1.5, noise=0.1)
    assert failed([GOOD, sure]) == ["mixed"]
    assert failed([GOOD, sure], "mixed:-4%") == []
    assert failed([GOOD, sure], "mixed@rest:-1") == ["mixed"]
    assert failed([GOOD, sure], "mixed@rest:-2") == []
    assert failed([GOOD, sure], "mixed@fill:-2") == ["mixed"]


def test_a_row_with_missing_seeds_is_judged_still() -> None:
    holed = row("mixed", 50, 3, seeds=10)
    holed.after[0] = np.nan
    holed = Row("churn", "rest", "mixed", None, None, holed.before, holed.after,
                compare(holed.before, holed.after))  # fmt: skip
    assert failed([GOOD, holed, row("nonmov_blocks", 50, 0.02, noise=9)]) == ["mixed"]


def test_noise_in_many_rows_trips_it_in_one_of_twenty_at_most() -> None:
    """80 gates of 12 rows without a difference; each row by itself would trip many of them."""
    random = np.random.default_rng(3)
    tripped = alone = 0
    for _ in range(80):
        before, after = random.normal(0, 1, (2, 12, 10))
        after += random.normal(0, 1, 10)  # rows that go together
        rows = [
            Row("c", "rest", "mixed", None, None, a, b, compare(a, b))
            for a, b in zip(before, after, strict=True)
        ]
        tripped += any(one.failed for one in judge(rows, TARGET, []))
        alone += any(r.gain < 0 and r.difference.significant for r in rows)
    assert tripped <= 80 * 0.05
    assert alone >= 80 * 0.1


@pytest.mark.parametrize(
    "text", ["mixed", "mixed:2%", "mixed:-2 %", "mixed:+2", "beauty:-2%", ":-2%", "mixed@:-2%"]
)
def test_limits_that_are_none(text: str) -> None:
    with pytest.raises(UsageError):
        Limit.parse(text)


def test_neutral_measures_are_no_target() -> None:
    with pytest.raises(UsageError, match="neither more nor less"):
        Named.parse("splits")


def test_the_gate_of_a_run(pagereel: Commands, tmp_path: Path) -> None:
    run = ("run", "-w", "churn", "-p", "memory_mib=20", "-p", "requests=2000", "--only", "tables",
           "-m", "6.1-off", "-m", "6.1-list", "--frames", "4", "--repeats", "5")  # fmt: skip
    assert pagereel(*run, "-j", 1, "-o", tmp_path / "a").code == 0
    off, grouped = f"{tmp_path / 'a'}:6.1-off", f"{tmp_path / 'a'}:6.1-list"
    gate = pagereel("gate", off, grouped, "--target", "nonmov_blocks", "--rows")
    assert gate.code in (0, 1)
    assert max(map(len, gate.out.splitlines())) <= WIDTH
    assert gate.out.startswith("passed" if gate.code == 0 else "TRIPPED")
    same = pagereel("gate", off, off, "--target", "mixed")
    assert same.code == 1
    assert "not improved: equal in all seeds" in same.out
    back = pagereel("gate", grouped, off, "--target", "mixed", "--fail-if", "nonmov_blocks:-0%")
    assert back.code == 1
    assert "FAILED" in back.out
    for arguments, told in (
        ((off, grouped, "--target", "beauty"), "unknown measure 'beauty'"),
        ((off, grouped, "--target", "mixed@lunch"), "unknown phase 'lunch'"),
        ((off, grouped, "--target", "huge_allocated"), "no figure on both sides"),
        ((tmp_path / "a", tmp_path / "a", "--target", "mixed"), "RUN:MECHANISM"),
        ((f"{tmp_path / 'a'}:6.1-x", grouped, "--target", "mixed"), "6.1-x"),
    ):
        assert told in pagereel.refused("gate", *arguments, code=2)
    diff = pagereel("diff", off, grouped, "--all", "--format", "markdown")
    assert diff.code == 0
    assert diff.out.startswith("# Differences, 6.1-off to 6.1-list\n")
