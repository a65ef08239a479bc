"""Which replays are held against which real boots, and their figures."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from allocator.page_alloc import COMPILED
from pipeline.artefacts import Task
from pipeline.config import UsageError
from pipeline.samples import BARE, Figures, Variant, stream_of
from pipeline.samples import replays as figures_of
from pipeline.simulate import UNCOMPILED_OPS
from pipeline.truth.real import real_figures
from workloads.stream import WorkloadError


@dataclass(frozen=True)
class Boot:
    """A recording folder: what ran on that machine, and what its kernel did."""

    folder: Path
    name: str
    mechanism: str
    min_free_kbytes: int | None
    real: Figures

    @classmethod
    def open(cls, folder: Path) -> "Boot":
        """Raises UsageError for no folder, WorkloadError for what is damaged in it."""
        if not folder.is_dir():
            raise UsageError(f"{folder}: no recording folder")
        folder = folder.absolute()  # so that it is no built-in workload's name
        stream = stream_of(str(folder))
        if not COMPILED and len(stream.ops) >= UNCOMPILED_OPS:
            raise WorkloadError(f"{folder}: too long a stream without the compiled core")
        machine = stream.machine
        return cls(
            folder=folder,
            name=stream.name,
            mechanism=stream.start.mechanism,
            min_free_kbytes=machine.min_free_kbytes,
            real=real_figures(folder),
        )


@dataclass(frozen=True)
class Replay:
    """The stream of one boot under the mechanism of another, or under its own."""

    stream: Boot
    against: Boot

    @property
    def own(self) -> bool:
        """Whether the boot is the stream's own: then every figure can be held against it."""
        return self.stream is self.against

    @property
    def mechanism(self) -> str:
        """Name of the mechanism."""
        return self.against.mechanism

    @property
    def name(self) -> str:
        """Stream and mechanism."""
        return f"{self.stream.name} under {self.mechanism}"

    @property
    def parameters(self) -> dict[str, str]:
        """What makes the machine that of the boot it is held against."""
        kbytes = self.against.min_free_kbytes
        if kbytes is None or kbytes == self.stream.min_free_kbytes:
            return {}
        return {"min_free_kbytes": str(kbytes)}


@dataclass(frozen=True)
class Outcome:
    """Figures of the replays from each start, the recorded one first; and of the bare buddy's."""

    simulated: list[Figures]
    bare: list[Figures]


def planned(boots: Sequence[Boot]) -> list[Replay]:
    """Every stream under every mechanism that ran; those under their own mechanism first.

    Several boots of one mechanism: another stream is held against the first of them. Raises
    UsageError for two recordings of one name.
    """
    names = [boot.name for boot in boots]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"{name}: two recordings of that name")
    first: dict[str, Boot] = {}
    for boot in boots:
        first.setdefault(boot.mechanism, boot)
    own = [Replay(boot, boot) for boot in boots]
    others = [
        Replay(boot, target)
        for boot in boots
        for mechanism, target in first.items()
        if mechanism != boot.mechanism
    ]
    return own + others


def make(
    replays: Sequence[Replay], starts: int, jobs: int, before: Sequence[Task]
) -> list[Outcome]:
    """The outcome of each replay, over the recorded start and `starts` perturbed ones.

    `before`: tasks that are begun first. Raises as `samples.replays`.
    """
    variants = [
        Variant(f"{replay.name}{what}", str(replay.stream.folder), replay.mechanism, parameters)
        for replay in replays
        for what, parameters in (("", replay.parameters), (", bare buddy", BARE))
    ]
    made = figures_of(variants, range(starts + 1), jobs, before)
    return [Outcome(*pair) for pair in zip(made[::2], made[1::2], strict=True)]
