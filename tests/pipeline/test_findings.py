"""Each rule on recordings made by hand: where it fires, what it says, and where it must not."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.findings import COMPARISONS, RULES, findings_of
from pipeline.findings.case import Case, ranges_of
from pipeline.findings.finding import SENTENCE_CHARACTERS, Finding
from pipeline.recording import Recording
from pipeline.recording_format import RENEWED
from tests.pipeline.histories import PAGES, M, R, U, found, one, phases, recorded, zone

OFF = {"rule": "claim", "enabled": False}


def test_first_pollution_tells_what_came_before(tmp_path: Path) -> None:
    frames = [["UM", "M", "M"], ["UM", "M", "MRR"], ["UM", "MU", "M"]]
    events = [("fallback", 20, 2, R, M)]
    finding = one(recorded(tmp_path / "a.reel", frames, events=events), "first_pollution")
    assert (finding.first_frame, finding.last_frame) == (1, 1)
    assert finding.sentence == (
        "First newly mixed pageblock: 2 (DMA32). 2 pages that cannot move came in, beside 1 "
        "movable, after a fallback for a reclaimable request."
    )


@pytest.mark.parametrize(
    ("frames", "types", "told"),
    [
        ([["UUM", "UU"], ["UUM", "UUM"]], [M, U],
         "mixed pageblock: 1 (DMA32). 1 movable page came in, beside 2 pages that cannot move."),
        ([["M", "MM"], ["M", "MMK"]], [M, U],
         "mixed pageblock: 1 (DMA32). 1 page that cannot move came in, beside 2 movable."),
        ([["", ""], ["M", "UMM"]], [M, U],
         "mixed pageblock: 1 (DMA32). 1 page that cannot move and 2 movable came in between two "
         "frames."),
        ([["H"], ["RRM"]], [U],
         "mixed pageblock: 0 (DMA32). 2 pages that cannot move and 1 movable came in between two "
         "frames."),
        ([["M"], ["R"]], [M],
         "polluted pageblock: 0 (DMA32), of movable type. 1 page that cannot move came in."),
    ],
)  # fmt: skip
def test_first_pollution_tells_what_came_in(
    tmp_path: Path, frames: list, types: list, told: str
) -> None:
    here = recorded(tmp_path / "a.reel", frames, types=[types] * 2)
    assert one(here, "first_pollution").sentence == f"First newly {told}"


def test_first_pollution_by_another_type(tmp_path: Path) -> None:
    here = recorded(tmp_path / "a.reel", [["UU"], ["UU"]], types=[[U], [M]])
    assert one(here, "first_pollution").sentence == (
        "First newly polluted pageblock: 0 (DMA32). It became movable, with 2 pages that cannot "
        "move in it."
    )


def test_an_article_before_unmovable(tmp_path: Path) -> None:
    here = recorded(tmp_path / "a.reel", [[""], ["U"]], events=[("claim", 50, 0, U, M)])
    assert "after a claim for an unmovable request." in one(here, "first_pollution").sentence


def test_first_pollution_of_a_movable_pageblock_without_movable_pages(tmp_path: Path) -> None:
    finding = one(recorded(tmp_path / "a.reel", [[""], ["U"]]), "first_pollution")
    assert finding.sentence == (
        "First newly polluted pageblock: 0 (DMA32), of movable type. 1 page that cannot move came "
        "in."
    )


def test_no_pollution_but_that_of_the_start(tmp_path: Path) -> None:
    here = recorded(tmp_path / "a.reel", [["UM", "M"]] * 3)
    assert not found(here, "first_pollution")


def test_the_page_that_spoils_a_pageblock_for_the_longest(tmp_path: Path) -> None:
    """Block 1's page is alone for four frames; block 0's moves on, block 2 has two."""
    frames = [["UM", "MU", "UUM"]] * 2 + [["MU", "MU", "UUM"]] * 2 + [["MU", "M", "UUM"]]
    marks = [np.zeros(3 * PAGES, np.uint8) for _ in frames]
    for frame in (1, 2):  # another holder at frame 1, and one again at frame 3
        marks[frame][PAGES + 1] = RENEWED
    finding = one(recorded(tmp_path / "a.reel", frames, marks=marks), "lone_page")
    assert (finding.first_frame, finding.last_frame) == (0, 3)
    assert finding.first_pfn == finding.last_pfn == PAGES + 1
    assert finding.sentence == (
        "A single unmovable page, pfn 17, taken anew 2 times, is all that keeps pageblock 1 from "
        "becoming a huge page for 3 s."
    )


def test_no_lone_page(tmp_path: Path) -> None:
    """Two of them; none; alone, but for a moment; beside a smaller huge page; in DMA."""
    frames = [["UU", "M", "UU", "UHHHHHHHH"]] * 40 + [["UU", "M", "U", "UHHHHHHHH"]]
    assert not found(recorded(tmp_path / "a.reel", frames), "lone_page")


def test_what_one_frame_shows_does_not_last(tmp_path: Path) -> None:
    """One of few frames is a twentieth of them, but "for 0 s" tells nothing; nor do two at once."""
    assert not found(recorded(tmp_path / "a.reel", [["M"], ["U"], ["M"]]), "lone_page")
    at_once = recorded(tmp_path / "b.reel", [["M"], ["U"], ["U"]], times_us=[0, 7, 7])
    assert not found(at_once, "lone_page")
    short = recorded(tmp_path / "c.reel", [["M"], ["U"], ["U"]], times_us=[0, 7, 40_007])
    assert "for 0.04 s." in one(short, "lone_page").sentence


def test_pages_that_no_metric_counts_are_no_lone_pages(tmp_path: Path) -> None:
    zones = [zone("DMA", 0, 1), zone("DMA32", 1, 3)]
    here = recorded(tmp_path / "a.reel", [["UM", "M", "UX"]] * 5, zones=zones)
    assert not found(here, "lone_page")


def test_pageblocks_that_end_as_another_type(tmp_path: Path) -> None:
    """Block 0 goes, comes back and goes for good; 1 comes back; 2 never was movable; 3 goes."""
    types = [[M, M, U, M], [U, R, U, M], [M, R, M, M], [R, M, U, M], [R, M, U, U]]
    frames = [["M"] * 4] * 4 + [["R", "M", "U", "M"]]
    finding = one(recorded(tmp_path / "a.reel", frames, types=types), "converted")
    assert (finding.first_frame, finding.last_frame) == (3, 4)
    assert finding.sentence == (
        "Of the pageblocks of movable type 2 end as another type: 1 unmovable, 1 reclaimable; "
        "1 of these holds no page that cannot move."
    )


def test_pageblocks_that_came_back_or_whose_type_tells_nothing(tmp_path: Path) -> None:
    types = [[M], [U], [M]]
    assert not found(recorded(tmp_path / "a.reel", [["M"]] * 3, types=types), "converted")
    off = recorded(tmp_path / "b.reel", [["M"]] * 3, types=[[M], [U], [U]], grouping=OFF)
    assert not found(off, "converted")


def test_the_moment_below_half(tmp_path: Path) -> None:
    """Not while a huge page is there, whatever is left beside it."""
    frames = [["M"] * 4, ["H"] * 4, ["U", "U", "M", "M"], ["U", "U", "U", "M"],
              ["U", "U", "U", "H"], ["U", "U", "U", ""], ["U", "U", "", ""], ["U"] * 4]  # fmt: skip
    finding = one(recorded(tmp_path / "a.reel", frames), "half_fit")
    assert (finding.first_frame, finding.last_frame) == (3, 5)
    assert finding.sentence == (
        "Only 1 of 4 pageblocks can still become a huge page: below half, from here until frame 6."
    )


def test_what_began_below_half_does_not_fall(tmp_path: Path) -> None:
    assert not found(recorded(tmp_path / "a.reel", [["U", "U", "M"]] * 3), "half_fit")
    assert not found(recorded(tmp_path / "b.reel", [["M"] * 3, ["H"] * 3] * 2), "half_fit")


def test_fallbacks_that_crowd(tmp_path: Path) -> None:
    events = [("fallback", 2000 + n, 1, M, U) for n in range(39)] + [("fallback", 2050, 0, U, M)]
    here = recorded(tmp_path / "a.reel", [["", ""]] * 40, events=events)
    finding = one(here, "fallback_burst")
    assert (finding.first_frame, finding.last_frame) == (21, 21)
    assert finding.sentence == (
        "40 fallbacks in 100 operations, 39 times the average rate; 1 puts pages that cannot move "
        "into movable pageblocks."
    )


def test_the_first_fallback_that_pollutes(tmp_path: Path) -> None:
    """Not by a movable request, from a reclaimable list, whole, in one that isn't movable."""
    clean = [
        ("fallback", 5, 1, U, M, 2, 1, 3, -1, -1, U),
        ("fallback", 10, 0, M, U), ("fallback", 20, 0, R, U), ("fallback", 30, 0, U, M, 0, 1, 10),
    ]  # fmt: skip
    events = [*clean, ("fallback", 150, 1, U, M, 2, 1, 3, 11, 2), ("fallback", 160, 0, R, M)]
    finding = one(
        recorded(tmp_path / "a.reel", [["", ""]] * 3, events=events), "first_polluting_fallback"
    )
    assert (finding.first_frame, finding.last_frame) == (2, 2)
    assert (finding.first_pfn, finding.last_pfn) == (PAGES, 2 * PAGES - 1)
    assert finding.more["op"] == 150
    assert finding.sentence == (
        "First fallback that pollutes: an unmovable request takes 8 pages in movable pageblock 1, "
        "and claims it, 11 of 16 pages free and 2 in use that suit it."
    )
    assert not found(
        recorded(tmp_path / "b.reel", [["", ""]] * 3, events=clean), "first_polluting_fallback"
    )


