"""The gate: passes what improves its target and harms nothing, and says which row failed."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.comparison.rows import Row
from pipeline.config import RunConfig, UsageError
from pipeline.gate.conditions import Asked, Limit, Named, asked
from pipeline.gate.judge import judge
from pipeline.gate.text import Gate, text_of
from pipeline.plain_text import WIDTH
from pipeline.run import run
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


def judged_by(rows: list[Row], *limits: str, tolerance: str = "0%", ignored: tuple = ()) -> list:
    return judge(rows, asked("potential_huge", limits, ignored, tolerance))


def failed(rows: list[Row], *limits: str, **more: object) -> list[str]:
    return [one.row.measure for one in judged_by(rows, *limits, **more) if one.failed]


def told_of(rows: list[Row], **more: object) -> str:
    """What is printed of such a gate, as one line."""
    of = asked("potential_huge", (), more.get("ignored", ()), more.get("tolerance", "0%"))
    gate = Gate(("a:x", "b:x"), [], of, more.get("phases", ()), rows, judge(rows, of))
    text = text_of(gate, every_row=more.get("every_row", False))
    assert max(map(len, text.splitlines())) <= WIDTH
    return " ".join(text.split())


def of_values(measure: str, before: list[float], after: list[float]) -> Row:
    values = np.array(before, float), np.array(after, float)
    return Row("churn", "rest", measure, None, None, *values, compare(*values))


def test_it_passes_what_improves_and_harms_nothing() -> None:
    assert failed([GOOD, row("mixed", 50, -3), row("nonmov_blocks", 50, 0.02, noise=9)]) == []


def test_a_target_must_improve_beyond_noise() -> None:
    assert failed([row("potential_huge", 100, 0.5, noise=9)]) == ["potential_huge"]
    assert failed([row("potential_huge", 100, -9)]) == ["potential_huge"]
    equal = of_values("potential_huge", range(10), range(10))
    assert failed([equal]) == ["potential_huge"]
    assert judged_by([equal])[0].told == "not improved: equal in all seeds"


@pytest.mark.parametrize("seeds", [1, 3, 10])
def test_a_target_that_is_0_everywhere_is_told_so(seeds: int) -> None:
    """Whatever the mechanism does: it isn't said to have failed to improve."""
    nothing = of_values("potential_huge", [0] * seeds, [0] * seeds)
    [target] = judged_by([nothing])
    assert target.failed
    assert target.told == "0 on both sides: this load cannot show it"
    [target] = judged_by([of_values("potential_huge", [0] * 10, [0] * 9 + [1])])
    assert target.told == "not improved: not significant"


def test_a_target_is_judged_where_it_was_asked_or_last() -> None:
    early = row("potential_huge", 100, -9, phase="fill")
    assert failed([early, GOOD]) == ["potential_huge"]  # worse beyond noise, as any other row
    judged = judge([early, GOOD], Asked(Named("potential_huge", "fill")))
    assert [one.role for one in judged if one.row is early] == ["target"]


def of_load(name: str, *args: object, **more: object) -> Row:
    return replace(row(*args, **more), workload=name)


def test_with_two_loads_and_few_seeds_a_worse_row_still_trips_it() -> None:
    """The smallest p of six seeds is 2 / 64: twice of it would never be significant."""
    good = row("potential_huge", 100, 9, seeds=6)
    worse = of_load("ebizzy", "mixed", 50, 40, seeds=6)
    rows = [good, row("nonmov_blocks", 50, -3, seeds=6), worse]
    assert failed(rows) == ["mixed"]


