"""Sides and rows: what is held against what, seed by seed, and what is no fair pair."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.comparison import sides as sides_module
from pipeline.comparison.cells import change_text, percent_text, value_text, verdict
from pipeline.comparison.diff import difference_document
from pipeline.comparison.output import give
from pipeline.comparison.rows import Choice, Row, check_choice, rows_of, unalike
from pipeline.comparison.runs import RunFigures
from pipeline.comparison.sides import Group, Side, groups, opened, within
from pipeline.comparison.writers.text import write
from pipeline.config import UsageError
from pipeline.mail.command import mail_text
from pipeline.run_folder import RunFolder
from pipeline.statistics.paired import compare
from tests.pipeline.made_runs import NAN, STRESS, VERSIONS, made_run

GOLDEN = Path(__file__).parents[1] / "golden"
Opener = Callable[..., None]


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Opener:
    """Makes `groups` find these runs under their names."""

    def put(**found: RunFigures) -> None:
        monkeypatch.setattr(
            sides_module.RunFigures, "open", classmethod(lambda cls, path: found[str(path)])
        )

    return put


def names(group: Group) -> list[tuple[str, str]]:
    return [(side.mechanism, side.label) for side in (group.base, *group.others)]


def run_of(*mechanisms: str, folder: str = "old", **more: object) -> RunFigures:
    figures = {("rest", "mixed"): ((10, 1),) * len(mechanisms)}
    return made_run(figures, mechanisms, folder=folder, **more)


def test_one_run_has_its_mechanisms_against_the_first_or_another(runs: Opener) -> None:
    runs(a=run_of("x", "y", "z"))
    assert names(groups("a")[0]) == [("x", "x"), ("y", "y"), ("z", "z")]
    assert names(groups("a", base_mechanism="y")[0]) == [("y", "y"), ("x", "x"), ("z", "z")]
    assert names(groups("a:z")[0])[0] == ("z", "z")
    with pytest.raises(UsageError, match="there are x, y, z"):
        groups("a", base_mechanism="w")


def test_two_runs_have_what_both_have(runs: Opener) -> None:
    runs(a=run_of("x", "y"), b=run_of("y", "x", "z", folder="new"), c=run_of("w", folder="c"))
    found = groups("a", "b")
    assert [group.title for group in found] == ["x", "y"]
    assert names(found[0]) == [("x", "old"), ("x", "new")]
    assert names(groups("a:x", "b:z")[0]) == [("x", "x"), ("z", "z")]
    assert names(groups("a:x", "b")[0]) == [("x", "old"), ("x", "new")]
    assert names(groups("c", "b:z")[0]) == [("w", "w"), ("z", "z")]
    assert names(groups("c", "c")[0]) == [("w", "base"), ("w", "new")]
    with pytest.raises(UsageError, match="no mechanism in common"):
        groups("a", "c")
    with pytest.raises(UsageError, match="unknown mechanism 'y'; there are w"):
        opened("c:y")


def test_single_mechanisms_of_two_runs_are_a_pair(runs: Opener) -> None:
    runs(a=run_of("x"), b=run_of("y", folder="new"))
    assert names(groups("a", "b")[0]) == [("x", "x"), ("y", "y")]


def rows(group: Group, **choice: object) -> dict[tuple[str, str], Row]:
    return {(row.phase, row.measure): row for row in rows_of(group, Choice(**choice))}


def pair(base: RunFigures, other: RunFigures, mechanism: str = "x") -> Group:
    return Group(Side(base, mechanism, "old"), (Side(other, mechanism, "new"),))


def test_seeds_are_paired_by_their_numbers_and_missing_ones_left_out() -> None:
    base, other = run_of("x"), run_of("x", turn=4)
    other.table.loc[:, "seed"] += 3  # 3 to 12
    row = rows(pair(base, other))["rest", "mixed"]
    before = base.values("x", "stress-highalloc")[1]["rest", "mixed"]
    after = other.values("x", "stress-highalloc")[1]["rest", "mixed"]
    assert row.before.tolist() == before[3:].tolist()
    assert row.after.tolist() == after[:7].tolist()
    assert row.difference.seeds == 7


def test_phases_are_the_key_ones_unless_others_are_asked_for() -> None:
    figures = {(phase, "mixed"): ((5, 1), (6, 2)) for phase in ("build", "load-2", "rest")}
    group = within(made_run(figures, ("x", "y")))
    assert [phase for phase, _ in rows(group)] == ["build", "rest"]
    assert [phase for phase, _ in rows(group, all_phases=True)] == ["build", "load-2", "rest"]
    assert [phase for phase, _ in rows(group, phases=("load-2",))] == ["load-2"]
    with pytest.raises(UsageError, match="unknown phase 'lunch'"):
        check_choice(Choice(phases=("lunch",)), [group])


def test_other_requests_and_versions_are_said() -> None:
    base = run_of("x")
    assert unalike(pair(base, run_of("x"))) == []
    told = unalike(pair(base, run_of("x", digest="beef", versions={"pagereel": "2"})))
    assert "NOT THE SAME REQUESTS. The streams of 10 of 10" in told[0]
    assert told[1:] == [
        "Made by different versions of pagereel: 1.2.3 and 2.",
        "Made by different versions of core: compiled and unknown.",
    ]
    told = unalike(pair(base, run_of("x", versions={**VERSIONS, "code": "beef"})))
    assert told == ["Made by different code of figures: unknown and beef."]
    late = run_of("x")
    digests = late.loads["stress-highalloc"].digests
    digests.clear()
    digests[77] = "cafe77"
    assert "no seed in common" in unalike(pair(base, late))[0]


@pytest.mark.parametrize(
    ("value", "text"),
    [(NAN, "-"), (0, "0"), (-1, "-1.00"), (0.92, "0.920"), (42.8, "42.80"), (180.4, "180.4"),
     (3898922.4, "3898922"), (1e15, "1e+15"), (float("inf"), "inf"), (3e-5, "3e-05")],
)  # fmt: skip
def test_figures_as_text(value: float, text: str) -> None:
    assert value_text(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(NAN, ""), (0, "0.00%"), (1.234, "+1.23%"), (0.00437, "+0.004%"), (-0.0099, "-0.01%"),
     (-45.67, "-45.7%"), (17910, "+17910%"),
     (1e9, "+1e+09%")],
)  # fmt: skip
def test_changes_as_text(value: float, text: str) -> None:
    assert percent_text(value) == text


@pytest.mark.parametrize(
    ("measure", "before", "after", "change", "told"),
    [
        ("mixed", 40, 20, "(+50.0%)", "better"),
        ("mixed", 20, 40, "(-100.0%)", "worse"),
        ("potential_huge", 20, 40, "(+100.0%)", "better"),
        ("potential_huge", 40, 20, "(-50.0%)", "worse"),
        ("splits", 20, 40, "(+100.0%)", "more"),
        ("splits", 40, 20, "(-50.0%)", "less"),
        ("mixed", 0, 20, "(from 0)", "worse"),
        ("mixed", 20, 20, "(0.00%)", "equal in all seeds"),
        ("mixed", 0, 0, "(0.00%)", "equal in all seeds"),
        ("mixed", NAN, 20, "", "no figure"),
    ],
)  # fmt: skip
def test_plus_is_better(measure: str, before: float, after: float, change: str, told: str) -> None:
    pairs = np.full(8, before), np.full(8, after)
    row = Row("churn", "rest", measure, None, None, *pairs, compare(*pairs))
    assert change_text(row) == change
    assert verdict(row) == told


def test_differences_are_as_agreed() -> None:
    group = within(made_run(STRESS, seeds=10))
    group = group._replace(others=group.others[1:2])
    text = write(difference_document([group], rows_of(group, Choice()), everything=True))
    assert text == (GOLDEN / "diff.txt").read_text()
    assert (
        text.index("Success 2, under load")
        < text.index("Of 16 rows")
        < text.index("File pages written")
    )


def test_differences_of_few_seeds_are_none() -> None:
    for seeds, told in ((1, "noise unknown"), (4, "4 seeds: too few")):
        group = within(made_run(STRESS, seeds=seeds))
        text = write(difference_document([group], rows_of(group, Choice())))
        assert told in text
        assert "*" not in text


def test_a_file_that_is_there_is_replaced_only_when_told(tmp_path: Path) -> None:
    path = tmp_path / "mail.txt"
    path.write_text("old")
    with pytest.raises(UsageError, match="exists; --force replaces it"):
        give("new", path, force=False)
    assert path.read_text() == "old"
    give("new", path, force=True)
    assert path.read_text() == "new"


@pytest.mark.parametrize(
    ("files", "fault"),
    [
        ({"sweep.json": "{}"}, "no run of pagereel: it holds a sweep, whose comparison stands in"),
        ({"unfinished.json": "{}"}, "no run of pagereel: its run did not end"),
        ({}, "no run of pagereel: it has no metadata.json"),
        (
            {"metadata.json": '{"config": {}, "recordings": [], "versions": ["1.2"]}'},
            "metadata.json: not readable: versions: not a table",
        ),
    ],
)
def test_what_is_no_run_is_said_to_be(tmp_path: Path, files: dict[str, str], fault: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match=fault):
        RunFolder.open(tmp_path)


def test_a_summary_counts_every_row_once() -> None:
    figures = {
        ("rest", "mixed"): ((20, 1), (10, 1)),
        ("rest", "potential_huge"): ((20, 3), (20, 3.1)),
        ("rest", "nonmov_blocks"): ((20, 0), (20, 0)),
        ("rest", "huge_allocated"): ((NAN, 0), (20, 1)),
    }
    group = within(made_run(figures, ("x", "y")))
    text = " ".join(write(difference_document([group], rows_of(group, Choice()))).split())
    assert "Of 4 rows 1 differ beyond noise, 1 are not significant, 1 equal in all seeds" in text
    assert "1 without figures of enough seeds. By chance alone about 0 would" in text


def test_mechanisms_of_several_loads_are_told_by_load() -> None:
    one, other = made_run(STRESS, ("x", "y")), made_run(STRESS, ("x", "y"), workload="churn")
    both = dataclasses.replace(
        one, table=pd.concat([one.table, other.table]), loads={**one.loads, **other.loads}
    )
    mail = " ".join(mail_text([within(both)], Choice()).split())
    for workload in ("stress-highalloc", "churn"):
        assert f"* y, in {workload}: a mechanism." in mail
        assert f"What happens in {workload}; key phases have a star:" in mail
