"""Recordings of one workload, grouped into those that differ by their seed alone, on one clock."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.config import UsageError
from pipeline.metadata import identity_of, labels_of
from pipeline.recording import Recording


@dataclass(frozen=True)
class Group:
    """Recordings of one mechanism with different seeds; `label`: what tells it from the others."""

    label: str
    recordings: list[Recording]


@dataclass(frozen=True)
class Spread:
    """Over the seeds of a group, f8[frames]: NaN where one of them has no value."""

    mean: np.ndarray
    least: np.ndarray
    greatest: np.ndarray


def groups_of(recordings: list[Recording]) -> list[Group]:
    """Groups in the order in which their first recording comes.

    A seed that comes again begins another group: the same mechanism, before and after a change.
    Raises UsageError for recordings of different workloads.
    """
    found: dict[tuple, list[Recording]] = {}
    times_seen: dict[tuple, int] = {}
    for recording in recordings:
        _check_workload(recording, recordings[0])
        key = identity_of(recording.header)
        number = times_seen.get((key, recording.header["seed"]), 0)
        times_seen[key, recording.header["seed"]] = number + 1
        found.setdefault((key, number), []).append(recording)
    labels = labels_of([members[0].header for members in found.values()])
    return [Group(*group) for group in zip(labels, found.values(), strict=True)]


def _check_workload(recording: Recording, first: Recording) -> None:
    names = [r.header["workload"]["name"] for r in (recording, first)]
    phases = [[phase["name"] for phase in r.header["phases"]] for r in (recording, first)]
    if names[0] != names[1] or phases[0] != phases[1]:
        raise UsageError(
            f"{recording.path} is of {names[0]}, {first.path} of {names[1]}, or they have other "
            "phases: figures share one clock"
        )


def clock_of(recordings: list[Recording]) -> Recording:
    """The recording whose frames are the clock of all: the first of the whole and longest ones."""
    return max(recordings, key=lambda recording: (recording.complete, len(recording)))


def on_clock(recording: Recording, clock: Recording) -> np.ndarray:
    """The frame of a recording nearest to each frame of the clock, i8[frames]; -1 beyond its end.

    The same stream has the same frames. Streams of other seeds have phases of other lengths:
    nearest is meant in parts of the phase.
    """
    place = _bounded(clock, clock)
    own = _bounded(recording, clock)
    wanted = np.interp(clock.ops, place, own)
    ops = recording.ops.astype(float)
    after = np.clip(np.searchsorted(ops, wanted), 1, max(len(ops) - 1, 1))
    after = np.minimum(after, len(ops) - 1)
    before = np.maximum(after - 1, 0)
    nearest = np.where(wanted - ops[before] <= ops[after] - wanted, before, after)
    return np.where(wanted > ops[-1] + 0.5, -1, nearest)


def _bounded(recording: Recording, clock: Recording) -> list[float]:
    """Starts of the phases and the end of the stream, in operations; a cut one's is the clock's."""
    starts = [float(phase["start_op"]) for phase in recording.header["phases"]]
    end = recording if recording.complete else clock
    return [*starts, max(float(end.ops[-1]), starts[-1])]


def spread(group: Group, clock: Recording, values: Callable[[Recording], np.ndarray]) -> Spread:
    """The values of a group's recordings at the clock's frames."""
    rows = []
    for recording in group.recordings:
        frames = on_clock(recording, clock)
        of = np.append(np.asarray(values(recording), float), np.nan)  # the last: beyond the end
        rows.append(of[frames])
    of_seeds = np.array(rows)
    mean = of_seeds.sum(axis=0) / len(rows)
    whole = np.isfinite(mean)
    least, greatest = (
        np.where(whole, edge, np.nan) for edge in (of_seeds.min(axis=0), of_seeds.max(axis=0))
    )
    return Spread(mean, least, greatest)
