"""`pagereel find-breakdown`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from allocator.mechanism import Mechanism, mechanism_names
from pipeline.atomic import write_text
from pipeline.breakdown.found import Found, Seeds
from pipeline.breakdown.judge import Verdict, judge
from pipeline.breakdown.report import conditions, report, rows, symptom
from pipeline.breakdown.search import Search
from pipeline.breakdown.space import Space
from pipeline.breakdown.tries import Trier, Try
from pipeline.config import (
    MechanismChoice,
    RunConfig,
    UsageError,
    WorkloadChoice,
    check,
    check_output,
    split_parameters,
)
from pipeline.simulate import core_note
from pipeline.testcase.export import Source, export
from workloads import load_workload, searched

CACHE, REPORT, TRIES, TESTCASE = "tries.jsonl", "breakdown.txt", "tries.csv", "testcase"
PLAIN = ("off", "vanilla")  # variants without grouping, of one kernel each
FRAMES = 100  # of the testcase's recordings


def find_breakdown_command(
    workload: str,
    base: str,
    other: str,
    parameters: Sequence[str],
    tries: int,
    seed: int,
    output: Path,
    jobs: int,
    force: bool,
) -> None:
    """Search, write the report, the tries and a find's testcase, and print the report.

    A search that was stopped goes on where it was: what was run is kept. Raises UsageError,
    MechanismError, WorkloadError, ExecuteError, TestcaseError, OSError.
    """
    config = _config(workload, (base, other, *_plain(base, other)), parameters)
    mechanisms, fixed = tuple(check(config)), config.workloads[0].parameters
    space = _space(workload, fixed)
    if _is_other(output):
        check_output(output, force, "search")
    if core_note():
        print(f"pagereel: {core_note()}", file=sys.stderr)
    output.mkdir(parents=True, exist_ok=True)
    (output / REPORT).unlink(missing_ok=True)
    found = _find(workload, mechanisms, fixed, space, tries, Seeds(seed), output / CACHE, jobs)
    _write(found, config, output, _typed(workload, base, other, parameters, tries, seed), jobs)


def _config(workload: str, names: Sequence[str], parameters: Sequence[str]) -> RunConfig:
    """The run that a find's testcase is made of, but for its parameters and seeds."""
    of_mechanism, of_workload = split_parameters(tuple(parameters), tuple(names))
    return RunConfig(
        workloads=(WorkloadChoice(name=workload, parameters=of_workload),),
        mechanisms=tuple(MechanismChoice(name=n, parameters=of_mechanism[n]) for n in names),
        frames=FRAMES,
        repeats=0,
    )


def _plain(base: str, other: str) -> list[str]:
    """The mechanism of base's kernel that groups nothing, to compare with, if there is one."""
    kernel = base.rpartition("-")[0]
    names = (f"{kernel}-{variant}" for variant in PLAIN)
    return [name for name in names if name in mechanism_names() and name not in (base, other)][:1]


def _space(workload: str, fixed: dict[str, str]) -> Space:
    ranges = {name: of for name, of in searched(workload).items() if name not in fixed}
    if not ranges:
        raise UsageError(f"{workload}: has no parameter to search")
    return Space(ranges)


def _is_other(output: Path) -> bool:
    """Whether something else stands there than what a stopped search leaves."""
    if not output.is_dir():
        return True
    names = {path.name for path in output.iterdir()}
    return CACHE not in names or not names <= {CACHE, TRIES, TESTCASE}


def _find(
    workload: str,
    mechanisms: tuple[Mechanism, ...],
    fixed: dict[str, str],
    space: Space,
    tries: int,
    seeds: Seeds,
    cache: Path,
    jobs: int,
) -> Found:
    pair = Trier(workload, mechanisms[:2], cache, jobs)

    def judged(points: Sequence[dict[str, str]]) -> list[Verdict]:
        wanted = [Try(fixed | point, seed) for point in points for seed in seeds.search]
        left = pair.run(wanted)
        size = len(seeds.search)
        return [
            judge(*zip(*left[first : first + size], strict=True))
            for first in range(0, len(left), size)
        ]

    search = Search(space, judged, seeds.seed, _tell)
    search.run(tries)
    best = search.best()
    phase = _last_key_phase(workload, fixed | best[0].parameters, seeds.seed)
    chosen = search.simplified(best[0]) if best[0].verdict.found else None
    left = ()
    if chosen:
        _tell("confirming")
        confirming = Trier(workload, mechanisms, cache, jobs)
        fresh = [Try(fixed | chosen.parameters, seed) for seed in seeds.confirm]
        left = tuple(zip(*confirming.run(fresh), strict=True))
    return Found(workload, phase, mechanisms, fixed, space, seeds, search.tried, best, chosen, left)


def _tell(text: str) -> None:
    print(f"pagereel: {text}", file=sys.stderr)


def _last_key_phase(workload: str, parameters: dict[str, str], seed: int) -> str:
    phases = load_workload(workload, parameters, seed).phases
    return [phase.name for phase in phases if phase.key][-1]


def _write(found: Found, config: RunConfig, output: Path, command: str, jobs: int) -> None:
    import pandas as pd

    from pipeline.artefacts.tables import write_csv

    text = report(found, command)
    write_csv(pd.DataFrame(rows(found)), output / TRIES)
    write_text(output / REPORT, text)
    if found.confirmed and not found.testcase_seeds:
        text += "\nNo testcase: it shows in the mean, but with no seed alone.\n"
    elif found.confirmed:
        choice = WorkloadChoice(name=found.workload, parameters=found.parameters)
        update = {"workloads": (choice,), "seeds": tuple(found.testcase_seeds)}
        folder = output / TESTCASE
        export(
            Source(config.model_copy(update=update)),
            folder,
            symptom(found),
            conditions(found),
            jobs=jobs,
            force=True,
        )
        text += f"\nThe same as a testcase:\n    pagereel testcase check {folder}\n"
    write_text(output / REPORT, text)
    print(text, end="")


def _typed(
    workload: str, base: str, other: str, parameters: Sequence[str], tries: int, seed: int
) -> str:
    set_ = "".join(f" -p {text}" for text in parameters)
    return (
        f"pagereel find-breakdown -w {workload} --base {base} --other {other}{set_} "
        f"--tries {tries} --seed {seed}"
    )
