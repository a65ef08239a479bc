"""An ablation as a figure: which data it shows, and what it says of them."""

from pathlib import Path

from pipeline.ablation.compare import NOISE_ERRORS, Ablation
from pipeline.ablation.report import OTHER_START, cell, labels, number
from pipeline.metrics import METRICS
from pipeline.version import version
from renderer.ablation_figure import Bar, BarFigure, BarRow, write_bars


def draw(ablation: Ablation, base: Path) -> None:
    """Write `base`.png, .svg and .pdf. Raises RenderError."""
    write_bars(figure_of(ablation), base)


def figure_of(ablation: Ablation) -> BarFigure:
    """Metrics down, phases across, as in the text."""
    mechanism, stream = ablation.mechanism, ablation.stream
    return BarFigure(
        title=f"Which rule moves what? {mechanism.name}: {mechanism.title}",
        notes=_notes(ablation),
        rows=[_row(ablation, metric) for metric in ablation.metrics],
        metadata={
            "pagereel": version(),
            "source": {"kind": "simulation", "text": f"simulated; {stream.source}"},
            "mechanism": mechanism.name,
            "workload": stream.name,
            "starts": ablation.starts,
            "rules": {rule.name: rule.parameters for rule in ablation.rules},
        },
    )


def _notes(ablation: Ablation) -> list[str]:
    alike = "" if ablation.varied else ", all alike, so that nothing tells what is noise"
    notes = [
        f"{ablation.stream.name}: {ablation.stream.title}",
        f"Bars: mean difference when the rule is switched off; {ablation.starts} starts{alike}.",
        f"Lines: {NOISE_ERRORS} standard errors; pale and without a number: within them. "
        "In brackets: the mean with all rules on.",
    ]
    if ablation.other_start:
        notes.append(f"{OTHER_START} The start differs too: placed anew on one side only.")
    return notes


def _row(ablation: Ablation, metric: str) -> BarRow:
    of = METRICS[metric]
    unit = "" if of.unit == "1" else f" ({of.unit})"
    columns = []
    for phase in ablation.phases:
        mean = number(ablation.values[phase, metric], of.unit)
        columns.append((f"{phase} ({mean})", _bars(ablation, phase, metric)))
    return BarRow(f"{metric}{unit}: {of.title}", columns)


def _bars(ablation: Ablation, phase: str, metric: str) -> list[Bar]:
    bars = []
    for rule, label in labels(ablation).items():
        of = ablation.differences[rule, phase, metric]
        text = cell(of, METRICS[metric].unit).replace("-", "\N{MINUS SIGN}")
        error = NOISE_ERRORS * of.standard_error
        bars.append(Bar(label, of.difference, error, of.beyond_noise, text))
    return bars
