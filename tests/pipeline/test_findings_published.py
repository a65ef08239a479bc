"""Rules for what M. Gorman pointed out, on recordings made by hand: where each fires, and not."""

from pathlib import Path

import pytest

from pipeline.findings import findings_of
from pipeline.recording import Recording
from tests.pipeline.histories import PAGES, M, U, found, one, phases, recorded, zone

OFF = {"rule": "claim", "enabled": False}
FREE = "free_pages:DMA32"


def test_scatter_needs_every_eighth(tmp_path: Path) -> None:
    clean, all_over = ["M"] * 16, ["UM", "M"] * 8
    worst = ["UM"] * 9 + ["M", "UM", "M", "UM", "M", "M", "RM"]
    here = recorded(tmp_path / "a.reel", [clean, all_over, worst, clean], grouping=OFF)
    finding = one(here, "scatter")
    assert (finding.first_frame, finding.last_frame) == (1, 2)
    assert (finding.first_pfn, finding.last_pfn) == (0, 16 * PAGES - 1)
    assert "at frame 2, 12 of 16 pageblocks are mixed" in finding.sentence
    assert "at least 50%" in finding.sentence
    one_eighth_clean = ["UM"] * 14 + ["M", "M"]
    kept = recorded(tmp_path / "b.reel", [one_eighth_clean] * 4, grouping=OFF)
    assert not found(kept, "scatter")


RESERVE = ["M", "", "M", "M", "M", "M", "M", "M"]
HUGE = ["M", "H", *RESERVE[2:]]
SPLIT = ["M", "M", *RESERVE[2:]]


def reserve_recording(path: Path, frames: list, free: list[int], **more: object) -> Recording:
    zones = [zone("DMA32", 0, 8, min_pages=PAGES, high_pages=2 * PAGES)]
    return recorded(path, frames, zones=zones, series={FREE: free}, grouping=OFF, **more)


def test_the_reserve_stays_whole_until_it_is_split(tmp_path: Path) -> None:
    empty = [""] * 8
    frames = [empty, RESERVE, HUGE, RESERVE, HUGE, SPLIT]
    here = reserve_recording(tmp_path / "a.reel", frames, [128, 33, 32, 40, 40, 40])
    finding = one(here, "reserve")
    assert (finding.first_frame, finding.last_frame) == (1, 4)
    assert (finding.first_pfn, finding.last_pfn) == (PAGES, 2 * PAGES - 1)
    assert finding.sentence == (
        "Pageblock 1, 12% up zone DMA32, stays whole for 3 s, the only one; min_free is worth 1 "
        "pageblock. 2 of 2 huge pages got then lie there."
    )
    assert one(here, "reserve_only").last_frame == 4


@pytest.mark.parametrize(
    ("frames", "free"),
    [
        ([RESERVE, HUGE, RESERVE], [33, 33, 33]),  # the zone is never down to its marks
        ([RESERVE[::-1], HUGE[::-1], RESERVE[::-1]], [32] * 3),  # high in the zone
        ([["M", "", "", *RESERVE[3:]]] * 3, [32] * 3),  # more than the reserve is worth
        ([SPLIT] * 3, [32] * 3),
    ],
)
def test_other_whole_pageblocks_are_no_reserve(tmp_path: Path, frames: list, free: list) -> None:
    here = reserve_recording(tmp_path / "a.reel", frames, free)
    assert not found(here, "reserve")
    assert not found(here, "reserve_only")


def test_huge_pages_from_elsewhere_are_not_the_reserves(tmp_path: Path) -> None:
    """In the second phase one is got from another pageblock too."""
    both = ["M", "H", "M", "H", *RESERVE[4:]]
    here = reserve_recording(
        tmp_path / "a.reel", [RESERVE, HUGE, RESERVE, both], [32] * 4,
        phases=phases(("load", 0, 100), ("rest", 100, 300)),
    )  # fmt: skip
    assert [f.sentence for f in found(here, "reserve_only")] == [
        "In load, huge pages come from the min_free reserve alone: pageblock 1; 8 are eligible."
    ]


def test_of_many_pageblocks_the_first_are_named(tmp_path: Path) -> None:
    zones = [zone("DMA32", 0, 12, min_pages=5 * PAGES, high_pages=200)]
    huge = ["H"] * 5 + ["M"] * 7
    here = recorded(tmp_path / "a.reel", [[""] * 5 + ["M"] * 7, huge, huge], zones=zones,
                    series={FREE: [80, 80, 80]}, grouping=OFF)  # fmt: skip
    assert "pageblocks 0, 1, 2, 3 and 1 more; 12" in one(here, "reserve_only").sentence


ZONES = [zone("DMA32", 0, 2, high_pages=4), zone("Movable", 2, 4, high_pages=4)]


def test_zone_movable_holds_nothing_that_cannot_move(tmp_path: Path) -> None:
    frames = [["UM", "R", "", ""], ["UM", "R", "M", ""]]
    finding = one(recorded(tmp_path / "a.reel", frames, zones=ZONES), "zone_movable")
    assert (finding.first_pfn, finding.last_pfn) == (2 * PAGES, 4 * PAGES - 1)
    assert "The 2 eligible pageblocks of ZONE_MOVABLE" in finding.sentence
    assert "in any of 2 frames" in finding.sentence


