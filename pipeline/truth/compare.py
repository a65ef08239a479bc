"""Replays beside a real boot: figure by figure, with the tolerances they are judged by."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import NamedTuple

from pipeline.samples import TOTAL, Figures
from pipeline.truth.replays import Outcome, Replay

PHASES = ("files", "mixed3", "rest3", "rest4", "end")
MEASURES = {
    "mixed": "mixed (%)",
    "nonmov_blocks": "nonmov_blocks",
    "potential_huge": "potential_huge",
    "free_blocks": "free_blocks",
    "pcp_pages": "pcp_pages",
    "unmovable_blocks": "unmovable_blocks",
    "reclaimable_blocks": "reclaimable_blocks",
}
JUDGED = ("mixed", "nonmov_blocks", "potential_huge")
# For each phase: points of mixed, blocks, blocks.
OWN_TOLERANCE = {
    "files": (1.5, 2, 2),
    "mixed3": (2, 3, 3),
    "rest3": (4, 5, 5),
    "rest4": (3, 4, 4),
}
# After mixed3 the files that are deleted are those of the kernel that wrote them.
COUNTERFACTUAL_TOLERANCE = {"mixed3": (3, 5, 5)}
ROUNDING = 1e-9


class Row(NamedTuple):
    """One figure: of the real boot, of the replay from the recorded start, of the others.

    `tolerance` and `within` are None where it isn't judged. Fields are the columns of truth.csv.
    """

    stream: str
    mechanism: str
    against: str
    phase: str
    measure: str
    real: float
    simulated: float
    mean: float
    sd: float
    bare: float
    bare_mean: float
    tolerance: float | None
    within: str | None

    @property
    def constant(self) -> float | None:
        """The figure, where the boot and all replays have the same."""
        figures = {self.real, self.simulated, self.mean, self.bare, self.bare_mean}
        return figures.pop() if len(figures) == 1 and not self.sd else None


@dataclass(frozen=True)
class Comparison:
    """A replay's rows by phase and measure; mean |error| of each judged measure.

    `errors`: simulated and bare, over the judged phases and all starts; a measure that is nowhere
    judged is missing.
    """

    replay: Replay
    rows: dict[tuple[str, str], Row]
    errors: dict[str, tuple[float, float]]

    @property
    def judged(self) -> list[Row]:
        """The rows that have a tolerance."""
        return [row for row in self.rows.values() if row.tolerance is not None]

    @property
    def within(self) -> int:
        """How many of them keep to it."""
        return sum(row.within == "yes" for row in self.judged)


def compared(replay: Replay, outcome: Outcome) -> Comparison:
    """Every figure that both the boot and the replay have, in a fixed order."""
    real, simulated = replay.against.real, outcome.simulated[0]
    keys = [key for key in _order(simulated) if key in real and key in simulated]
    rows = {key: _row(replay, key, outcome) for key in keys}
    errors = {}
    for measure in JUDGED:
        judged = [k for k, r in rows.items() if k[1] == measure and r.tolerance is not None]
        if judged:
            of = (_mean_error(real, made, judged) for made in (outcome.simulated, outcome.bare))
            errors[measure] = tuple(of)
    return Comparison(replay, rows, errors)


def _order(simulated: Figures) -> Iterator[tuple[str, str]]:
    names = dict.fromkeys(name for _, name in simulated)
    orders = [name for name in names if name.startswith("nr_free_order_")]
    for phase in PHASES:
        yield from ((phase, measure) for measure in (*MEASURES, *orders))
    yield from ((TOTAL, name) for name in names if name.startswith("fragmenting_"))


def _row(replay: Replay, key: tuple[str, str], outcome: Outcome) -> Row:
    real, simulated = replay.against.real[key], outcome.simulated[0][key]
    others = [figures[key] for figures in outcome.simulated[1:]]
    tolerance = tolerance_of(replay, *key)
    within = None
    if tolerance is not None:
        within = "yes" if abs(simulated - real) <= tolerance + ROUNDING else "no"
    return Row(
        replay.stream.name,
        replay.mechanism,
        replay.against.name,
        *key,
        real=real,
        simulated=simulated,
        mean=fmean(others),
        sd=stdev(others),
        bare=outcome.bare[0][key],
        bare_mean=fmean(figures[key] for figures in outcome.bare[1:]),
        tolerance=tolerance,
        within=within,
    )


def tolerance_of(replay: Replay, phase: str, measure: str) -> float | None:
    """How far a figure may be off, in its own unit; None where it isn't judged."""
    table = OWN_TOLERANCE if replay.own else COUNTERFACTUAL_TOLERANCE
    if phase not in table or measure not in JUDGED:
        return None
    return table[phase][JUDGED.index(measure)]


def _mean_error(real: Figures, made: list[Figures], keys: list[tuple[str, str]]) -> float:
    return fmean(abs(figures[key] - real[key]) for figures in made for key in keys)
