"""What a sweep found, as text in 72 columns."""

from collections.abc import Mapping, Sequence

from pipeline.measures import MEASURES
from pipeline.plain_text import WIDTH, counted, joined, paragraph
from pipeline.statistics.means import Interval
from pipeline.statistics.paired import SEEDS_NEEDED
from pipeline.sweep.compare import Compared
from pipeline.sweep.config import SweepConfig
from pipeline.sweep.eligible import (
    common_total,
    counts_blocks,
    mechanisms_agree,
    number_text,
    total_at,
)
from pipeline.sweep.plan import Plan
from pipeline.sweep.table import Shown

BEYOND, WITHIN = "*", "~"
WAYS = {"higher": "higher is better", "lower": "lower is better"}


def text_of(plan: Plan, figures: Sequence[Compared], results: Mapping[str, dict]) -> str:
    """A block for each figure: settings down, mechanisms across, means with their intervals."""
    lines = [*paragraph(f"Sweep: {matrix_text(plan)}."), ""]
    for figure in figures:
        lines += [*_head(figure), "", *_rows(plan, figure), ""]
    if not figures:
        lines += ["No cell has a figure of those asked for.", ""]
    return joined([*lines, *_notes(plan, figures), *_sources(plan, results)])


def matrix_text(plan: Plan) -> str:
    """What is crossed with what, in numbers."""
    run = plan.config.run
    counts = [
        counted(len(run.workloads), "workload"), counted(len(run.mechanisms), "mechanism"),
        *(f"{len(values)} {key}" for key, values in plan.config.parameters.items()),
        counted(len(run.seeds), "seed"),
    ]  # fmt: skip
    told = f"{' x '.join(counts)} = {counted(len(plan.cells), 'cell')}"
    if plan.unvaried:
        told += f"; seeds change nothing for {', '.join(plan.unvaried)}: one is run"
    main = main_text(plan.config)
    return f"{told}; {main}" if main else told


def main_text(config: SweepConfig) -> str:
    """Which workload is run where the file names none; else ""."""
    if config.names_workloads:
        return ""
    names = ", ".join(choice.file_name for choice in config.run.workloads)
    return f"{config.path.name} names no workload, so {names} is run"


def title_of(shown: Shown) -> str:
    """A figure's measure with its unit, and where it is taken."""
    unit = MEASURES[shown.measure].unit
    name = shown.measure if unit == "1" else f"{shown.measure} ({unit})"
    return f"{shown.workload}: {name} at {shown.phase}".replace(" at total", " in total")


def _head(figure: Compared) -> list[str]:
    measure = MEASURES[figure.shown.measure]
    way = WAYS.get(measure.better, "")
    told = f"{title_of(figure.shown)}: {measure.title}"
    return paragraph("; ".join(filter(None, (told, common_total(figure), way))), "  ")


def _rows(plan: Plan, figure: Compared) -> list[str]:
    """As many mechanisms beside each other as the width holds."""
    keys = list(plan.config.parameters)
    digits = _decimals(figure)
    cells = [
        [_cell(figure, mechanism, setting, digits) for setting in figure.settings]
        for mechanism in figure.mechanisms
    ]
    left = [_padded([key, *(s[n] for s in figure.settings)]) for n, key in enumerate(keys)]
    if counts_blocks(figure) and not common_total(figure) and mechanisms_agree(figure):
        left.append(_padded(["eligible", *(total_at(figure, s) for s in figure.settings)]))
    left = left or [[""] * (len(figure.settings) + 1)]
    label = ["  ".join(parts) for parts in zip(*left, strict=True)]
    columns = [_padded([name, *of]) for name, of in zip(figure.mechanisms, cells, strict=True)]
    lines: list[str] = []
    shown: list[list[str]] = []
    for column in columns:
        if shown and _width([label, *shown, column]) > WIDTH:
            lines += [*_beside([label, *shown]), ""]
            shown = []
        shown.append(column)
    return lines + _beside([label, *shown])


def _padded(texts: Sequence[str]) -> list[str]:
    width = max(map(len, texts))
    return [text.ljust(width) for text in texts]


def _width(columns: Sequence[Sequence[str]]) -> int:
    return sum(len(column[0]) + 2 for column in columns) - 2