@pytest.mark.parametrize(
    "frames",
    [[["", "", "M", ""], ["", "", "M", "R"]], [["U", "", "", ""]] * 2],
    ids=["one reclaimable page", "never used"],
)
def test_zone_movable_with_a_kernel_page_or_unused(tmp_path: Path, frames: list) -> None:
    assert not found(recorded(tmp_path / "a.reel", frames, zones=ZONES), "zone_movable")


def test_solid_boxes_outside_zone_movable(tmp_path: Path) -> None:
    """Five of six in use are of one mobility; ZONE_MOVABLE and free ones don't count."""
    frames = [["UUU", "M", "M", "M"], ["", "R", "M", "M"], ["UM", "M", "M", "M"], ["", "M", "", ""]]
    finding = one(recorded(tmp_path / "a.reel", frames, zones=ZONES), "solid")
    assert finding.sentence == (
        "Pageblocks in use outside ZONE_MOVABLE hold pages of one mobility in 83% of cases, over "
        "all 4 frames."
    )
    assert finding.last_pfn == 2 * PAGES - 1


def test_unmovable_beside_reclaimable_is_not_one_colour(tmp_path: Path) -> None:
    assert not found(recorded(tmp_path / "a.reel", [["UR", "M"]]), "solid")


def failing(path: Path, free: list[int]) -> Recording:
    events = [("failure", 150, 0, M, M, 3), ("failure", 160, 0, M, M, 3)]
    return recorded(
        path, [["", "", "M", ""]] * 3, zones=ZONES, events=events,
        series={"free_pages:Movable": free},
    )  # fmt: skip


def test_requests_fail_while_zone_movable_has_room(tmp_path: Path) -> None:
    finding = one(failing(tmp_path / "a.reel", [0, 13, 20]), "zone_unused")
    assert (finding.first_frame, finding.last_frame) == (2, 2)
    assert finding.sentence == (
        "2 requests of order 3 fail in all while ZONE_MOVABLE has 13 or more pages free, 41% of it."
    )


def test_zone_movable_at_its_marks_has_no_room(tmp_path: Path) -> None:
    """HIGH is 4; with the 8 pages that were asked for, 12 are none too many."""
    assert not found(failing(tmp_path / "a.reel", [0, 12, 20]), "zone_unused")
    assert not found(failing(tmp_path / "b.reel", [99, 99, 12]), "zone_unused")


def test_sparse_reclaimable_pageblocks_at_the_end(tmp_path: Path) -> None:
    """Block 0 since frame 1, block 2 since frame 2; the others hold more, or something else."""
    frames = [
        ["RRR", "RRR", "", "RM", "R"], ["RR", "RRR", "", "RM", "R"], ["RR", "RRR", "R", "RM", ""],
        ["R", "RRR", "R", "RM", ""],
    ]  # fmt: skip
    finding = one(recorded(tmp_path / "a.reel", frames), "sparse_reclaimable")
    assert (finding.first_frame, finding.last_frame) == (2, 3)
    assert (finding.first_pfn, finding.last_pfn) == (0, 3 * PAGES - 1)
    assert finding.sentence == (
        "2 pageblocks hold reclaimable pages only, 2 at the end (6.2% of the room), for the last "
        "1 s."
    )


def test_what_was_sparse_a_moment_only_is_not_told(tmp_path: Path) -> None:
    frames = [["RRR"]] * 40 + [["RR"]]
    assert not found(recorded(tmp_path / "a.reel", frames), "sparse_reclaimable")


def test_a_recording_of_a_real_kernel_tells_less(tmp_path: Path) -> None:
    """No columns, no grouping, no events, no parameters: what frames show is found."""
    zones = [zone("DMA32", 0, 4, min_pages=PAGES, high_pages=99),
             zone("Movable", 4, 8, high_pages=0)]  # fmt: skip
    frames = [["M"] * 8, ["M", "", *["UM"] * 2, *["M"] * 4], ["M", "U", *["UM"] * 2, *["M"] * 4],
              ["M", "U", *["UM"] * 2, *["M"] * 4]]  # fmt: skip
    real = {"series_columns": [], "mechanism": {"name": "real", "title": "a real kernel"}}
    here = recorded(tmp_path / "a.reel", frames, zones=zones, **real)
    told = {finding.rule: finding for finding in findings_of([here, here])}
    assert set(told) == {"first_pollution", "lone_page", "solid", "zone_movable"}
    assert told["lone_page"].first_pfn == 2 * PAGES
    bare = [{"name": "Normal", "start_pfn": 0, "end_pfn": 8 * PAGES, "high_pages": 9}]
    assert findings_of([recorded(tmp_path / "b.reel", frames, zones=bare, **real)])
    events = [("fallback", 150, 1, U, M), ("failure", 160, 0, M, M, 3)]
    traced = recorded(tmp_path / "c.reel", frames, zones=zones, events=events, **real)
    assert "movable pageblock 1, which" in one(traced, "first_polluting_fallback").sentence
