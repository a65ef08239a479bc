"""What a gate is asked: its target, limits, what is ignored, and how much worse others may be."""

import re
from dataclasses import dataclass

from pipeline.comparison.rows import Row
from pipeline.config import UsageError, check_names
from pipeline.measures import MEASURES

LIMIT = re.compile(r"-(\d+(?:\.\d+)?)(%?)")
TOLERANCE = re.compile(r"(\d+(?:\.\d+)?)%")
MOST_PERCENT = 100  # of tolerance: more would let pass whatever doubles
ROUNDING = 1e-12


@dataclass(frozen=True)
class Named:
    """A measure, at a phase or (empty) wherever it is judged."""

    measure: str
    phase: str = ""

    @classmethod
    def parse(cls, text: str) -> "Named":
        """From MEASURE or MEASURE@PHASE. Raises UsageError for what has no better direction."""
        measure, at, phase = text.partition("@")
        if not measure or (at and not phase):
            raise UsageError(f"{text!r}: not of the form MEASURE or MEASURE@PHASE")
        if measure not in MEASURES:
            judged = [name for name, about in MEASURES.items() if about.better != "-"]
            check_names("measure", [measure], judged)
        if MEASURES[measure].better == "-":
            raise UsageError(f"{measure}: neither more nor less of it is better")
        return cls(measure, phase)

    @property
    def text(self) -> str:
        """As it was asked."""
        return f"{self.measure}@{self.phase}" if self.phase else self.measure

    def takes(self, row: Row) -> bool:
        """Whether a row is of it."""
        return row.measure == self.measure and self.phase in ("", row.phase)


@dataclass(frozen=True)
class Limit:
    """How much worse a figure may become: `worse` > 0, in % of the baseline's, or as it is."""

    named: Named
    worse: float
    percent: bool

    @classmethod
    def parse(cls, text: str) -> "Limit":
        """From MEASURE[@PHASE]:-2% or :-5; minus is worse. Raises UsageError."""
        name, colon, limit = text.rpartition(":")
        found = LIMIT.fullmatch(limit)
        if not colon or not found:
            raise UsageError(
                f"{text!r}: not of the form MEASURE[@PHASE]:-2% or :-5 (2 % or 5 worse)"
            )
        return cls(Named.parse(name), float(found[1]), bool(found[2]))

    @property
    def text(self) -> str:
        """As it was asked."""
        return f"-{self.worse:g}{'%' if self.percent else ''}"

    def broken(self, row: Row) -> bool:
        """Whether the mean has become worse by more than that, noise or not."""
        if self.percent:
            return worse_by_more(row, self.worse)
        return -row.gain > self.worse * (1 + ROUNDING)


@dataclass(frozen=True)
class Asked:
    """All that a gate is asked. `tolerance_percent`: how much worse any other row may be.

    A target or a limit is judged though it is ignored elsewhere.
    """

    target: Named
    limits: tuple[Limit, ...] = ()
    ignored: tuple[Named, ...] = ()
    tolerance_percent: float = 0.0

    @property
    def named(self) -> tuple[Named, ...]:
        """The target and the limits' measures: of these there must be figures."""
        return (self.target, *(limit.named for limit in self.limits))


def asked(target: str, limits: tuple[str, ...], ignored: tuple[str, ...], tolerance: str) -> Asked:
    """From the command line's texts. Raises UsageError."""
    found = TOLERANCE.fullmatch(tolerance)
    if not found:
        raise UsageError(f"--tolerance {tolerance}: not of the form 1% or 0.5%")
    if float(found[1]) > MOST_PERCENT:
        raise UsageError(f"--tolerance {tolerance}: more than {MOST_PERCENT}%")
    of = Asked(
        Named.parse(target),
        tuple(map(Limit.parse, limits)),
        tuple(map(Named.parse, ignored)),
        float(found[1]),
    )
    for one in of.ignored:
        if one in of.named:
            raise UsageError(f"{one.text}: to be judged and to be ignored")
    return of


def worse_by_more(row: Row, percent: float) -> bool:
    """Whether the mean is worse by more than that part of the baseline's."""
    return -row.gain > percent * abs(row.difference.before) / 100 * (1 + ROUNDING)
