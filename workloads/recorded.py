"""Request streams of real kernels: a folder with requests.npz becomes a Stream.

Read from the folder: `requests.npz` (needed), `snapshots.npz` (tells which free pages lie on
per-CPU lists and which came through the bulk allocator), `snap_text.txt.xz` (zones, watermarks,
kernel stacks).
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from allocator.terms import (
    FREE,
    FREE_OP,
    HOLE,
    HUGE,
    HUGE_ORDER,
    MAX_ORDER,
    PAGE_CLASSES,
    PAGE_SIZE_BYTES,
    PCP_FREE,
    RESERVED,
)
from allocator.zones import Machine, Zone, unusable_of
from workloads.archive import array_of, opened
from workloads.checks import MAX_MACHINE_PAGES, check_start_blocks, check_stream, column
from workloads.snapshot_text import SnapshotText, read_snapshot_text
from workloads.stream import Ops, Phase, Start, Stream, WorkloadError, check_ops
from workloads.untraced import moved, on_pcp_lists, set_classes, stretches, with_untraced

PHASE_TITLES = {
    "idle0": "idle after boot",
    "hugefresh": "first huge-page attempt",
    "files": "files created, read and deleted",
    "mixed": "load: files, processes, anonymous memory",
    "mixed_huge": "load: huge-page attempt",
    "mixed2": "load, second stretch",
    "mixed2_huge": "load: second huge-page attempt",
    "mixed3": "load, last stretch",
    "stopping": "load stops",
    "rest1": "at rest: load stopped",
    "rest2": "at rest: processes gone",
    "rest3": "at rest: half of the files deleted",
    "rest4": "at rest: caches dropped",
    "rest5": "at rest: compaction asked for",
    "end": "end",
}
ADDED = "with kernel stacks and what failed from its snapshots"
COMPACTED_PHASE = "rest5"
TEXT_FILE = "snap_text.txt.xz"
KEY_PHASES = ("idle0", "files", "mixed", "mixed3", "rest3", "rest4")
# Columns with the type they get and the first value that is out of range.
REQUEST_RANGES = {
    "op": (np.uint8, 2),
    "id": (np.int32, 2**31 - 1),
    "order": (np.uint8, MAX_ORDER + 1),
    "mob": (np.uint8, 256),
    "off": (np.uint16, 1 << MAX_ORDER),
    "dt_us": (np.int64, 1 << 32),
    "in_huge": (np.uint8, 2),
}
START_RANGES = {
    "init_pfn": (np.int32, MAX_MACHINE_PAGES),
    "init_order": (np.uint8, MAX_ORDER + 1),
    "init_class": (np.uint8, len(PAGE_CLASSES)),
    "init_traced": (bool, 2),
}
SNAPSHOT_COLUMNS = ("snapshot_op", "snapshot_phase")
HUGE_CLASS = 6  # code of kclass in snapshots.npz
FIRST_MEGABYTE_PAGES = 256
# A single wrong pfn must not make a machine of terabytes: without snapshots nothing else tells how
# large it is. Kernels hold far more blocks at any time.
SMALL_MACHINE_PAGES, MOST_PAGES_A_BLOCK = 1 << 22, 1 << 12


def load_folder(path: Path) -> Stream:
    """The request stream of a recording folder. Raises WorkloadError.

    What their events don't show is added, see `untraced`.
    """
    return load_with_snapshots(path)[0]


def load_with_snapshots(path: Path) -> tuple[Stream, np.ndarray]:
    """The same with the operations done at each snapshot, i8, ascending. Raises WorkloadError."""
    path = Path(path)
    requests = _load(path / "requests.npz", (*REQUEST_RANGES, *START_RANGES, *SNAPSHOT_COLUMNS))
    where = str(path / "requests.npz")
    start = _start_columns(requests, where)
    ops, attempts = _ops(requests, start["init_order"], where)
    places = column(requests["snapshot_op"], "snapshot_op", where, np.int64, len(ops) + 1)
    text = read_snapshot_text(path / TEXT_FILE)
    zones = text.zones
    snapshots = _snapshots(path / "snapshots.npz")
    kernel_class = snapshots.get("kclass")
    page_class = _page_classes(start, where, zones, kernel_class)
    if max(text.kernel_stack_pages, default=0) > len(page_class):
        raise WorkloadError(f"{path / TEXT_FILE}: kernel stacks of more pages than there are")
    start, ops = _without_pcp(start, ops, page_class, snapshots)
    names = _phase_names(requests["snapshot_phase"], places, where)
    compacted_after = names.index(COMPACTED_PHASE) if COMPACTED_PHASE in names else None
    ops, at = with_untraced(ops, attempts, places, text.kernel_stack_pages, compacted_after)
    begun = stretches(attempts)[:, 0]
    movable_zone = any(z.name == "Movable" for z in zones)
    mechanism = {
        (False, True): "6.1-off",
        (False, False): "6.1-list",
        (True, True): "6.1-zone",
        (True, False): "6.1-both",
    }[(movable_zone, text.all_unmovable)]
    stream = Stream(
        name=path.resolve().name,
        title=f"{path.resolve().name}: requests of a real kernel",
        source=f"request stream recorded from a real kernel, {path.resolve().name}/requests.npz, "
        f"{ADDED}",
        machine=Machine(
            name=f"{len(page_class) * PAGE_SIZE_BYTES >> 20} MiB, as recorded",
            unusable=_with_holes(unusable_of(page_class), text),
            min_free_kbytes=sum(z.min_pages for z in zones) * 4 or None,
            recorded_kernel="6.1" if zones else "",
            recorded_zones=zones,
        ),
        start=Start(
            page_class=page_class,
            pfn=start["init_pfn"],
            order=start["init_order"],
            traced=start["init_traced"],
            mechanism=mechanism,
        ),
        ops=ops,
        phases=_phases(names, moved(places, at), moved(begun, at), kernel_class),
    )
    check_stream(stream, str(path))
    return stream, moved(places, at)


def _load(path: Path, columns: tuple[str, ...]) -> dict[str, np.ndarray]:
    try:
        with opened(path) as file:
            names = set(file.namelist())
            missing = [name for name in columns if f"{name}.npy" not in names]
            if missing:
                raise WorkloadError(f"{path}: column {missing[0]!r} is missing")
            for name in columns:
                with file.open(f"{name}.npy") as member:
                    if not member.peek(1).startswith(np.lib.format.MAGIC_PREFIX):
                        raise WorkloadError(f"{path}: {name} is no array")
            values = {name: array_of(file, f"{name}.npy") for name in columns}
    except FileNotFoundError:
        raise WorkloadError(f"{path}: no such file") from None
    except WorkloadError:
        raise
    except Exception as error:  # whatever a damaged archive makes its readers raise
        raise WorkloadError(f"{path}: not a readable stream: {_one_line(error)}") from error
    return values


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _ops(
    requests: dict[str, np.ndarray], start_orders: np.ndarray, where: str
) -> tuple[Ops, np.ndarray]:
    """Operations; and which of them lie inside huge-page attempts, bool[ops]."""
    columns = {
        name: column(requests[name], name, where, dtype, limit)
        for name, (dtype, limit) in REQUEST_RANGES.items()
    }
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) != 1:
        raise WorkloadError(f"{where}: columns of different lengths: {lengths}")
    free = columns["op"] == FREE_OP
    attempts = columns["in_huge"] == 1
    huge = ~free & attempts & (columns["order"] == HUGE_ORDER)
    ops = Ops(
        kind=columns["op"],
        id=columns["id"],
        order=columns["order"],
        mobility=np.where(free, 0, columns["mob"]).astype(np.uint8),
        flags=np.where(huge, HUGE, 0).astype(np.uint8),
        offset=columns["off"],
        time_us=np.cumsum(columns["dt_us"]),
    )
    check_ops(ops, where, start_orders)
    return ops, attempts


def _start_columns(requests: dict[str, np.ndarray], where: str) -> dict[str, np.ndarray]:
    columns = {
        name: column(requests[name], name, where, dtype, limit)
        for name, (dtype, limit) in START_RANGES.items()
    }
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) != 1:
        raise WorkloadError(f"{where}: columns of different lengths: {lengths}")
    return columns


def _snapshots(path: Path) -> dict[str, np.ndarray]:
    """What the snapshots show of each page: kclass, mobility, u1[snapshots, pages]; or nothing."""
    if not path.is_file():
        return {}
    tables = _load(path, ("kclass", "mobility"))
    for name, table in tables.items():
        if table.dtype != np.uint8 or table.ndim != 2 or table.size == 0:
            raise WorkloadError(f"{path}: {name} is no table of snapshots and pages")
    if tables["kclass"].shape != tables["mobility"].shape:
        raise WorkloadError(f"{path}: kclass and mobility are of different sizes")
    return tables


def _without_pcp(
    start: dict[str, np.ndarray], ops: Ops, page_class: np.ndarray, snapshots: dict[str, np.ndarray]
) -> tuple[dict[str, np.ndarray], Ops]:
    """The start without the pages that were free on a per-CPU list; their class is set so."""
    if not snapshots:
        return start, ops
    sizes = np.left_shift(1, start["init_order"].astype(np.int64))
    freed = np.zeros(max(ops.ids, len(sizes)), bool)
    freed[ops.id[ops.kind == FREE_OP]] = True
    kept = np.zeros(len(page_class), bool)
    for number in np.flatnonzero(freed[: len(sizes)] | start["init_traced"] | (sizes > 1)):
        kept[start["init_pfn"][number] :][: sizes[number]] = True
    free = on_pcp_lists(page_class, kept, snapshots["kclass"], snapshots["mobility"])
    page_class[free] = PCP_FREE
    keep = ~free[start["init_pfn"]]
    number_of = np.concatenate((np.cumsum(keep), keep.sum() + 1 + np.arange(ops.ids))) - 1
    ids = number_of[ops.id].astype(np.int32)
    return {name: values[keep] for name, values in start.items()}, replace(ops, id=ids)


def _phase_names(names: np.ndarray, places: np.ndarray, where: str) -> list[str]:
    if names.dtype.kind != "U" or names.shape != places.shape:
        raise WorkloadError(f"{where}: snapshot_phase isn't one name for each snapshot")
    return names.tolist()


def phase_snapshots(names: list[str], kernel_class: np.ndarray | None) -> list[tuple[int, int]]:
    """Of each phase the first snapshot and the one whose figures are the phase's.

    The last one that shows no huge page, if there is one. `names`: of each snapshot's phase,
    `kernel_class` u1[snapshots, pages] or None.
    """
    huge = np.zeros(len(names), bool)
    if kernel_class is not None and len(kernel_class) == len(names):
        huge = (kernel_class == HUGE_CLASS).any(axis=1)
    chosen: list[tuple[int, int]] = []
    for number, name in enumerate(names):
        if not number or names[number - 1] != name:
            chosen.append((number, number))
        elif not huge[number] or huge[chosen[-1][1]]:
            chosen[-1] = (chosen[-1][0], number)
    return chosen


def _phases(
    names: list[str], places: np.ndarray, begun: np.ndarray, kernel_class: np.ndarray | None
) -> tuple[Phase, ...]:
    """A phase begins with its first snapshot, that of a huge-page attempt with the attempt.

    `begun` i8: where attempts begin.
    """
    phases: list[Phase] = []
    for first, last in phase_snapshots(names, kernel_class):
        name, start_op = names[first], int(places[first])
        if "huge" in name and (begun < start_op).any():
            earlier = phases[-1].sample_op if phases else 0
            start_op = max(earlier, int(begun[begun < start_op][-1]))
        key = name in KEY_PHASES or name not in PHASE_TITLES
        title = PHASE_TITLES.get(name, name)
        phases.append(Phase(name, title, start_op, int(places[last]), key))
    return tuple(phases)


def _page_classes(
    start: dict[str, np.ndarray],
    where: str,
    zones: tuple[Zone, ...],
    kernel_class: np.ndarray | None,
) -> np.ndarray:
    """Class of each page at the start, u1[pages]."""
    pfn, order = start["init_pfn"], start["init_order"]
    sizes = np.left_shift(1, order.astype(np.int64))
    ends = [int((pfn + sizes).max(initial=0)), *(z.end_pfn for z in zones)]
    pages = kernel_class.shape[1] if kernel_class is not None else max(ends)
    if not 1 <= pages <= MAX_MACHINE_PAGES:
        raise WorkloadError(f"{where}: a machine of {pages} pages")
    if pages > SMALL_MACHINE_PAGES + MOST_PAGES_A_BLOCK * len(pfn) and kernel_class is None:
        raise WorkloadError(f"{where}: a machine of {pages} pages with {len(pfn)} blocks in use")
    check_start_blocks(pfn, order, pages, where)
    page_class = np.full(pages, FREE, np.uint8)
    for first, size, code in zip(pfn, sizes, start["init_class"], strict=True):
        page_class[first : first + size] = code
    if kernel_class is not None:
        set_classes(page_class, kernel_class)
    return page_class


def _with_holes(unusable: np.ndarray, text: SnapshotText) -> np.ndarray:
    """Mark the holes, which kpageflags shows as reserved: they count for a kernelcore in percent.

    They lie outside all zones and, on x86, below the first megabyte.
    """
    if not text.zones:
        return unusable
    unusable[: text.zones[0].start_pfn] = HOLE
    unusable[text.zones[-1].end_pfn :] = HOLE
    below = np.flatnonzero(unusable[:FIRST_MEGABYTE_PAGES] == RESERVED)
    if text.hole_pages:
        unusable[below[-text.hole_pages :]] = HOLE
    return unusable