def test_the_least_p_that_seeds_can_give_is_told_as_such() -> None:
    good, worse = row("potential_huge", 100, 9, seeds=6), row("mixed", 50, 40, seeds=6)
    told = told_of([good, worse])
    assert "p 0.031, 0.031 with all rows in mind, the least that 6 seeds can give" in told
    between = row("mixed", 50, 0.3, noise=1, seeds=6)
    told = told_of([good, between], every_row=True)
    assert "with all rows in mind" in told
    assert "the least" not in told


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
    judged = judged_by([row("potential_huge", 100, 9, seeds=5)])
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
        tripped += any(one.failed for one in judge(rows, Asked(TARGET)))
        alone += any(r.gain < 0 and r.difference.significant for r in rows)
    assert tripped <= 80 * 0.05
    assert alone >= 80 * 0.1


def test_what_is_worse_by_less_than_the_tolerance_trips_nothing() -> None:
    worse = row("mixed", 50, 1.5, noise=0.1)
    assert failed([GOOD, worse]) == failed([GOOD, worse], tolerance="1%") == ["mixed"]
    assert failed([GOOD, worse], tolerance="4%") == []
    assert failed([GOOD, worse], "mixed:-1%", tolerance="4%") == ["mixed"]  # a limit is a limit
    from_0 = of_values("mixed", [0] * 10, range(10, 20))
    assert failed([GOOD, from_0], tolerance="50%") == ["mixed"]
    one = of_values("mixed", [100], [101])
    assert failed([GOOD, one]) == ["mixed"]
    assert failed([GOOD, one], tolerance="1%") == []


def test_a_tolerance_is_told_with_what_it_let_pass() -> None:
    worse = row("mixed", 50, 1.5, noise=0.1)
    assert "No tolerance: any change of another row" in told_of([GOOD, worse])
    told = told_of([GOOD, worse], tolerance="4%")
    assert told.startswith("passed: a:x to b:x")
    assert "0 of 1 other row are worse, and 1 within the tolerance." in told
    assert "Tolerance: 4 % of the baseline's mean" in told
    every = told_of([GOOD, worse], tolerance="4%", every_row=True)
    assert "ok mixed@rest, other: worse beyond noise, within the tolerance" in every


def test_what_is_ignored_trips_nothing_and_is_told() -> None:
    worse = row("mixed", 50, 3)
    rows = [GOOD, worse, row("mixed", 50, 0.02, noise=9, phase="fill"), row("nonmov_blocks", 50, 4)]
    assert failed(rows, ignored=("mixed",)) == ["nonmov_blocks"]
    assert failed(rows, ignored=("mixed@rest", "nonmov_blocks")) == []
    assert failed(rows, ignored=("mixed@fill", "nonmov_blocks")) == ["mixed"]
    told = told_of(rows, ignored=("mixed", "nonmov_blocks@rest", "huge_success"))
    assert told.startswith("passed")
    assert "Not judged, as asked (--ignore): mixed (2 rows, 1 worse beyond noise)," in told
    assert "nonmov_blocks@rest (1 row, 1 worse beyond noise), huge_success (0 rows)." in told
    assert "There are no other rows to judge." in told


def test_a_target_is_judged_though_its_measure_is_ignored_elsewhere() -> None:
    rows = [row("mixed", 50, 3), row("potential_huge", 100, -9)]
    of = asked("potential_huge@rest", ("mixed@rest:-1%",), ("potential_huge", "mixed"), "0%")
    assert [(one.role, one.failed) for one in judge(rows, of)] == [
        ("target", True),
        ("limit -1%", True),
    ]
    with pytest.raises(UsageError, match="to be judged and to be ignored"):
        asked("mixed@rest", (), ("mixed@rest",), "0%")


@pytest.mark.parametrize("text", ["1", "-1%", "1 %", "%", "nan%", "1e3%"])
def test_tolerances_that_are_none(text: str) -> None:
    with pytest.raises(UsageError, match="not of the form 1%"):
        asked("mixed", (), (), text)


def holed(measure: str, missing: int, **more: object) -> Row:
    """A row that lacks one seed."""
    of = row(measure, 50, 40, **more)
    of.after[missing] = np.nan
    return replace(of, difference=compare(of.before, of.after))


