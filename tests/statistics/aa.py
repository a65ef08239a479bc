"""A/A: a mechanism against itself, many times: how often is something called significant?

`python -m tests.statistics.aa --comparisons 200`; slow. Each comparison is of two sets of seeds
that share none, so that nothing differs but chance. Then small effects are planted, and a small
real one is looked for: how often are they found?
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from allocator.mechanism import load_mechanism
from pipeline.comparison.rows import Row
from pipeline.gate.conditions import Asked, Named
from pipeline.gate.judge import judge
from pipeline.measures import MEASURES, measures_of
from pipeline.recording import Recording
from pipeline.simulate import simulate
from pipeline.statistics.paired import LEVEL, compare, family_wise
from pipeline.statistics.student import t_800, t_975
from workloads import load_workload
from workloads.stream import Stream

Key = tuple[str, str]  # phase, measure
Figures = dict[Key, np.ndarray]  # f8[seeds]
TARGET = "potential_huge"
SHIFTS = (0.25, 0.5, 1.0, 1.5)  # in standard deviations of a pair's difference


class Setting(NamedTuple):
    """What is run with each seed."""

    workload: str
    parameters: tuple[tuple[str, str], ...]
    mechanism: str
    mechanism_parameters: tuple[tuple[str, str], ...] = ()


CHURN = Setting("churn", (("memory_mib", "32"), ("requests", "16000")), "6.1-list")
# A known small effect: twice as much memory is kept free.
CHANGED = CHURN._replace(mechanism_parameters=(("min_free_kbytes", "1536"),))
RECORDED = Setting("debian-6.1-churn", (), "6.1-list")


@lru_cache(maxsize=1)
def _recorded(name: str) -> Stream:
    return load_workload(name)


def figures_of(setting: Setting, seed: int) -> dict[Key, float]:
    """All measures of one run at its key phases and in total."""
    if setting.parameters:
        stream = load_workload(setting.workload, dict(setting.parameters), seed)
    else:
        stream = replace(_recorded(setting.workload), seed=seed)
    mechanism = load_mechanism(setting.mechanism, dict(setting.mechanism_parameters))
    with tempfile.TemporaryDirectory(prefix="pagereel-") as folder:
        path = Path(folder) / "a.reel"
        simulate(stream, mechanism, path, frames=None, watched=False)
        table = measures_of(Recording.open(path))
    other = {phase.name for phase in stream.phases if not phase.key}
    rows = table.itertuples(index=False, name=None)
    return {(phase, measure): value for phase, measure, value in rows if phase not in other}


def pool_of(setting: Setting, seeds: range, jobs: int) -> Figures:
    """The figures of all seeds, run `jobs` at a time."""
    with ProcessPoolExecutor(jobs) as workers:
        made = []
        for found in workers.map(figures_of, [setting] * len(seeds), seeds, chunksize=5):
            made.append(found)
            if len(made) % 200 == 0:
                print(f"{setting.workload}: {len(made)} of {len(seeds)}", file=sys.stderr)
    return {key: np.array([figures[key] for figures in made]) for key in made[0]}


def draws(pool: int, seeds: int, comparisons: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Two disjoint sets of `seeds` places each: fresh ones where the pool has enough, else drawn.

    Drawn sets overlap between comparisons. Each comparison by itself is as any other then, so the
    expected share is the same; it only settles more slowly.
    """
    random = np.random.default_rng(1)
    fresh = pool >= 2 * seeds * comparisons
    order = np.arange(pool)
    for number in range(comparisons):
        first = 2 * seeds * number
        chosen = order[first : first + 2 * seeds] if fresh else random.permutation(pool)
        yield chosen[:seeds], chosen[seeds : 2 * seeds]


class Counted(NamedTuple):
    """What A/A called significant. By row: how often, of how many with a difference at all."""

    rows: dict[Key, tuple[int, int]]
    families: int  # comparisons in which any row at all was, all rows in mind
    gates: int  # in which the gate would have tripped for a worse row
    targets: int  # in which it would have called its target improved
    comparisons: int

    @property
    def share(self) -> float:
        """Of all rows with a difference, those called significant."""
        found, all_ = map(sum, zip(*self.rows.values(), strict=True))
        return found / all_


def counted(figures: Figures, seeds: int, comparisons: int) -> Counted:
    """Compare a mechanism with itself so often."""
    rows = dict.fromkeys(figures, (0, 0))
    families = gates = targets = 0
    pool = len(next(iter(figures.values())))
    for one, other in draws(pool, seeds, comparisons):
        made = _rows(figures, one, other)
        for row in made:
            found, differing = rows[row.phase, row.measure]
            moved = bool((row.before != row.after).any() and row.difference.seeds)
            rows[row.phase, row.measure] = (
                found + row.difference.significant,
                differing + moved,
            )
        whole = [
            row.after - row.before for row in made if np.isfinite(row.after - row.before).all()
        ]
        families += bool(np.nanmin(family_wise(np.array(whole))) <= LEVEL)
        judged = judge(made, Asked(Named(TARGET)))
        gates += any(one.failed for one in judged if one.role == "other")
        targets += not judged[0].failed
    return Counted(rows, families, gates, targets, comparisons)


def _rows(figures: Figures, one: np.ndarray, other: np.ndarray) -> list[Row]:
    sides = (None, None)  # nothing here asks whose they are
    return [
        Row(
            "aa",
            phase,
            measure,
            *sides,
            values[one],
            values[other],
            compare(values[one], values[other]),
        )
        for (phase, measure), values in figures.items()
        if np.isfinite(values).any()
    ]


