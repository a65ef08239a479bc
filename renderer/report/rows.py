"""Rows of the page's tables and lists, in words."""

from collections import Counter
from collections.abc import Iterable

import numpy as np

from renderer import palette
from renderer.report.report import Curves, Failure, Figure, Report

FAILURES_SHOWN = 40  # of a panel


def summary_tables(report: Report) -> list[dict]:
    """A table for each metric: phases down, panels across."""
    return [_table(report, curves) for curves in report.curves]


def _table(report: Report, curves: Curves) -> dict:
    rows = []
    for sample in report.samples:
        figures = [
            report.summary.get((curves.name, sample.name, number))
            for number in range(len(report.panels))
        ]
        if any(figures):
            best = _best(figures, curves.better)
            cells = [
                {"text": figure_text(figure), "best": number in best}
                for number, figure in enumerate(figures)
            ]
            rows.append({"sample": sample, "cells": cells})
    seeds = {figure.seeds for figure in report.summary.values()}
    return {"curves": curves, "rows": rows, "seeds": max(seeds, default=1)}


def _best(figures: list[Figure | None], better: str) -> set[int]:
    """The columns that are better than all others, beyond the intervals; none of one seed."""
    known = {n: f for n, f in enumerate(figures) if f and np.isfinite(f.mean + f.half_width)}
    if better == "-" or len(known) < 2:
        return set()
    sign = -1 if better == "lower" else 1
    lows = {n: sign * f.mean - f.half_width for n, f in known.items()}
    highs = {n: sign * f.mean + f.half_width for n, f in known.items()}
    first = max(lows, key=lows.__getitem__)
    alike = {n for n in known if highs[n] >= lows[first]}  # no worse than it by the intervals
    return set() if len(alike) == len(known) else alike


def figure_text(figure: Figure | None) -> str:
    """A mean with its interval where it has one."""
    if figure is None or not np.isfinite(figure.mean):
        return "none"
    text = number_text(figure.mean)
    return text if np.isnan(figure.half_width) else f"{text} ± {number_text(figure.half_width)}"


def number_text(value: float) -> str:
    """A value without needless digits."""
    if value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 1 else f"{value:,.1f}"


def failure_rows(report: Report) -> list[dict]:
    """For each panel with failures that name somebody: how many, and the first of them."""
    result = []
    for number in range(len(report.panels)):
        of_panel = [failure for failure in report.failures if failure.panel == number]
        if of_panel:
            shown = [_failure(report, failure) for failure in of_panel[:FAILURES_SHOWN]]
            result.append({"panel": number, "count": len(of_panel), "rows": shown})
    return result


def _failure(report: Report, failure: Failure) -> dict:
    recording = report.panels[failure.panel].recording
    frame = min(int(np.searchsorted(recording.ops, failure.op, side="right")), len(recording) - 1)
    block_order = recording.header["geometry"]["pageblock_order"]
    return {
        "failure": failure,
        "frame": frame,
        "block": failure.start_pfn >> block_order,
        "classes": counted(palette.class_label(page_class) for _, page_class, _ in failure.pages),
        "causes": counted((cause for _, _, cause in failure.pages), "{name} ({count:,})"),
        "pfns": _ranges(sorted(pfn for pfn, _, _ in failure.pages)),
    }


def counted(names: Iterable[str], text: str = "{count:,} {name}") -> str:
    """Names with how often they come, the most frequent first."""
    ordered = sorted(Counter(names).items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(text.format(count=count, name=name) for name, count in ordered)


def _ranges(pfns: list[int]) -> str:
    """Runs of pfns as JSON: [[first, last], ...]."""
    runs: list[list[int]] = []
    for pfn in pfns:
        if runs and pfn == runs[-1][1] + 1:
            runs[-1][1] = pfn
        else:
            runs.append([pfn, pfn])
    return str(runs).replace(" ", "")
