"""/proc/pagetypeinfo and /proc/buddyinfo, once or many times over, as people paste and log them.

Columns are read by their header, never by their place: numbers and order of migratetypes depend on
the kernel. A row that doesn't have as many counts as its header has columns is kept as damaged.
Source: mm/vmstat.c pagetypeinfo_showfree_print, pagetypeinfo_showblockcount, frag_show_print of
2.6.24 to 6.18; since 5.5 a count above 100,000 is printed as ">100000".
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import StringIO

from capture.failure_report import Damage
from capture.pasted import Pasted

_PLACE = r"Node\s+(?P<node>\d{1,9}),\s*zone\s+(?P<zone>[A-Za-z]\w*)"
_COUNTS = r"(?P<counts>(?:\s+>?\d{1,15}(?![\d:.-]))+)"
_NAMES = r"(?P<names>(?:\s+(?!Node\b)[A-Za-z<][\w<>]*)+)"
PIECES = re.compile(
    r"Page\s+block\s+order:\s*(?P<order>\d{1,2})\b"
    r"|Free\s+pages\s+count\s+per\s+migrate\s+type\s+at\s+order(?P<orders>(?:\s+\d+)+)"
    rf"|Number\s+of\s+(?:blocks\s+type|(?P<mixed>mixed\s+blocks)){_NAMES}"
    rf"|{_PLACE}(?:,\s*type\s+(?P<type>[^\s,]+))?{_COUNTS}"
)
ROW = re.compile(r"Node\s+\d+,\s*zone\b(?P<rest>[^\n]*)")
# Of zoneinfo, whose lines follow below, and of the indices that debugfs has.
OF_OTHER_FILES = re.compile(r"\s*\w*\s*|\s*\w+(?:\s+-?\d+\.\d+)+\s*")
LEAST_ORDERS = 8  # of a zone's row without migratetypes: fewer columns are migratetypes
COLUMNS = ("reading", "line", "node", "zone", "migratetype", "order", "blocks", "more")
ALL, CAP = "all", 100_000
Key = tuple[int, str]  # node and zone
TypedKey = tuple[int, str, str]


@dataclass
class FreeLists:
    """One reading: free blocks by order, pageblocks by migratetype.

    `typed`: of pagetypeinfo, by node, zone and migratetype; `plain`: of buddyinfo, by node and
    zone; `capped`: rows of `typed` with a count that is "more than". `pageblock_order`: None where
    it isn't told. The two may disagree: they are read one after the other.
    """

    line: int
    pageblock_order: int | None = None
    typed: dict[TypedKey, tuple[int, ...]] = field(default_factory=dict)
    plain: dict[Key, tuple[int, ...]] = field(default_factory=dict)
    pageblocks: dict[Key, dict[str, int]] = field(default_factory=dict)
    capped: set[TypedKey] = field(default_factory=set)

    @property
    def zones(self) -> list[Key]:
        """In the order in which they stand there."""
        return list(dict.fromkeys([*((node, zone) for node, zone, _ in self.typed), *self.plain]))

    def types(self, zone: Key) -> dict[str, tuple[int, ...]]:
        """Free blocks by order of each migratetype of a zone, by the name that the kernel has."""
        return {name: row for (n, z, name), row in self.typed.items() if (n, z) == zone}

    def blocks(self, zone: Key) -> tuple[int, ...]:
        """Free blocks of a zone by order, of all migratetypes.

        Buddyinfo's where it is there, with as many orders: pagetypeinfo may say "more than".
        """
        summed = tuple(map(sum, zip(*self.types(zone).values(), strict=True)))
        plain = self.plain.get(zone, ())
        return plain if plain and (not summed or len(plain) == len(summed)) else summed


class _Reader:
    """Takes pieces in their order; a reading ends where a row of it would come a second time."""

    def __init__(self, pasted: Pasted) -> None:
        self.pasted = pasted
        self.found: list[FreeLists] = []
        self.damaged: list[Damage] = []
        self._orders = 0  # columns of the last table by migratetype
        self._names: list[str] = []  # of the last table of pageblocks
        self._mixed = False

    def take(self, piece: re.Match) -> None:
        """A heading or a row."""
        if piece["order"]:
            self._reading(piece, "pageblock_order").pageblock_order = int(piece["order"])
        elif piece["orders"]:
            self._orders, self._names = len(piece["orders"].split()), []
        elif piece["names"]:
            self._names, self._mixed = piece["names"].split(), bool(piece["mixed"])
        else:
            self._row(piece)

    def _row(self, piece: re.Match) -> None:
        zone = (int(piece["node"]), piece["zone"])
        texts = piece["counts"].split()
        counts = tuple(int(text.lstrip(">")) for text in texts)
        if piece["type"]:
            key = (*zone, piece["type"])
            reading = self._reading(piece, "typed", key)
            # Without a heading, or with several, the first row tells how many there are.
            orders = len(next(iter(reading.typed.values()), ())) or self._orders or len(counts)
            if len(counts) != orders:
                self._damage(piece, f"{len(counts)} counts, not {orders}")
                return
            reading.typed[key] = counts
            if any(text.startswith(">") for text in texts):
                reading.capped.add(key)
        elif self._names and len(counts) == len(self._names):
            if not self._mixed:
                of_zone = dict(zip(self._names, counts, strict=True))
                self._reading(piece, "pageblocks", zone).pageblocks[zone] = of_zone
        elif len(counts) >= LEAST_ORDERS and not any(text.startswith(">") for text in texts):
            self._reading(piece, "plain", zone).plain[zone] = counts
        else:
            self._damage(piece, f"{len(counts)} counts that no heading tells the meaning of")

    def _reading(self, piece: re.Match, table: str, key: object = None) -> FreeLists:
        """The reading that a piece belongs to, a new one where it has it already."""
        current = self.found[-1] if self.found else None
        has = current and (
            key in getattr(current, table) if key else current.pageblock_order is not None
        )
        if current is None or has:
            self.found.append(FreeLists(self.pasted.line_of(piece.start())))
        return self.found[-1]

    def _damage(self, piece: re.Match, why: str) -> None:
        text = " ".join(piece[0].split())
        self.damaged.append(Damage(self.pasted.line_of(piece.start()), text, why))


def table_of(readings: Sequence[FreeLists]) -> str:
    """All readings as CSV, a row for each order of a list; of buddyinfo the migratetype is "all".

    `more`: 1 where there are more blocks than that.
    """
    text = StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(COLUMNS)
    for number, reading in enumerate(readings):
        typed = {(*key, key in reading.capped): counts for key, counts in reading.typed.items()} | {
            (*zone, ALL, False): counts for zone, counts in reading.plain.items()
        }
        for (node, zone, name, capped), counts in typed.items():
            for order, blocks in enumerate(counts):
                more = int(capped and blocks == CAP)
                rows.writerow((number, reading.line, node, zone, name, order, blocks, more))
    return text.getvalue()


def read_free_lists(text: str) -> tuple[list[FreeLists], list[Damage]]:
    """All readings of a text in their order, and what could not be read."""
    pasted = Pasted.of(text)
    reader = _Reader(pasted)
    taken = []
    for piece in PIECES.finditer(pasted.text):
        taken.append((piece.start(), piece.end()))
        reader.take(piece)
    starts = {start for start, _ in taken}
    for row in ROW.finditer(pasted.text):
        if row.start() not in starts and not OF_OTHER_FILES.fullmatch(row["rest"]):
            told = "a zone without counts"
            reader.damaged.append(Damage(pasted.line_of(row.start()), row[0].strip(), told))
    kept = [one for one in reader.found if one.typed or one.plain or one.pageblocks]
    return kept, sorted(reader.damaged)
