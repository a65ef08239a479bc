"""Reports of failed requests: read whole, read broken, and why the request failed."""

import quopri
import re
from pathlib import Path
from textwrap import fill

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from allocator.terms import MOVABLE, RECLAIMABLE, UNMOVABLE
from capture.failure_report import FailureReport, read_reports
from capture.failure_text import report_lines
from capture.failure_verdict import (
    BROKEN,
    ENOUGH,
    FOREIGN,
    LITTLE,
    MARKS,
    UNKNOWN,
    cause,
    judge,
)
from capture.gfp import request_of
from pipeline.plain_text import WIDTH

FIXTURES = Path(__file__).parent / "fixtures"
MODERN = (FIXTURES / "failure-5.10.txt").read_text()
OLD = (FIXTURES / "failure-2.6.24.txt").read_text()
KILLED = (FIXTURES / "oom-6.12.txt").read_text()
# What keeps large blocks for urgent requests holds none.
NONE_KEPT = MODERN.replace("1*1024kB (H) 0*2048kB", "0*1024kB 0*2048kB").replace("87812", "86788")
PUT = ["", "\n", "> ", "=\n", "9", "*", "kB", "Node 0 DMA: ", "\0"]


def only(text: str) -> FailureReport:
    """The one report of a text."""
    (report,) = read_reports(text)
    return report


def why(text: str) -> str:
    return cause(judge(only(text)))


def without_marks(text: str) -> str:
    """Without what the log put before the lines."""
    return re.sub(r"(?m)^\[[ \d.]+\] ", "", text)


def test_a_report_is_read_whole() -> None:
    report = only(MODERN)
    assert (report.line, report.task, report.order) == (1, "kworker/u8:2", 4)
    assert (report.kernel, report.killed, report.damaged) == ("5.10.0-28-amd64", False, [])
    assert (report.request.mobility, report.request.may_wait) == (UNMOVABLE, True)
    assert report.request.zones == ("Normal", "DMA32", "DMA")
    dma32 = report.zones[0, "DMA32"]
    assert (dma32.line, dma32.reserve) == (20, (0, 0, 0, 0, 0))
    assert {name: dma32.fields[name] for name in ("free", "min", "managed")} == {
        "free": 87780, "min": 44704, "managed": 2014704,
    }  # fmt: skip
    assert dma32.free_list.orders[:3] == ((9713, "UMEH"), (5120, "UMEH"), (408, "UME"))
    assert dma32.free_list.total_kib == 87812
    assert report.zones[0, "DMA"].free_list.largest == 10


def test_the_oldest_form_is_read() -> None:
    report = only(OLD)
    assert (report.task, report.order, report.kernel) == ("swapper", 3, "2.6.24-16-server")
    assert (report.request.may_wait, report.request.high_priority) == (False, True)
    assert report.zones[0, "DMA"].fields["present"] == 10764  # from the line below
    assert report.zones[0, "DMA"].free_list.orders[7:10] == ((1, ""),) * 3
    assert report.damaged == []


def test_the_oom_killers_report_is_read() -> None:
    report = only(KILLED)
    assert (report.killed, report.task, report.order) == (True, "cc1plus", 0)
    assert report.request.mobility == MOVABLE
    assert report.request.zones == ("Movable", "HighMem", "Normal", "DMA32", "DMA")
    assert list(report.zones) == [(0, "DMA"), (0, "DMA32"), (0, "Normal")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (KILLED, LITTLE),
        (OLD, MARKS),
        (OLD.replace("2.6.24-16-server", "5.4.1"), ENOUGH),
        (MODERN, FOREIGN),
        (NONE_KEPT, BROKEN),
        (MODERN.replace("1*1024kB (H)", "1*1024kB (UH)"), ENOUGH),
        (MODERN.replace("GFP_KERNEL|", "GFP_ATOMIC|"), ENOUGH),
        (MODERN.replace("DMA32 free:87780kB", "DMA32 free:44700kB"), LITTLE),
        (MODERN[: MODERN.index("Node 0 DMA: ")], UNKNOWN),
        (MODERN.splitlines()[0], UNKNOWN),
    ],
)  # fmt: skip
def test_why_a_request_failed(text: str, expected: str) -> None:
    assert why(text) == expected


