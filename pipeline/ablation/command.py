"""`pagereel ablate`: each rule of a mechanism switched off in turn, beside all on."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from allocator.mechanism import load_mechanism
from pipeline.ablation.compare import Ablation, differences_of, other_start
from pipeline.ablation.report import ALL_ON, report
from pipeline.ablation.rules import Ablated, planned
from pipeline.atomic import write_text
from pipeline.config import UsageError, check_names, check_output
from pipeline.metrics import METRICS
from pipeline.samples import Variant, replays, stream_of, varied
from pipeline.simulate import core_note
from workloads import WORKLOADS
from workloads.stream import Stream

DEFAULT_MECHANISM = "6.1-list"  # of a stream that no kernel made
DEFAULT_METRICS = ("mixed", "nonmov_blocks", "potential_huge", "free_blocks", "failed_requests")


def ablate_command(
    source: str,
    mechanism: str | None,
    starts: int,
    rules: tuple[str, ...],
    phases: tuple[str, ...],
    metrics: tuple[str, ...],
    output: Path | None,
    jobs: int,
    force: bool,
) -> None:
    """Print the text; with `output` write it there, with the table and the figure.

    Raises UsageError, MechanismError, WorkloadError, RenderError, OSError.
    """
    if output is not None:
        check_output(output, force, "results")
    plan = _planned(source, mechanism, rules, phases, metrics)
    if core_note():
        print(f"pagereel: {core_note()}", file=sys.stderr)
    if output is not None:
        output.mkdir(parents=True, exist_ok=True)
    ablation = _ablation(source, plan, starts, jobs)
    text = report(ablation)
    if output is not None:
        _write(ablation, text, output)
    print(text, end="")


class _Plan(NamedTuple):
    """What is switched off, and where it is looked at."""

    mechanism: str
    rules: list[Ablated]
    left_out: list[str]
    phases: tuple[str, ...]
    metrics: tuple[str, ...]


def _planned(
    source: str,
    mechanism: str | None,
    rules: tuple[str, ...],
    phases: tuple[str, ...],
    metrics: tuple[str, ...],
) -> _Plan:
    """All that can be told before the first replay. Raises as `ablate_command`."""
    if source not in WORKLOADS and not Path(source).exists():
        known = ", ".join(WORKLOADS)
        raise UsageError(f"{source}: no such file or folder, nor a workload; there are {known}")
    stream = stream_of(source)
    name = mechanism or stream.start.mechanism or DEFAULT_MECHANISM
    return _Plan(
        name,
        *planned(name, rules, stream.reclaim),
        _chosen("phase", phases or _key_phases(stream), [p.name for p in stream.phases]),
        _chosen("metric", metrics or _metrics(stream), list(METRICS)),
    )


def _ablation(source: str, plan: _Plan, starts: int, jobs: int) -> Ablation:
    """All replays made and compared."""
    variants = [Variant(ALL_ON, source, plan.mechanism, {})]
    variants += [Variant(r.title, source, plan.mechanism, r.parameters) for r in plan.rules]
    on, *off = replays(variants, range(1, starts + 1), jobs)
    cells = [(phase, metric) for phase in plan.phases for metric in plan.metrics]
    return Ablation(
        stream=stream_of(source),
        mechanism=load_mechanism(plan.mechanism),
        rules=tuple(plan.rules),
        left_out=tuple(plan.left_out),
        phases=plan.phases,
        metrics=plan.metrics,
        starts=starts,
        varied=varied(source),
        differences=differences_of(plan.rules, on, off, cells),
        values={cell: sum(figures[cell] for figures in on) / starts for cell in cells},
        other_start=other_start(plan.rules, on, off),
    )


def _chosen(kind: str, names: Sequence[str], known: Sequence[str]) -> tuple[str, ...]:
    """The names in the order of `known`. Raises UsageError for one that isn't there."""
    check_names(kind, names, known)
    return tuple(name for name in known if name in names)


def _key_phases(stream: Stream) -> tuple[str, ...]:
    last = stream.phases[-1]
    return tuple(phase.name for phase in stream.phases if phase.key or phase is last)


def _metrics(stream: Stream) -> tuple[str, ...]:
    return DEFAULT_METRICS + (("huge_allocated",) if stream.reclaim else ())


def _write(ablation: Ablation, text: str, output: Path) -> None:
    import pandas as pd

    from pipeline.ablation.picture import draw
    from pipeline.artefacts.tables import write_csv

    write_csv(pd.DataFrame(ablation.rows()), output / "ablation.csv")
    write_text(output / "ablation.txt", text)
    draw(ablation, output / "ablation")
