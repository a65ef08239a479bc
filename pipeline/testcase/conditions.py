"""Conditions on figures, as one types them: "6.1-list potential_huge at rest < 6.1-zone by 8"."""

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.config import UsageError, check_names

FORM = "[WORKLOAD: ]MECHANISM MEASURE at PHASE <|> MECHANISM|NUMBER [by NUMBER]"
_NUMBER = r"-?[0-9]+(?:\.[0-9]+)?"
_CONDITION = re.compile(
    rf"(?:(?P<workload>\S+): )?(?P<mechanism>\S+) (?P<measure>\S+) at (?P<phase>\S+) "
    rf"(?P<relation>[<>]) (?P<other>\S+)(?: by (?P<by>{_NUMBER}))?"
)


@dataclass(frozen=True)
class Verdict:
    """Whether a condition holds: `holds` bool[seeds]; means of both sides over the seeds."""

    holds: np.ndarray
    value: float
    other: float

    @property
    def all_hold(self) -> bool:
        """With each seed, and there is one."""
        return bool(len(self.holds)) and bool(self.holds.all())

    def told(self, condition: "Condition") -> str:
        """In one line."""
        held = f"holds with {int(self.holds.sum())} of {len(self.holds)} seeds"
        values = f"{self.value:.4g}"
        if not condition.other_is_number:
            values += f" and {self.other:.4g}"
        return f"{condition.text}: {held}, {values} on the mean"


@dataclass(frozen=True)
class Condition:
    """A measure of a mechanism lies below (<) or above (>) another's or a number, by so much.

    `workload`: "" where there is one only.
    """

    text: str
    workload: str
    mechanism: str
    measure: str
    phase: str
    relation: str
    other: str
    by: float

    @classmethod
    def parse(cls, text: str) -> "Condition":
        """A condition from its text. Raises UsageError."""
        match = _CONDITION.fullmatch(text)
        if match is None:
            raise UsageError(f"condition {text!r}: not of the form {FORM}")
        named = {key: value or "" for key, value in match.groupdict().items()}
        return cls(text, **{**named, "by": float(named["by"] or 0)})

    def check(self, figures: pd.DataFrame) -> None:
        """Raise UsageError for names that the figures don't have."""
        where = f"condition {self.text!r}"
        workloads = figures["workload"].unique().tolist()
        if self.workload or len(workloads) > 1:
            check_names("workload", [self.workload], workloads, where)
        check_names("mechanism", self._mechanisms(), figures["mechanism"].unique().tolist(), where)
        check_names("phase", [self.phase], figures["phase"].unique().tolist(), where)
        of_phase = figures[figures["phase"] == self.phase]
        check_names("measure", [self.measure], of_phase["measure"].unique().tolist(), where)

    def judge(self, figures: pd.DataFrame) -> Verdict:
        """Whether it holds with each seed of the figures; a value that isn't there doesn't."""
        value = self._values(figures, self.mechanism)
        if self.other_is_number:
            other = pd.Series(float(self.other), value.index)
        else:
            other = self._values(figures, self.other).reindex(value.index)
        ahead = other - value if self.relation == "<" else value - other
        holds = (ahead >= self.by) if self.by else (ahead > 0)
        return Verdict(holds.to_numpy(bool), float(value.mean()), float(other.mean()))

    def _mechanisms(self) -> list[str]:
        return [self.mechanism] if self.other_is_number else [self.mechanism, self.other]

    @property
    def other_is_number(self) -> bool:
        """Whether it is compared with a number."""
        return re.fullmatch(_NUMBER, self.other) is not None

    def _values(self, figures: pd.DataFrame, mechanism: str) -> pd.Series:
        """By seed."""
        rows = (
            (figures["mechanism"] == mechanism)
            & (figures["phase"] == self.phase)
            & (figures["measure"] == self.measure)
        )
        if self.workload:
            rows &= figures["workload"] == self.workload
        return figures[rows].set_index("seed")["value"]