def test_a_zone_keeps_memory_from_requests_of_higher_zones() -> None:
    """DMA: 88 kB, 7845 pages for movable requests, of which order 0 takes none."""
    (normal, dma32, dma) = judge(only(KILLED))
    assert normal.above_kib == 42164 - 42672
    assert dma32.above_kib == 31820 - 24752 - 4 * 4963
    assert dma.above_kib == 11264 - 88 - 4 * 7845
    of_dma = KILLED.replace("(GFP_HIGHUSER_MOVABLE|__GFP_COMP)", "(GFP_KERNEL|__GFP_DMA)")
    assert [one.above_kib for one in judge(only(of_dma))] == [11264 - 88]
    of_dma32 = KILLED.replace("(GFP_HIGHUSER_MOVABLE|__GFP_COMP)", "(GFP_KERNEL|__GFP_DMA32)")
    assert [one.above_kib for one in judge(only(of_dma32))] == [
        31820 - 24752, 11264 - 88 - 4 * 2882,
    ]  # fmt: skip


def test_what_is_kept_for_others_is_not_free_for_it() -> None:
    report = only(MODERN)
    above = {one.zone.zone: one.above_kib for one in judge(report)}
    assert above["DMA32"] == 87780 - 15 * 4 - 2048 - 44704
    cma = MODERN.replace(
        "free_pcp:496kB local_pcp:248kB free_cma:0kB", "free_pcp:0kB free_cma:40000kB"
    )
    assert judge(only(cma))[0].above_kib == above["DMA32"] - 40000
    movable = cma.replace("GFP_KERNEL|", "GFP_HIGHUSER_MOVABLE|")
    assert judge(only(movable))[0].above_kib == above["DMA32"]


@pytest.mark.parametrize(
    ("mode", "names", "zone", "mobility", "may_wait"),
    [
        (0x20, "", "Normal", UNMOVABLE, False),
        (0xD0, "", "Normal", UNMOVABLE, True),
        (0x200DA, "", "Movable", MOVABLE, True),
        (0x800D0, "", "Normal", RECLAIMABLE, True),
        (0xD1, "", "DMA", UNMOVABLE, True),
        (0x4, "", "DMA32", UNMOVABLE, False),
        (0, "GFP_ATOMIC|__GFP_COMP", "Normal", UNMOVABLE, False),
        (0, "GFP_TRANSHUGE_LIGHT|__GFP_THISNODE", "Movable", MOVABLE, False),
        (0, "GFP_KERNEL|__GFP_RECLAIMABLE", "Normal", RECLAIMABLE, True),
        (0, "GFP_USER|__GFP_HIGHMEM", "HighMem", UNMOVABLE, True),
        (0, "GFP_NOFS|__GFP_MOVABLE", "Normal", MOVABLE, True),
        (0, "GFP_NOWAIT|__GFP_NOWARN", "Normal", UNMOVABLE, False),
    ],
)
def test_flags(mode: int, names: str, zone: str, mobility: int, may_wait: bool) -> None:
    request = request_of(mode, names)
    assert (request.highest_zone, request.mobility, request.may_wait) == (zone, mobility, may_wait)


# How such texts arrive.


def as_mail(text: str) -> str:
    """Wrapped at 72 columns, as mail programs do it."""
    return "\n".join(fill(line, 72, break_on_hyphens=False) for line in text.splitlines())


def encoded(text: str) -> str:
    """Quoted-printable, with soft breaks inside of words and numbers."""
    return quopri.encodestring(text.encode()).decode()


