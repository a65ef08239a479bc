"""The search for a breakdown: fair, repeatable, not led on by its own choice, and said as it is."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from allocator.mechanism import load_mechanism
from pipeline.breakdown import tries
from pipeline.breakdown.command import _write
from pipeline.breakdown.found import Found, Seeds
from pipeline.breakdown.judge import Verdict, judge
from pipeline.breakdown.report import conditions, report, rows, symptom
from pipeline.breakdown.search import NEAR, SPREAD, Search, Tried
from pipeline.breakdown.space import Space
from pipeline.breakdown.tries import Left, Trier, Try
from pipeline.config import RunConfig
from pipeline.testcase.conditions import Condition
from tests.pipeline.commands import Commands
from workloads import WORKLOADS, Searched, check_workload, searched

SPACE = Space(
    {
        "share": Searched(0, 1, 0.25, False),
        "spread": Searched(1, 10_000, 100, False),
        "bursts": Searched(1, 12, 4, True),
    }
)


def left(blocks: int, failed: int = 0) -> Left:
    return Left(eligible=50, blocks=blocks, failed=failed, requests=100_000, kernel_pages=9)


@pytest.mark.parametrize(
    ("base", "other", "fair", "found"),
    [
        ([left(10), left(12)], [left(30), left(32)], True, True),
        ([left(26), left(26)], [left(40), left(40)], True, False),  # it keeps more than half
        ([left(22), left(22)], [left(31), left(31)], True, False),  # the other hardly more
        ([left(30), left(32)], [left(10), left(12)], True, False),
        ([left(10, 5), left(12, 5)], [left(30, 5), left(32, 4)], True, True),
        ([left(10, 0), left(12, 9)], [left(30, 1), left(32, 0)], False, False),  # with one seed
        ([left(10, 200), left(12)], [left(30), left(32)], False, False),  # too large a load
    ],
)
def test_what_counts_as_found(base, other, fair: bool, found: bool) -> None:
    verdict = judge(base, other)
    assert (verdict.fair, verdict.found) == (fair, found)
    assert (verdict.score > -100) == fair


def test_points_stand_for_values_in_their_ranges() -> None:
    assert SPACE.texts([0, 0, 0]) == {"share": "0", "spread": "1", "bursts": "1"}
    assert SPACE.texts([1, 1, 1]) == {"share": "1", "spread": "10000", "bursts": "12"}
    assert SPACE.texts([0.5, 0.5, 0.5]) == {"share": "0.5", "spread": "100", "bursts": "6"}
    assert SPACE.texts(SPACE.default()) == {"share": "0.25", "spread": "100", "bursts": "4"}


def test_random_points_cover_each_range_evenly() -> None:
    points = SPACE.spread(20, np.random.default_rng(1))
    assert points.shape == (20, 3)
    for column in points.T:
        assert sorted((column * 20).astype(int)) == list(range(20))


@pytest.mark.parametrize("workload", [name for name in WORKLOADS if searched(name)])
def test_every_corner_of_a_search_is_a_load(workload: str) -> None:
    ranges = searched(workload)
    for corner in (0, 1):
        check_workload(workload, Space(ranges).texts([corner] * len(ranges)))
    for of in ranges.values():
        assert of.low <= of.default <= of.high


def hill(points: list[dict[str, str]]) -> list[Verdict]:
    """Best where share is 0.8; it takes more than 5 bursts; spread doesn't matter."""
    return [
        Verdict(
            base=40 - 20 * (abs(float(p["share"]) - 0.8) < 0.2),
            other=60.0 + 10 * (1 - abs(float(p["share"]) - 0.8)),
            failed=0.0,
            fair=int(p["bursts"]) > 5,
        )
        for p in points
    ]


def searching(seed: int, judge=hill) -> Search:
    return Search(SPACE, judge, seed, lambda text: None)


def test_the_search_climbs_and_repeats() -> None:
    first, again, other = searching(1), searching(1), searching(2)
    for search in (first, again, other):
        search.run(80)
    assert [t.parameters for t in first.tried] == [t.parameters for t in again.tried]
    assert [t.parameters for t in first.tried] != [t.parameters for t in other.tried]
    assert [t.stage for t in first.tried] == [SPREAD] * 40 + [NEAR] * 40
    best = first.best()[0]
    assert best.verdict.fair
    assert float(best.parameters["share"]) == pytest.approx(0.8, abs=0.05)
    assert best.verdict.score >= max(t.verdict.score for t in first.tried[:40])


