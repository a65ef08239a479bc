"""The project's own compact form of a stream: one .npz file whose members are LZMA-compressed.

Ids are the larger part: those of allocations follow from their order, those of frees are kept as
the distance to the newest id. 1.7 million requests with their frees take about 2 MB.
"""

import json
import zipfile
from pathlib import Path

import numpy as np

from allocator.terms import ALLOC, ATOMIC, COMPACT, HUGE, MAX_ORDER, PAGE_CLASSES
from allocator.zones import Machine, Zone
from workloads.archive import array_of, opened
from workloads.checks import MAX_MACHINE_PAGES, check_stream, column
from workloads.stream import Ops, Phase, Start, Stream, WorkloadError

FORMAT = "pagereel stream"
VERSION = 1


def _planes(values: np.ndarray) -> np.ndarray:
    """Bytes of u4 values, all lowest bytes first: what is alike lies together."""
    return np.ascontiguousarray(values.astype("<u4")).view(np.uint8).reshape(-1, 4).T.copy()


def _from_planes(planes: np.ndarray, dtype: str) -> np.ndarray:
    return np.ascontiguousarray(planes.T).view(dtype).ravel().astype(np.int64)


def pack(stream: Stream, path: Path) -> None:
    """Write `stream`; ids are renumbered in the order of allocation. Same stream, same bytes.

    Ids that are never allocated come last. Raises WorkloadError for what the form cannot hold.
    """
    ops, start = stream.ops, stream.start
    alloc = ops.kind == ALLOC
    first = len(start.pfn)
    elapsed_us = np.diff(ops.time_us, prepend=0)
    if elapsed_us.max(initial=0) >= 1 << 32:
        raise WorkloadError(f"{path}: more than {1 << 32} us pass between two operations")
    number = np.full(max(ops.ids, first), -1, np.int64)
    number[:first] = np.arange(first)
    number[ops.id[alloc]] = first + np.arange(int(alloc.sum()))
    unknown = np.unique(ops.id[~alloc][number[ops.id[~alloc]] < 0])
    number[unknown] = first + int(alloc.sum()) + np.arange(len(unknown))
    newest = first + np.cumsum(alloc)
    columns = {
        "kind": ops.kind,
        "order": ops.order,
        "mobility": ops.mobility[alloc],
        "flags": ops.flags[alloc],
        "offset": ops.offset[~alloc],
        "age": _planes((newest - number[ops.id])[~alloc]),  # negative before its time
        "elapsed_us": _planes(elapsed_us),
        "page_class": start.page_class,
        "unusable": stream.machine.unusable,
        "start_pfn": start.pfn,
        "start_order": start.order,
        "start_traced": start.traced,
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as file:
        file.writestr(_member("stream.json"), json.dumps(_description(stream), indent=1))
        for name, column in columns.items():
            with file.open(_member(f"{name}.npy"), "w") as member:
                np.lib.format.write_array(member, np.ascontiguousarray(column))


def _member(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    info.compress_type = zipfile.ZIP_LZMA
    return info


def _description(stream: Stream) -> dict:
    machine = stream.machine
    return {
        "format": FORMAT,
        "version": VERSION,
        "name": stream.name,
        "title": stream.title,
        "source": stream.source,
        "pageblock_order": stream.pageblock_order,
        "phases": [vars(phase) for phase in stream.phases],
        "recorded_mechanism": stream.start.mechanism,
        "machine": {
            "name": machine.name,
            "min_free_kbytes": machine.min_free_kbytes,
            "recorded_kernel": machine.recorded_kernel,
            "recorded_zones": [vars(zone) for zone in machine.recorded_zones],
        },
    }


def unpack(path: Path) -> Stream:
    """Read a packed stream. Raises WorkloadError."""
    try:
        with opened(path) as file:
            description = json.loads(file.read("stream.json"))
            columns = {
                name.removesuffix(".npy"): array_of(file, name)
                for name in file.namelist()
                if name.endswith(".npy")
            }
        if description["format"] != FORMAT or description["version"] != VERSION:
            raise WorkloadError(f"{path}: not a stream of this version of pagereel")
        return _stream(description, columns, path)
    except FileNotFoundError:
        raise WorkloadError(f"{path}: no such file") from None
    except WorkloadError:
        raise
    except Exception as error:  # whatever a damaged archive makes its readers raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise WorkloadError(f"{path}: not a readable stream: {reason}") from error


def _stream(description: dict, columns: dict[str, np.ndarray], path: Path) -> Stream:
    machine = dict(description["machine"])
    zones = tuple(
        Zone(**{**zone, "lowmem_reserve_pages": tuple(zone["lowmem_reserve_pages"])})
        for zone in machine.pop("recorded_zones")
    )
    where = str(path)
    pages = column(columns["page_class"], "page_class", where, np.uint8, len(PAGE_CLASSES))
    start = Start(
        page_class=pages,
        pfn=column(columns["start_pfn"], "start_pfn", where, np.int32, MAX_MACHINE_PAGES),
        order=column(columns["start_order"], "start_order", where, np.uint8, MAX_ORDER + 1),
        traced=column(columns["start_traced"], "start_traced", where, bool, 2),
        mechanism=description["recorded_mechanism"],
    )
    unusable = column(columns["unusable"], "unusable", where, np.uint8, len(PAGE_CLASSES))
    stream = Stream(
        name=description["name"],
        title=description["title"],
        source=description["source"],
        machine=Machine(unusable=unusable, recorded_zones=zones, **machine),
        start=start,
        ops=_ops(columns, len(start.pfn), where),
        phases=tuple(Phase(**phase) for phase in description["phases"]),
        pageblock_order=description["pageblock_order"],
    )
    check_stream(stream, where)
    return stream


def _ops(columns: dict[str, np.ndarray], first: int, where: str) -> Ops:
    kind = column(columns["kind"], "kind", where, np.uint8, COMPACT + 1)
    alloc = kind == ALLOC
    allocations = int(alloc.sum())

    def spread(name: str, rows: np.ndarray, dtype: type, limit: int) -> np.ndarray:
        values = np.zeros(len(kind), dtype)
        values[rows] = column(columns[name], name, where, dtype, limit)
        return values

    newest = first + np.cumsum(alloc)
    ids = newest - 1
    ids[~alloc] -= _planes_column(columns, "age", len(kind) - allocations, "<i4", where) - 1
    return Ops(
        kind=kind,
        id=column(ids, "id", where, np.int32, 2**31 - 1),
        order=column(columns["order"], "order", where, np.uint8, MAX_ORDER + 1),
        mobility=spread("mobility", alloc, np.uint8, 256),
        flags=spread("flags", alloc, np.uint8, (ATOMIC | HUGE) + 1),
        offset=spread("offset", ~alloc, np.uint16, 1 << MAX_ORDER),
        time_us=np.cumsum(_planes_column(columns, "elapsed_us", len(kind), "<u4", where)),
    )


def _planes_column(
    columns: dict[str, np.ndarray], name: str, length: int, dtype: str, where: str
) -> np.ndarray:
    planes = columns[name]
    if planes.dtype != np.uint8 or planes.shape != (4, length):
        raise WorkloadError(f"{where}: {name} isn't four bytes for each operation")
    return _from_planes(planes, dtype)
