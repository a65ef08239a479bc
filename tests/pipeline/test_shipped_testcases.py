"""The testcases in docs/ still show what they are kept for."""

from pathlib import Path

import pytest

from tests.pipeline.commands import Commands

TESTCASES = Path(__file__).parents[2] / "docs" / "testcases"


@pytest.mark.speed
@pytest.mark.parametrize("name", sorted(path.name for path in TESTCASES.iterdir()))
def test_it_shows_what_it_is_kept_for(pagereel: Commands, name: str) -> None:
    outcome = pagereel("testcase", "check", TESTCASES / name, "-j", 1)
    assert outcome.code == 0, outcome.out
    assert "Symptom: still shows" in outcome.out


def test_they_are_small() -> None:
    for folder in TESTCASES.iterdir():
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        assert size < 100_000, folder.name
        assert not list(folder.rglob("*.reel"))
