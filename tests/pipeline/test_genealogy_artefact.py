"""The tables and the data of the figure of genealogy, on recordings made by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipeline.artefacts.figures import figures_of
from pipeline.artefacts.genealogy import TABLES, write_tables
from pipeline.artefacts.genealogy_figure import block_states, figure_of, map_rows, write_picture
from pipeline.genealogy.history import History
from pipeline.recording import Recording, RecordingError
from pipeline.run_folder import read_table
from renderer.genealogy_map import STATES
from tests.pipeline.histories import M, R, U, recorded

FRAMES = [
    ["UM", "", "M", "X", "U"],
    ["UM", "RM", "M", "X", "U"],
    ["UM", "RM", "", "X", "U"],
    ["M", "R", "", "X", "U"],
    ["M", "M", "H", "X", "U"],
    ["UM", "M", "", "X", "U"],
]
TYPES = [[M, M, M, M, U]] + [[M, R, M, M, U]] * 4 + [[M, R, U, M, U]]
EVENTS = [
    ("claim", 50, 1, R, M),
    ("fallback", 50, 1, R, M, 0, 1),
    ("fallback", 450, 0, U, M),
    ("fallback", 460, 0, M, U),
]


def quiet(done: int, total: int) -> None:
    """No progress is shown."""


@pytest.fixture
def made(tmp_path: Path) -> Recording:
    return recorded(tmp_path / "made.reel", FRAMES, types=TYPES, events=EVENTS, name="made")


@pytest.fixture
def tables(made: Recording, tmp_path: Path) -> dict[str, pd.DataFrame]:
    still = recorded(tmp_path / "still.reel", [["M", "M"]] * 3, name="still")
    write_tables(tmp_path, (made.path, still.path), quiet)
    return {name: read_table(tmp_path / f"{name}.csv") for name in TABLES}


def test_one_row_a_pageblock(tables: dict[str, pd.DataFrame]) -> None:
    table = tables["genealogy"]
    assert table["mechanism"].tolist() == ["made"] * 5 + ["still"] * 2
    rows = table[table["mechanism"] == "made"]
    assert rows["first_pfn"].tolist() == [0, 16, 32, 48, 64]
    assert rows["eligible"].tolist() == [1, 1, 1, 0, 1]
    assert rows["type_at_end"].tolist() == (
        ["movable", "reclaimable", "unmovable", "movable", "unmovable"]
    )
    assert rows["claims"].tolist() == [0, 1, 0, 0, 0]
    assert rows["steals"].tolist() == [2, 0, 0, 0, 0]
    assert rows["polluting_fallbacks"].tolist() == [1, 1, 0, 0, 0]
    assert rows["changes_between_frames"].tolist() == [0, 0, 1, 0, 0]
    assert rows["episodes"].tolist() == [2, 1, 0, 0, 0]
    assert rows["recoveries"].tolist() == [1, 1, 0, 0, 0]
    assert rows["polluted_share"].round(6).tolist() == [0.666667, 0.5, 0, 0, 0]
    assert rows["first_polluted_frame"].tolist()[:2] == [0, 1]
    assert rows["first_polluted_op"].tolist()[:2] == [0, 100]
    assert rows["first_polluted_op"].isna().tolist() == [False, False, True, True, True]
    assert rows["longest_ops"].tolist()[:2] == [300, 300]


def test_one_row_an_episode(tables: dict[str, pd.DataFrame]) -> None:
    rows = tables["episodes"]
    assert rows["mechanism"].unique().tolist() == ["made"]
    assert rows["block"].tolist() == [0, 0, 1]
    assert rows["first_frame"].tolist() == [0, 5, 1]
    assert rows["last_frame"].tolist() == [2, 5, 3]
    assert rows["ops"].tolist() == [300, 0, 300]
    assert rows["time_us"].tolist() == [3_000_000, 0, 3_000_000]
    assert rows["censored"].tolist() == [0, 1, 0]
    assert rows["at_start"].tolist() == [1, 0, 0]
    assert rows["cause"].tolist() == ["at start", "fallback for movable", "claim for reclaimable"]
    assert rows["cause_op"].isna().tolist() == [True, False, False]
    assert rows["cause_op"].tolist()[1:] == [460, 50]


def test_one_half_life_a_recording(tables: dict[str, pd.DataFrame]) -> None:
    """Two episodes began: one recovered after 300 operations, one is still there at once."""
    made, still = tables["half_life"].to_dict("records")
    assert (made["polluted_at_start"], made["recovered_of_these"]) == (1, 1)
    assert (made["episodes"], made["recovered"], made["censored"]) == (2, 1, 1)
    assert (made["half_life_ops"], made["half_life_s"]) == (300, 3)
    assert np.isnan(made["half_life_high_s"])
    assert (still["episodes"], still["surviving_at_end"]) == (0, 1)
    assert np.isnan(still["half_life_ops"])


def test_an_empty_recording_is_told(tmp_path: Path, made: Recording) -> None:
    data = made.path.read_bytes()
    cut = tmp_path / "cut.reel"
    cut.write_bytes(data[: data.index(b"FRAM")])
    for write in (lambda: write_tables(tmp_path, (cut,), quiet),
                  lambda: write_picture([cut], tmp_path / "g", quiet)):  # fmt: skip
        with pytest.raises(RecordingError, match=r"cut\.reel: it ends before its first frame"):
            write()


def test_states_of_pageblocks(made: Recording) -> None:
    states = [[STATES[code] for code in row] for row in block_states(History(made))]
    kernel, free = "cannot move only", "free"
    assert states[1] == ["mixed", "mixed", "movable only", "not counted", kernel]
    assert states[3] == ["movable only", kernel, free, "not counted", kernel]
    assert states[4][2] == "huge page"


def test_what_isnt_eligible_is_drawn_as_not_counted(tmp_path: Path) -> None:
    zones = [{"name": "DMA", "start_pfn": 0, "end_pfn": 16},
             {"name": "DMA32", "start_pfn": 16, "end_pfn": 32}]  # fmt: skip
    here = recorded(tmp_path / "a.reel", [["UM", "UM"]], zones=zones)
    assert [STATES[code] for code in block_states(History(here))[0]] == ["not counted", "mixed"]


def test_the_figures_data_stand_beside_it(made: Recording, tmp_path: Path) -> None:
    write_picture([made.path], tmp_path / "figures" / "genealogy", quiet)
    names = {path.name for path in (tmp_path / "figures").iterdir()}
    assert names == {
        "genealogy.png", "genealogy.svg", "genealogy.pdf", "genealogy.csv", "genealogy_map.csv",
    }  # fmt: skip
    steps = read_table(tmp_path / "figures" / "genealogy.csv")
    assert steps[["time_s", "at_risk", "recovered", "surviving"]].values.tolist() == [[3, 1, 1, 0]]
    stretches = read_table(tmp_path / "figures" / "genealogy_map.csv")
    drawn = np.full((6, 5), "", object)
    for row in stretches[~stretches["state"].str.startswith("claim")].itertuples():
        drawn[row.first_frame : row.last_frame + 1, row.block] = row.state
    assert np.array_equal(drawn, np.array(STATES, object)[block_states(History(made))])
    (claim,) = stretches[stretches["state"].str.startswith("claim")].values.tolist()
    assert claim == ["made", 1, 1, 1, "claim for reclaimable"]


def test_the_figure_shows_what_the_tables_say(made: Recording) -> None:
    figure = figure_of([History(made)])
    (curve,) = figure.curves
    assert (curve.episodes, curve.recovered, curve.at_start) == (2, 1, 1)
    assert curve.half_life_s == 3
    assert curve.half_life_texts == [
        "3 s (no interval), by 1 left", "300 operations (no interval), by 1 left",
    ]  # fmt: skip
    assert curve.observed_us == 3_000_000
    assert figure.maps[0].claim_back.tolist() == [False]
    assert figure.metadata["recordings"][0]["mechanism"] == "made"
    assert len(map_rows(figure)) == 1 + sum(
        1 + int((np.diff(column.astype(int)) != 0).sum())
        for column in block_states(History(made)).T
    )


def test_the_same_bytes_each_time(made: Recording, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_picture([made.path], tmp_path / folder / "genealogy", quiet)
        write_tables(tmp_path / folder, (made.path,), quiet)
    first, second = (sorted((tmp_path / folder).iterdir()) for folder in ("a", "b"))
    assert [path.name for path in first] == [path.name for path in second]
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(first, second, strict=True))


def test_episodes_of_a_recording_without_events(tmp_path: Path) -> None:
    off = {"rule": "claim", "enabled": False}
    bare = recorded(tmp_path / "bare.reel", [["M"], ["UM"]], grouping=off)
    write_tables(tmp_path, (bare.path,), quiet)
    rows = read_table(tmp_path / "episodes.csv")
    assert rows["cause"].tolist() == ["no grouping"]
    assert rows["cause_op"].isna().all()


def test_curves_and_maps_have_names_that_tell_them_apart(tmp_path: Path) -> None:
    recordings = [
        recorded(tmp_path / f"{share}.reel", FRAMES, name="zone", parameters={"kernelcore": share})
        for share in ("30%", "70%")
    ]
    figure = figure_of([History(recording) for recording in recordings])
    names = ["zone, kernelcore=30%", "zone, kernelcore=70%"]
    assert [curve.name for curve in figure.curves] == names
    assert [drawn.name for drawn in figure.maps] == names
    assert map_rows(figure)["mechanism"].unique().tolist() == names


def test_a_machine_below_one_pageblock(tmp_path: Path) -> None:
    """No rows of pageblocks and episodes, one of the half-life, a figure that says why."""
    tiny = recorded(tmp_path / "tiny.reel", [[], []], pages=7)
    write_tables(tmp_path, (tiny.path,), quiet)
    assert not len(read_table(tmp_path / "genealogy.csv"))
    assert not len(read_table(tmp_path / "episodes.csv"))
    assert read_table(tmp_path / "half_life.csv")["episodes"].tolist() == [0]
    write_picture([tiny.path], tmp_path / "figures" / "genealogy", quiet)
    assert not len(read_table(tmp_path / "figures" / "genealogy_map.csv"))
    told = (tmp_path / "figures" / "genealogy.svg").read_text()
    assert "no pageblock: memory is smaller than one" in told


def test_phases_are_key_ones_where_nothing_else_is_told(made: Recording) -> None:
    assert figure_of([History(made)]).phases == [("all", 0, True)]
    figures = figures_of([made], lambda recording, name: np.zeros(len(recording)))
    assert [phase.key for phase in figures["overview"][0].clock.phases] == [True]
