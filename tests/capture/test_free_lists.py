"""pagetypeinfo and buddyinfo: of this and other kernels, once and many times, whole and broken."""

import lzma
import quopri
from pathlib import Path
from textwrap import fill

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture.free_lists import FreeLists, read_free_lists
from tests.real import real_folder

MODERN = """\
Page block order: 9
Pages per block:  512

Free pages count per migrate type at order       0      1      2      3      4      5      6      7      8      9     10
Node    0, zone      DMA, type    Unmovable      0      0      0      0      0      1      1      1      0      0      0
Node    0, zone      DMA, type      Movable      0      0      0      0      0      0      0      0      0      1      3
Node    0, zone      DMA, type  Reclaimable      0      0      0      0      0      0      0      0      0      0      0
Node    0, zone   Normal, type    Unmovable      1    862    695    516    323    149     86     42     32      0      0
Node    0, zone   Normal, type      Movable >100000   2247   4163   3340   1204    550    224    140    267    420    709
Node    0, zone   Normal, type  Reclaimable   1397   1040    126    209    138     99     56     28      7      0      0

Number of blocks type     Unmovable      Movable  Reclaimable
Node 0, zone      DMA            1            7            0
Node 0, zone   Normal          107         2889          140
"""  # noqa: E501
BUDDYINFO = """\
Node 0, zone      DMA      0      0      0      0      0      1      1      1      0      1      3
Node 0, zone   Normal   2551   4149   4984   4065   1665    798    366    210    306    420    709
"""
OLD = """\
Page block order: 10
Pages per block:  1024

Free pages count per migrate type at order       0      1      2      3
Node    1, zone  Movable, type       <NULL>      4      0      2      1
Node    1, zone  Movable, type      Reserve 115050      0      0      0

Number of blocks type     <NULL>  Reserve
Node 1, zone  Movable         12        3

Number of mixed blocks    <NULL>  Reserve
Node 1, zone  Movable          2        0
"""


def only(text: str) -> FreeLists:
    """The one reading of a text that is whole."""
    readings, damaged = read_free_lists(text)
    assert damaged == []
    (reading,) = readings
    return reading


def test_columns_are_read_by_their_headings() -> None:
    reading = only(MODERN)
    assert reading.pageblock_order == 9
    assert reading.zones == [(0, "DMA"), (0, "Normal")]
    assert reading.typed[0, "DMA", "Movable"] == (0,) * 9 + (1, 3)
    assert reading.types((0, "Normal"))["Reclaimable"][:3] == (1397, 1040, 126)
    assert reading.pageblocks[0, "Normal"] == {
        "Unmovable": 107,
        "Movable": 2889,
        "Reclaimable": 140,
    }
    assert reading.capped == {(0, "Normal", "Movable")}
    assert reading.blocks((0, "DMA"))[5:] == (1, 1, 1, 0, 1, 3)
    turned = MODERN.replace(
        "Unmovable      Movable  Reclaimable\n", "Reclaimable Unmovable Movable\n"
    )
    assert only(turned).pageblocks[0, "Normal"] == {
        "Reclaimable": 107, "Unmovable": 2889, "Movable": 140,
    }  # fmt: skip


def test_names_and_orders_of_other_kernels() -> None:
    reading = only(OLD)
    assert reading.pageblock_order == 10
    assert reading.types((1, "Movable")) == {"<NULL>": (4, 0, 2, 1), "Reserve": (115050, 0, 0, 0)}
    assert reading.pageblocks == {
        (1, "Movable"): {"<NULL>": 12, "Reserve": 3}
    }  # not the mixed ones
    assert reading.capped == set()


def test_buddyinfo_stands_beside_it_even_where_they_disagree() -> None:
    assert only(BUDDYINFO).typed == {}
    reading = only(MODERN + BUDDYINFO)
    assert reading.plain[0, "Normal"][0] == reading.blocks((0, "Normal"))[0] == 2551
    assert reading.types((0, "Normal"))["Movable"][0] == 100000
    only(BUDDYINFO + MODERN)


