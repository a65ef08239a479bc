"""Small recording folders and streams for the tests."""

import lzma
from pathlib import Path

import numpy as np

from allocator.terms import ALLOC, FREE, RESERVED
from allocator.zones import Machine
from workloads.stream import Ops, Phase, Start, Stream

PAGES = 8192
PHASES = ("idle0", "files", "rest1")


def requests() -> dict[str, np.ndarray]:
    """Columns of a requests.npz: a start of seven blocks, then allocations and frees.

    Ids 0 to 6 are the start's. Id 9 belongs to a huge-page attempt.
    """
    rows = np.array(
        [
            # op, id, order, mob, off, dt_us, in_huge
            (0, 7, 0, 1, 0, 5, 0),
            (0, 8, 3, 0, 0, 5, 0),
            (1, 0, 0, 0, 0, 5, 0),
            (0, 9, 9, 1, 0, 5, 1),
            (0, 10, 9, 1, 0, 5, 0),
            (0, 11, 0, 2, 0, 5, 1),
            (1, 8, 2, 0, 4, 700_000, 0),
            (1, 9, 9, 0, 0, 700_000, 1),
            (1, 8, 1, 0, 0, 700_000, 0),
            (1, 7, 0, 0, 0, 5, 0),
            (1, 2, 2, 0, 0, 5, 0),
            (1, 10, 9, 0, 0, 5, 0),
        ]
    )
    columns = dict(
        zip(("op", "id", "order", "mob", "off", "dt_us", "in_huge"), rows.T, strict=True)
    )
    types = {"id": np.uint32, "off": np.uint16, "dt_us": np.uint32}
    result = {name: values.astype(types.get(name, np.uint8)) for name, values in columns.items()}
    return result | {
        "init_pfn": np.array([300, 301, 304, 512, 1024, 600, 2], np.uint32),
        "init_order": np.array([0, 0, 2, 5, 9, 3, 1], np.uint8),
        "init_class": np.array([2, 3, 4, 2, 2, 8, 6], np.uint8),
        "init_traced": np.array([1, 1, 1, 1, 1, 0, 0], np.uint8),
        "snapshot_op": np.array([0, 3, 6, 9, 12], np.int64),
        "snapshot_phase": np.array(["idle0", "idle0", "files", "rest1", "rest1"]),
    }


def kernel_classes(start: dict[str, np.ndarray]) -> np.ndarray:
    """`kclass` of a snapshots.npz that agrees with the start: u1[5, pages]."""
    shown = np.full((5, PAGES), 1, np.uint8)
    codes = {2: 2, 3: 0, 4: 4, 8: 0, 6: 7}
    columns = (start["init_pfn"], start["init_order"], start["init_class"])
    for pfn, order, page_class in zip(*columns, strict=True):
        shown[:, pfn : pfn + (1 << order)] = codes[int(page_class)]
    return shown


ZONEINFO = """##### SNAPSHOT 0 idle0
=== /proc/pagetypeinfo
Page block order: 9
Number of blocks type     Unmovable      Movable  Reclaimable   HighAtomic
Node 0, zone      DMA            1            7            0            0
Node 0, zone    DMA32            2            6            0            0
=== /proc/zoneinfo
Node 0, zone      DMA
  pages free     3000
        min      20
        low      25
        high     30
        spanned  4096
        present  4096
        managed  4000
        protection: (0, 15, 15, 15)
  start_pfn:           0
Node 0, zone    DMA32
  pages free     3000
        min      20
        low      25
        high     30
        spanned  4096
        present  4096
        managed  4000
        protection: (0, 0, 0, 0)
  start_pfn:           4096
Node 0, zone   Normal
  pages free     0
        min      0
        spanned  0
        managed  0
        protection: (0, 0, 0, 0)
=== /proc/buddyinfo
##### SNAPSHOT 1 idle0
"""


