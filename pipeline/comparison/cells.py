"""Figures and changes as text: a value, its change with the sign turned so that + is better."""

from math import isinf, isnan

import numpy as np

from pipeline.comparison.document import Cell
from pipeline.comparison.rows import Row
from pipeline.statistics.paired import SEEDS_NEEDED, Difference

WHOLE_FROM, ONE_DIGIT_FROM, TWO_DIGITS_FROM, THREE_DIGITS_FROM = 10_000, 100, 1, 0.01
LEAST_PERCENT = 0.01  # that two digits after the point show
LONGEST = 10  # digits of a figure that stand there whole


def value_text(value: float) -> str:
    """A figure: up to three digits after the point, none of large ones; "-" for NaN."""
    if isnan(value):
        return "-"
    size = abs(value)
    if isinf(value) or size >= 10**LONGEST:
        return f"{value:.3g}"
    if size >= WHOLE_FROM or value == 0:
        return f"{value:.0f}"
    if size >= ONE_DIGIT_FROM:
        return f"{value:.1f}"
    if size >= TWO_DIGITS_FROM:
        return f"{value:.2f}"
    return f"{value:.3f}" if size >= THREE_DIGITS_FROM else f"{value:.2g}"


def signed_text(value: float) -> str:
    """The same of a change: with a + where it is more."""
    return f"{'+' if value > 0 else ''}{value_text(value)}"


def percent_text(percent: float) -> str:
    """A change in %, with its sign; "" where there is none."""
    if isnan(percent):
        return ""
    if percent == 0:
        return "0.00%"
    size = abs(percent)
    if isinf(percent) or size >= 1e6:
        return f"{percent:+.2g}%"
    if size < LEAST_PERCENT:
        return f"{percent:+.1g}%"
    digits = 2 if size < 10 else 1 if size < 1000 else 0
    return f"{percent:+.{digits}f}%"


def gain_percent(row: Row) -> float:
    """The change in %, + for the better; as it is where nothing is better. NaN from 0."""
    percent = row.difference.change_percent
    return -percent if row.about.better == "lower" else percent


def change_text(row: Row) -> str:
    """The change in parentheses; "" where a side has no figure."""
    difference = row.difference
    if not difference.seeds:
        return ""
    if difference.before == 0:
        return "(from 0)" if difference.after else "(0.00%)"
    return f"({percent_text(gain_percent(row))})"


def verdict(row: Row) -> str:
    """In words: better, worse or other than noise; else why not."""
    difference = row.difference
    if not difference.significant:
        return difference.verdict
    if row.about.better == "-":
        return "more" if difference.change.mean > 0 else "less"
    return "better" if row.gain > 0 else "worse"


def mean_of(values: np.ndarray) -> float:
    """The mean of those seeds that have a figure; NaN where none has."""
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else np.nan


def cell_of(row: Row, seeds: int) -> Cell:
    """A cell of a table of `seeds` seeds: with the words where it is not significant."""
    difference = row.difference
    told = words(difference, seeds)
    if difference.significant and difference.before == 0 and row.about.better != "-":
        told = verdict(row)  # there is no sign to tell it
    return Cell(value_text(mean_of(row.after)), change_text(row), difference.significant, told)


def words(difference: Difference, seeds: int) -> str:
    """What a mark can't say; "" where it says all, or where the seeds are too few everywhere."""
    if not difference.seeds or seeds < SEEDS_NEEDED:
        return ""
    if difference.significant:
        return f"{difference.seeds} of {seeds} seeds" if difference.seeds < seeds else ""
    if difference.seeds < SEEDS_NEEDED:
        return f"{difference.seeds} seeds: too few"
    if difference.seeds < seeds and not difference.change.mean:
        return difference.verdict.replace("all seeds", f"{difference.seeds} seeds")
    return difference.verdict