def test_a_large_pageblock_of_the_mechanism_isnt_taken_whole(tmp_path: Path) -> None:
    """It is told by its own number and its own pages, which are those that were counted."""
    events = [("fallback", 5000, 70, R, M, 0, 0, 9, 318)]
    grouping = {"rule": "march-2007", "block_order": 10}
    here = recorded(
        tmp_path / "a.reel", [[""] * 128] * 2, events=events, grouping=grouping, step=9000
    )
    finding = one(here, "first_polluting_fallback")
    assert finding.sentence == (
        "First fallback that pollutes: a reclaimable request takes 512 pages in the movable "
        "1024-page block at pfn 1024, which stays movable, 318 of 1024 pages free."
    )
    assert finding.pfns == ((1024, 2047),)


def test_what_was_counted_is_left_out_where_a_sentence_has_no_room(tmp_path: Path) -> None:
    events = [("fallback", 5000, 70, R, M, 0, 0, 9, 318, 400)]
    here = recorded(
        tmp_path / "a.reel", [[""] * 128] * 2, events=events, grouping={"block_order": 10},
        step=9000,
    )  # fmt: skip
    assert one(here, "first_polluting_fallback").sentence.endswith(", which stays movable.")


def test_few_or_even_fallbacks_are_no_burst(tmp_path: Path) -> None:
    few = [("fallback", 2000 + n, 1, M, U) for n in range(31)]
    assert not found(recorded(tmp_path / "a.reel", [["", ""]] * 40, events=few), "fallback_burst")
    even = [("fallback", 10 * n, 1, M, U) for n in range(390)]
    assert not found(recorded(tmp_path / "b.reel", [["", ""]] * 40, events=even), "fallback_burst")


