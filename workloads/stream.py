"""What every workload builds: operations with logical ids, and the machine they start on.

The same operations run under every mechanism; only the allocator chooses pfns.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b

import numpy as np

from allocator.terms import (
    ALLOC,
    ATOMIC,
    COMPACT,
    FREE_OP,
    HUGE,
    MAX_ORDER,
    OBJECT,
    OBJECT_FREE,
    SlabCache,
)
from allocator.zones import Machine

MAX_SPARSE_IDS = 1 << 24  # an id costs memory; beyond this many they must be used
MAX_TIME_US = 100 * 86_400_000_000  # a hundred days: each recorded second costs a frame
UNKNOWN_ORDER = 255
OFFSET_PLACES = 1 << 16  # offsets are u2
_PAGES = np.left_shift(1, np.minimum(np.arange(256), MAX_ORDER)).astype(np.int32)  # by order


class WorkloadError(Exception):
    """A workload or stream that does not exist or cannot be read: one line, file and fault."""


@dataclass(frozen=True)
class Ops:
    """Operations in order, as columns of equal length.

    `kind` u1 (terms: ALLOC and so on), `id` i4 (allocated once; frees add up to at most its size;
    objects have ids of their own), `order` u1, `mobility` u1 (0 unmovable, 1 movable, 2
    reclaimable), `flags` u1 (terms: ATOMIC and so on), `offset` u2 (pages into the allocation, for
    frees of a part; the number of an object's cache), `time_us` i8.
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
        """One more than the highest id of pages."""
        return int(np.max(self.id, initial=-1, where=~self._of_objects())) + 1

    @property
    def objects(self) -> int:
        """One more than the highest id of an object in a slab."""
        return int(np.max(self.id, initial=-1, where=self._of_objects())) + 1

    def _of_objects(self) -> np.ndarray:
        return (self.kind == OBJECT) | (self.kind == OBJECT_FREE)

    def window(self, start: int, stop: int) -> tuple[np.ndarray, ...]:
        """The columns that the allocator's loop takes, for operations [start, stop)."""
        columns = (self.kind, self.id, self.order, self.mobility, self.flags, self.offset)
        return tuple(column[start:stop] for column in columns)


def joined(ops: Ops, added: Ops, at: np.ndarray) -> Ops:
    """`ops` with `added` put in; `at` i8[added], ascending: before which operation of `ops`."""
    columns = zip(vars(ops).items(), vars(added).values(), strict=True)
    return Ops(**{name: np.insert(old, at, new) for (name, old), new in columns})


@dataclass(frozen=True)
class Phase:
    """A named stretch of operations from `start_op` on; its figures are taken at `sample_op`.

    `key`: one of the few that a comparison sheet shows.
    """

    name: str
    title: str
    start_op: int
    sample_op: int
    key: bool = True


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
    caches: tuple[SlabCache, ...] = ()
    reclaim: bool = False  # left to the simulator; else all frees are in the operations
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

    def digest(self) -> str:
        """Tells two streams apart by what they hold, whatever their names."""
        return self._digest

    @cached_property
    def _digest(self) -> str:
        """Made once: of millions of operations it takes as long as a third of running them."""
        digest = blake2b(digest_size=16)
        start, machine = self.start, self.machine
        arrays = vars(self.ops) | {
            "page_class": start.page_class,
            "pfn": start.pfn,
            "start_order": start.order,
            "traced": start.traced,
            "unusable": machine.unusable,
        }
        rest = {
            "mechanism": start.mechanism,
            "min_free_kbytes": machine.min_free_kbytes,
            "recorded_kernel": machine.recorded_kernel,
            "recorded_zones": machine.recorded_zones,
            "phases": self.phases,
            "pageblock_order": self.pageblock_order,
            **({"caches": self.caches, "reclaim": True} if self.reclaim else {}),
            **({} if machine.architecture == "x86-64" else {"architecture": machine.architecture}),
        }
        for name, array in arrays.items():
            digest.update(f"{name} {array.dtype.str} {len(array)}\n".encode())
            digest.update(np.ascontiguousarray(array))
        digest.update(repr(rest).encode())
        return digest.hexdigest()

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
            "digest": self.digest(),
        }


def check_ops(ops: Ops, where: str, start_orders: np.ndarray) -> None:
    """Raise WorkloadError for operations that no allocator can run.

    Each id allocated once, orders in range, parts inside their allocation and none freed twice:
    after this the allocator's loop needs no checks of its own. Frees of ids that are neither
    allocated nor there at the start are legal; the allocator counts them.
    """
    if len(ops) == 0:
        raise WorkloadError(f"{where}: no operations")
    _check_columns(ops, where)
    alloc = ops.kind == ALLOC
    first, ids = len(start_orders), ops.id[alloc]
    ids_limit = max(MAX_SPARSE_IDS, 4 * (len(ops) + first))
    if ops.ids > ids_limit:
        _fail(where, int(ops.id.argmax()), f"id {ops.ids - 1} for so few operations")
    if ids.min(initial=first) < first or np.bincount(ids).max(initial=0) > 1:
        raise WorkloadError(f"{where}: an id is allocated twice")
    size_order = np.full(max(ops.ids, first), UNKNOWN_ORDER, np.uint8)
    size_order[:first] = start_orders
    size_order[ids] = ops.order[alloc]
    known_frees = np.flatnonzero(ops.kind == FREE_OP)
    known_frees = known_frees[size_order[ops.id[known_frees]] != UNKNOWN_ORDER]
    _check_frees(ops, where, known_frees, size_order)


def _fail(where: str, number: int, fault: str) -> None:
    raise WorkloadError(f"{where}: operation {number}: {fault}")


def _check_columns(ops: Ops, where: str) -> None:
    """Each value by itself."""
    for fault, bad in (
        ("unknown kind", ops.kind > COMPACT),
        ("unknown flag", ops.flags > ATOMIC | HUGE),
        (f"order above {MAX_ORDER}", ops.order > MAX_ORDER),
        ("unknown mobility", (ops.mobility > 2) & (ops.kind == ALLOC)),
        ("negative id", ops.id < 0),
        ("time runs backwards", np.diff(ops.time_us, prepend=0) < 0),
        ("time is later than a hundred days", ops.time_us > MAX_TIME_US),
    ):
        if bad.any():
            _fail(where, int(bad.argmax()), fault)


def _check_frees(ops: Ops, where: str, frees: np.ndarray, size_order: np.ndarray) -> None:
    """The frees (numbers of operations) of known ids against the sizes of their allocations."""
    ids, offset = ops.id[frees], ops.offset[frees].astype(np.int32)
    pages = _PAGES[ops.order[frees]]
    for fault, bad in (
        ("frees pages outside its allocation", offset + pages > _PAGES[size_order[ids]]),
        ("frees a part that is not aligned", (offset & (pages - 1)) != 0),
    ):
        if bad.any():
            _fail(where, int(frees[bad.argmax()]), fault)
    several = np.bincount(ids)[ids] > 1 if len(ids) else np.zeros(0, bool)
    frees, start, pages = frees[several], ids[several] * np.int64(OFFSET_PLACES), pages[several]
    start += offset[several]
    sequence = np.argsort(start, kind="stable")
    start, frees = start[sequence], frees[sequence]
    # Aligned parts overlap only where one holds the other: then it overlaps its successor too.
    twice = start[1:] < (start + pages[sequence])[:-1]
    if twice.any():
        number = int(np.maximum(frees[1:], frees[:-1])[twice].min())
        _fail(where, number, "frees pages of its allocation that are freed already")
