"""The kernel's reports of requests that failed: "page allocation failure: order:N" and the rest.

What is certain is taken; what is cut off, interleaved or doesn't add up is kept as damaged, with
its line and text. Nothing is put together by guessing.
Source: mm/page_alloc.c warn_alloc, mm/show_mem.c show_free_areas and show_migration_types of 2.6.24
to 6.18; mm/oom_kill.c dump_header.
"""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from capture.gfp import ZONES, Request, request_of
from capture.pasted import Pasted

# Of migratetypes, as show_migration_types prints them; R to 4.3.
LETTERS = {
    "U": "unmovable",
    "M": "movable",
    "E": "reclaimable",
    "H": "high-atomic",
    "C": "CMA",
    "I": "isolated",
    "R": "reserve",
}
_NAMES = r"(?:\((?P<{0}>[^)]{{0,400}})\))?"
_FAILED = (
    r"(?P<task>[^\n]{1,40}?):\s+page\s+allocation\s+failure[.:]\s*order:\s*(?P<order>\d{1,2}),\s*"
    r"mode:\s*0x(?P<mode>[0-9a-fA-F]{1,16})" + _NAMES.format("names")
)
_KILLED = (
    r"(?P<killer>[^\n]{1,40}?)\s+invoked\s+oom-killer:\s*gfp_mask=\s*0x(?P<kmode>[0-9a-fA-F]{1,16})"
    + _NAMES.format("knames")
    + r"[^\n]{0,60}?,\s*order=(?P<korder>-?\d{1,2})"
)
HEADER = re.compile(f"{_FAILED}|{_KILLED}")
KERNEL = re.compile(r"[Cc]omm: [^\n]{0,300}?(?<= )(\d+\.\d+(?:\.\d+)?[\w.+~-]*)(?: #|\n|$)")
_ZONE = r"(?:Node\s+(?P<node>\d{1,9})\s+)?\b(?P<zone>DMA32|DMA|Normal|HighMem|Movable|Device)"
STATE = re.compile(rf"{_ZONE}\s+free: *(?P<free>\d{{1,15}}) *[kK]\s*B")
FIELD = re.compile(r"\b([a-z_]+): *(\d{1,15}) *[kK]\s*B")
STATE_ENDS = re.compile(r"lowmem_reserve|all_unreclaimable|Node\s+\d")
RESERVE = re.compile(r"lowmem_reserve\[\]:((?:[ \t]+\d{1,15}\b)+)")
LIST = re.compile(rf"{_ZONE}(?P<colon>:?)\s*(?=\d+\s*\*\s*\d+\s*k)")
BLOCKS = re.compile(r"\s*(\d{1,15})\s*\*\s*(\d{1,12})\s*k\s*B(?:\s*\(([A-Z]+)\))?")
TOTAL = re.compile(r"\s*=\s*(\d{1,15})\s*k\s*B")
PART_OF_LIST = re.compile(r"\d+\s*\*\s*\d+\s*k\s*B")
MOST_ORDERS = 20
Key = tuple[int, str]  # node and zone


class Order(NamedTuple):
    """Free blocks of an order; `letters`: the migratetypes of some of them, "" where not told."""

    blocks: int
    letters: str


class FreeList(NamedTuple):
    """A zone's free blocks by order, from 0 on, and their sum as it was printed."""

    orders: tuple[Order, ...]
    page_kib: int
    total_kib: int
    line: int

    @property
    def largest(self) -> int:
        """The order of the largest free block, -1 for none."""
        return max((order for order, of in enumerate(self.orders) if of.blocks), default=-1)

    def kib(self, order: int) -> int:
        """What is free in blocks of an order."""
        return self.orders[order].blocks * self.page_kib << order


@dataclass
class ZoneState:
    """What a report says of a zone; fields in KiB by the kernel's names, `reserve` in pages."""

    node: int
    zone: str
    fields: dict[str, int]
    line: int
    reserve: tuple[int, ...] | None = None
    free_list: FreeList | None = None

    @property
    def name(self) -> str:
        """With its node."""
        return f"Node {self.node} {self.zone}"


class Damage(NamedTuple):
    """Something that could not be read: where, what it says, and why not."""

    line: int
    text: str
    why: str


@dataclass
class FailureReport:
    """One request that failed, or for which the OOM killer was called, and memory at that time."""

    line: int
    task: str
    order: int
    mode: int
    names: str
    killed: bool
    request: Request
    kernel: str = ""
    zones: dict[Key, ZoneState] = field(default_factory=dict)
    damaged: list[Damage] = field(default_factory=list)

    @property
    def page_kib(self) -> int:
        """The size of a page, as the lists show it; 4 where there is none."""
        lists = [zone.free_list for zone in self.zones.values() if zone.free_list]
        return lists[0].page_kib if lists else 4


def read_reports(text: str) -> list[FailureReport]:
    """All reports of a text, in their order; none where it has none."""
    pasted = Pasted.of(text)
    headers = [found for found in HEADER.finditer(pasted.text) if found["korder"] != "-1"]
    ends = [*(found.start() for found in headers[1:]), len(pasted.text)][: len(headers)]
    return [_report(pasted, head, end) for head, end in zip(headers, ends, strict=True)]


