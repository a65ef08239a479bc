"""The figures of a sweep, each with its data: what of them is drawn where."""

import re
from collections.abc import Sequence
from itertools import product
from math import isfinite, nan
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from pipeline.artefacts.tables import write_csv
from pipeline.measures import MEASURES
from pipeline.statistics.paired import SEEDS_NEEDED
from pipeline.sweep.compare import Compared
from pipeline.sweep.config import Setting
from pipeline.sweep.eligible import common_total, counts_blocks, totals_note
from pipeline.sweep.folder import DATA
from pipeline.sweep.identity import code
from pipeline.sweep.plan import Plan
from pipeline.sweep.text import WAYS, WITHIN, decimals, indifferent, range_text, title_of
from renderer.sweep_heat_map import HeatFigure, HeatPanel, write_heat_map
from renderer.sweep_lines import LineFigure, SweptLine, write_lines

NUMBER = re.compile(r"(\d+(?:\.\d+)?)(%|[KMG])?")


class _Part(NamedTuple):
    """The settings of one figure: all that agree in the parameters that are no axis of it."""

    axes: tuple[str, ...]  # one or two parameters
    fixed: dict[str, str]  # the others


def draw_all(plan: Plan, figures: Sequence[Compared], folder: Path) -> list[Path]:
    """Draw each figure into `folder`; the bases of their names.

    One parameter of several values: lines; two: heat-maps; more: a heat-map for each setting of the
    further ones; none: nothing to draw. Raises RenderError, OSError.
    """
    bases = []
    for part in _parts(plan):
        for figure in figures:
            folder.mkdir(parents=True, exist_ok=True)
            base = folder / _file_name(figure, part)
            write_csv(_data(plan, figure, part), base.with_name(base.name + DATA))
            _draw(plan, figure, part, base)
            bases.append(base)
    return bases


def _parts(plan: Plan) -> list[_Part]:
    parameters = plan.config.parameters
    swept = [key for key, values in parameters.items() if len(values) > 1]
    axes = tuple(swept[:2])
    if not axes:
        return []
    others = [key for key in parameters if key not in axes]
    rest = product(*(parameters[key] for key in others))
    return [_Part(axes, dict(zip(others, values, strict=True))) for values in rest]


def _file_name(figure: Compared, part: _Part) -> str:
    fixed = [f"{key}={value}" for key, value in part.fixed.items()]
    return re.sub(r"[^A-Za-z0-9._+=%-]", "_", "-".join([*figure.shown, *fixed]))


def _settings(plan: Plan, part: _Part) -> list[Setting]:
    """Those of a figure; the last axis changes first."""
    values = [plan.config.parameters[key] for key in part.axes]
    return [_setting(plan, part, chosen) for chosen in product(*values)]


def _setting(plan: Plan, part: _Part, chosen: Sequence[str]) -> Setting:
    of = part.fixed | dict(zip(part.axes, chosen, strict=True))
    return tuple(of[key] for key in plan.config.parameters)


def _data(plan: Plan, figure: Compared, part: _Part) -> pd.DataFrame:
    """What is drawn, one row a mechanism and setting."""
    rows = []
    for mechanism in figure.mechanisms:
        for setting in _settings(plan, part):
            difference = figure.differences.get((mechanism, setting), (nan, nan, nan, 0))
            beyond = figure.beyond_noise.get((mechanism, setting))
            mean = figure.intervals[mechanism, setting].mean
            eligible = figure.eligible.get((mechanism, setting), nan)
            rows.append((
                mechanism, *setting, *figure.intervals[mechanism, setting], *difference[:3],
                "" if beyond is None else str(beyond).lower(), eligible,
                100 * mean / eligible if counts_blocks(figure) and eligible else nan,
            ))  # fmt: skip
    return pd.DataFrame(rows, columns=[
        "mechanism", *plan.config.parameters, "mean", "low", "high", "seeds",
        "difference", "difference_low", "difference_high", "beyond_noise",
        "eligible_blocks", "mean_percent",
    ])  # fmt: skip


def _draw(plan: Plan, figure: Compared, part: _Part, base: Path) -> None:
    fixed = ", ".join(f"{key}={value}" for key, value in part.fixed.items())
    common = {
        "title": title_of(figure.shown) + (f", {fixed}" if fixed else ""),
        "heading": _heading(figure),
        "metadata": {
            "config": plan.config.as_table(), "code": code(), **figure.shown._asdict(),
        },
    }  # fmt: skip
    if len(part.axes) == 1:
        write_lines(_lines(plan, figure, part, common), base)
    else:
        write_heat_map(_heat_map(plan, figure, part, common), base)


def _heading(figure: Compared) -> str:
    measure = MEASURES[figure.shown.measure]
    way = WAYS.get(measure.better, "")
    return "; ".join(filter(None, (measure.title, common_total(figure), way)))


def _further_notes(plan: Plan, figure: Compared) -> list[str]:
    totals = totals_note(figure, list(plan.config.parameters))
    return [*([totals] if totals else []), *indifferent(plan)]


