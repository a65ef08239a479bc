"""Rows as tables of a document: a baseline's figures and beside them the others'."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from pipeline.comparison.cells import cell_of, mean_of, percent_text, value_text, words
from pipeline.comparison.document import Cell, Line, Table
from pipeline.comparison.names import SINCE_THE_START, UNITS, name_of
from pipeline.comparison.rows import Row
from pipeline.comparison.runs import Key
from pipeline.comparison.sides import Group
from pipeline.measures import FAILURES, MEASURES, Measure
from pipeline.statistics.means import geometric_mean
from pipeline.statistics.paired import compare

RATIO = "ratio"  # in place of the baseline's figure, which is 1


def seeds_of(rows: Iterable[Row]) -> int:
    """How many seeds the rows have, those with most."""
    return max((row.difference.seeds for row in rows), default=0)


def by_key(rows: Iterable[Row]) -> dict[Key, list[Row]]:
    """Rows of all other sides, by phase and measure, in their order."""
    found: dict[Key, list[Row]] = {}
    for row in rows:
        found.setdefault((row.phase, row.measure), []).append(row)
    return found


def is_zero(rows: Iterable[Row]) -> bool:
    """Whether nothing was ever counted."""
    return all(not np.nan_to_num(values).any() for r in rows for values in (r.before, r.after))


def label_of(row: Row) -> str:
    """A row's name, with its unit where it is a share; of failures, of how many requests."""
    unit = UNITS.get(row.measure, "%" if row.about.unit == "%" else "")
    told = unit or _requests(row)
    return name_of(row.measure, row.workload, row.phase) + (f" ({told})" if told else "")


def _requests(row: Row) -> str:
    """The baseline's mean, for failures by order; the other side gets nearly as many."""
    if row.measure not in FAILURES:
        return ""
    measure = row.measure.replace("failed", "requests")
    requests = row.base.run.totals(row.base.mechanism, row.workload, measure)
    return f"of {requests.mean():.0f}" if len(requests) else ""


def line_of(group: Group, rows: Sequence[Row], seeds: int, label: str = "") -> Line:
    """One line of a table: all rows of a phase's measure, "-" for a side without figures."""
    cells = {row.other: cell_of(row, seeds) for row in rows}
    base = value_text(mean_of(rows[0].before))
    cells_of_all = tuple(cells.get(other, Cell("-")) for other in group.others)
    return Line(label or label_of(rows[0]), base, cells_of_all)


def table_of(group: Group, lines: Iterable) -> Table:
    """A table of a group."""
    return Table(group.base.label, tuple(other.label for other in group.others), tuple(lines))


def geometric_lines(group: Group, rows: Sequence[Row]) -> list[Line]:
    """Per measure that has several rows: the geometric mean of their ratios to the baseline.

    Taken seed by seed, so that it has a test like any other figure. Measures of which a figure is
    zero have none.
    """
    seeds = seeds_of(rows)
    lines = []
    for measure in dict.fromkeys(row.measure for row in rows):
        about = MEASURES.get(measure)
        if about is None or about.better == "-" or measure in SINCE_THE_START:
            continue
        of = {other: [r for r in rows if r.measure == measure and r.other == other]
              for other in group.others}  # fmt: skip
        if min(map(len, of.values()), default=0) < 2:
            continue
        cells = [_geometric_cell(about, found, seeds) for found in of.values()]
        if any(cell.value != "-" for cell in cells):
            count = len(next(iter(of.values())))
            lines.append(Line(f"{name_of(measure)}, {count} phases", RATIO, tuple(cells)))
    return lines


def _geometric_cell(about: Measure, rows: Sequence[Row], seeds: int) -> Cell:
    if len({len(row.before) for row in rows}) > 1:
        return Cell("-")
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.array([row.after / row.before for row in rows])
    logs = np.log([geometric_mean(of_seed) for of_seed in ratios.T])
    difference = compare(np.zeros(len(logs)), logs)
    if difference.seeds < len(logs):
        return Cell("-")
    ratio = float(np.exp(difference.after))
    percent = 100 * (ratio - 1) * (1 if about.better == "higher" else -1)
    return Cell(
        value_text(ratio),
        f"({percent_text(percent)})",
        difference.significant,
        words(difference, seeds),
    )


def lines_where(
    group: Group, rows: Sequence[Row], seeds: int, wanted: Callable[[Row], bool]
) -> tuple[list[Line], list[str]]:
    """Lines of the rows that are wanted, and the measures of those that are zero on all sides."""
    lines, zero = [], []
    for found in by_key(row for row in rows if wanted(row)).values():
        if is_zero(found):
            zero.append(found[0].measure)
        else:
            lines.append(line_of(group, found, seeds))
    return lines, zero