def _report(pasted: Pasted, head: re.Match, end: int) -> FailureReport:
    killed = head["task"] is None
    names = "".join((head["knames" if killed else "names"] or "").split())
    mode = int(head["kmode" if killed else "mode"], 16)
    report = FailureReport(
        line=pasted.line_of(head.start()),
        task=(head["killer" if killed else "task"]).strip(),
        order=int(head["korder" if killed else "order"]),
        mode=mode,
        names=names,
        killed=killed,
        request=request_of(mode, names),
    )
    if kernel := KERNEL.search(pasted.text, head.end(), end):
        report.kernel = kernel[1]
    _read_states(report, pasted, head.end(), end)
    _read_lists(report, pasted, head.end(), end)
    return report


def _read_states(report: FailureReport, pasted: Pasted, start: int, end: int) -> None:
    states = list(STATE.finditer(pasted.text, start, end))
    stops = [*(found.start() for found in states[1:]), end][: len(states)]
    for found, stop in zip(states, stops, strict=True):
        cut = STATE_ENDS.search(pasted.text, found.end(), stop)
        body = pasted.text[found.start("free") - 5 : cut.start() if cut else stop]
        fields = {name: int(kib) for name, kib in FIELD.findall(body)}
        state = ZoneState(
            int(found["node"] or 0), found["zone"], fields, pasted.line_of(found.start())
        )
        if reserve := RESERVE.search(pasted.text, found.end(), stop):
            state.reserve = tuple(map(int, reserve[1].split()))
        key = (state.node, state.zone)
        if key in report.zones or "min" not in fields:
            why = "stands there twice" if key in report.zones else "its watermarks are missing"
            report.damaged.append(_damage(pasted, found.start(), stop, f"{state.name}: {why}"))
        report.zones.setdefault(key, state)


def _read_lists(report: FailureReport, pasted: Pasted, start: int, end: int) -> None:
    read_to, seen = start, []
    for found in LIST.finditer(pasted.text, start, end):
        if found.start() < read_to:
            continue
        node, zone = int(found["node"] or 0), found["zone"]
        free_list, read_to, why = _list(pasted, found.end(), end)
        if why and not found["colon"] and zone == "DMA32":  # "DMA" and 32... run together
            other, other_end, other_why = _list(pasted, found.end("zone") - 2, end)
            if not other_why:
                zone, free_list, read_to, why = "DMA", other, other_end, ""
        seen.append((found.start(), read_to))
        name = f"Node {node} {zone}"
        if why or free_list is None:
            report.damaged.append(_damage(pasted, found.start(), read_to, f"{name}: {why}"))
            continue
        state = report.zones.setdefault(
            (node, zone), ZoneState(node, zone, {}, pasted.line_of(found.start()))
        )
        if state.free_list is not None:
            told = f"{name}: its free blocks stand there twice"
            report.damaged.append(_damage(pasted, found.start(), read_to, told))
        else:
            state.free_list = free_list
    for found in PART_OF_LIST.finditer(pasted.text, start, end):
        if not any(first <= found.start() < last for first, last in seen):
            report.damaged.append(
                _damage(pasted, found.start(), found.end(), "free blocks of a zone not told")
            )


def _list(pasted: Pasted, place: int, end: int) -> tuple[FreeList | None, int, str]:
    """A zone's free blocks from `place` on, where they end, and why they can't be used."""
    orders: list[Order] = []
    sizes: list[int] = []
    line = pasted.line_of(place)
    while len(orders) < MOST_ORDERS and (found := BLOCKS.match(pasted.text, place, end)):
        orders.append(Order(int(found[1]), found[3] or ""))
        sizes.append(int(found[2]))
        place = found.end()
    total = TOTAL.match(pasted.text, place, end)
    if total:
        place = total.end()
    if not sizes or any(size != sizes[0] << order for order, size in enumerate(sizes)):
        return None, place, "sizes of free blocks that don't double"
    if not total:
        return None, place, "cut off within its free blocks"
    if unknown := sorted({letter for of in orders for letter in of.letters} - set(LETTERS)):
        return None, place, f"unknown migratetypes {''.join(unknown)}"
    free_list = FreeList(tuple(orders), sizes[0], int(total[1]), line)
    summed = sum(free_list.kib(order) for order in range(len(orders)))
    if summed != free_list.total_kib:
        return None, place, f"free blocks are {summed} kB together, not {free_list.total_kib} kB"
    return free_list, place, ""


def _damage(pasted: Pasted, start: int, end: int, why: str) -> Damage:
    text = " ".join(pasted.text[start:end].split())
    return Damage(pasted.line_of(start), text, why)


def zones_in_order(report: FailureReport) -> list[ZoneState]:
    """By node, the highest zone first."""
    return sorted(report.zones.values(), key=lambda z: (z.node, -ZONES.index(z.zone)))
