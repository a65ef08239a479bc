"""`pagereel table`: a run's summary as plain text in 72 columns."""

from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.config import UsageError, check_names
from pipeline.metrics import METRICS
from pipeline.plain_text import WIDTH, joined, paragraph
from pipeline.run_folder import RunFolder, read_figures

if TYPE_CHECKING:
    import pandas as pd

KEY = ["workload", "metric", "phase", "mechanism"]


def show_table(
    run: Path, other: Path | None, metrics: tuple[str, ...], phases: tuple[str, ...]
) -> None:
    """Print one block a metric, phases down, mechanisms across. Raises UsageError, OSError."""
    before = _figures(run, metrics, phases)
    if other is None:
        print(table_text(before), end="")
        print(sources_text(RunFolder.open(run)), end="")
        return
    after = _figures(other, metrics, phases)
    if not set(before.index) & set(after.index):
        raise UsageError(f"{run} and {other} have no workload and mechanism in common")
    print(f"Each cell: {run}, then {other}, then their difference.\n")
    print(difference_text(before, after), end="")


def _figures(run: Path, metrics: tuple[str, ...], phases: tuple[str, ...]) -> "pd.Series":
    """The summary's values by KEY, means over seeds, in the summary's order."""
    path = RunFolder.open(run).folder / "summary.csv"
    summary = read_figures(path, (*KEY, "seed"), "value")
    check_names("metric", summary["metric"].unique(), METRICS, str(path))
    check_names("metric", metrics, METRICS, str(run))
    check_names("phase", phases, summary["phase"].unique().tolist(), str(run))
    if metrics:
        summary = summary[summary["metric"].isin(metrics)]
    if phases:
        summary = summary[summary["phase"].isin(phases)]
    seeds = summary["seed"].nunique()
    if seeds > 1:
        print(f"{run}: means of {seeds} seeds.\n")
    return summary.groupby(KEY, sort=False)["value"].mean()


def sources_text(run: RunFolder) -> str:
    """Where the figures of the first seed come from; by mechanism where that differs."""
    mechanisms: dict[str, list[str]] = {}
    for recorded, source in zip(run.recordings, run.sources, strict=True):
        if recorded.seed == run.recordings[0].seed:
            mechanisms.setdefault(source, []).append(recorded.mechanism)
    lines = []
    for source, names in mechanisms.items():
        of = "" if len(mechanisms) == 1 else f"{', '.join(dict.fromkeys(names))}: "
        lines += paragraph(of + source)
    return joined(["", *lines]) if lines else ""


def table_text(figures: "pd.Series") -> str:
    """Blocks of one metric each; as many mechanisms beside each other as 72 columns hold."""
    return _blocks(figures, lambda value: [_number(value)])


def difference_text(before: "pd.Series", after: "pd.Series") -> str:
    """The same with both runs' values and their difference in each cell."""
    both = {key: (before.get(key), after.get(key)) for key in [*before.index, *after.index]}
    import pandas as pd

    series = pd.Series(both.values(), index=pd.MultiIndex.from_tuples(both, names=KEY))
    return _blocks(series, _both)


def _both(pair: tuple[float | None, float | None]) -> list[str]:
    first, second = pair
    if first is None or second is None or isnan(first) or isnan(second):
        return [_number(first), _number(second), "-"]
    return [_number(first), _number(second), f"{second - first:+.4g}"]


def _number(value: float | None) -> str:
    """A value without needless digits; "-" where there is none."""
    if value is None or isnan(value):
        return "-"
    return (
        f"{value:.0f}" if value == int(value) else f"{value:.3g}" if value < 1 else f"{value:.1f}"
    )


def _blocks(figures: "pd.Series", cell) -> str:
    parts = []
    workloads = figures.index.unique("workload")
    for workload in workloads:
        for metric in figures.index.unique("metric"):
            rows = figures.xs((workload, metric), level=("workload", "metric"))
            if not len(rows):  # a metric of another workload
                continue
            unit = METRICS[metric].unit
            name = metric if unit == "1" else f"{metric} ({unit})"
            head = f"{name}: {METRICS[metric].title}"
            parts.extend(_wrapped(f"{workload}: {head}" if len(workloads) > 1 else head))
            parts.extend(_rows(rows, cell))
            parts.append("")
    return "\n".join(parts)


def _wrapped(text: str) -> list[str]:
    from textwrap import wrap

    return wrap(text, WIDTH, subsequent_indent="  ")


def _rows(figures: "pd.Series", cell) -> list[str]:
    """Phases down, mechanisms across, in as many groups of columns as the width needs."""
    mechanisms = list(figures.index.unique("mechanism"))
    phases = list(figures.index.unique("phase"))
    values = figures.to_dict()
    cells = {
        (phase, mechanism): " ".join(part.rjust(6) for part in cell(values[phase, mechanism]))
        for phase in phases
        for mechanism in mechanisms
        if (phase, mechanism) in values
    }
    label_width = max(map(len, phases)) + 2
    width = max(max(map(len, cells.values())), max(map(len, mechanisms))) + 2
    at_once = max((WIDTH - label_width) // width, 1)
    lines = []
    for first in range(0, len(mechanisms), at_once):
        shown = mechanisms[first : first + at_once]
        if first:
            lines.append("")
        lines.append(" " * label_width + "".join(name.rjust(width) for name in shown))
        for phase in phases:
            row = "".join(cells.get((phase, m), "-").rjust(width) for m in shown)
            lines.append(phase.ljust(label_width) + row)
    return lines
