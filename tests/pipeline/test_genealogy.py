"""The history of pageblocks on recordings made by hand: every answer is known."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.genealogy import changes
from pipeline.genealogy.episodes import cause, episodes, polluted, survival_of
from pipeline.genealogy.history import History, longest_run, runs
from pipeline.metrics import METRICS
from pipeline.metrics.evidence import Evidence
from tests.pipeline.histories import PAGES, M, R, U, recorded

OFF = {"rule": "claim", "enabled": False}


def history(tmp_path: Path, frames: list[list[str]], **more: object) -> History:
    return History(recorded(tmp_path / "a.reel", frames, **more))


def spans(history: History) -> list[tuple[int, int, int]]:
    return [(int(e["block"]), int(e["first_frame"]), int(e["last_frame"]))
            for e in episodes(history)]  # fmt: skip


def test_what_blocks_hold(tmp_path: Path) -> None:
    of = history(tmp_path, [["UUM", "..R", "X", "KU"], ["", "H", "X", "p"]])
    assert of.kernel_pages.tolist() == [[2, 1, 0, 2], [0, 0, 0, 0]]
    assert of.lone_pfn.tolist() == [[-1, PAGES + 2, -1, -1], [-1] * 4]
    assert of.eligible.tolist() == [True, True, False, True]
    evidence = Evidence(of.recording)
    assert ((of.kernel_pages > 0) & of.eligible).sum(axis=1).tolist() == (
        METRICS["nonmov_blocks"].measure(evidence).tolist()
    )


def test_every_mixed_block_is_polluted_and_own_types_are_not(tmp_path: Path) -> None:
    """Mixed; in a movable block; alone in its own block; a lone movable page; free."""
    frames = [["UM", "U", "U", "M", ""]]
    of = history(tmp_path, frames, types=[[U, M, U, M, M]])
    assert polluted(of).tolist() == [[True, True, False, False, False]]


def test_without_grouping_types_tell_nothing(tmp_path: Path) -> None:
    of = history(tmp_path, [["UM", "U", "R", "M"]], grouping=OFF)
    assert polluted(of).tolist() == [[True, False, False, False]]


def test_pages_of_unknown_mobility_cannot_move(tmp_path: Path) -> None:
    assert polluted(history(tmp_path, [["KM"]], types=[[U]])).all()


def test_blocks_that_are_not_eligible_are_not_looked_at(tmp_path: Path) -> None:
    assert not polluted(history(tmp_path, [["UMX"]])).any()


def test_an_episode_lasts_until_no_page_is_left_that_cannot_move(tmp_path: Path) -> None:
    """Movable pages going, or a new type, are no recovery."""
    frames = [[""], ["U"], ["UM"], ["U"], ["R"], ["M"], ["UM"], ["UM"]]
    types = [[U], [U], [U], [M], [U], [U], [U], [U]]
    of = history(tmp_path, frames, types=types)
    found = episodes(of)
    assert spans(of) == [(0, 2, 4), (0, 6, 7)]
    assert found["censored"].tolist() == [False, True]
    assert found["ops"].tolist() == [300, 100]
    assert found["time_us"].tolist() == [3_000_000, 1_000_000]
    assert not found["at_start"].any()


def test_what_was_polluted_at_the_start_enters_no_curve(tmp_path: Path) -> None:
    frames = [["UM", ""], ["UM", "UM"], ["M", "UM"], ["M", ""]]
    of = history(tmp_path, frames)
    found = episodes(of)
    assert found["at_start"].tolist() == [True, False]
    assert [cause(of, episode) for episode in found] == ["at start", "no event"]
    curve = survival_of(found, "ops")
    assert curve.at_risk.tolist() == [1]
    assert curve.times.tolist() == [200]
    assert survival_of(found, "time_us").median()[0] == 2_000_000


def test_an_own_block_that_a_movable_page_enters_begins_then(tmp_path: Path) -> None:
    of = history(tmp_path, [["U"], ["UM"]], types=[[U], [U]])
    assert spans(of) == [(0, 1, 1)]
    assert not episodes(of)["at_start"].any()
    assert cause(of, episodes(of)[0]) == "own type"


def test_causes_are_the_last_event_before_in_that_block(tmp_path: Path) -> None:
    frames = [["", "", ""], ["UM", "M", "M"], ["UM", "RM", "M"], ["M", "RM", "UM"]]
    told = [
        ("fallback", 40, 0, R, M),
        ("fallback", 90, 0, U, M),
        ("fallback", 100, 0, R, M),  # shown by frame 2 only
        ("claim", 50, 1, R, M),
        ("fallback", 250, 1, U, M),  # after it has begun
        ("failure", 260, 0, U, M),
    ]
    of = history(tmp_path, frames, events=told)
    assert [cause(of, episode) for episode in episodes(of)] == [
        "fallback for unmovable", "claim for reclaimable", "no event",
    ]  # fmt: skip


def test_without_grouping_the_cause_is_that(tmp_path: Path) -> None:
    of = history(tmp_path, [[""], ["UM"]], grouping=OFF)
    assert cause(of, episodes(of)[0]) == "no grouping"


def test_claims_steals_and_harm_are_counted_by_block(tmp_path: Path) -> None:
    told = [
        ("claim", 10, 1, U, M),
        ("fallback", 10, 1, U, M, 0, 1),
        ("fallback", 20, 1, M, U),
        ("fallback", 30, 0, R, M),
        ("fallback", 30, 0, U, R),
    ]
    of = history(tmp_path, [["", "", ""]] * 2, events=told)
    assert changes.claims(of).tolist() == [0, 1, 0]
    assert changes.steals(of).tolist() == [2, 1, 0]
    assert changes.harmful(of).tolist() == [1, 1, 0]


def test_a_claim_of_a_larger_block_concerns_all_its_pageblocks(tmp_path: Path) -> None:
    told = [("claim", 10, 2, U, M, 5)]
    of = history(tmp_path, [[""] * 4] * 2, types=[[M] * 4, [M, M, U, U]], events=told)
    assert changes.claims(of).tolist() == [0, 0, 1, 1]
    assert not changes.between_frames(of).any()


def test_changes_without_an_event_are_told_by_frames(tmp_path: Path) -> None:
    """A claim and its like; isolation; a claim that is undone unseen; claimed there and back."""
    types = [[M] * 4, [U, R, M, M], [U, R, M, M]]
    told = [
        ("claim", 10, 0, U, M),
        ("claim", 20, 2, U, M),
        ("claim", 30, 3, U, M),
        ("claim", 40, 3, M, U),
    ]
    of = history(tmp_path, [[""] * 4] * 3, types=types, events=told)
    assert np.argwhere(changes.between_frames(of)).tolist() == [[1, 1], [1, 2]]


def test_an_event_is_shown_by_the_first_frame_after_it(tmp_path: Path) -> None:
    """Frame n stands after `step` * n operations, numbered from 0."""
    of = history(tmp_path, [[""]] * 3)
    assert of.frames_of(np.array([0, 99, 100, 199, 200])).tolist() == [1, 1, 2, 2, 3]


def test_zones_by_pageblock(tmp_path: Path) -> None:
    zones = [
        {"name": "DMA32", "start_pfn": 0, "end_pfn": PAGES + 8},
        {"name": "Movable", "start_pfn": PAGES + 8, "end_pfn": 4 * PAGES},
    ]
    of = history(tmp_path, [[""] * 4], zones=zones)
    assert [of.zone_of(block) for block in range(4)] == ["DMA32", "DMA32", "Movable", "Movable"]
    assert of.zone_blocks(of.zones[1]).tolist() == [False, False, True, True]


@pytest.mark.parametrize(
    ("text", "found", "longest"),
    [("", [], (0, 0)), ("..", [], (0, 0)), ("#", [(0, 1)], (0, 1)),
     (".##.#", [(1, 3), (4, 5)], (1, 3)), ("#.#", [(0, 1), (2, 3)], (0, 1))],
)  # fmt: skip
def test_runs(text: str, found: list, longest: tuple[int, int]) -> None:
    there = np.array([letter == "#" for letter in text], bool)
    assert list(zip(*map(list, runs(there)), strict=True)) == found
    assert longest_run(there) == longest
