"""Run the command line in this process, as the console script does."""

import sys
from typing import NamedTuple

import pytest

from allocator.page_alloc import COMPILED
from pipeline.cli import main
from pipeline.simulate import core_note


class Outcome(NamedTuple):
    """What a command left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


class Commands:
    """Calls `pagereel ARGUMENTS...`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *arguments: object) -> Outcome:
        self._capsys.readouterr()
        self._monkeypatch.setattr(sys, "argv", ["pagereel", *map(str, arguments)])
        with pytest.raises(SystemExit) as caught:
            main()
        captured = self._capsys.readouterr()
        return Outcome(caught.value.code or 0, captured.out, captured.err)

    def refused(self, *arguments: object, code: int) -> str:
        """The one line that a command ends with that cannot be done."""
        outcome = self(*arguments)
        assert outcome.code == code, outcome
        lines = [line for line in outcome.err.splitlines() if core_note() not in line or COMPILED]
        assert len(lines) == 1, outcome.err
        assert lines[0].startswith("pagereel: ")
        return lines[0]


@pytest.fixture
def pagereel(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> Commands:
    """The command line as a function."""
    return Commands(monkeypatch, capsys)
