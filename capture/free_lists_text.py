"""What free lists say: how much is free, in blocks how large, on whose lists."""

from collections.abc import Sequence

from capture.failure_report import Damage
from capture.failure_text import damaged_lines
from capture.free_lists import CAP, FreeLists, Key
from pipeline.metrics.extfrag import unusable_index
from pipeline.plain_text import WIDTH, paragraph, size_text

PAGE_KIB = 4  # neither file tells the size of a page
NOTE = (
    "Sizes are those of pages of 4 KiB: these files don't tell. Unusable: share of the free memory "
    "of a zone in blocks too small for a huge page (the kernel's unusable_index)."
)


def readings_text(readings: Sequence[FreeLists], damaged: Sequence[Damage]) -> list[str]:
    """The last reading as tables; of several the first beside it; and what could not be read."""
    last = readings[-1]
    lines = []
    if len(readings) > 1:
        lines += paragraph(f"{len(readings)} readings; the last, of line {last.line}:")
    order = huge_order(last)
    for zone in last.zones:
        lines += _zone(last, zone, order)
        if len(readings) > 1 and zone in readings[0].zones:
            share = unusable_index(readings[0].blocks(zone), order) / 1000
            lines.append(f"  in the first reading {share:.3f} was unusable")
    return [*lines, "", *paragraph(NOTE), *damaged_lines(damaged)]


def huge_order(reading: FreeLists) -> int:
    """The order of a pageblock, 9 where it isn't told."""
    return 9 if reading.pageblock_order is None else reading.pageblock_order


def _zone(reading: FreeLists, zone: Key, order: int) -> list[str]:
    blocks = reading.blocks(zone)
    free_kib = sum(count << k for k, count in enumerate(blocks)) * PAGE_KIB
    largest = max((k for k, count in enumerate(blocks) if count), default=-1)
    told = f"Node {zone[0]} {zone[1]}: {size_text(free_kib)} free"
    if largest >= 0:
        told += f", largest block of order {largest} ({size_text(PAGE_KIB << largest)})"
    told += f"; {unusable_index(blocks, order) / 1000:.3f} unusable for order {order}."
    if counts := reading.pageblocks.get(zone):
        of = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
        told += f" Pageblocks: {of or 'none'}."
    rows = {"order": [str(k) for k in range(len(blocks))]}
    for name, row in reading.types(zone).items():
        if any(row):
            more = (zone[0], zone[1], name) in reading.capped
            rows[name] = [f">{n}" if more and n == CAP else str(n) for n in row]
    rows["all" if len(rows) > 1 else "blocks"] = [str(count) for count in blocks]
    return [*paragraph(told), *_table(rows)]


def _table(rows: dict[str, list[str]]) -> list[str]:
    """Columns as wide as they have to be; where that is too wide, in two parts."""
    names = max(map(len, rows))
    widths = [max(map(len, column)) + 1 for column in zip(*rows.values(), strict=True)]
    parts, first = [], 0
    while first < len(widths):
        last = first + 1
        while last < len(widths) and 2 + names + sum(widths[first : last + 1]) <= WIDTH:
            last += 1
        parts.append(slice(first, last))
        first = last
    return [
        f"  {name:{names}}" + "".join(f"{text:>{width}}" for text, width in cells)
        for part in parts
        for name, row in rows.items()
        for cells in [list(zip(row[part], widths[part], strict=True))]
    ]