def test_a_find_is_taken_back_to_what_is_usual() -> None:
    """Spread comes back all the way, bursts as far as it stays a find, share as it stays clear."""
    search = searching(1)
    search.run(40)
    simple = search.simplified(search.best()[0])
    assert simple.verdict.found
    assert simple.parameters["spread"] == "100"
    assert float(simple.parameters["share"]) == pytest.approx(0.8, abs=0.2)
    assert 6 <= int(simple.parameters["bursts"]) <= int(search.best()[0].parameters["bursts"])
    assert simple.verdict.score >= 0.75 * search.best()[0].verdict.score


def test_nothing_is_run_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def tried(workload: str, mechanisms: tuple, one: Try) -> tuple[Left, ...]:
        asked.append(one)
        return left(one.seed), left(7)

    monkeypatch.setattr(tries, "_tried", tried)
    pair = [load_mechanism("6.1-list"), load_mechanism("6.1-zone")]
    wanted = [Try({"a": str(n)}, seed) for n in range(10) for seed in (1, 2)]

    def run(mechanisms: list = pair) -> list[tuple[Left, ...]]:
        asked.clear()
        return Trier("churn", mechanisms, tmp_path / "tries.jsonl", 1).run(wanted)

    first = run()
    assert [of.blocks for of, _ in first] == [1, 2] * 10
    assert asked == wanted
    assert run() == first
    assert asked == []
    cut = (tmp_path / "tries.jsonl").read_bytes()[:-20]  # as by a crash while it was written
    (tmp_path / "tries.jsonl").write_bytes(cut)
    assert run() == first
    assert asked == wanted[-1:]
    run([load_mechanism("6.1-list"), load_mechanism("6.1-zone", {"kernelcore": "30%"})])
    assert asked == wanted
    monkeypatch.setattr(tries, "code", lambda: {"sources": "other"})
    run()
    assert asked == wanted  # what other code found is not known
    run()
    assert asked == []


def test_a_load_that_is_far_too_large_is_not_run_to_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is kept of it tells that it is none; a load that is held is run as before."""
    mechanisms = (load_mechanism("6.1-list"),)
    held = Try({"memory_mib": "24", "requests": "40000"}, 1)
    full = Try({**held.parameters, "long_lived_share": "0.9"}, 1)
    (whole,) = tries._tried("churn", mechanisms, held)
    (given_up,) = tries._tried("churn", mechanisms, full)
    monkeypatch.setattr(tries, "OVERLOADED_AT", 100.0)
    assert tries._tried("churn", mechanisms, held) == (whole,)
    (to_its_end,) = tries._tried("churn", mechanisms, full)
    assert (given_up.eligible, given_up.blocks, given_up.kernel_pages) == (0, 0, 0)
    assert 0 < given_up.failed < to_its_end.failed
    assert given_up.requests < to_its_end.requests
    assert not judge([given_up], [given_up]).fair
    assert not judge([to_its_end], [to_its_end]).fair


def test_a_seed_is_searched_or_confirmed_with() -> None:
    seeds = Seeds(5)
    assert [*seeds.search] == [5, 6]
    assert [*seeds.confirm] == list(range(7, 17))


def found(base: list[Left], other: list[Left]) -> Found:
    search = searching(1)
    search.run(40)
    chosen = search.simplified(search.best()[0])
    names = ("6.1-list", "6.1-zone", "6.1-off")
    return Found(
        workload="churn",
        phase="rest",
        mechanisms=tuple(map(load_mechanism, names)),
        fixed={"memory_mib": "64"},
        space=SPACE,
        seeds=Seeds(1),
        tried=search.tried,
        best=search.best(),
        chosen=chosen,
        left=(tuple(base), tuple(other), tuple(left(1) for _ in base)),
    )


def test_a_testcase_has_seeds_that_show_it_by_themselves() -> None:
    """Though the mean of all shows it, with some it doesn't show."""
    of = found([left(n) for n in (8, 26, 9, 25, 10, 11, 8, 8, 8, 8)], [left(30)] * 10)
    assert of.confirmed
    assert of.testcase_seeds == [3, 5, 7]
    none = found([left(25)] * 10, [left(40)] * 10)
    assert (none.confirmed, none.testcase_seeds) == (True, [])