FORMS = {
    "as it is": lambda text: text,
    "bare": without_marks,
    "journal": lambda text: re.sub(r"(?m)^\[[ \d.]+\] ", "Nov 30 12:00:00 host kernel: ", text),
    "iso": lambda text: re.sub(
        r"(?m)^\[[ \d.]+\] ", "2026-11-30T12:00:00.123456+01:00 host kernel: [ 1.000001] ", text
    ),
    "dmesg -T": lambda text: re.sub(r"(?m)^\[[ \d.]+\] ", "[Mon Nov 30 12:00:00 2026] ", text),
    "callers": lambda text: re.sub(r"(?m)^(\[[ \d.]+\]) ", r"\1[  T817] ", text),
    "levels": lambda text: re.sub(r"(?m)^", "<4>", text),
    "quoted": lambda text: re.sub(r"(?m)^", "> > ", text),
    "wrapped": lambda text: as_mail(without_marks(text)),
    "wrapped and quoted": lambda text: re.sub(r"(?m)^", "> ", as_mail(without_marks(text))),
    "quoted-printable": encoded,
    "on one line": lambda text: " ".join(text.split()),
    "dos": lambda text: text.replace("\n", "\r\n"),
    "broken in a unit": lambda text: text.replace("1024kB (H)", "1024k\nB\n(H)"),
    "eaten separator": lambda text: text.replace("DMA32: 9713*", "DMA329713*"),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_the_same(form: str) -> None:
    report, plain = only(FORMS[form](MODERN)), only(MODERN)
    assert report.damaged == []
    assert (report.order, report.names, report.kernel) == (4, plain.names, "5.10.0-28-amd64")
    assert report.zones.keys() == plain.zones.keys()
    for key, zone in plain.zones.items():
        assert report.zones[key].fields == zone.fields
        assert report.zones[key].free_list.orders == zone.free_list.orders
    assert why(FORMS[form](MODERN)) == FOREIGN


def test_several_reports_in_one_paste() -> None:
    reports = read_reports(f"some words\n{OLD}\n{MODERN}\n{KILLED}")
    assert [report.order for report in reports] == [3, 4, 0]
    assert reports[0].line == 2
    assert [len(report.zones) for report in reports] == [2, 2, 3]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.replace("9713*4kB", "9714*4kB"), "blocks are 87816 kB together, not 87812"),
        (lambda t: t.replace("5120*8kB (UMEH) ", ""), "sizes of free blocks that don't double"),
        (lambda t: t[: t.index("0*512kB 1*1024kB (H)")], "cut off within its free blocks"),
        (lambda t: t.replace("9713*4kB (UMEH) 5120*8kB", "9713*4kB 5120*8kB (UMEH) 070*8kB"),
         "sizes of free blocks that don't double"),
        (lambda t: t.replace("1*1024kB (H)", "1*1024kB (X)"), "unknown migratetypes X"),
        (lambda t: t.replace("Node 0 DMA32: 9713*4kB (UMEH)", "(MEH) Node 0 9713*4kB (UMEH)"),
         "free blocks of a zone not told"),
        (lambda t: t.replace("min:44704kB", "min:447"), "its watermarks are missing"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told_with_its_line(change, said: str) -> None:
    report = only(change(MODERN))
    assert said in report.damaged[0].why
    line = report.damaged[0].line
    assert change(MODERN).splitlines()[line - 1].split()[-1]  # there is such a line
    assert cause(judge(report)) in (UNKNOWN, LITTLE)
    text = "\n".join(report_lines(report))
    assert f"line {line}: not read: " in text
    assert report.zones[0, "DMA"].free_list.total_kib == 7504  # the other zone stands


def test_free_pages_on_no_list_are_told() -> None:
    text = "\n".join(report_lines(only(MODERN)))
    assert "Node 0 DMA32: 87780 kB free, 87812 kB of it on these lists" not in text
    assert "Node 0 DMA32: 87780 kB free, 87812 kB on these lists" in text


def test_pages_of_64_kib_and_another_number_of_orders() -> None:
    sizes = [64 << order for order in range(14)]
    blocks = " ".join(f"{order + 1}*{size}kB" for order, size in enumerate(sizes))
    total = sum((order + 1) * size for order, size in enumerate(sizes))
    text = (
        "a: page allocation failure: order:13, mode:0xcc0(GFP_KERNEL), nodemask=(null)\n"
        f"Node 1 Normal free:{total}kB min:64kB low:128kB high:192kB\nlowmem_reserve[]: 0 0\n"
        f"Node 1 Normal: {blocks} = {total}kB\n"
    )
    report = only(text)
    assert report.page_kib == 64
    assert report.zones[1, "Normal"].free_list.largest == 13
    assert "order 13 (8192 pages, 512 MiB) failed" in " ".join(report_lines(report)[0].split())


@pytest.mark.parametrize("text", [MODERN, OLD, KILLED])
def test_the_text_fits_a_mail(text: str) -> None:
    lines = report_lines(only(text))
    assert all(len(line) <= WIDTH for line in lines)
    assert "\n".join(lines).isascii()


@settings(max_examples=400, deadline=None)
@given(st.data())
@example(None)
def test_damage_never_raises_nor_invents(data) -> None:
    text = MODERN
    if data is not None:
        for _ in range(data.draw(st.integers(1, 6))):
            place = data.draw(st.integers(0, len(text)))
            length = data.draw(st.integers(0, 200))
            text = text[:place] + data.draw(st.sampled_from(PUT)) + text[place + length :]
    for report in read_reports(text):
        report_lines(report)
        for zone in report.zones.values():
            if zone.free_list:
                listed = sum(zone.free_list.kib(n) for n in range(len(zone.free_list.orders)))
                assert listed == zone.free_list.total_kib
