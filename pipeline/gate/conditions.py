"""What a gate is asked: MEASURE[@PHASE] as its target, MEASURE[@PHASE]:LIMIT as limits."""

import re
from dataclasses import dataclass

from pipeline.comparison.rows import Row
from pipeline.config import UsageError
from pipeline.measures import MEASURES

LIMIT = re.compile(r"-(\d+(?:\.\d+)?)(%?)")


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
            known = [name for name, about in MEASURES.items() if about.better != "-"]
            raise UsageError(f"unknown measure {measure!r}; there are {', '.join(known)}")
        if MEASURES[measure].better == "-":
            raise UsageError(f"{measure}: neither more nor less of it is better")
        return cls(measure, phase)

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
        allowed = self.worse * abs(row.difference.before) / 100 if self.percent else self.worse
        return -row.gain > allowed * (1 + 1e-12)
