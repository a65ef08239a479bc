"""The texts that a recording keeps of each snapshot, as the kernel printed them under /proc."""

import lzma
import re
from dataclasses import dataclass
from pathlib import Path

from allocator.terms import PAGE_SIZE_BYTES
from allocator.zones import Zone
from workloads.stream import WorkloadError

MOST_CHARACTERS = 1 << 26
_ZONE = re.compile(r"^Node 0, zone +(\w+)$(.*?)(?=^Node|\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class SnapshotText:
    """Populated zones as the kernel printed them; empty where there was no text.

    `all_unmovable`: every pageblock is of that type, so grouping was off.
    `hole_pages`: pages spanned by the first zone that are not there. `kernel_stack_pages`: of each
    snapshot.
    """

    zones: tuple[Zone, ...] = ()
    all_unmovable: bool = False
    hole_pages: int = 0
    kernel_stack_pages: tuple[int, ...] = ()


def read_snapshot_text(path: Path) -> SnapshotText:
    """What is used of a snap_text.txt.xz. Raises WorkloadError where it cannot be read."""
    if not path.is_file():
        return SnapshotText()
    try:
        with lzma.open(path, "rt", encoding="utf-8", errors="replace") as file:
            text = file.read(MOST_CHARACTERS)
    except (OSError, EOFError, lzma.LZMAError) as error:
        raise WorkloadError(f"{path}: not readable: {error}") from error
    try:
        return _parsed(text)
    except (ValueError, IndexError) as error:
        raise WorkloadError(f"{path}: zoneinfo or pagetypeinfo is no kernel's: {error}") from error


def _parsed(text: str) -> SnapshotText:
    stacks_kb = [int(kb) for kb in re.findall(r"^KernelStack: +(\d{1,9}) kB$", text, re.MULTILINE)]
    text = text.partition("##### SNAPSHOT 1 ")[0]
    bodies = _ZONE.findall(section(text, "/proc/zoneinfo"))
    populated = [i for i, (_, body) in enumerate(bodies) if _number(body, "managed")]
    zones = tuple(_zone(*bodies[i], populated) for i in populated)
    first = bodies[populated[0]][1] if populated else ""
    return SnapshotText(
        zones=zones,
        all_unmovable=_all_unmovable(section(text, "/proc/pagetypeinfo")),
        hole_pages=max(_number(first, "spanned") - _number(first, "present"), 0),
        kernel_stack_pages=tuple(kb * 1024 // PAGE_SIZE_BYTES for kb in stacks_kb),
    )


def section(text: str, name: str) -> str:
    """What a snapshot's text has of one file; empty where it hasn't."""
    return text.partition(f"=== {name}\n")[2].partition("\n=== ")[0]


def _number(body: str, key: str) -> int:
    match = re.search(rf"^ +{key}:? +(\d+)$", body, re.MULTILINE)
    return int(match.group(1)) if match else 0


def _zone(name: str, body: str, populated: list[int]) -> Zone:
    """One zone; its reserves only against the zones that exist, as elsewhere in the project."""
    start = _number(body, "start_pfn")
    printed = re.search(r"protection: \(([\d, ]+)\)", body)
    protection = [int(pages) for pages in printed.group(1).split(",")] if printed else []
    if len(protection) <= max(populated):
        protection = [0] * (max(populated) + 1)
    return Zone(
        name=name,
        start_pfn=start,
        end_pfn=start + _number(body, "spanned"),
        managed_pages=_number(body, "managed"),
        min_pages=_number(body, "min"),
        low_pages=_number(body, "low"),
        high_pages=_number(body, "high"),
        lowmem_reserve_pages=tuple(protection[i] for i in populated),
    )


def _all_unmovable(pagetypeinfo: str) -> bool:
    """Whether the table of pageblock types, read by its header, has only unmovable ones."""
    header, *rows = pagetypeinfo.partition("Number of blocks type")[2].splitlines() or [""]
    names = header.split()
    rows = [row for row in rows if row.startswith("Node")]
    if "Movable" not in names or not rows:
        return False
    place = names.index("Movable") - len(names)
    return all(row.split()[place] == "0" for row in rows)
