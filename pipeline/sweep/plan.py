"""Which cells a sweep has, which of them are there already, and what is run together."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from allocator.mechanism import Mechanism
from pipeline.config import UsageError, WorkloadChoice, check, check_names
from pipeline.measures import TOTAL
from pipeline.simulate import runnable
from pipeline.sweep.cell import Job
from pipeline.sweep.config import Setting, SweepConfig, at
from pipeline.sweep.identity import canonical, inputs_of, key_of
from pipeline.sweep.store import Damaged, Store
from workloads.stream import WorkloadError

BATCHES_A_JOB = 4  # so many at least for each process: else the last ones run alone for long


class Cell(NamedTuple):
    """A place in the table; several have one key where a parameter changes nothing for them."""

    mechanism: str
    workload: str
    setting: Setting
    seed: int
    key: str


class Plan(NamedTuple):
    """All cells in the order of the table, and what each key is made of.

    `unvaried`: workloads of which seeds change nothing; they have the first seed alone.
    """

    config: SweepConfig
    cells: list[Cell]
    jobs: dict[str, Job]
    unvaried: tuple[str, ...] = ()


class Batch(NamedTuple):
    """Jobs that run the same requests one after the other; `kind` have others about as dear."""

    label: str
    kind: tuple[str, str]
    jobs: tuple[Job, ...]


def planned(config: SweepConfig) -> Plan:
    """All cells of a sweep. Raises UsageError, WorkloadError, ExecuteError."""
    streams = {c.path: runnable(c.load(seed=0)) for c in config.run.workloads if c.path}
    digests = {path: stream.digest() for path, stream in streams.items()}
    fixed = [path for path, stream in streams.items() if not stream.start.mechanism]
    cells, jobs = [], {}
    for setting in config.settings:
        run = at(config, setting)
        mechanisms = check(run)
        for workload in run.workloads:
            for mechanism in mechanisms:
                for seed in run.seeds[:1] if workload.path in fixed else run.seeds:
                    job = _job(workload, digests.get(workload.path, ""), mechanism, seed)
                    jobs.setdefault(job.key, job)
                    place = (mechanism.name, workload.file_name, setting, seed, job.key)
                    cells.append(Cell(*place))
    unvaried = tuple(c.file_name for c in config.run.workloads if c.path in fixed)
    return Plan(config, cells, jobs, unvaried)


def _job(workload: WorkloadChoice, digest: str, mechanism: Mechanism, seed: int) -> Job:
    inputs = inputs_of(workload, digest, mechanism, seed)
    return Job(key_of(inputs), inputs, workload, mechanism, seed)


def check_phases(config: SweepConfig, names: Iterable[str]) -> None:
    """Raise UsageError for a phase that no workload of the sweep has, whatever the setting.

    Streams are made only as long as one is missing.
    """
    missing, known = set(names) - {TOTAL}, {}
    looked_at: list[WorkloadChoice] = []
    for setting in config.settings:
        run = at(config, setting)
        for workload in run.workloads:
            if not missing:
                return
            if workload in looked_at:
                continue
            looked_at.append(workload)
            try:
                stream = workload.load(run.seeds[0])
            except WorkloadError as error:
                raise UsageError(f"{config.path}: {error}") from None
            known |= dict.fromkeys(phase.name for phase in stream.phases)
            missing -= set(known)
    if missing:
        check_names("phase", names, [*known, TOTAL], str(config.path))


class State(NamedTuple):
    """What a store has of a plan, by key; and why what is damaged cannot be taken."""

    there: dict[str, dict]
    damaged: Mapping[str, str]


def state_of(plan: Plan, store: Store) -> State:
    """Read all results that are there. Raises OSError."""
    there, damaged = {}, {}
    for key in plan.jobs:
        if key in store:
            try:
                there[key] = store.read(key)
            except Damaged as fault:
                damaged[key] = str(fault)
    return State(there, damaged)


def batches_of(jobs: Sequence[Job], at_a_time: int) -> list[Batch]:
    """The jobs by their requests, all of one seed before the next; alone where these are few.

    Seed after seed, so that soon one of each kind is done, by which the others are estimated.
    """
    groups: dict[tuple[int, bytes], list[Job]] = {}
    for job in sorted(jobs, key=lambda job: job.seed):
        groups.setdefault((job.seed, canonical(job.inputs["workload"])), []).append(job)
    parts = list(groups.values())
    if len(parts) < BATCHES_A_JOB * at_a_time:
        parts = [[job] for part in parts for job in part]
    return [_batch(number, part) for number, part in enumerate(parts)]


def _batch(number: int, jobs: Sequence[Job]) -> Batch:
    first = jobs[0]
    kind = (first.workload.file_name, canonical(first.inputs["workload"]).decode())
    name = first.mechanism.name if len(jobs) == 1 else f"{len(jobs)} cells"
    return Batch(f"{number}: {first.workload.file_name}, {name}", kind, tuple(jobs))
