"""Request streams of real kernels: a folder with requests.npz becomes a Stream.

Read from the folder: `requests.npz` (needed), `snapshots.npz` (tells which free pages lie on
per-CPU lists and which came through the bulk allocator), `snap_text.txt.xz` (zones, watermarks).
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from allocator.terms import (
    FREE,
    FREE_OP,
    HOLE,
    KERNEL_UNKNOWN,
    MAX_ORDER,
    PAGE_CLASSES,
    PAGE_SIZE_BYTES,
    PCP_FREE,
    RESERVED,
)
from allocator.zones import Machine, Zone, unusable_of
from workloads.checks import MAX_MACHINE_PAGES, check_start_blocks, check_stream, column
from workloads.snapshot_text import SnapshotText, read_snapshot_text
from workloads.stream import Ops, Phase, Start, Stream, WorkloadError, check_ops

PHASE_TITLES = {
    "idle0": "idle after boot",
    "hugefresh": "first huge-page attempt (left out)",
    "files": "files created, read and deleted",
    "mixed": "load: files, processes, anonymous memory",
    "mixed_huge": "load: huge-page attempt (left out)",
    "mixed2": "load, second stretch",
    "mixed2_huge": "load: huge-page attempt (left out)",
    "mixed3": "load, last stretch",
    "stopping": "load stops",
    "rest1": "at rest: load stopped",
    "rest2": "at rest: processes gone",
    "rest3": "at rest: half of the files deleted",
    "rest4": "at rest: caches dropped",
    "rest5": "at rest: where the real kernel compacted",
    "end": "end",
}
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
BUDDY_CLASS, HUGE_CLASS, NOPAGE_CLASS = 1, 6, 8  # codes in snapshots.npz
FIRST_SNAPSHOTS = 6  # a page free by its events but not BUDDY in any of these is in use
HUGE_ORDER = 9
FIRST_MEGABYTE_PAGES = 256


def load_folder(path: Path) -> Stream:
    """The request stream of a recording folder. Raises WorkloadError.

    DEVIATION: D15, huge-page attempts leave no trace on the allocator.
    DEVIATION: D16, pages of the bulk allocator are missing.
    """
    path = Path(path)
    requests = _load(path / "requests.npz", (*REQUEST_RANGES, *START_RANGES, *SNAPSHOT_COLUMNS))
    where = str(path / "requests.npz")
    start = _start_columns(requests, where)
    ops, op_numbers = _ops(requests, start["init_order"], where)
    text = read_snapshot_text(path / "snap_text.txt.xz")
    zones = text.zones
    kernel_class = _kernel_classes(path / "snapshots.npz")
    page_class = _page_classes(start, where, zones, kernel_class)
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
        source=f"request stream recorded from a real kernel, {path.resolve().name}/requests.npz",
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
        phases=_phases(requests, op_numbers, kernel_class, where),
    )
    check_stream(stream, str(path))
    return stream


def _load(path: Path, columns: tuple[str, ...]) -> dict[str, np.ndarray]:
    try:
        # Opened here: numpy leaves a damaged archive open.
        with open(path, "rb") as data, np.load(data, allow_pickle=False) as file:
            missing = [name for name in columns if name not in file.files]
            if missing:
                raise WorkloadError(f"{path}: column {missing[0]!r} is missing")
            values = {name: file[name] for name in columns}
    except FileNotFoundError:
        raise WorkloadError(f"{path}: no such file") from None
    except WorkloadError:
        raise
    except Exception as error:  # whatever a damaged archive makes its readers raise
        raise WorkloadError(f"{path}: not a readable stream: {_one_line(error)}") from error
    for name, value in values.items():
        if not isinstance(value, np.ndarray):  # numpy gives a member that is no array as bytes
            raise WorkloadError(f"{path}: {name} is no array")
    return values


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _ops(
    requests: dict[str, np.ndarray], start_orders: np.ndarray, where: str
) -> tuple[Ops, np.ndarray]:
    """Operations without the huge-page attempts' own allocations; each request's new number."""
    columns = {
        name: column(requests[name], name, where, dtype, limit)
        for name, (dtype, limit) in REQUEST_RANGES.items()
    }
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) != 1:
        raise WorkloadError(f"{where}: columns of different lengths: {lengths}")
    free = columns["op"] == FREE_OP
    every = Ops(
        kind=columns["op"],
        id=columns["id"],
        order=columns["order"],
        mobility=np.where(free, 0, columns["mob"]).astype(np.uint8),
        flags=np.zeros(len(free), np.uint8),
        offset=columns["off"],
        time_us=np.cumsum(columns["dt_us"]),
    )
    check_ops(every, where, start_orders)
    attempt = ~free & (columns["in_huge"] == 1) & (every.order == HUGE_ORDER)
    left_out = np.zeros(every.ids, bool)
    left_out[every.id[attempt]] = True
    keep = ~left_out[every.id]
    op_numbers = np.concatenate(([0], np.cumsum(keep)))
    return Ops(**{name: values[keep] for name, values in vars(every).items()}), op_numbers


def _start_columns(requests: dict[str, np.ndarray], where: str) -> dict[str, np.ndarray]:
    columns = {
        name: column(requests[name], name, where, dtype, limit)
        for name, (dtype, limit) in START_RANGES.items()
    }
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) != 1:
        raise WorkloadError(f"{where}: columns of different lengths: {lengths}")
    return columns


def _kernel_classes(path: Path) -> np.ndarray | None:
    """What the snapshots show of each page, u1[snapshots, pages]; None without such a file."""
    if not path.is_file():
        return None
    classes = _load(path, ("kclass",))["kclass"]
    if classes.dtype != np.uint8 or classes.ndim != 2 or classes.size == 0:
        raise WorkloadError(f"{path}: kclass is no table of snapshots and pages")
    return classes


def _phases(
    requests: dict[str, np.ndarray],
    op_numbers: np.ndarray,
    kernel_class: np.ndarray | None,
    where: str,
) -> tuple[Phase, ...]:
    """A phase begins with its first snapshot; its figures are those of its last one.

    The last one that shows no huge page, if there is one: those of an attempt aren't replayed.
    """
    places = requests["snapshot_op"]
    positions = column(places, "snapshot_op", where, np.int64, len(op_numbers))
    phase_names = requests["snapshot_phase"]
    if phase_names.dtype.kind != "U" or phase_names.shape != positions.shape:
        raise WorkloadError(f"{where}: snapshot_phase isn't one name for each snapshot")
    names = phase_names.tolist()
    huge = np.zeros(len(names), bool)
    if kernel_class is not None and len(kernel_class) == len(names):
        huge = (kernel_class == HUGE_CLASS).any(axis=1)
    phases: list[Phase] = []
    for name, op, with_huge in zip(names, op_numbers[positions].tolist(), huge, strict=True):
        if not phases or phases[-1].name != name:
            key = name in KEY_PHASES or name not in PHASE_TITLES
            phases.append(Phase(name, PHASE_TITLES.get(name, name), op, op, key))
            without_huge = not with_huge
        elif not with_huge or not without_huge:
            phases[-1] = replace(phases[-1], sample_op=op)
            without_huge |= not with_huge
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
    check_start_blocks(pfn, order, pages, where)
    page_class = np.full(pages, FREE, np.uint8)
    for first, size, code in zip(pfn, sizes, start["init_class"], strict=True):
        page_class[first : first + size] = code
    if kernel_class is not None:
        _classes_from_snapshots(page_class, kernel_class[:FIRST_SNAPSHOTS])
    return page_class


def _classes_from_snapshots(page_class: np.ndarray, kernel_class: np.ndarray) -> None:
    """Of the pages that the requests hold free, those that a snapshot shows otherwise."""
    free = page_class == FREE
    page_class[free & (kernel_class[0] == NOPAGE_CLASS)] = HOLE
    never_buddy = free & ~(kernel_class == BUDDY_CLASS).any(axis=0)
    page_class[free & (kernel_class[0] != BUDDY_CLASS) & (page_class == FREE)] = PCP_FREE
    # In use without an event: from the bulk allocator, or by a request not in the start's list.
    page_class[never_buddy & (page_class == PCP_FREE)] = KERNEL_UNKNOWN


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