def test_rows_that_could_never_be_significant_are_told_not_to_be_judged() -> None:
    """Seven seeds of which each row lacks another one: six each, and four sets of rows."""
    rows = [row("potential_huge", 100, 9, seeds=7)]
    rows += [holed(name, n, seeds=7) for n, name in enumerate(("mixed", "nonmov_blocks"))]
    judged = [one for one in judged_by(rows) if one.role == "other"]
    assert [(one.failed, one.untold) for one in judged] == [(False, True)] * 2
    assert judged[0].told == "cannot be judged with 6 seeds"
    told = told_of(rows, every_row=True)
    assert "2 other rows cannot be judged with 6 seeds" in told
    assert "? mixed@rest, other: cannot be judged with 6 seeds" in told
    assert "judged together" not in told
    [one] = [one for one in judged_by(rows[:2]) if one.role == "other"]
    assert (one.failed, one.p) == (True, 2 / 2**6)  # one set by itself can be judged


def test_sets_that_cannot_be_judged_take_nothing_from_those_that_can() -> None:
    rows = [GOOD, row("mixed", 50, 40), *(holed("nonmov_blocks", n, seeds=6) for n in range(6))]
    judged = {id(one.row): one for one in judged_by(rows)}
    assert judged[id(rows[1])].p == pytest.approx(2 / 2**10)
    assert all(judged[id(one)].untold for one in rows[2:])


@pytest.mark.parametrize("seeds", [2, 5])
def test_too_few_seeds_judge_no_other_row(seeds: int) -> None:
    rows = [row("potential_huge", 100, 9, seeds=seeds), row("mixed", 50, 40, seeds=seeds)]
    told = told_of(rows)
    assert f"{seeds} seeds. 1 other row cannot be judged with {seeds} seeds: no difference" in told
    assert "judged together" not in told


def test_rows_of_one_seed_are_told_to_have_no_noise_for_an_excuse() -> None:
    told = told_of([GOOD, of_values("mixed", [10], [90]), of_values("nonmov_blocks", [9], [8])])
    assert "FAILED mixed@rest, other: worse, and noise unknown" in told
    assert "1 of 2 other rows of one seed is worse. Noise is unknown there, so none may be" in told
    assert "cannot be judged" not in told


@pytest.mark.parametrize(
    "text", ["mixed", "mixed:2%", "mixed:-2 %", "mixed:+2", "beauty:-2%", ":-2%", "mixed@:-2%"]
)
def test_limits_that_are_none(text: str) -> None:
    with pytest.raises(UsageError):
        Limit.parse(text)


