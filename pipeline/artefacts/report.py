"""report.html: a run as one page for a browser, with every frame in it."""

from math import sqrt
from pathlib import Path

import numpy as np

from pipeline.artefacts import Progress, Task
from pipeline.artefacts.panels import (
    FIGURE,
    Drawing,
    panels,
    picture_metadata,
    picture_tasks,
    shown_values,
)
from pipeline.artefacts.report_making import making
from pipeline.findings import findings_in
from pipeline.findings.case import Case
from pipeline.genealogy.lifetimes import lifetimes
from pipeline.measures import sample_frames
from pipeline.metrics import METRICS
from pipeline.metrics.evidence import KERNEL_PAGES, KIND_OF_CLASS
from pipeline.plain_text import counted
from pipeline.recording import Recording
from pipeline.recording_format import BLAME_CAUSES
from pipeline.run_folder import RunFolder, read_table
from pipeline.statistics.student import t_975
from renderer.panel import Panel
from renderer.report.page import write_report
from renderer.report.report import Curves, Failure, Figure, Finding, Lasting, Report, Sample

FILE = "report.html"
FIRST_SHOWN = (FIGURE, "mixed", "free_blocks", "unusable_index", "failed_requests")
BLOCKS_NAMED = 5  # of those that were polluted most often


def tasks(run: RunFolder) -> list[Task]:
    """A task for each workload."""
    return [
        task._replace(arguments=(*task.arguments, run)) for task in picture_tasks(run, FILE, write)
    ]


def write(
    paths: list[Path],
    target: Path,
    drawing: Drawing,
    run: RunFolder | None = None,
    *,
    progress: Progress,
) -> None:
    """The report of these recordings; of a run with the figures of all its seeds.

    Raises RecordingError, PanelError, LayoutError, RenderError, OSError.
    """
    shown = panels(paths, drawing)
    write_report(report_of(shown, drawing, run), target, progress)


def report_of(shown: list[Panel], drawing: Drawing, run: RunFolder | None = None) -> Report:
    """What the report of these panels shows. Raises RecordingError, OSError."""
    recordings = [panel.recording for panel in shown]
    cases = [Case(recording, place) for place, recording in enumerate(recordings)]
    curves = _curves(recordings, drawing)
    samples = [Sample(p["name"], p["title"], f) for p, f in sample_frames(recordings[0])]
    classes = {name for recording in recordings for name in recording.header["page_classes"]}
    return Report(
        title=recordings[0].header["title"],
        panels=shown,
        curves=curves,
        samples=samples,
        summary=_summary_of_run(run, recordings) if run else _summary(curves, samples),
        cannot_move=frozenset(
            name for name in classes if KIND_OF_CLASS.get(name, KERNEL_PAGES) & KERNEL_PAGES
        ),
        making=making(recordings, run),
        metric=FIGURE,
        layout=drawing.layout,
        fps=drawing.fps,
        metadata=picture_metadata(shown),
        findings=_findings(cases),
        failures=[f for number, r in enumerate(recordings) for f in failures_of(r, number)],
        lasting=[lasting(case) for case in cases],
    )


def _curves(recordings: list[Recording], drawing: Drawing) -> list[Curves]:
    """Every metric that has a value somewhere, those that are looked at most first."""
    names = [*FIRST_SHOWN, *(name for name in METRICS if name not in FIRST_SHOWN)]
    result = []
    for name in names:
        metric = METRICS[name]
        values = [_values(recording, name, drawing) for recording in recordings]
        if any(np.isfinite(of).any() for of in values):
            result.append(Curves(name, metric.title, metric.unit, metric.better, values))
    return result


def _values(recording: Recording, name: str, drawing: Drawing) -> np.ndarray:
    """A metric of a recording, f8[frames]; NaN where the recording doesn't have what it takes."""
    try:
        return shown_values(recording, name, drawing.values)
    except KeyError:
        return np.full(len(recording), np.nan)


def _summary(curves: list[Curves], samples: list[Sample]) -> dict[tuple[str, str, int], Figure]:
    """The figures of the recordings themselves: one seed each."""
    return {
        (of.name, sample.name, number): Figure(float(values[sample.frame]), np.nan, 1)
        for of in curves
        for sample in samples
        for number, values in enumerate(of.values)
    }


def _summary_of_run(
    run: RunFolder, recordings: list[Recording]
) -> dict[tuple[str, str, int], Figure]:
    """Means and intervals over the seeds of the run, from its summary.csv."""
    table = read_table(run.folder / "summary.csv")
    table = table[table["workload"] == recordings[0].header["workload"]["name"]]
    numbers = {r.header["mechanism"]["name"]: number for number, r in enumerate(recordings)}
    return {
        (metric, phase, numbers[mechanism]): figure(rows["value"].to_numpy(float))
        for (metric, phase, mechanism), rows in table.groupby(["metric", "phase", "mechanism"])
        if mechanism in numbers
    }


def figure(values: np.ndarray) -> Figure:
    """The mean of the values of some seeds, f8[seeds], and half of its 95 % interval.

    A seed without a value leaves none to the figure.
    """
    seeds = len(values)
    half_width = np.nan
    if seeds > 1:
        half_width = t_975(seeds - 1) * float(values.std(ddof=1)) / sqrt(seeds)
    return Figure(float(values.mean()), half_width, seeds)


def _findings(cases: list[Case]) -> list[Finding]:
    return [
        Finding(
            panel=found.place,
            rule=found.rule,
            sentence=found.sentence,
            first_frame=found.first_frame,
            last_frame=found.last_frame,
            first_pfn=found.first_pfn,
            last_pfn=found.last_pfn,
            pfns=found.pfns,
            more=found.more,
        )
        for found in findings_in(cases)
    ]


def failures_of(recording: Recording, number: int) -> list[Failure]:
    """The failed requests that name pages, in order; `number`: of the panel."""
    rows = recording.blame
    if not len(rows):
        return []
    classes = recording.header["page_classes"]
    starts = np.flatnonzero(np.diff(rows["failed_op"], prepend=-1))
    return [
        Failure(
            panel=number,
            op=int(part["failed_op"][0]),
            order=int(part["order"][0]),
            start_pfn=int(part["start_pfn"][0]),
            pages=[
                (int(row["pfn"]), classes[row["page_class"]], BLAME_CAUSES[row["cause"]])
                for row in part
            ],
        )
        for part in np.split(rows, starts[1:])
    ]


def lasting(case: Case) -> Lasting:
    """How long pageblocks of a recording stay polluted."""
    found, of = case.episodes, lifetimes(case.episodes)
    texts = {
        "polluted at the start": f"{of.at_start:,}",
        "polluted since": f"{of.episodes:,}",
        "of these recovered": f"{of.recovered:,}",
        "half-life": of.half_life_text(),
    }
    blocks, times = np.unique(found["block"], return_counts=True)
    most = np.argsort(-times, kind="stable")[:BLOCKS_NAMED]
    first = {int(block): int(frame) for block, frame in found[["block", "first_frame"]][::-1]}
    named = [
        (int(block), counted(count, "time"), first[int(block)])
        for block, count in zip(blocks[most], times[most], strict=True)
    ]
    return Lasting(case.place, texts, named)