FORMS = {
    "quoted": lambda text: "".join(f"> {line}\n" for line in text.splitlines()),
    "wrapped": lambda text: "\n".join(fill(line, 72) for line in text.splitlines()),
    "quoted-printable": lambda text: quopri.encodestring(text.encode()).decode(),
    "on one line": lambda text: " ".join(text.split()),
    "dos": lambda text: text.replace("\n", "\r\n"),
    "log": lambda text: "".join(f"[  12.345678] {line}\n" for line in text.splitlines()),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_the_same(form: str) -> None:
    plain, formed = only(MODERN + BUDDYINFO), only(FORMS[form](MODERN + BUDDYINFO))
    assert formed.typed == plain.typed
    assert (formed.plain, formed.pageblocks) == (plain.plain, plain.pageblocks)
    assert formed.capped == plain.capped


def test_many_readings() -> None:
    readings, damaged = read_free_lists(f"time: 1\n{MODERN}{BUDDYINFO}time: 2\n{MODERN}{BUDDYINFO}")
    assert [reading.line for reading in readings] == [2, 19]
    assert readings[0].typed == readings[1].typed
    assert damaged == []
    readings, _ = read_free_lists(BUDDYINFO * 3)
    assert [list(reading.plain) for reading in readings] == [[(0, "DMA"), (0, "Normal")]] * 3


@pytest.mark.parametrize(
    ("old", "new", "line", "why"),
    [
        ("  32      0      0\n", "  32      0\n", 8, "10 counts, not 11"),
        ("Number of blocks type", "Number of", 13, "3 counts that no heading tells the meaning of"),
        ("type    Unmovable      1    862", "type    Unmovable      !    862", 8, "without counts"),
    ],
)
def test_what_cannot_be_read_is_told(old: str, new: str, line: int, why: str) -> None:
    assert MODERN.count(old) == 1
    readings, damaged = read_free_lists(MODERN.replace(old, new))
    assert damaged[0].line == line
    assert why in damaged[0].why
    assert (0, "DMA", "Movable") in readings[0].typed


def test_rows_without_a_heading_are_as_long_as_the_first() -> None:
    rows = "\n".join(line for line in MODERN.splitlines() if "type" in line and "Node" in line)
    assert only(rows).typed == only(MODERN).typed
    _, damaged = read_free_lists(rows.replace("  267    420    709", "  267    420"))
    assert [one.why for one in damaged] == ["10 counts, not 11"]
    short = BUDDYINFO.replace("    306    420    709", "")
    reading = only(MODERN + short)
    assert len(reading.plain[0, "Normal"]) == 8
    assert reading.blocks((0, "Normal"))[10] == 709  # not of another number of orders
    _, damaged = read_free_lists(MODERN.replace("  2247  ", f"  {'9' * 5000}  "))
    assert len(damaged) == 1


def test_snapshots_of_a_real_kernel_among_its_other_files() -> None:
    path: Path = real_folder("a_group_mig") / "snap_text.txt.xz"
    with lzma.open(path, "rt") as file:
        readings, damaged = read_free_lists(file.read())
    assert (len(readings), damaged) == (154, [])
    for reading in readings:
        for zone in reading.zones:
            summed = tuple(map(sum, zip(*reading.types(zone).values(), strict=True)))
            assert len(summed) == len(reading.plain[zone]) == 11
            assert sum(reading.pageblocks[zone].values()) in (8, 248, 124)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_damage_never_raises(data) -> None:
    text = MODERN + BUDDYINFO
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(0, len(text)))
        put = data.draw(st.sampled_from(["", "\n", "> ", "9", ">", "Node 0, zone ", "type ", "\0"]))
        text = text[:place] + put + text[place + data.draw(st.integers(0, 99)) :]
    readings, _ = read_free_lists(text)
    for reading in readings:
        for zone in reading.zones:
            if reading.types(zone) and len({len(r) for r in reading.types(zone).values()}) == 1:
                reading.blocks(zone)
