"""One cell of a sweep: a stream run under a mechanism, of which the figures are kept."""

import os
import tempfile
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import NamedTuple

from allocator.mechanism import Mechanism
from pipeline.config import WorkloadChoice
from pipeline.measures import measures_of
from pipeline.metrics.evidence import eligible_blocks
from pipeline.recording import Recording
from pipeline.simulate import runnable, simulate
from workloads.stream import Stream, WorkloadError


class Job(NamedTuple):
    """What is to be run. `inputs`: all that its figures depend on, as identity.inputs_of."""

    key: str
    inputs: dict
    workload: WorkloadChoice
    mechanism: Mechanism
    seed: int


class _Kept(NamedTuple):
    workload: WorkloadChoice
    stream: Stream


_kept: _Kept | None = None  # the last stream that was made in this process


def stream_of(workload: WorkloadChoice, seed: int) -> Stream:
    """The cell's requests, as this installation can run them. Raises WorkloadError.

    The requests of a recorded stream are the same with every seed: they are read once.
    """
    global _kept
    kept = _kept
    if kept is None or kept.workload != workload or not _serves(kept, seed):
        _kept = None  # so that two streams never share the memory
        stream = replace(runnable(workload.load(seed)), seed=seed)
        kept = _Kept(workload, stream)
    elif kept.stream.seed != seed:
        kept = _Kept(workload, replace(kept.stream, seed=seed))
    _kept = kept
    return kept.stream


def scratch_prefix(process: int) -> str:
    """What names of scratch folders of a process begin with."""
    return f".pagereel-{process}-"


def _serves(kept: _Kept, seed: int) -> bool:
    recorded = bool(kept.workload.path or kept.stream.start.mechanism)
    return recorded or kept.stream.seed == seed


def result_of(job: Job, stream: Stream | None = None, scratch: Path | None = None) -> dict:
    """The figures of a cell, with what they were made from.

    `stream`: the requests, where they are at hand. `scratch`: where the recording lies meanwhile.
    Raises WorkloadError, OSError.
    """
    stream = stream_of(job.workload, job.seed) if stream is None else stream
    with tempfile.TemporaryDirectory(prefix=scratch_prefix(os.getpid()), dir=scratch) as folder:
        path = Path(folder) / "cell.reel"
        simulate(stream, job.mechanism, path, frames=None, watched=False)
        recording = Recording.open(path)
        table = measures_of(recording)
        header, dropped_events = recording.header, recording.dropped_events
        eligible = int(eligible_blocks(recording).sum())
    told = header["workload"]
    if job.inputs["workload"].get("digest", told["digest"]) != told["digest"]:
        raise WorkloadError(f"{job.workload.path}: has changed since the sweep began")
    rows = table.itertuples(index=False, name=None)
    return {
        "inputs": job.inputs,
        "stream": {key: told[key] for key in ("title", "source", "operations", "digest")},
        "phases": [[phase["name"], bool(phase.get("key", True))] for phase in header["phases"]],
        "dropped_events": dropped_events,
        "eligible_blocks": eligible,
        "rows": [[p, m, float(value) if isfinite(value) else None] for p, m, value in rows],
    }
