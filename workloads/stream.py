"""What every workload builds: operations with logical ids, and the machine they start on.

The same operations run under every mechanism; only the allocator chooses pfns.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from allocator.terms import ALLOC, FREE_OP, MAX_ORDER
from allocator.zones import Machine


class WorkloadError(Exception):
    """A workload or stream that does not exist or cannot be read: one line, file and fault."""


@dataclass(frozen=True)
class Ops:
    """Operations in order, as columns of equal length.

    `kind` u1 (terms: ALLOC, FREE_OP, DRAIN), `id` i4 (allocated once; frees add up to at most its
    size), `order` u1, `mobility` u1 (0 unmovable, 1 movable, 2 reclaimable), `flags` u1 (terms:
    ATOMIC), `offset` u2 (pages into the allocation, for frees of a part), `time_us` i8.
    """

    kind: np.ndarray
    id: np.ndarray
    order: np.ndarray
    mobility: np.ndarray
    flags: np.ndarray
    offset: np.ndarray
    time_us: np.ndarray

    def __len__(self) -> int:
        return len(self.kind)

    @property
    def ids(self) -> int:
        """One more than the highest id."""
        return int(self.id.max(initial=-1)) + 1

    def window(self, start: int, stop: int) -> tuple[np.ndarray, ...]:
        """The columns that the allocator's loop takes, for operations [start, stop)."""
        columns = (self.kind, self.id, self.order, self.mobility, self.flags, self.offset)
        return tuple(column[start:stop] for column in columns)


@dataclass(frozen=True)
class Phase:
    """A named stretch of operations from `start_op` on; its figures are taken at `sample_op`."""

    name: str
    title: str
    start_op: int
    sample_op: int


@dataclass(frozen=True)
class Start:
    """Memory before the first operation.

    `page_class` u1[pages]. Ids 0 to n-1 lie at `pfn` i4[n] with `order` u1[n]; those with `traced`
    bool[n] may be placed anew by a mechanism other than the recorded one, the rest stays.
    `mechanism`: the name of the recorded one, "" where nothing was recorded.
    """

    page_class: np.ndarray
    pfn: np.ndarray
    order: np.ndarray
    traced: np.ndarray
    mechanism: str = ""


@dataclass(frozen=True)
class Stream:
    """A workload made ready: machine, start, operations, phases, and where it comes from."""

    name: str
    title: str
    source: str
    machine: Machine
    start: Start
    ops: Ops
    phases: tuple[Phase, ...]
    pageblock_order: int = 9
    seed: int = 0
    parameters: dict[str, str] = field(default_factory=dict)

    def head(self, ops: int) -> "Stream":
        """The first `ops` operations; phases that begin later fall away."""
        if ops >= len(self.ops):
            return self
        columns = {k: v[:ops] for k, v in vars(self.ops).items()}
        phases = tuple(
            replace(p, sample_op=min(p.sample_op, ops)) for p in self.phases if p.start_op < ops
        )
        return replace(
            self,
            title=f"{self.title} (first {ops:,} requests)",
            ops=Ops(**columns),
            phases=phases,
        )

    def metadata(self) -> dict:
        """What a recording's header says of the workload."""
        return {
            "name": self.name,
            "title": self.title,
            "source": self.source,
            "parameters": dict(self.parameters),
            "operations": len(self.ops),
            "machine": self.machine.name,
            "recorded_mechanism": self.start.mechanism,
        }


def check_ops(ops: Ops, where: str, start_orders: np.ndarray) -> None:
    """Raise WorkloadError for operations that no allocator can run.

    Known ids, orders in range, parts inside their allocation: after this the allocator's loop
    needs no checks of its own.
    """

    def fail(fault: str, bad: np.ndarray) -> None:
        raise WorkloadError(f"{where}: operation {int(np.flatnonzero(bad)[0])}: {fault}")

    for fault, bad in (
        ("unknown kind", ops.kind > 2),
        (f"order above {MAX_ORDER}", ops.order > MAX_ORDER),
        ("unknown mobility", (ops.kind == ALLOC) & (ops.mobility > 2)),
        ("negative id", ops.id < 0),
        ("time runs backwards", np.diff(ops.time_us, prepend=ops.time_us[:1]) < 0),
    ):
        if bad.any():
            fail(fault, bad)
    alloc = ops.kind == ALLOC
    size_order = np.full(max(ops.ids, len(start_orders)), MAX_ORDER + 1, np.int64)
    size_order[: len(start_orders)] = start_orders
    ids = ops.id[alloc]
    if len(np.unique(ids)) != len(ids) or (ids < len(start_orders)).any():
        raise WorkloadError(f"{where}: an id is allocated twice")
    size_order[ids] = ops.order[alloc]
    free = ops.kind == FREE_OP
    known = free & (size_order[ops.id] <= MAX_ORDER)
    end_pages = ops.offset.astype(np.int64) + (1 << ops.order.astype(np.int64))
    outside = known & (end_pages > (1 << np.minimum(size_order[ops.id], MAX_ORDER)))
    if outside.any():
        fail("frees pages outside its allocation", outside)
    crooked = known & ((ops.offset & ((1 << ops.order.astype(np.int64)) - 1)) != 0)
    if crooked.any():
        fail("frees a part that is not aligned", crooked)
