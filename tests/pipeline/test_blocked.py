"""What blocked huge pages: rows of blame counted by class, cause and age."""

from types import SimpleNamespace

import numpy as np
import pytest

from allocator.terms import (
    CLASS_MOVABLE,
    CLASS_UNMOVABLE,
    EVENT_DTYPE,
    EVENT_FAILURE,
    NR_ORDERS,
    PAGE_CLASSES,
    PCP_FREE,
)
from pipeline.artefacts.blockers import blockers_of
from pipeline.artefacts.groups import Group
from pipeline.metrics.blame import (
    AGES,
    BEFORE,
    NO_AGE,
    Share,
    ages_of,
    blocked,
    shown_order,
)
from pipeline.recording_format import BLAME_CAUSES, BLAME_DTYPE
from renderer.blocks_figure import draw

OPS = np.array([0, 100, 1000])
TIMES_US = np.array([0, 10_000_000, 1_900_000_000])  # 0.1 s an operation, then 2.1 s
OWN = BLAME_CAUSES.index("in a pageblock of its own type")
ON_PCP = BLAME_CAUSES.index("on a per-CPU list")


def rows(*of: tuple[int, int, int, int], order: int = 9, cause: int = OWN) -> np.ndarray:
    """Rows of (failed op, placed op, pfn, class)."""
    made = np.zeros(len(of), BLAME_DTYPE)
    for number, (failed, placed, pfn, page_class) in enumerate(of):
        made[number]["failed_op"], made[number]["placed_op"] = failed, placed
        made[number]["pfn"], made[number]["page_class"] = pfn, page_class
    made["order"], made["cause"] = order, cause
    return made


def failure(op: int, free_pages: int, order: int = 9) -> np.ndarray:
    made = np.zeros(1, EVENT_DTYPE)
    made["op"], made["order"], made["free_pages"] = op, order, free_pages
    made["kind"] = EVENT_FAILURE
    return made


def recorded(blame: np.ndarray, *events: np.ndarray, failed: int = 3) -> SimpleNamespace:
    """As much of a recording as blame needs."""
    columns = [f"failed_order_{order}" for order in range(NR_ORDERS)]
    zones = [
        {"name": "DMA", "start_pfn": 0, "end_pfn": 512},
        {"name": "DMA32", "start_pfn": 512, "end_pfn": 1024},
    ]
    header = {
        "page_classes": list(PAGE_CLASSES),
        "title": "a load",
        "series_columns": columns,
        "geometry": {"zones": zones},
    }
    return SimpleNamespace(
        blame=blame, events=np.concatenate([np.empty(0, EVENT_DTYPE), *events]), ops=OPS,
        times_us=TIMES_US, header=header, column=lambda name: np.array([0, failed]),
    )  # fmt: skip


def test_ages_are_the_time_since_the_page_was_placed() -> None:
    placed = [96, 90, 89, 0, -1]
    made = rows(*((100, op, 0, CLASS_UNMOVABLE) for op in placed))
    assert ages_of(made, OPS, TIMES_US) == ["< 1 s", "1-10 s", "1-10 s", "10-60 s", BEFORE]
    late = rows(*((1000, op, 0, CLASS_UNMOVABLE) for op in (990, 800, 100)))
    assert ages_of(late, OPS, TIMES_US) == ["10-60 s", "1-10 min", "> 10 min"]
    assert len(AGES) == len(set(AGES)) == 6


def test_free_pages_have_no_age() -> None:
    made = rows((100, -1, 0, PCP_FREE), cause=ON_PCP)
    assert ages_of(made, OPS, TIMES_US) == [NO_AGE]


def test_pages_are_counted_for_each_request() -> None:
    blame = np.concatenate([
        rows((100, 96, 5, CLASS_UNMOVABLE), (100, 96, 6, CLASS_UNMOVABLE)),
        rows((100, -1, 7, CLASS_MOVABLE)),
        rows((200, 199, 5, CLASS_UNMOVABLE)),
        rows((100, 1, 5, CLASS_UNMOVABLE), order=3),
    ])  # fmt: skip
    found = blocked([recorded(blame, failure(100, 509), failure(200, 511))], 9)
    cause = BLAME_CAUSES[OWN]
    assert (found.order, found.failed_requests, found.blamed_requests) == (9, 3, 2)
    assert found.shares == [
        Share("movable", cause, BEFORE, 1),
        Share("unmovable", cause, "1-10 s", 1),
        Share("unmovable", cause, "< 1 s", 2),
    ]


def test_seeds_are_counted_together() -> None:
    one = recorded(rows((100, 96, 5, CLASS_UNMOVABLE)))
    other = recorded(rows((100, 96, 9, CLASS_UNMOVABLE)), failed=4)
    found = blocked([one, other], 9)
    assert (found.failed_requests, found.blamed_requests, found.shares[0].pages) == (7, 2, 2)
    assert found.nearest_blocks == 2  # of two machines


def test_the_order_shown_is_that_of_huge_pages() -> None:
    many = rows(*[(100, 1, pfn, CLASS_MOVABLE) for pfn in range(9)], order=4)
    assert shown_order([recorded(np.concatenate([many, rows((1, 0, 0, CLASS_MOVABLE))]))]) == 9
    assert shown_order([recorded(many)]) == 4
    assert shown_order([recorded(many[:0])]) is None


def test_the_figure_shows_the_table() -> None:
    blame = np.concatenate([
        rows((100, 96, 5, CLASS_UNMOVABLE), (100, 50, 6, CLASS_UNMOVABLE)),
        rows((200, 1, 6, CLASS_MOVABLE), (200, -1, 6, PCP_FREE)),
    ])  # fmt: skip
    blame["start_pfn"] = [0, 0, 512, 512]
    groups = [
        Group("a", [recorded(blame, failure(200, 500))]),
        Group("b", [recorded(blame[:1], failed=1)]),
        Group("none", [recorded(blame[:0])]),
    ]
    figure, table = blockers_of(groups, {}, "from a test")
    assert [panel.title for panel in figure.panels] == [
        "a: 2 of 3 failed requests, 2 blocks in DMA and DMA32",
        "b: 1 of 1 failed requests, 1 block in DMA",
        "none: 0 of 3 failed requests, 0 blocks",
    ]  # fmt: skip
    for panel, name in zip(figure.panels, ("a", "b", "none"), strict=True):
        of = table[table.mechanism == name]
        for bar in panel.bars:
            told = of[(of.page_class == bar.page_class) & (of.cause == bar.cause)]
            parts = sorted(part.value for part in bar.parts)
            assert parts == sorted(told.pages_per_request)
    a = table[table.mechanism == "a"]
    assert a.pages_per_request.sum() == pytest.approx(4 / 2)
    assert a.pages.sum() == 4
    classes = [bar.page_class for bar in figure.panels[0].bars]
    assert classes == ["unmovable", "movable", "pcp_free"]
    assert any("order 9 (2 MiB)" in note for note in figure.notes)
    assert len(draw(figure).axes) == 3


def test_no_figure_where_nothing_is_blamed() -> None:
    assert blockers_of([Group("a", [recorded(rows())])], {}, "") is None
    real = recorded(rows((100, 96, 5, CLASS_UNMOVABLE)))
    real.header["series_columns"] = []
    assert blockers_of([Group("real", [real])], {}, "") is None