def write_folder(
    path: Path,
    columns: dict[str, np.ndarray] | None = None,
    kclass: np.ndarray | None = None,
    text: str | None = None,
    mobility: np.ndarray | None = None,
) -> Path:
    """A recording folder; without `kclass` or `text` the file is missing.

    Without `mobility` no event of any page was seen.
    """
    path.mkdir(exist_ok=True)
    np.savez_compressed(path / "requests.npz", **(requests() if columns is None else columns))
    if kclass is not None:
        mobility = np.full_like(kclass, 254) if mobility is None else mobility
        np.savez_compressed(path / "snapshots.npz", kclass=kclass, mobility=mobility)
    if text is not None:
        with lzma.open(path / "snap_text.txt.xz", "wt", encoding="utf-8") as file:
            file.write(text)
    return path


BOOT_PHASES = ("files", "mixed3", "rest3", "rest4", "end")
SERIES = """snap,phase,eligible,mixed,nonmov_blocks,potential_huge,free_blocks,hugetlb
0,files,8,0,2,6,5,0
1,mixed3,8,1,3,5,4,0
2,rest3,8,1,3,5,4,0
3,rest4,8,0,2,6,5,0
4,end,8,0,2,6,5,0
"""
PAIRS = """{"extfrag_pairs": {
 "unmov<-mov": {"events": 7, "fragmenting": 2, "ownership": 7},
 "recl<-unmov": {"events": 1, "fragmenting": 0, "ownership": 1}
}}
"""


def write_boot(path: Path, *, grouping: bool = True) -> Path:
    """A recording folder with all that tells what its kernel did; one snapshot a phase."""
    columns = requests() | {"snapshot_phase": np.array(BOOT_PHASES)}
    first = ZONEINFO.partition("##### SNAPSHOT 1")[0].partition("\n")[2]
    first = first.replace("  start_pfn:", "              count: 3\n  start_pfn:")
    if not grouping:
        rows = {"1            7 ": "8            0 ", "2            6 ": "8            0 "}
        for grouped, plain in rows.items():
            first = first.replace(grouped, plain)
    zones = "".join(
        f"Node 0, zone {name:>8} {' '.join(str(order) for order in range(11))}\n"
        for name in ("DMA", "DMA32")
    )
    texts = (f"##### SNAPSHOT {n} {p}\n{first}{zones}" for n, p in enumerate(BOOT_PHASES))
    write_folder(path, columns, kernel_classes(columns), "".join(texts))
    (path / "series.csv").write_text(SERIES)
    (path / "summary.json").write_text(PAIRS)
    return path


def operations(*rows: tuple[int, int, int, int]) -> Ops:
    """Operations from (kind, id, order, offset); movable, one a microsecond."""
    table = np.array(rows, np.int64).reshape(-1, 4)
    return Ops(
        kind=table[:, 0].astype(np.uint8),
        id=table[:, 1].astype(np.int32),
        order=table[:, 2].astype(np.uint8),
        mobility=(table[:, 0] == ALLOC).astype(np.uint8),
        flags=np.zeros(len(table), np.uint8),
        offset=table[:, 3].astype(np.uint16),
        time_us=np.arange(len(table)),
    )


def small_stream(ops: Ops, pages: int = 1024) -> Stream:
    """A stream on a small machine with two allocations at its start."""
    unusable = np.zeros(pages, np.uint8)
    unusable[:8] = RESERVED
    page_class = np.where(unusable > 0, unusable, FREE).astype(np.uint8)
    page_class[16:20] = 2
    page_class[32] = 3
    return Stream(
        name="small",
        title="a small stream",
        source="made by a test",
        machine=Machine("4 MiB", unusable, min_free_kbytes=128),
        start=Start(
            page_class=page_class,
            pfn=np.array([16, 32], np.int32),
            order=np.array([2, 0], np.uint8),
            traced=np.array([True, False]),
        ),
        ops=ops,
        phases=(Phase("load", "load", 0, len(ops)),),
    )
