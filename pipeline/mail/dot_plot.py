"""Figures of several seeds as marks on one axis, in the manner of ministat.

Source: FreeBSD, ministat(1), by P.-H. Kamp.
"""

from collections.abc import Sequence

import numpy as np

from pipeline.comparison.cells import value_text
from pipeline.plain_text import WIDTH
from pipeline.statistics.means import mean_interval

MARKS = "x+*%#@O$"  # those of ministat; one a mechanism
INNER = WIDTH - 4  # between the frame's "| " and " |"
NAME_WIDTH = 16


def dot_plot(sides: Sequence[tuple[str, np.ndarray]]) -> list[str]:
    """Lines: marks above an axis, below them each mean with its interval, then the figures.

    `sides`: a name and f8[seeds] each. Seeds without a figure are left out; without any there is
    no plot.
    """
    known = [(name, values[np.isfinite(values)]) for name, values in sides]
    everything = np.concatenate([values for _, values in known]) if known else np.empty(0)
    if not len(everything):
        return []
    low, high = float(everything.min()), float(everything.max())
    frame = f"+{'-' * (INNER + 2)}+"
    shown = [(MARKS[n % len(MARKS)], name, v) for n, (name, v) in enumerate(known) if len(v)]
    lines = [f"{mark} {name}" for mark, name, _ in shown] + [frame]
    lines += [
        _framed(row) for row in _marks([(mark, _columns(v, low, high)) for mark, _, v in shown])
    ]
    lines += [_framed(_interval(v, low, high)) for _, _, v in shown]
    ends = value_text(high).rjust(INNER - len(value_text(low)))
    return [*lines, frame, f"  {value_text(low)}{ends}", "", *_figures(shown)]


def _framed(row: str) -> str:
    return f"| {row:{INNER}} |"


def _columns(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Where values stand, i8, in [0, INNER)."""
    if high == low:
        return np.full(len(values), INNER // 2)
    with np.errstate(over="ignore", invalid="ignore"):
        share = values / (high - low) - low / (high - low)
    share = np.nan_to_num(share, nan=0.0)
    return np.rint(np.clip(share, 0, 1) * (INNER - 1)).astype(np.int64)


def _marks(marks: Sequence[tuple[str, np.ndarray]]) -> list[str]:
    """One above the other where several have a place; mechanisms never share one."""
    stacks: list[list[str]] = [[] for _ in range(INNER)]
    for mark, columns in marks:
        for column in columns:
            stacks[column].append(mark)
    height = max(map(len, stacks))
    levels = range(height - 1, -1, -1)
    return ["".join(s[level] if level < len(s) else " " for s in stacks) for level in levels]


def _interval(values: np.ndarray, low: float, high: float) -> str:
    """|__M__|: the mean, and between the bars its 95 % interval."""
    interval = mean_interval(values)
    row = [" "] * INNER
    if interval.seeds > 1:
        ends = np.array([interval.low, interval.high])
        first, last = _columns(ends, low, high)
        row[first : last + 1] = "_" * (last + 1 - first)
        row[first] = row[last] = "|"
    row[_columns(np.array([interval.mean]), low, high)[0]] = "M"
    return "".join(row)


def _figures(shown: Sequence[tuple[str, str, np.ndarray]]) -> list[str]:
    """N, least, most, median, mean, standard deviation."""
    names = ("N", "Min", "Max", "Median", "Avg", "Stddev")
    lines = ["  " + f"{names[0]:>4}" + "".join(f"{name:>13}" for name in names[1:])]
    for mark, _, values in shown:
        spread = float(values.std(ddof=1)) if len(values) > 1 else np.nan
        figures = (values.min(), values.max(), np.median(values), values.mean(), spread)
        texts = "".join(f"{value_text(float(figure)):>13}" for figure in figures)
        lines.append(f"{mark} {len(values):4}{texts}")
    return lines