def test_attempts_at_huge_pages_by_phase(tmp_path: Path) -> None:
    series = {
        "requests_order_9": [0, 4, 6, 6, 7], "failed_order_9": [0, 4, 5, 5, 5],
        "requests_order_10": [0, 0, 1, 1, 1],
    }  # fmt: skip
    here = recorded(
        tmp_path / "a.reel", [["M"]] * 5, series=series,
        phases=phases(("load", 0, 100), ("idle", 200, 200), ("rest", 300, 400)),
    )  # fmt: skip
    assert [finding.sentence for finding in found(here, "huge_attempts")] == [
        "load: of 7 requests for huge pages (order 9) 2 are met.",
        "rest: of 1 request for huge pages (order 9) all are met.",
    ]
    assert not found(recorded(tmp_path / "b.reel", [["M"]] * 3), "huge_attempts")


def test_of_many_attempts_those_that_failed_most_are_told(tmp_path: Path) -> None:
    """In phase n, 9 requests are made and n fail: the first two of eight are left out."""
    failed = np.cumsum(range(9))
    series = {"requests_order_9": 9 * np.arange(9), "failed_order_9": failed}
    here = recorded(
        tmp_path / "a.reel", [["M"]] * 9, series=series,
        phases=phases(*((f"phase{n + 1}", 100 * n, 100 * n + 100) for n in range(8))),
    )  # fmt: skip
    told = [finding.sentence for finding in found(here, "huge_attempts")]
    assert len(told) == RULES["huge_attempts"].most == 6
    assert [text.partition(":")[0] for text in told] == [f"phase{n}" for n in range(3, 9)]
    assert told[-1] == "phase8: of 9 requests for huge pages (order 9) 1 is met."


def test_each_finding_tells_the_place_of_its_recording(tmp_path: Path) -> None:
    """Also of recordings that differ in nothing but what they show, and beside an empty one."""
    clean = recorded(tmp_path / "a.reel", [["M"], ["M"], ["M"]])
    data = clean.path.read_bytes()
    (tmp_path / "empty.reel").write_bytes(data[: data.index(b"FRAM")])
    spoilt = recorded(tmp_path / "b.reel", [["M"], ["U"], ["U"]])
    empty = Recording.open(tmp_path / "empty.reel")
    assert one([clean, empty, spoilt], "lone_page").place == 2
    assert one([spoilt, empty, clean], "lone_page").place == 0


