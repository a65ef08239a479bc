"""Each rule on recordings made by hand: where it fires, what it says, and where it must not."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.artefacts.tables import write_tables
from pipeline.findings import COMPARISONS, RULES, findings_of
from pipeline.findings.case import Case
from pipeline.findings.finding import SENTENCE_CHARACTERS, Finding
from pipeline.recording import Recording
from pipeline.recording_format import RENEWED
from pipeline.run_folder import read_table
from tests.pipeline.histories import PAGES, M, R, U, found, one, phases, recorded, zone

OFF = {"rule": "claim", "enabled": False}


def test_first_pollution_tells_what_came_before(tmp_path: Path) -> None:
    frames = [["UM", "M", "M"], ["UM", "M", "MRR"], ["UM", "MU", "M"]]
    events = [("fallback", 20, 2, R, M)]
    finding = one(recorded(tmp_path / "a.reel", frames, events=events), "first_pollution")
    assert (finding.first_frame, finding.last_frame) == (1, 1)
    assert finding.sentence == (
        "First mixed pageblock: 2 (DMA32) holds 2 pages that cannot move beside 1 movable, after "
        "a fallback for a reclaimable request."
    )


def test_first_pollution_of_a_movable_pageblock_without_movable_pages(tmp_path: Path) -> None:
    finding = one(recorded(tmp_path / "a.reel", [[""], ["U"]]), "first_pollution")
    assert finding.sentence == (
        "First polluted pageblock: 0 (DMA32), of movable type, holds 1 page that cannot move."
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


def test_the_first_harmful_fallback(tmp_path: Path) -> None:
    """Not that of a movable request, not from a reclaimable list, not of a whole pageblock."""
    harmless = [
        ("fallback", 10, 0, M, U), ("fallback", 20, 0, R, U), ("fallback", 30, 0, U, M, 0, 1, 10),
    ]  # fmt: skip
    events = [*harmless, ("fallback", 150, 1, U, M, 2, 1, 3, 11), ("fallback", 160, 0, R, M)]
    finding = one(recorded(tmp_path / "a.reel", [["", ""]] * 3, events=events), "first_harm")
    assert (finding.first_frame, finding.last_frame) == (2, 2)
    assert (finding.first_pfn, finding.last_pfn) == (PAGES, 2 * PAGES - 1)
    assert finding.more["op"] == 150
    assert finding.sentence == (
        "First harmful fallback: an unmovable request takes a block of 8 pages in movable "
        "pageblock 1, and claims it (11 of 16 pages are free)."
    )
    assert not found(recorded(tmp_path / "b.reel", [["", ""]] * 3, events=harmless), "first_harm")


def test_a_large_pageblock_of_the_mechanism_isnt_taken_whole(tmp_path: Path) -> None:
    events = [("fallback", 50, 1, R, M, 0, 0, 9)]
    grouping = {"rule": "march-2007", "block_order": 10}
    here = recorded(tmp_path / "a.reel", [["", ""]] * 2, events=events, grouping=grouping)
    assert one(here, "first_harm").sentence == (
        "First harmful fallback: a reclaimable request takes a block of 512 pages in movable "
        "pageblock 1, which stays movable."
    )


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


REST = phases(("load", 0, 100), ("rest1", 100, 200), ("rest2", 200, 300), ("end", 300, 400))


def rested(path: Path, name: str, rest1: str, rest2: str, *, seed: int = 0, **of) -> Recording:
    load = of.get("load", "UUUU")
    frames = [list(shown) for shown in ("....", load, rest1, rest2, load)]
    return recorded(path, frames, phases=REST, name=name, seed=seed)


def test_the_greatest_difference_at_rest(tmp_path: Path) -> None:
    first = rested(tmp_path / "a.reel", "one", "UUU.", "U...")
    second = rested(tmp_path / "b.reel", "two", "UU..", "UUUU")
    finding = one([first, second], "rest_difference")
    assert (finding.mechanism, finding.first_frame, finding.last_frame) == ("two", 3, 3)
    assert finding.sentence == (
        "At rest2, 3 of 4 pageblocks can become a huge page with one, 0 of 4 with two."
    )


def test_no_difference_at_rest(tmp_path: Path) -> None:
    """The same; only at a phase that isn't rest; with memory in huge pages; of another seed."""
    first = rested(tmp_path / "a.reel", "one", "U...", "U..H")
    same = rested(tmp_path / "b.reel", "two", "U...", "UUUU", load="....")
    assert not found([first, same], "rest_difference")
    other = rested(tmp_path / "c.reel", "two", "UUUU", "UUUU", seed=1)
    assert not found([first, other], "rest_difference")


def test_findings_stand_by_frame_and_no_rule_floods(tmp_path: Path) -> None:
    events = [("fallback", 400 * k + n, 1, M, U) for k in range(9) for n in range(90)]
    here = recorded(tmp_path / "a.reel", [["UM", "M"]] * 2 + [["", ""]] * 400, events=events)
    told = findings_of([here, here])
    assert [f.first_frame for f in told] == sorted(f.first_frame for f in told)
    assert len(found(here, "fallback_burst")) == RULES["fallback_burst"].most
    assert not findings_of([])


def test_the_figures_are_those_of_series_csv(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    frames = [["M"] * 8, ["M"] * 6 + ["UM", "U"], ["UM"] * 8, ["UM", *["M"] * 7]]
    here = recorded(tmp_path / "a.reel", frames, grouping=OFF, phases=REST)
    other = recorded(tmp_path / "b.reel", [["M"] * 8] * 4, name="other", phases=REST)
    write_tables(tmp_path / "run", (here.path, other.path), lambda done, total: None)
    series = read_table(tmp_path / "run" / "series.csv").set_index(["mechanism", "frame"])
    scatter, half = one(here, "scatter"), one(here, "half_fit")
    mixed = series.loc[("test", scatter.more["frame"]), "mixed"]
    assert scatter.more["mixed_blocks"] == mixed * 8 / 100 == 8
    fit = series["potential_huge"]
    assert half.more["blocks"] == fit["test", half.first_frame] == 0
    rest = one([here, other], "rest_difference")
    assert rest.more["least_blocks"] == fit["test", rest.first_frame] == 0
    assert rest.more["most_blocks"] == fit["other", rest.first_frame] == 8
    for finding, figure in ((half, "blocks"), (rest, "least_blocks"), (rest, "most_blocks")):
        assert f"{finding.more[figure]} of 8 pageblocks" in finding.sentence or (
            f"{finding.more[figure]} of 8 with" in finding.sentence
        )


def test_a_finding_is_one_short_sentence_with_a_range() -> None:
    good = Finding("rule", "m", "w", 0, 1, 2, 3, 3, "A sentence.")
    assert "more" not in good.row()
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
    assert [*told, case.seconds(3, 4)] == ["0.25 s", "1 s", "3,000 s", "0 s"]


def test_every_rule_says_what_it_is() -> None:
    rules = {**RULES, **COMPARISONS}
    assert len(rules) == len(RULES) + len(COMPARISONS)
    assert all(rule.title and rule.most > 0 and rule.find.__doc__ for rule in rules.values())