def _lines(plan: Plan, figure: Compared, part: _Part, common: dict) -> LineFigure:
    key = part.axes[0]
    numbers = _numbers(plan.config.parameters[key])
    settings = _settings(plan, part)
    if numbers:
        settings = [s for _, s in sorted(zip(numbers, settings, strict=True))]
    values = [dict(zip(plan.config.parameters, setting, strict=True))[key] for setting in settings]
    return LineFigure(
        parameter=key, texts=values, places=sorted(numbers) if numbers else None,
        lines=[_line(figure, mechanism, settings) for mechanism in figure.mechanisms],
        notes=[_seeds_note(figure, lines=True), *_further_notes(plan, figure)], **common,
    )  # fmt: skip


def _line(figure: Compared, mechanism: str, settings: Sequence[Setting]) -> SweptLine:
    intervals = [figure.intervals[mechanism, setting] for setting in settings]
    return SweptLine(
        mechanism,
        [interval.mean for interval in intervals],
        [interval.low for interval in intervals],
        [interval.high for interval in intervals],
        [figure.values(mechanism, setting).tolist() for setting in settings],
    )


def _numbers(texts: Sequence[str]) -> list[float] | None:
    """Values as numbers, where all are of one unit: 256, "30%", "512M"; else None."""
    found = [NUMBER.fullmatch(text) for text in texts]
    if not all(found) or len({match[2] for match in found}) > 1:
        return None
    return [float(match[1]) for match in found]


def _seeds_note(figure: Compared, *, lines: bool) -> str:
    seeds = figure.seeds.shape[2]
    if seeds == 1:
        return "One seed: what of it is noise isn't known."
    if not figure.varied:
        return f"{seeds} seeds, all equal."
    if lines:
        return f"Means of {seeds} seeds, their 95 % intervals, and the seeds themselves as points."
    return f"Means of {seeds} seeds, below them their 95 % intervals."


def _heat_map(plan: Plan, figure: Compared, part: _Part, common: dict) -> HeatFigure:
    """The first parameter upwards, the second across."""
    up, across = (_in_order(plan.config.parameters[key]) for key in part.axes)
    grid = [[_setting(plan, part, (row, column)) for column in across] for row in up]
    first = figure.mechanisms[0]
    notes = [_seeds_note(figure, lines=False), _colours_note(figure)]
    if len(figure.mechanisms) > 1:
        notes.append(_noise_note(figure))
    return HeatFigure(
        columns=(part.axes[1], across), rows=(part.axes[0], up),
        panels=[_panel(figure, mechanism, grid) for mechanism in figure.mechanisms],
        differences=[_difference(figure, m, grid, first) for m in figure.mechanisms[1:]],
        better=MEASURES[figure.shown.measure].better, decimals=_digits(figure),
        notes=[*notes, *_further_notes(plan, figure)], **common,
    )  # fmt: skip


def _in_order(values: Sequence[str]) -> list[str]:
    numbers = _numbers(values)
    if numbers is None:
        return list(values)
    return [value for _, value in sorted(zip(numbers, values, strict=True))]


def _digits(figure: Compared) -> tuple[int, int]:
    """Decimals of values and of differences: the same in all cells."""
    return tuple(
        decimals(max((abs(i.mean) for i in of.values() if i.seeds), default=0.0))
        for of in (figure.intervals, figure.differences)
    )


def _panel(figure: Compared, mechanism: str, grid: list[list[Setting]]) -> HeatPanel:
    found = [[figure.intervals[mechanism, setting] for setting in row] for row in grid]
    digits = _digits(figure)[0]
    return HeatPanel(
        mechanism,
        [[one.mean for one in row] for row in found],
        [[f"{one.mean:,.{digits}f}" if one.seeds else "-" for one in row] for row in found],
        [[range_text(one, digits) for one in row] for row in found],
    )


def _difference(
    figure: Compared, mechanism: str, grid: list[list[Setting]], first: str
) -> HeatPanel:
    found = [[figure.differences[mechanism, setting] for setting in row] for row in grid]
    quiet = [[figure.beyond_noise[mechanism, setting] is False for setting in row] for row in grid]
    digits = _digits(figure)[1]
    texts = [
        [_signed(one.mean, digits, noise) for one, noise in zip(*row, strict=True)]
        for row in zip(found, quiet, strict=True)
    ]
    return HeatPanel(
        f"{mechanism} - {first}",
        [[one.mean for one in row] for row in found],
        texts,
        [[range_text(one, digits) for one in row] for row in found],
        quiet,
    )


def _signed(value: float, digits: int, noise: bool) -> str:
    if not isfinite(value):
        return "-"
    text = f"{value:+,.{digits}f}" if round(value, digits) else "0"
    return f"{WITHIN} {text}" if noise else text


def _colours_note(figure: Compared) -> str:
    """What more and less of a colour stands for, and which way is better."""
    better = MEASURES[figure.shown.measure].better
    which = {"higher": ", which is better", "lower": ", which is worse"}.get(better, "")
    told = f"Green: the darker the more{which}."
    if len(figure.mechanisms) < 2:
        return told
    ends = "blue is more, orange less" if better == "-" else "blue is better, orange worse"
    return f"{told} Differences: {ends}."


def _noise_note(figure: Compared) -> str:
    if all(mark is None for mark in figure.beyond_noise.values()):
        return f"With fewer than {SEEDS_NEEDED} seeds no difference can be told from noise."
    return f"{WITHIN} and hatched: not significant (5 %, same seeds, all cells tested together)."