def test_neutral_measures_are_no_target() -> None:
    with pytest.raises(UsageError, match="neither more nor less"):
        Named.parse("splits")


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of two mechanisms with six seeds, not to be changed."""
    folder = tmp_path_factory.mktemp("gate") / "a"
    config = RunConfig(
        workloads=[{"name": "churn", "parameters": {"memory_mib": 20, "requests": 2000}}],
        mechanisms=["6.1-off", "6.1-list"], seeds=[1], repeats=5, frames=4, artefacts=["tables"],
    )  # fmt: skip
    run(config, folder, jobs=1, force=False)
    return folder


def test_the_gate_of_a_run(pagereel: Commands, run_folder: Path) -> None:
    off, grouped = f"{run_folder}:6.1-off", f"{run_folder}:6.1-list"
    gate = pagereel("gate", off, grouped, "--target", "nonmov_blocks", "--rows")
    assert gate.code in (0, 1)
    assert max(map(len, gate.out.splitlines())) <= WIDTH
    assert gate.out.startswith("passed" if gate.code == 0 else "TRIPPED")
    assert "a:6.1-off to a:6.1-list" in gate.out.splitlines()[0]
    back = pagereel("gate", grouped, off, "--target", "mixed", "--fail-if", "nonmov_blocks:-0%")
    assert back.code == 1
    assert "FAILED" in back.out
    diff = pagereel("diff", off, grouped, "--all", "--format", "markdown")
    assert diff.code == 0
    assert diff.out.startswith("# Differences, 6.1-off to 6.1-list\n")


def test_other_rows_are_judged_where_it_is_asked(pagereel: Commands, run_folder: Path) -> None:
    off, grouped = f"{run_folder}:6.1-off", f"{run_folder}:6.1-list"
    judging = ("gate", off, grouped, "--target", "mixed", "--rows")
    at_rest = pagereel(*judging, "--phase", "rest").out
    assert "Other rows at rest alone (--phase)." in at_rest
    assert "@rest, other" in at_rest
    assert "@fill" not in at_rest
    assert "@total" not in at_rest
    # The target has no figure in total: it stands where it stands without --phase.
    totals = pagereel(*judging, "--phase", "total").out
    assert "mixed@rest, target" in totals
    assert "@rest, other" not in totals
    assert "@total, other" in totals
    everywhere = pagereel(*judging).out
    assert "@fill, other" in everywhere
    named = pagereel(*judging, "--phase", "rest", "--fail-if", "mixed@fill:-5%").out
    assert "mixed@fill, limit -5%" in named
    ignored = pagereel(*judging, "--ignore", "mixed@fill").out
    assert "- mixed@fill, ignored" in " ".join(ignored.split())
    assert "--ignore): mixed@fill (1 row" in " ".join(ignored.split())


def test_which_mechanism_is_taken_is_told(
    pagereel: Commands, run_folder: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "b"
    shutil.copytree(run_folder, copy)
    gate = pagereel("gate", f"{run_folder}:6.1-list", copy, "--target", "mixed")
    told = " ".join(gate.out.split())
    assert f"{copy} names no mechanism: 6.1-list is taken, as of the other side." in told
    assert "a:6.1-list to b:6.1-list" in told
    named = pagereel("gate", f"{run_folder}:6.1-list", f"{copy}:6.1-list", "--target", "mixed")
    assert "names no mechanism" not in named.out


def test_a_run_is_not_gated_against_itself(
    pagereel: Commands, run_folder: Path, tmp_path: Path
) -> None:
    off, link = f"{run_folder}:6.1-off", tmp_path / "link"
    link.symlink_to(run_folder)
    for new in (off, run_folder, f"{link}:6.1-off"):
        told = pagereel.refused("gate", off, new, "--target", "mixed", code=2)
        assert "6.1-off of that run is BASE itself" in told


def test_what_a_gate_cannot_be_asked(pagereel: Commands, run_folder: Path) -> None:
    off, grouped = f"{run_folder}:6.1-off", f"{run_folder}:6.1-list"
    for arguments, told in (
        ((off, grouped, "--target", "beauty"), "unknown measure 'beauty'; there are "),
        ((off, grouped, "--target", "huge"), "there are potential_huge, huge_success, huge_a"),
        ((off, grouped, "--target", "mixde"), "there are mixed and "),
        ((off, grouped, "--target", "mixed@lunch"), "unknown phase 'lunch'"),
        ((off, grouped, "--target", "mixed", "--phase", "lunch"), "unknown phase 'lunch'"),
        ((off, grouped, "--target", "mixed", "--ignore", "mixt"), "there are mixed and "),
        ((off, grouped, "--target", "mixed", "--tolerance", "1"), "--tolerance 1: not of the"),
        (
            (off, grouped, "--target", "huge_allocated"),
            "no figure of a:6.1-off or a:6.1-list where",
        ),
        ((off, grouped, "--target", "extfrag_for_unmovable"), "6.1-off, which doesn't tell mob"),
        ((off, grouped, "--target", "mixed", "--tolerance", "101%"), "more than 100%"),
        ((run_folder, run_folder, "--target", "mixed"), "RUN:MECHANISM"),
        ((f"{run_folder}:6.1-x", grouped, "--target", "mixed"), "6.1-x"),
    ):
        line = pagereel.refused("gate", *arguments, code=2)
        assert told in line
        assert len(line) - len(str(run_folder)) < 200
