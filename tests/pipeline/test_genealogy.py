"""The history of pageblocks on recordings made by hand: every answer is known."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.findings.case import Case
from pipeline.genealogy import changes
from pipeline.genealogy.episodes import EPISODE_DTYPE, cause, episodes, polluted
from pipeline.genealogy.history import History
from pipeline.genealogy.lifetimes import lifetimes
from pipeline.metrics import METRICS
from pipeline.metrics.evidence import Evidence
from pipeline.recording import Recording
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
    lived = lifetimes(found)
    assert lived.over_ops.at_risk.tolist() == [1]
    assert lived.over_ops.times.tolist() == [200]
    assert lived.over_us.median()[0] == 2_000_000


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


def test_claims_steals_and_pollution_are_counted_by_block(tmp_path: Path) -> None:
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
    assert changes.polluting(of).tolist() == [1, 1, 0]


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


def test_the_frames_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the rules need and what the metrics need comes from one pass over the frames."""
    here = recorded(tmp_path / "a.reel", [["UM", "M"], ["UM", ""], ["M", "H"]])
    passes = []
    grids = Recording.grids
    monkeypatch.setattr(Recording, "grids", lambda of: passes.append(of) or grids(of))
    case = Case(here)
    assert case.values("mixed").tolist() == [50, 50, 0]
    assert case.history.kernel_pages.tolist() == [[1, 0], [1, 0], [0, 0]]
    assert case.huge_requests()[0].tolist() == [0, 0, 0]
    assert np.isnan(case.fit).tolist() == [False, False, True]
    assert len(passes) == 1


def test_a_history_is_the_evidence_of_the_metrics(tmp_path: Path) -> None:
    of = history(tmp_path, [["UM", "R", "KM", "X", "H", "p"], ["", "M", "U", "X", "", "MR"]])
    evidence = Evidence(of.recording)
    assert of.block_kinds.tolist() == evidence.block_kinds.tolist()
    assert of.class_pages.tolist() == evidence.class_pages.tolist()
    assert evidence.class_pages.sum(axis=1).tolist() == [6 * PAGES] * 2
    assert evidence.pages_of("movable").tolist() == [2, 2]
    assert evidence.pages_of("kernel_unknown").tolist() == [1, 0]
    assert METRICS["mixed"].measure(evidence).tolist() == [40, 20]
    assert METRICS["nonmov_blocks"].measure(evidence).tolist() == [3, 2]


def test_half_lives_in_words() -> None:
    def lived(*ends: float, censored: int = 0) -> list[str]:
        found = np.zeros(len(ends) + censored, EPISODE_DTYPE)
        found["time_us"][: len(ends)] = [1_000_000 * end for end in ends]
        found["ops"][: len(ends)] = [1_000_000 * end for end in ends]
        found["time_us"][len(ends) :] = found["ops"][len(ends) :] = 10**9
        found["censored"][len(ends) :] = True
        return lifetimes(found).half_life_texts()

    assert lived() == ["none was polluted"]
    assert lived(1, censored=9) == ["not reached: 90% still polluted"]
    assert lived(0.02) == [
        "0.02 s (no interval), by 1 left", "20,000 operations (no interval), by 1 left",
    ]  # fmt: skip
    assert lived(0.25) == [
        "0.25 s (no interval), by 1 left", "0.25 M operations (no interval), by 1 left",
    ]  # fmt: skip
    assert lived(0.25, 1.5, 40) == [
        "1.5 s (0.25 to \N{INFINITY}), by 2 left",
        "1.5 M operations (0.25 to \N{INFINITY}), by 2 left",
    ]  # fmt: skip
    # By hand: Greenwood's variance of 26 and 14 of 40, on the scale of log(-log S).
    assert lived(*range(1, 41)) == ["20 s (14 to 26)", "20 M operations (14 to 26)"]


def test_a_half_life_on_one_clock_alone() -> None:
    """By operations the one that lasts longer than the recording comes last, by time first."""
    found = np.zeros(2, EPISODE_DTYPE)
    found["time_us"], found["ops"], found["censored"] = [2_000_000, 1_000_000], [5, 9], [0, 1]
    assert lifetimes(found).half_life_texts() == [
        "2 s (no interval), by 1 left", "5 operations (5 to \N{INFINITY}), by 2 left",
    ]  # fmt: skip
    found["time_us"] = [2_000_000, 3_000_000]
    found = np.append(found, found[1:])
    found["time_us"][2] = 1_000_000
    assert lifetimes(found).half_life_texts() == [
        "2 s (2 to \N{INFINITY}), by 2 left", "not reached in operations",
    ]  # fmt: skip