def test_the_pages_that_are_meant_are_no_hull(tmp_path: Path) -> None:
    """Pageblocks 0 and 3 end as another type, of 1 and 2 nothing is said."""
    types = [[M] * 4, [R, M, M, U]]
    finding = one(recorded(tmp_path / "a.reel", [["M"] * 4] * 2, types=types), "converted")
    assert finding.pfns == ((0, PAGES - 1), (3 * PAGES, 4 * PAGES - 1))
    assert (finding.first_pfn, finding.last_pfn) == (0, 4 * PAGES - 1)
    events = [("fallback", 2000 + n, n % 4 // 3 * 3, M, U, 0, 0, 1) for n in range(40)]
    burst = one(recorded(tmp_path / "b.reel", [[""] * 4] * 40, events=events), "fallback_burst")
    assert burst.pfns == ((0, 1), (3 * PAGES, 3 * PAGES + 1))


BLOCKS = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 9)), min_size=1, max_size=20)


@given(BLOCKS)
def test_ranges_cover_the_pages_of_all_blocks(blocks: list[tuple[int, int]]) -> None:
    ranges = ranges_of(*(np.array(column) for column in zip(*blocks, strict=True)))
    covered = [pfn for first, last in ranges for pfn in range(first, last + 1)]
    assert covered == sorted({pfn for start, n in blocks for pfn in range(start, start + n)})
    assert all(last + 1 < first for (_, last), (first, _) in pairwise(ranges))


def test_findings_stand_by_frame_and_no_rule_floods(tmp_path: Path) -> None:
    events = [("fallback", 400 * k + n, 1, M, U) for k in range(9) for n in range(90)]
    here = recorded(tmp_path / "a.reel", [["UM", "M"]] * 2 + [["", ""]] * 400, events=events)
    told = findings_of([here, here])
    assert [f.first_frame for f in told] == sorted(f.first_frame for f in told)
    assert len(found(here, "fallback_burst")) == RULES["fallback_burst"].most
    assert not findings_of([])


def test_a_finding_is_one_short_sentence_with_a_range() -> None:
    good = Finding("rule", "m", "w", 0, 1, 2, 3, 3, "A sentence.")
    assert list(good.row()) == [
        "rule", "mechanism", "workload", "seed", "first_frame", "last_frame", "first_pfn",
        "last_pfn", "sentence",
    ]  # fmt: skip
    assert good.pfns == ((3, 3),)
    apart = Finding("rule", "m", "w", 0, 1, 2, 3, 9, "A sentence.", pfns=((3, 4), (8, 9)))
    assert apart.pfns == ((3, 4), (8, 9))
    with pytest.raises(ValueError, match="elsewhere"):
        Finding("rule", "m", "w", 0, 1, 2, 3, 9, "A sentence.", pfns=((3, 4), (6, 8)))
    with pytest.raises(ValueError, match="before it begins"):
        Finding("rule", "m", "w", 0, 1, 2, 3, 9, "A sentence.", pfns=((3, 5), (4, 9)))
    with pytest.raises(ValueError, match="before it begins"):
        Finding("rule", "m", "w", 0, 2, 1, 3, 3, "A sentence.")
    with pytest.raises(ValueError, match="before it begins"):
        Finding("rule", "m", "w", 0, 1, 1, 4, 3, "A sentence.")
    with pytest.raises(ValueError, match="161 characters"):
        Finding("rule", "m", "w", 0, 1, 1, 3, 3, "a" * (SENTENCE_CHARACTERS + 1))


def test_seconds_in_words(tmp_path: Path) -> None:
    case = Case(recorded(tmp_path / "a.reel", [["M"]] * 5))
    case.recording.times_us = np.array([0, 250_000, 1_400_000, 3_000_000_000, 3_000_000_000])
    told = [case.seconds(0, frame) for frame in range(1, 4)]
    assert [*told, case.seconds(3, 4)] == ["0.25 s", "1.4 s", "3,000 s", "0 s"]


def test_every_rule_says_what_it_is() -> None:
    rules = {**RULES, **COMPARISONS}
    assert len(rules) == len(RULES) + len(COMPARISONS)
    assert all(rule.title and rule.most > 0 and rule.find.__doc__ for rule in rules.values())
