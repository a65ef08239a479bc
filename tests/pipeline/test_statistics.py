"""What figures of several seeds say: known cases, an exact test, and how often noise misleads."""

from itertools import product
from math import inf, isnan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.statistics.means import geometric_mean, mean_interval
from pipeline.statistics.paired import SEEDS_NEEDED, compare, family_wise
from pipeline.statistics.student import t_800, t_975

figures = st.floats(-1e6, 1e6).map(lambda value: round(value, 3))


def seeds(least: int = 1, most: int = 8) -> st.SearchStrategy[list[tuple[float, float]]]:
    return st.lists(st.tuples(figures, figures), min_size=least, max_size=most)


def arrays(pairs: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([a for a, _ in pairs]), np.array([b for _, b in pairs])


@pytest.mark.parametrize(
    ("degrees", "t975", "t800"),
    [(1, 12.706, 1.376), (9, 2.262, 0.883), (11, 2.201, 0.876), (30, 2.042, 0.854),
     (60, 2.000, 0.848), (1000, 1.962, 0.842)],
)  # fmt: skip
def test_quantiles_are_those_of_the_tables(degrees: int, t975: float, t800: float) -> None:
    assert t_975(degrees) == pytest.approx(t975, abs=6e-4)
    assert t_800(degrees) == pytest.approx(t800, abs=6e-4)


@given(seeds(SEEDS_NEEDED))
def test_p_is_the_share_of_signs_that_lie_as_far_out(pairs: list[tuple[float, float]]) -> None:
    before, after = arrays(pairs)
    difference = after - before
    scale = max(np.abs(difference).sum(), 1e-300)
    as_far = [
        abs(sum(s * d for s, d in zip(signs, difference, strict=True)))
        >= abs(sum(difference)) - 1e-9 * scale
        for signs in product((1, -1), repeat=len(difference))
    ]
    assert compare(before, after).p == sum(as_far) / len(as_far)


@given(seeds(2))
def test_the_other_way_round_is_the_same_with_the_other_sign(
    pairs: list[tuple[float, float]],
) -> None:
    before, after = arrays(pairs)
    there, back = compare(before, after), compare(after, before)
    assert there.change.mean == pytest.approx(-back.change.mean)
    assert there.change.low == pytest.approx(-back.change.high, abs=1e-6 * 1e6)
    assert there.detectable == pytest.approx(back.detectable)
    assert (there.p == back.p) or (isnan(there.p) and isnan(back.p))


@given(seeds(2))
def test_the_interval_lies_among_the_differences_and_holds_their_mean(
    pairs: list[tuple[float, float]],
) -> None:
    before, after = arrays(pairs)
    change, difference = compare(before, after).change, after - before
    near = 1e-9 * np.abs(difference).max()
    assert difference.min() - near <= change.low <= change.mean + near
    assert change.mean - near <= change.high <= difference.max() + near


def test_a_difference_beyond_noise() -> None:
    before = np.array([10.0, 12, 11, 9, 10, 11, 12, 10])
    after = before - [3, 2, 4, 3, 2, 3, 4, 3]
    found = compare(before, after)
    assert found.verdict == "significant"
    assert found.p == 2 / 2**8
    assert (found.before, found.after, found.change.mean) == (10.625, 7.625, -3)
    assert found.change_percent == pytest.approx(-28.2353, abs=1e-4)
    assert -4 <= found.change.low < -3 < found.change.high <= -2
    spread = sqrt(4 / 7)
    assert found.effect == pytest.approx(-3 / spread)
    assert found.detectable == pytest.approx((2.365 + 0.896) * spread / sqrt(8))


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        ([], [], "no figure"),
        ([np.nan], [1.0], "no figure"),
        ([1.0], [2.0], "one seed: noise unknown"),
        ([1.0, np.nan, 3.0], [2.0, 1.0, np.nan], "one seed: noise unknown"),
        ([1.0] * 3, [1.0] * 3, "equal in all seeds"),
        ([1.0] * 10, [1.0] * 10, "equal in all seeds"),
        ([1.0] * 3, [2.0] * 3, "the same difference in all seeds"),
        ([1.0] * 10, [2.0] * 10, "significant"),
        ([1.0, 2, 3, 4, 5], [2.0, 9, 9, 9, 9], "5 seeds are too few to tell"),
        ([1.0, 2, 3, 4, 5, 6], [2.0, 1, 4, 3, 6, 5], "not significant"),
    ],
)
def test_verdicts(before: list[float], after: list[float], verdict: str) -> None:
    assert compare(np.array(before), np.array(after)).verdict == verdict


