"""A small A/A: the long one is `python -m tests.statistics.aa`."""

import numpy as np
import pytest

from tests.statistics.aa import CHURN, counted, draws, found_change, pool_of, power

SEEDS, COMPARISONS = 6, 4
TINY = CHURN._replace(parameters=(("memory_mib", "20"), ("requests", "1500")))


def normal(seeds: int, shift: float = 0) -> dict[tuple[str, str], np.ndarray]:
    random = np.random.default_rng(5)
    return {("rest", name): random.normal(shift, 1, seeds) for name in ("mixed", "potential_huge")}


def test_sets_of_a_comparison_share_no_seed() -> None:
    for pool in (2 * SEEDS * COMPARISONS, 2 * SEEDS + 3):  # fresh and drawn ones
        for one, other in draws(pool, SEEDS, COMPARISONS):
            assert len(set(one) | set(other)) == 2 * SEEDS
    fresh = [set(one) | set(other) for one, other in draws(48, SEEDS, COMPARISONS)]
    assert len(set.union(*fresh)) == 48


def test_a_mechanism_against_itself_is_rarely_significant() -> None:
    figures = normal(2000)
    result = counted(figures, 10, 100)
    assert 0.02 <= result.share <= 0.08
    assert result.gates <= result.families <= 10
    drawn = counted({key: values[:200] for key, values in figures.items()}, 10, 100)
    assert drawn.share <= 0.1


def test_shifts_are_found_as_often_as_promised() -> None:
    for shares in power(normal(1200), 10, 60).values():
        assert shares[0] < shares[1] < shares[2] <= shares[3]
        assert 0.65 <= shares[-1] <= 0.95
    found = found_change(normal(400), normal(400, 1), 10, 20)
    assert all(entry[-1] == 1 for entry in found.values())


@pytest.mark.speed
def test_runs_of_the_simulator_are_drawn_from() -> None:
    pool = pool_of(TINY, range(2 * SEEDS), jobs=1)
    result = counted(pool, SEEDS, 1)
    assert result.comparisons == 1
    assert any(of for _, of in result.rows.values())
