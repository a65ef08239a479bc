"""Kaplan and Meier's estimate against published figures, by its properties, and by hand."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipeline.genealogy.survival import survival

# Weeks in remission under 6-MP; "+": longer. Freireich and others 1963, with the estimates and
# standard errors as printed since Kalbfleisch and Prentice, The Statistical Analysis of Failure
# Time Data.
REMISSION = (
    "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+"
)  # fmt: skip
PUBLISHED = {
    6: (0.857, 0.0764), 7: (0.807, 0.0869), 10: (0.753, 0.0963), 13: (0.690, 0.1068),
    16: (0.627, 0.1141), 22: (0.538, 0.1282), 23: (0.448, 0.1346),
}  # fmt: skip

PEOPLE = st.lists(st.tuples(st.integers(0, 30), st.booleans()), min_size=1, max_size=40)


def split(people: list[tuple[int, bool]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([time for time, _ in people]), np.array([ended for _, ended in people])


def test_published_estimates_and_errors() -> None:
    durations = np.array([int(text.rstrip("+")) for text in REMISSION.split()])
    ended = np.array(["+" not in text for text in REMISSION.split()])
    curve = survival(durations, ended)
    assert curve.times.tolist() == list(PUBLISHED)
    assert curve.surviving.round(3).tolist() == [share for share, _ in PUBLISHED.values()]
    # The error of log(-log S), told by the interval, is that of S over S |log S|.
    spread = np.log(np.log(curve.low) / np.log(curve.high)) / (2 * 1.959964)
    errors = spread * curve.surviving * -np.log(curve.surviving)
    assert errors.round(4).tolist() == [error for _, error in PUBLISHED.values()]
    # The lower end is printed as 13 by the usual programs (conf.type = "log-log").
    median, low, high = curve.median()
    assert (median, low) == (23, 13)
    assert np.isnan(high)


def test_more_than_half_never_end() -> None:
    curve = survival(np.array([1, 9, 9, 9]), np.array([True, False, False, False]))
    assert np.isnan(curve.median()[0])
    assert curve.surviving.tolist() == [0.75]


def test_nothing_to_estimate() -> None:
    curve = survival(np.empty(0, int), np.empty(0, bool))
    assert len(curve.times) == 0
    assert np.isnan(curve.median()).all()


@given(st.lists(st.integers(0, 30), min_size=1, max_size=40))
def test_without_censoring_it_is_the_share_that_lasts_longer(durations: list[int]) -> None:
    times = np.array(durations)
    curve = survival(times, np.ones(len(times), bool))
    share = [(times > time).mean() for time in curve.times]
    assert np.allclose(curve.surviving, share)
    assert curve.median()[0] == sorted(durations)[(len(durations) - 1) // 2]


@given(PEOPLE)
def test_it_falls_inside_its_interval(people: list[tuple[int, bool]]) -> None:
    curve = survival(*split(people))
    assert (np.diff(curve.surviving) <= 0).all()
    assert ((curve.surviving >= 0) & (curve.surviving <= 1)).all()
    known = ~np.isnan(curve.low)
    assert known.tolist() == (curve.surviving > 0).tolist()
    assert (curve.low <= curve.surviving + 1e-12)[known].all()
    assert (curve.high >= curve.surviving - 1e-12)[known].all()
    median, low, high = curve.median()
    assert np.isnan(low) or low <= median or np.isnan(median)
    assert np.isnan(high) or high >= median


@given(PEOPLE, st.randoms(use_true_random=False))
def test_order_does_not_matter(people: list[tuple[int, bool]], random) -> None:
    other = people.copy()
    random.shuffle(other)
    first, second = survival(*split(people)), survival(*split(other))
    for name in ("times", "at_risk", "ended", "surviving", "low", "high"):
        assert np.array_equal(getattr(first, name), getattr(second, name), equal_nan=True)


@given(PEOPLE)
def test_censored_ones_count_as_long_as_they_are_seen(people: list[tuple[int, bool]]) -> None:
    durations, ended = split(people)
    curve = survival(durations, ended)
    assert curve.at_risk.tolist() == [(durations >= time).sum() for time in curve.times]
    assert curve.ended.sum() == ended.sum()