def test_a_find_without_a_testcase_is_told_all_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    none = found([left(25)] * 10, [left(40)] * 10)
    _write(none, RunConfig(), tmp_path, "pagereel find-breakdown", 1)
    told = capsys.readouterr().out
    assert "No testcase" in told
    assert (tmp_path / "breakdown.txt").read_text() == told
    assert not (tmp_path / "testcase").exists()


def test_a_find_is_told_with_its_figures() -> None:
    of = found([left(n) for n in range(8, 18)], [left(30)] * 10)
    text = report(of, "pagereel find-breakdown --seed 1")
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 72
    told = " ".join(text.split())
    assert "Found in 40 tries, and held with 10 fresh seeds, 3 to 12. 6 more took" in told
    assert "6.1-off 6.1-list 6.1-zone eligible pageblocks 50 50 50" in told
    assert "can become huge 1 12.5 30 least 1 8 30 most 1 17 30" in told
    assert "6.1-zone minus 6.1-list: +17.5 pageblocks, 95 % interval +1" in told
    assert "paired by seed: significant" in told
    assert "6.1-list minus 6.1-off: +11.5 pageblocks" in told
    assert "-p memory_mib=64 -p share=0.8" in told
    assert "Away from the workload's own values: share, bursts." in told
    assert "25 % of the eligible pageblocks can still" in symptom(of)
    texts = conditions(of)
    assert texts == [
        "6.1-list potential_huge at rest < 25",
        "6.1-list potential_huge at rest < 6.1-zone by 10",
        "6.1-list failed_requests at rest < 1",
        "6.1-zone failed_requests at rest < 1",
    ]
    assert all(map(Condition.parse, texts))
    table = pd.DataFrame(rows(of))
    assert len(table) == 46
    assert table["memory_mib"].eq("64").all()


def test_what_fresh_seeds_do_not_show_is_no_find() -> None:
    of = found([left(28)] * 10, [left(30)] * 10)
    assert not of.confirmed
    told = " ".join(report(of, "x").split())
    assert "None found in 40 tries: the best did not hold with 10 fresh seeds, 3 to 12." in told
    assert "Found in" not in told


def test_a_find_that_refuses_its_load_is_none() -> None:
    of = found([left(8)] * 10, [left(30)] * 9 + [left(30, failed=1)])
    assert not of.confirmed


def search_command(output: Path, *more: object) -> list[object]:
    small = [f"-p{text}" for text in ("memory_mib=32", "seconds=2", "reads_share=0.5")]
    return ["find-breakdown", *small, "--tries", 2, "-o", output, "-j", 1, *more]


def test_none_found_is_an_answer(pagereel: Commands, tmp_path: Path) -> None:
    outcome = pagereel(*search_command(tmp_path / "a", "--seed", 3))
    assert outcome.code == 0, outcome
    assert "None found in 2 tries." in outcome.out
    assert "pagereel: 2 of 2 tries, best:" in outcome.err
    assert (tmp_path / "a" / "breakdown.txt").read_text() == outcome.out
    assert len(pd.read_csv(tmp_path / "a" / "tries.csv")) == 2
    assert not (tmp_path / "a" / "testcase").exists()
    line = pagereel.refused(*search_command(tmp_path / "a", "--seed", 3), code=2)
    assert "--force replaces the search in it" in line
    (tmp_path / "a" / "breakdown.txt").unlink()
    assert pagereel(*search_command(tmp_path / "a", "--seed", 3)).out == outcome.out  # it goes on


def test_what_cannot_be_searched(pagereel: Commands, tmp_path: Path) -> None:
    for arguments, told in (
        (["-w", "debian-6.1-churn"], "debian-6.1-churn: has no parameter to search"),
        (["-w", "nothing"], "unknown workload 'nothing'"),
        (["--base", "nothing"], "unknown mechanism 'nothing'"),
        (["--base", "6.1-zone"], "mechanism '6.1-zone' stands twice"),
        (["-p", "bursts=many"], "bursts=many: not a number"),
    ):
        line = pagereel.refused("find-breakdown", *arguments, "-o", tmp_path / "x", code=2)
        assert told in line
        assert not (tmp_path / "x").exists()


def test_a_try_is_sorted_by_what_it_is() -> None:
    search = searching(1, lambda points: [Verdict(0, 0, 0, True)] * len(points))
    search.run(4)
    assert search.best() == search.tried  # of equal ones the earlier first
    assert all(isinstance(one, Tried) for one in search.tried)
