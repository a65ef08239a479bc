"""Request streams of real kernels: a folder with requests.npz becomes a Stream.

Read from the folder: `requests.npz` (needed), `snapshots.npz` (tells which free pages lie on
per-CPU lists and which came through the bulk allocator), `snap_text.txt.xz` (zones, watermarks).
"""

import lzma
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np

from allocator.terms import (
    FREE,
    FREE_OP,
    HOLE,
    KERNEL_UNKNOWN,
    PAGE_SIZE_BYTES,
    PCP_FREE,
    RESERVED,
)
from allocator.zones import Machine, Zone, unusable_of
from workloads.snapshot_text import SnapshotText, read_snapshot_text
from workloads.stream import Ops, Phase, Start, Stream, WorkloadError, check_ops

PHASE_TITLES = {
    "idle0": "idle after boot",
    "hugefresh": "first huge-page attempt",
    "files": "files created, read and deleted",
    "mixed": "load: files, processes, anonymous memory",
    "mixed_huge": "huge-page attempt under load",
    "mixed2": "load, second stretch",
    "mixed2_huge": "huge-page attempt under load",
    "mixed3": "load, last stretch",
    "stopping": "load stops",
    "rest1": "at rest: load stopped",
    "rest2": "at rest: processes gone",
    "rest3": "at rest: half of the files deleted",
    "rest4": "at rest: caches dropped",
    "rest5": "at rest: memory compacted",
    "end": "end",
}
REQUEST_COLUMNS = ("op", "id", "order", "mob", "off", "dt_us", "in_huge")
START_COLUMNS = ("init_pfn", "init_order", "init_class", "init_traced")
SNAPSHOT_COLUMNS = ("snapshot_op", "snapshot_phase")
BUDDY_CLASS, HUGE_CLASS, NOPAGE_CLASS = 1, 6, 8  # codes in snapshots.npz
FIRST_SNAPSHOTS = 6  # a page free by its events but not BUDDY in any of these is in use
HUGE_ORDER = 9
FIRST_MEGABYTE_PAGES = 256


def load_folder(path: Path) -> Stream:
    """The request stream of a recording folder. Raises WorkloadError."""
    path = Path(path)
    requests = _load(path / "requests.npz", REQUEST_COLUMNS + START_COLUMNS + SNAPSHOT_COLUMNS)
    ops, op_numbers = _ops(requests, path / "requests.npz")
    text = read_snapshot_text(path / "snap_text.txt.xz")
    zones = text.zones
    snapshots = path / "snapshots.npz"
    kernel_class = None
    if snapshots.is_file():
        kernel_class = _load(snapshots, ("kclass",))["kclass"]
    page_class = _page_classes(requests, path / "requests.npz", zones, kernel_class)
    check_ops(ops, str(path / "requests.npz"), requests["init_order"])
    movable_zone = any(z.name == "Movable" for z in zones)
    mechanism = {
        (False, True): "6.1-off",
        (False, False): "6.1-list",
        (True, True): "6.1-zone",
        (True, False): "6.1-both",
    }[(movable_zone, text.all_unmovable)]
    return Stream(
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
            pfn=requests["init_pfn"].astype(np.int32),
            order=requests["init_order"].astype(np.uint8),
            traced=requests["init_traced"].astype(bool),
            mechanism=mechanism,
        ),
        ops=ops,
        phases=_phases(requests, op_numbers, kernel_class),
    )


def _load(path: Path, columns: tuple[str, ...]) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            missing = [name for name in columns if name not in file.files]
            if missing:
                raise WorkloadError(f"{path}: column {missing[0]!r} is missing")
            return {name: file[name] for name in columns}
    except FileNotFoundError:
        raise WorkloadError(f"{path}: no such file") from None
    except (
        OSError,
        ValueError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        NotImplementedError,
        KeyError,
        RuntimeError,
    ) as error:
        raise WorkloadError(f"{path}: not a readable stream: {error}") from error


def _ops(requests: dict[str, np.ndarray], where: Path) -> tuple[Ops, np.ndarray]:
    """Operations without the huge-page attempts' own allocations; each request's new number."""
    kind = requests["op"]
    lengths = {name: len(requests[name]) for name in REQUEST_COLUMNS}
    if len(set(lengths.values())) != 1:
        raise WorkloadError(f"{where}: columns of different lengths: {lengths}")
    ids = requests["id"].astype(np.int64)
    if len(ids) == 0 or ids.max() >= 2**31 - 1 or kind.max() > 1:
        raise WorkloadError(f"{where}: no requests, or ids or kinds out of range")
    attempt = (kind == 0) & (requests["in_huge"] == 1) & (requests["order"] == HUGE_ORDER)
    left_out = np.zeros(int(ids.max()) + 1, bool)
    left_out[ids[attempt]] = True
    keep = ~left_out[ids]
    op_numbers = np.concatenate(([0], np.cumsum(keep)))
    times_us = np.cumsum(requests["dt_us"].astype(np.int64))
    ops = Ops(
        kind=np.where(kind[keep] == 1, FREE_OP, 0).astype(np.uint8),
        id=ids[keep].astype(np.int32),
        order=requests["order"][keep].astype(np.uint8),
        mobility=np.where(kind[keep] == 1, 0, requests["mob"][keep]).astype(np.uint8),
        flags=np.zeros(int(keep.sum()), np.uint8),
        offset=requests["off"][keep].astype(np.uint16),
        time_us=times_us[keep],
    )
    return ops, op_numbers


def _phases(
    requests: dict[str, np.ndarray], op_numbers: np.ndarray, kernel_class: np.ndarray | None
) -> tuple[Phase, ...]:
    """A phase begins with its first snapshot; its figures are those of its last one.

    The last one that shows no huge page, if there is one: those of an attempt aren't replayed.
    """
    names = requests["snapshot_phase"].tolist()
    positions = np.clip(requests["snapshot_op"], 0, len(op_numbers) - 1)
    huge = np.zeros(len(names), bool)
    if kernel_class is not None and len(kernel_class) == len(names):
        huge = (kernel_class == HUGE_CLASS).any(axis=1)
    phases: list[Phase] = []
    for name, op, with_huge in zip(names, op_numbers[positions].tolist(), huge, strict=True):
        if not phases or phases[-1].name != name:
            phases.append(Phase(name, PHASE_TITLES.get(name, name), op, op))
            without_huge = not with_huge
        elif not with_huge or not without_huge:
            phases[-1] = replace(phases[-1], sample_op=op)
            without_huge |= not with_huge
    return tuple(phases)


def _page_classes(
    requests: dict[str, np.ndarray],
    where: Path,
    zones: tuple[Zone, ...],
    kernel_class: np.ndarray | None,
) -> np.ndarray:
    """Class of each page at the start, u1[pages]."""
    pfn, order = requests["init_pfn"].astype(np.int64), requests["init_order"].astype(np.int64)
    ends = [int((pfn + (1 << order)).max(initial=0)), *(z.end_pfn for z in zones)]
    pages = kernel_class.shape[1] if kernel_class is not None else max(ends)
    if (order > 10).any() or (pfn + (1 << order)).max(initial=0) > pages:
        raise WorkloadError(f"{where}: a page of the start lies outside the machine")
    page_class = np.full(pages, FREE, np.uint8)
    for first, size, code in zip(pfn, 1 << order, requests["init_class"], strict=True):
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
