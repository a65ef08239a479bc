"""The rule that holds recordings against each other."""

from pathlib import Path

import pytest

from pipeline.artefacts.tables import write_tables
from pipeline.findings import findings_of
from pipeline.recording import Recording
from pipeline.run_folder import read_table
from tests.pipeline.histories import found, one, phases, recorded

OFF = {"rule": "claim", "enabled": False}
REST = phases(("load", 0, 100), ("rest1", 100, 200), ("rest2", 200, 300), ("end", 300, 400))


def rested(
    path: Path, name: str, rest1: str, rest2: str, *, load: str = "UUUU", **of: object
) -> Recording:
    frames = [list(shown) for shown in ("....", load, rest1, rest2, load)]
    return recorded(path, frames, phases=REST, name=name, **of)


def test_the_greatest_difference_at_rest(tmp_path: Path) -> None:
    first = rested(tmp_path / "a.reel", "one", "UUU.", "U...")
    second = rested(tmp_path / "b.reel", "two", "UU..", "UUUU")
    finding = one([first, second], "rest_difference")
    assert (finding.mechanism, finding.first_frame, finding.last_frame) == ("two", 3, 3)
    assert finding.sentence == (
        "At rest2, 3 of 4 pageblocks can become a huge page with one; 0 of 4 with two."
    )


def test_names_tell_the_recordings_apart_that_are_compared(tmp_path: Path) -> None:
    """Of one mechanism with other parameters; the same again, before and after a patch."""
    pair = [
        rested(tmp_path / f"{share}.reel", "zone", rest, rest, parameters={"kernelcore": share})
        for share, rest in (("30%", "U..."), ("70%", "UUUU"))
    ]
    finding = one(pair, "rest_difference")
    assert (finding.place, finding.mechanism) == (1, "zone")
    assert finding.sentence == (
        "At rest1, 3 of 4 pageblocks can become a huge page with zone, kernelcore=30%; 0 of 4 with "
        "zone, kernelcore=70%."
    )
    again = [rested(tmp_path / f"{n}.reel", "same", rest, rest)
             for n, rest in enumerate(("UUUU", "...."))]  # fmt: skip
    finding = one(again, "rest_difference")
    assert finding.place == 0
    assert finding.sentence.endswith("with same, (2); 0 of 4 with same.")


def test_names_too_long_for_a_sentence_are_left_out(tmp_path: Path) -> None:
    pair = [rested(tmp_path / f"{n}.reel", letter * 60, rest, rest)
            for n, (letter, rest) in enumerate((("a", "UUUU"), ("b", "....")))]  # fmt: skip
    assert one(pair, "rest_difference").sentence.endswith(
        "4 of 4 pageblocks can become a huge page with another mechanism; 0 of 4 with this."
    )


def test_no_difference_at_rest(tmp_path: Path) -> None:
    """The same; only at a phase that isn't rest; with memory in huge pages; of another seed."""
    first = rested(tmp_path / "a.reel", "one", "U...", "U..H")
    same = rested(tmp_path / "b.reel", "two", "U...", "UUUU", load="....")
    assert not found([first, same], "rest_difference")
    other = rested(tmp_path / "c.reel", "two", "UUUU", "UUUU", seed=1)
    assert not found([first, other], "rest_difference")


@pytest.mark.parametrize("block", [None, "X"], ids=["below a pageblock", "all reserved"])
def test_a_machine_without_an_eligible_pageblock(tmp_path: Path, block: str | None) -> None:
    frames = [[block] if block else []] * 5
    pair = [recorded(tmp_path / f"{name}.reel", frames, phases=REST, name=name, pages=7)
            for name in ("one", "two")]  # fmt: skip
    assert not findings_of(pair)


def test_the_figures_are_those_of_series_csv(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    frames = [["M"] * 8, ["M"] * 6 + ["UM", "U"], ["UM"] * 8, ["UM", *["M"] * 7]]
    here = recorded(tmp_path / "a.reel", frames, grouping=OFF, phases=REST)
    other = recorded(tmp_path / "b.reel", [["M"] * 8] * 4, name="other", phases=REST)
    write_tables(tmp_path / "run", (here.path, other.path), (), lambda done, total: None)
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