def _beside(columns: Sequence[Sequence[str]]) -> list[str]:
    return ["  ".join(row).rstrip() for row in zip(*columns, strict=True)]


def _cell(figure: Compared, mechanism: str, setting: tuple[str, ...], digits: int) -> str:
    text = interval_text(
        figure.intervals[mechanism, setting], digits, _total(figure, mechanism, setting)
    )
    beyond = figure.beyond_noise.get((mechanism, setting))
    mark = "" if beyond is None else f" {BEYOND if beyond else WITHIN}"
    return text + mark


def _total(figure: Compared, mechanism: str, setting: tuple[str, ...]) -> str:
    """Of how many pageblocks it is, where that isn't said for all mechanisms at once."""
    if not counts_blocks(figure) or mechanisms_agree(figure):
        return ""
    return f"of {number_text(figure.eligible[mechanism, setting])}"


def interval_text(interval: Interval, digits: int, total: str = "") -> str:
    """A mean, what it is of, its interval: "45.2 of 63 [44.1, 46.0]"; "-" for no figure."""
    if not interval.seeds:
        return "-"
    parts = (f"{interval.mean:,.{digits}f}", total, range_text(interval, digits))
    return " ".join(filter(None, parts))


def range_text(interval: Interval, digits: int) -> str:
    """An interval: "[44.1, 46.0]"; an empty text where all seeds are equal, or one alone."""
    if not interval.low < interval.high:
        return ""
    return f"[{interval.low:,.{digits}f}, {interval.high:,.{digits}f}]"


def _decimals(figure: Compared) -> int:
    return decimals(max((abs(i.mean) for i in figure.intervals.values() if i.seeds), default=0.0))


def decimals(largest: float) -> int:
    """How many decimals figures up to this have: about three digits in all."""
    if not largest:
        return 0
    return next((n for n, limit in enumerate((100, 10, 1, 0.1)) if largest >= limit), 4)


def _notes(plan: Plan, figures: Sequence[Compared]) -> list[str]:
    seeds, first = len(plan.config.run.seeds), plan.config.run.mechanisms[0]
    lines = []
    if seeds > 1:
        lines += paragraph(f"Means of {seeds} seeds, in brackets their 95 % interval.")
    lines += _marks(first.label or first.name, figures)
    lines += [line for figure in figures if seeds > 1 for line in _unvaried(figure)]
    lines += [line for note in indifferent(plan) for line in paragraph(note)]
    return [*lines, ""] if lines else []


def _marks(first: str, figures: Sequence[Compared]) -> list[str]:
    marks = {mark for figure in figures for mark in figure.beyond_noise.values()}
    if not marks:
        return []
    if marks == {None}:
        needed = f"With fewer than {SEEDS_NEEDED} seeds no difference can be told from noise."
        return paragraph(needed)
    return paragraph(
        f"{BEYOND}: differs from {first} with the same seeds beyond noise (5 %, all of a block "
        f"tested together); {WITHIN}: not significant."
    )


def _unvaried(figure: Compared) -> list[str]:
    if figure.varied:
        return []
    return paragraph(f"{title_of(figure.shown)}: equal in all seeds.")


def indifferent(plan: Plan) -> list[str]:
    """Which parameters change nothing for which mechanisms: their cells are one and the same."""
    notes = []
    for place, (key, values) in enumerate(plan.config.parameters.items()):
        keys: dict[str, dict[tuple, set[str]]] = {}
        for cell in plan.cells:
            rest = (cell.workload, cell.seed, *cell.setting[:place], *cell.setting[place + 1 :])
            keys.setdefault(cell.mechanism, {}).setdefault(rest, set()).add(cell.key)
        names = [name for name, of in keys.items() if all(len(one) == 1 for one in of.values())]
        if names and len(values) > 1:
            notes.append(f"{key} does not concern {', '.join(names)}.")
    return notes


def _sources(plan: Plan, results: Mapping[str, dict]) -> list[str]:
    """Where the requests come from; of those that seeds change, the first."""
    first = {cell.workload: results[cell.key]["stream"] for cell in reversed(plan.cells)}
    return [
        line
        for name, stream in first.items()
        for line in paragraph(f"{name}: simulated; {stream['source'].partition(', seed ')[0]}")
    ]