def power(figures: Figures, seeds: int, comparisons: int) -> dict[Key, list[float]]:
    """How often planted shifts are found, by row: those of SHIFTS, then that called detectable."""
    pool = len(next(iter(figures.values())))
    promised = (t_975(seeds - 1) + t_800(seeds - 1)) / np.sqrt(seeds)
    found: dict[Key, list[float]] = {}
    for key, values in figures.items():
        spread = float(np.std(values, ddof=1)) * np.sqrt(2)  # of the difference of two seeds
        if not np.isfinite(spread) or spread == 0 or MEASURES[key[1]].better == "-":
            continue
        hits = np.zeros(len(SHIFTS) + 1)
        for one, other in draws(pool, seeds, comparisons):
            for place, shift in enumerate((*SHIFTS, promised)):
                moved = compare(values[one], values[other] + shift * spread)
                hits[place] += moved.significant and moved.change.mean > 0
        found[key] = list(hits / comparisons)
    return found


def found_change(before: Figures, after: Figures, seeds: int, comparisons: int) -> dict[Key, list]:
    """A real small change, the same seeds on both sides: its size in sd, detectable, how often."""
    found = {}
    pool = len(next(iter(before.values())))
    for key, values in before.items():
        difference = after[key] - values
        if MEASURES[key[1]].better == "-" or not np.isfinite(difference).all():
            continue
        spread = difference.std(ddof=1)
        if spread == 0:
            continue
        hits, detectable = 0, []
        for one, _ in draws(pool, seeds, comparisons):
            made = compare(values[one], after[key][one])
            hits += made.significant
            detectable.append(made.detectable)
        found[key] = [difference.mean(), difference.mean() / spread, np.mean(detectable),
                      hits / comparisons]  # fmt: skip
    return found


def _report_aa(title: str, result: Counted) -> None:
    print(f"\n{title}: {result.comparisons} comparisons of a mechanism with itself")
    found, differing = map(sum, zip(*result.rows.values(), strict=True))
    every = len(result.rows) * result.comparisons
    print(f"  rows called significant: {found} of {differing} that differ at all: "
          f"{100 * result.share:.2f} % (of all {every}: {100 * found / every:.2f} %)")  # fmt: skip
    for name, count in (
        ("any row, all rows in mind (family-wise)", result.families),
        ("gate tripped by a worse row", result.gates),
        ("gate's target called improved", result.targets),
    ):
        print(
            f"  {name}: {count} of {result.comparisons}: {100 * count / result.comparisons:.1f} %"
        )
    print(f"  {'measure@phase':48}{'significant':>12}{'of':>6}{'%':>7}")
    for (phase, measure), (hits, of) in result.rows.items():
        if of:
            print(f"  {measure + '@' + phase:48}{hits:12}{of:6}{100 * hits / of:7.1f}")


def _report_power(result: dict[Key, list[float]]) -> None:
    print("\nplanted shifts found, %, by their size in sd of a pair's difference")
    heads = "".join(f"{shift:>8g}" for shift in SHIFTS)
    print(f"  {'measure@phase':48}{heads}{'detectable':>12}")
    for (phase, measure), shares in result.items():
        texts = "".join(f"{100 * share:8.0f}" for share in shares[:-1])
        print(f"  {measure + '@' + phase:48}{texts}{100 * shares[-1]:12.0f}")
    means = np.mean(list(result.values()), axis=0)
    texts = "".join(f"{100 * share:8.0f}" for share in means[:-1])
    print(f"  {'mean':48}{texts}{100 * means[-1]:12.0f}")


def _report_change(result: dict[Key, list]) -> None:
    print(f"\na real small change, {CHANGED.mechanism} with {dict(CHANGED.mechanism_parameters)}")
    print(f"  {'measure@phase':42}{'change':>10}{'in sd':>8}{'detectable':>12}{'found %':>9}")
    for (phase, measure), (change, effect, detectable, share) in result.items():
        name = f"{measure}@{phase}"
        print(f"  {name:42}{change:10.3g}{effect:8.2f}{detectable:12.3g}{100 * share:9.0f}")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run it and print what came out; exit code 1 where more is called significant than may be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--comparisons", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--recorded-pool", type=int, default=0,
                        help="starts of the recorded stream to draw from; 0: none")  # fmt: skip
    parser.add_argument("-j", "--jobs", type=int, default=2)
    given = parser.parse_args(arguments)
    every = range(2 * given.seeds * given.comparisons)
    pool = pool_of(CHURN, every, given.jobs)
    results = [counted(pool, given.seeds, given.comparisons)]
    _report_aa("churn, fresh seeds each time", results[0])
    tenth = {key: values[: max(len(every) // 10, 2 * given.seeds)] for key, values in pool.items()}
    results.append(counted(tenth, given.seeds, given.comparisons))
    _report_aa("churn, drawn from a tenth of these seeds", results[1])
    _report_power(power(pool, given.seeds, given.comparisons))
    half = range(len(every) // 2)
    changed = pool_of(CHANGED, half, given.jobs)
    same = {key: values[: len(half)] for key, values in pool.items()}
    _report_change(found_change(same, changed, given.seeds, given.comparisons // 4))
    if given.recorded_pool:
        recorded = pool_of(RECORDED, range(1, given.recorded_pool + 1), given.jobs)
        results.append(counted(recorded, given.seeds, given.comparisons))
        _report_aa(f"{RECORDED.workload}, drawn from {given.recorded_pool} starts", results[2])
        _report_power(power(recorded, given.seeds, given.comparisons))
    allowed = LEVEL + 3 * np.sqrt(LEVEL * (1 - LEVEL) / given.comparisons)  # of one share
    worst = max(r.families / r.comparisons for r in results)
    sys.exit(int(max(r.share for r in results) > LEVEL * 1.2 or worst > allowed))


if __name__ == "__main__":
    main()