@pytest.mark.parametrize("seeds", [3, 7, 10])
@pytest.mark.parametrize("size", [0.1, 0.3, 1 / 3])
@pytest.mark.parametrize("before", ["zero", "rounded"])
def test_seeds_that_all_differ_alike_have_no_spread_and_an_interval_of_no_width(
    before: str, size: float, seeds: int
) -> None:
    start = np.zeros(seeds) if before == "zero" else np.arange(seeds) * 0.7
    found = compare(start, start + size)
    assert found.change.mean == found.change.low == found.change.high == pytest.approx(size)
    assert found.effect == inf
    assert found.detectable == 0
    assert isnan(found.change_percent) == (before == "zero")
    same = compare(start + size, start + size / 3 + 2 * size / 3)
    assert same.verdict == "equal in all seeds"
    assert (same.effect, same.change_percent) == (0, 0)


@pytest.mark.parametrize("seeds", [6, 10, 13, 25])
@pytest.mark.parametrize("kind", ["normal", "skewed", "counts"])
def test_noise_is_called_significant_in_one_row_of_twenty_and_not_more(
    kind: str, seeds: int
) -> None:
    random = np.random.default_rng(7)
    draw = {
        "normal": lambda: random.normal(size=seeds),
        "skewed": lambda: random.lognormal(size=seeds),
        "counts": lambda: random.poisson(2.0, seeds).astype(float),
    }[kind]
    rows = 400
    called = sum(compare(draw(), draw()).significant for _ in range(rows))
    assert called / rows <= 0.05 + 3 * sqrt(0.05 * 0.95 / rows)
    if kind == "normal" and seeds > SEEDS_NEEDED:
        assert called / rows >= 0.05 - 3 * sqrt(0.05 * 0.95 / rows)


def test_a_difference_as_large_as_detectable_is_found_in_four_of_five() -> None:
    random, found = np.random.default_rng(3), 0
    size = (t_975(9) + t_800(9)) / sqrt(10)  # for noise of 1
    for _ in range(400):
        before = random.normal(size=10)
        found += compare(before, before + random.normal(size, 1, 10)).significant
    assert 0.7 <= found / 400 <= 0.88


def test_intervals_hold_the_true_mean_in_about_95_of_100() -> None:
    random = np.random.default_rng(5)
    held = 0
    for _ in range(500):
        interval = mean_interval(random.normal(4, 1, 10))
        held += interval.low <= 4 <= interval.high
    assert 0.92 <= held / 500 <= 0.97  # the plain percentile interval: about 0.89


def test_of_one_seed_there_is_no_interval() -> None:
    one = mean_interval(np.array([3.0, np.nan]))
    assert (one.mean, one.seeds) == (3, 1)
    assert isnan(one.low)
    assert isnan(one.high)


def test_a_family_of_rows_without_a_difference_is_rarely_called_different() -> None:
    random, alarms = np.random.default_rng(11), 0
    for _ in range(200):
        rows = random.normal(size=(30, 10))
        rows[15:] = rows[:15] + 0.1 * random.normal(size=(15, 10))  # rows that go together
        alarms += (family_wise(rows) <= 0.05).any()
    assert alarms / 200 <= 0.05 + 3 * sqrt(0.05 * 0.95 / 200)


def test_a_large_difference_is_found_in_a_family() -> None:
    rows = np.random.default_rng(2).normal(size=(30, 10))
    rows[4] += 4
    p = family_wise(rows)
    assert p[4] <= 0.05
    assert (np.delete(p, 4) > 0.05).all()
    alone = compare(np.zeros(10), rows[4]).p
    assert p[4] >= alone


def test_a_family_leaves_out_what_it_cannot_test() -> None:
    rows = np.vstack((np.zeros(8), np.full(8, 2.0), [np.nan] * 8, np.arange(8.0) - 3))
    p = family_wise(rows)
    assert p[0] == 1
    assert p[1] == 2 / 2**8
    assert isnan(p[2])
    assert p[3] > 0.05
    assert np.isnan(family_wise(rows[:, :5])).all()


def test_geometric_means() -> None:
    assert geometric_mean(np.array([2.0, 8.0])) == pytest.approx(4)
    for ratios in ([], [1.0, 0.0], [1.0, np.nan], [1.0, inf], [2.0, -1.0]):
        assert isnan(geometric_mean(np.array(ratios)))
