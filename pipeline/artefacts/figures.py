"""figures/: the metrics as curves over the run, as PNG, SVG and PDF, with their data as CSV."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.artefacts import Progress, Task
from pipeline.artefacts.blockers import NAME as BLOCKERS
from pipeline.artefacts.blockers import blockers_of
from pipeline.artefacts.groups import Group, Spread, clock_of, groups_of, spread
from pipeline.artefacts.panels import HUGE_PAGES, Drawing, drawing_of, opened
from pipeline.artefacts.tables import is_key, write_csv
from pipeline.metadata import of_recording
from pipeline.metrics import METRICS
from pipeline.recording import Recording
from pipeline.run_folder import RunFolder
from pipeline.stretches import stretches
from renderer.blocks_figure import write_blocks
from renderer.figure_clock import Clock, Phase
from renderer.figure_style import DEFAULT_SIZE, FORMATS, SIZES
from renderer.figures import Curve, Figure, Graph, write_figure

GRAPHS = ("potential_huge", "mixed", "free_blocks", "unusable_index")
OVERVIEW = "overview"
CLOCK_NOTE = "The axis runs by video frame: the marks of requests and seconds stand unevenly."
ATTEMPTS = "huge-page attempts: memory is held in huge pages"


def tasks(run: RunFolder) -> list[Task]:
    """A task for each workload."""
    folder, drawing = run.folder / "figures", drawing_of(run)
    result = []
    for prefix, shown in run.by_workload().items():
        files = tuple(
            f"figures/{prefix}{name}.{kind}"
            for name in (OVERVIEW, *METRICS, BLOCKERS)
            for kind in (*FORMATS, "csv")
        )
        arguments = ([run.path(cell) for cell in shown], folder, prefix, drawing)
        result.append(Task(f"{prefix}figures", write, arguments, files))
    return result


def write(
    paths: list[Path],
    folder: Path,
    prefix: str,
    drawing: Drawing,
    size: str = DEFAULT_SIZE,
    *,
    progress: Progress,
) -> None:
    """An overview of four metrics, each metric alone, and what blocks huge pages.

    Recordings of one mechanism are shown together. `size`: a name of SIZES. Raises UsageError,
    RecordingError, RenderError, OSError.
    """
    recordings = [opened(path) for path in paths]
    figures = figures_of(recordings, drawing.values)
    folder.mkdir(exist_ok=True)
    steps = len(figures) + 1
    for number, (name, (figure, data)) in enumerate(figures.items()):
        write_figure(figure, folder / f"{prefix}{name}", SIZES[size])
        write_csv(data, folder / f"{prefix}{name}.csv")
        progress(number + 1, steps)
    told = blockers_of(groups_of(recordings), _metadata(recordings), _source(recordings))
    if told:
        write_blocks(told[0], folder / f"{prefix}{BLOCKERS}", SIZES[size])
        write_csv(told[1], folder / f"{prefix}{BLOCKERS}.csv")
    progress(steps, steps)


def figures_of(
    recordings: list[Recording], values: Callable[[Recording, str], np.ndarray]
) -> dict[str, tuple[Figure, pd.DataFrame]]:
    """All curves by name, each figure with its data. Raises RecordingError, UsageError."""
    groups, clock = groups_of(recordings), clock_of(recordings)

    def spread_of(group: Group, name: str) -> Spread:
        return spread(group, clock, lambda recording: values(recording, name))

    attempts = [spread_of(group, HUGE_PAGES).greatest > 0 for group in groups]
    spreads = {name: [spread_of(group, name) for group in groups] for name in METRICS}
    for name in spreads:
        if METRICS[name].pauses:
            spreads[name] = list(map(_paused, spreads[name], attempts))
    spans = _stretches(np.any(attempts, axis=0))
    wanted = {OVERVIEW: GRAPHS} | {name: (name,) for name in METRICS}
    result = {}
    for figure, names in wanted.items():
        shown = {name: spreads[name] for name in names}
        result[figure] = (
            _figure(recordings, groups, clock, shown, spans),
            table(groups, clock, shown),
        )
    return result


def _paused(of: Spread, attempts: np.ndarray) -> Spread:
    """Nothing while the mechanism holds huge pages."""
    return Spread(*(np.where(attempts, np.nan, part) for part in (of.mean, of.least, of.greatest)))


def _stretches(there: np.ndarray) -> list[tuple[int, int]]:
    """First and last frame of each stretch."""
    return [(int(first), int(end) - 1) for first, end in zip(*stretches(there), strict=True)]


def table(groups: list[Group], clock: Recording, spreads: dict[str, list[Spread]]) -> pd.DataFrame:
    """What a figure shows, a row for each mechanism, metric and frame; empty: no value."""
    phases = np.array([phase["name"] for phase in clock.header["phases"]])
    parts = [
        pd.DataFrame({
            "mechanism": group.label,
            "frame": np.arange(len(clock)),
            "op": clock.ops,
            "time_us": clock.times_us,
            "phase": phases[clock.phases],
            "metric": name,
            "value": of.mean,
            "unit": METRICS[name].unit,
            "seeds": len(group.recordings),
            "least": of.least,
            "greatest": of.greatest,
        })
        for name, of_groups in spreads.items()
        for group, of in zip(groups, of_groups, strict=True)
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _figure(
    recordings: list[Recording],
    groups: list[Group],
    clock: Recording,
    spreads: dict[str, list[Spread]],
    spans: list[tuple[int, int]],
) -> Figure:
    header = clock.header
    phases = [Phase(p["name"], p["start_op"], is_key(p)) for p in header["phases"]]
    return Figure(
        title=header["title"],
        notes=[_seeds(groups), CLOCK_NOTE, _source(recordings)],
        clock=Clock(clock.ops, clock.times_us, phases),
        graphs=[_graph(name, groups, of_groups) for name, of_groups in spreads.items()],
        spans=spans,
        spans_note=_attempts_note(list(spreads)),
        metadata=_metadata(recordings),
    )


def _metadata(recordings: list[Recording]) -> dict:
    return {"recordings": [of_recording(recording.header) for recording in recordings]}


def _source(recordings: list[Recording]) -> str:
    texts = list(dict.fromkeys(r.header["source"]["text"] for r in recordings))
    more = f" (and {len(texts) - 1} more, see the metadata)" if len(texts) > 1 else ""
    return texts[0] + more


def _graph(name: str, groups: list[Group], spreads: list[Spread]) -> Graph:
    counts = [len(group.recordings) for group in groups]
    curves = []
    for group, of, count in zip(groups, spreads, counts, strict=True):
        label = group.label if len(set(counts)) == 1 else f"{group.label} (n={count})"
        band = (of.least, of.greatest) if count > 1 else (None, None)
        curves.append(Curve(label, of.mean, *band))
    return Graph(name, METRICS[name].title, METRICS[name].unit, curves)


def _seeds(groups: list[Group]) -> str:
    counts = sorted({len(group.recordings) for group in groups})
    if counts == [1]:
        return ""
    number = f"{counts[0]}" if len(counts) == 1 else "n"
    return f"Lines: mean of {number} seeds; bands: from the least to the greatest of them."


def _attempts_note(names: list[str]) -> str:
    paused = [name for name in names if METRICS[name].pauses]
    if not paused:
        return f"{ATTEMPTS}."
    if len(paused) == len(names):
        return f"{ATTEMPTS}; the curves pause while a mechanism holds any."
    return f"{ATTEMPTS}; meanwhile these pause: {', '.join(paused)}."
