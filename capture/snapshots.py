"""What a real kernel's pages held, snapshot by snapshot, as a recording that can be drawn."""

from pathlib import Path

import numpy as np

from allocator.terms import (
    CLASS_MOVABLE,
    CLASS_RECLAIMABLE,
    CLASS_UNMOVABLE,
    FREE,
    HOLE,
    HUGETLB,
    KERNEL_UNKNOWN,
    PAGE_CLASSES,
    PAGE_SIZE_BYTES,
    PCP_FREE,
    RESERVED,
)
from pipeline.recording import RecordingWriter, blocks_of
from pipeline.recording_format import FORMAT, VERSION
from pipeline.version import version
from workloads.recorded import phase_snapshots
from workloads.stream import Stream, WorkloadError

# Codes of `kclass`, from kpageflags, and of `mobility`, from the last event of a page.
BUDDY, ANON, FILE, SLAB, PGTABLE, HUGE_PAGE, RESERVED_PAGE, NOPAGE, SHMEM = range(1, 10)
FREED = 253
USER = (ANON, FILE, SHMEM)


def combined(kernel_class: np.ndarray, mobility: np.ndarray) -> np.ndarray:
    """Page classes u1 from `kclass` and `mobility` of snapshots.npz, of any equal shape.

    A live traced allocation is what its request said; one whose last event was a free is on a
    per-CPU list, unless kpageflags shows who holds it. Kernel pages that no event was seen of are
    of unknown mobility. What kpageflags says of free, huge and missing pages goes before all.
    """
    grid = np.full(kernel_class.shape, KERNEL_UNKNOWN, np.uint8)
    user = np.isin(kernel_class, USER)
    grid[user] = CLASS_MOVABLE
    grid[kernel_class == PGTABLE] = CLASS_UNMOVABLE
    for code, page_class in enumerate((CLASS_UNMOVABLE, CLASS_MOVABLE, CLASS_RECLAIMABLE)):
        grid[mobility == code] = page_class
    freed = mobility == FREED
    grid[freed] = PCP_FREE
    grid[freed & user] = CLASS_MOVABLE
    grid[freed & (kernel_class == PGTABLE)] = CLASS_UNMOVABLE
    grid[freed & (kernel_class == SLAB)] = KERNEL_UNKNOWN
    for code, page_class in (
        (BUDDY, FREE),
        (HUGE_PAGE, HUGETLB),
        (RESERVED_PAGE, RESERVED),
        (NOPAGE, HOLE),
    ):
        grid[kernel_class == code] = page_class
    return grid


def sample_ops(stream: Stream) -> np.ndarray:
    """Operations done at the phases' samples, i8, ascending, each once."""
    return np.unique([phase.sample_op for phase in stream.phases]).astype(np.int64)


def write_real(
    folder: Path, stream: Stream, path: Path, mechanism: dict, places: np.ndarray | None = None
) -> None:
    """Write what a real kernel's pages held, under the stream's clock.

    One frame for each of `sample_ops(stream)`; with `places`, i8, the operations done at each
    snapshot, one for each of these, of several at one place the last. `mechanism`: the header's
    table of the mechanism that ran. Raises WorkloadError where the folder's snapshots are missing
    or damaged, OSError.
    """
    snapshots = folder / "snapshots.npz"
    try:
        with open(folder / "requests.npz", "rb") as file, np.load(file) as requests:
            names = requests["snapshot_phase"].tolist()
        with open(snapshots, "rb") as file, np.load(file) as tables:
            kernel_class, mobility = tables["kclass"], tables["mobility"]
        numbers = [last for _, last in phase_snapshots(names, kernel_class)]
        shown = dict(zip((p.sample_op for p in stream.phases), numbers, strict=True))
        if places is not None:
            shown = {int(op): number for number, op in enumerate(places)} | shown
        grids = {op: combined(kernel_class[n], mobility[n]) for op, n in shown.items()}
    except OSError as error:
        raise WorkloadError(f"{error.filename or snapshots}: {error.strerror or error}") from None
    except Exception as error:  # whatever a damaged archive makes its readers raise
        told = " ".join(str(error).split()) or type(error).__name__
        raise WorkloadError(f"{snapshots}: not the snapshots of this stream: {told}") from error
    header = _header(stream, mechanism)
    starts = [phase.start_op for phase in stream.phases]
    with RecordingWriter(path, header) as writer:
        for op in sorted(grids):
            grid = _with_holes(grids[op], stream)
            writer.append(
                op=op,
                time_us=int(stream.ops.time_us[op - 1]) if op else 0,
                phase=max(int(np.searchsorted(starts, op, side="right")) - 1, 0),
                grid=grid,
                block_types=np.zeros(blocks_of(header), np.uint8),
                series=_series(grid, header["geometry"]["zones"]),
            )


def _with_holes(grid: np.ndarray, stream: Stream) -> np.ndarray:
    """Holes that kpageflags shows as reserved pages, shown as in the simulation."""
    hole = (stream.machine.unusable == HOLE) & (grid == RESERVED)
    return np.where(hole, HOLE, grid).astype(np.uint8)


def _series(grid: np.ndarray, zones: list[dict]) -> np.ndarray:
    free = [np.count_nonzero(grid[z["start_pfn"] : z["end_pfn"]] == FREE) for z in zones]
    return np.array([*free, np.count_nonzero(grid == PCP_FREE)], np.int64)


def _header(stream: Stream, mechanism: dict) -> dict:
    """As a simulation's; types of pageblocks, which no snapshot holds, are called unknown."""
    pages = stream.machine.pages
    zones = [
        {"name": zone.name, "start_pfn": zone.start_pfn, "end_pfn": zone.end_pfn}
        for zone in stream.machine.recorded_zones
    ] or [{"name": "DMA32", "start_pfn": 0, "end_pfn": pages}]
    return {
        "format": FORMAT,
        "version": VERSION,
        "pagereel": version(),
        "title": stream.title,
        "source": {
            "kind": "real",
            "text": f"recorded: snapshots of a real kernel, {stream.name}/snapshots.npz",
        },
        "mechanism": mechanism,
        "workload": stream.metadata(),
        "seed": stream.seed,
        "geometry": {
            "page_size_bytes": PAGE_SIZE_BYTES,
            "pages": pages,
            "pageblock_order": stream.pageblock_order,
            "zones": zones,
        },
        "page_classes": list(PAGE_CLASSES),
        "migratetypes": ["unknown"],
        "phases": [vars(phase) for phase in stream.phases],
        "series_columns": [*(f"free_pages:{zone['name']}" for zone in zones), "pcp_pages"],
    }
