"""Some thousand damaged inputs for each run of the tests; `make fuzz` tries a million."""

import warnings
from pathlib import Path

import pytest

from tests.fuzz.batch import by_hypothesis, by_number
from tests.fuzz.judge import ACCEPTED, FAULT, REFUSED, Case, Target, judge
from tests.fuzz.run import batches, fuzz, table
from tests.fuzz.targets import TARGETS

INPUTS = 3000  # of all parsers together
BY_HYPOTHESIS = 10  # of each
PARSERS = pytest.mark.parametrize("name", TARGETS)


@PARSERS
def test_damaged_inputs_are_used_or_refused(name: str) -> None:
    count = int(INPUTS * TARGETS[name].share)
    verdicts = [verdict for _, verdict in by_number(name, 0, count) if verdict]
    assert len(verdicts) == count
    assert [verdict.fault for verdict in verdicts if verdict.kind == FAULT] == []
    assert {verdict.kind for verdict in verdicts} == {ACCEPTED, REFUSED}


@PARSERS
def test_the_same_as_hypothesis_would_have_it(name: str) -> None:
    tally = by_hypothesis(name, 1, BY_HYPOTHESIS)
    assert tally.told == []
    assert tally.inputs > 0


# The judge.


def raising(error: BaseException):
    def run() -> None:
        raise error

    return run


def hanging() -> None:
    while True:
        try:
            while True:
                pass
        except Exception:
            pass


class Refusal(Exception):
    pass


@pytest.mark.parametrize(
    ("run", "fault"),
    [
        (lambda: None, ""),
        (raising(Refusal("/a.reel: damaged")), ""),
        (raising(Refusal("damaged")), "a message that doesn't name /a.reel"),
        (raising(Refusal("/a.reel: a\nb")), "a message of no or several lines"),
        (raising(Refusal("/a.reel: a\x1db")), "a message of no or several lines"),
        (raising(Refusal(" ")), "a message of no or several lines"),
        (raising(KeyError("mixed")), "KeyError at test_fuzz.py"),
        (raising(SystemExit(3)), "SystemExit"),
        (raising(MemoryError()), "MemoryError"),
        (lambda: warnings.warn("overflow", RuntimeWarning, stacklevel=1), "RuntimeWarning"),
        (hanging, "Hang"),
    ],
)
def test_what_is_a_fault(run, fault: str, monkeypatch) -> None:
    monkeypatch.setattr("tests.fuzz.judge.LIMIT_S", 0.1)
    verdict = judge(Target("a test's", 1, (Refusal,), None), Case(run, "/a.reel"))
    assert (verdict.kind == FAULT) == (fault != "")
    assert verdict.fault.startswith(fault)


# Many batches.


def test_all_inputs_are_in_some_batch_once() -> None:
    shares = {name: 0 for name in TARGETS}
    for batch in batches(100_000):
        if not shares[batch.target]:
            assert batch.by_hypothesis
        assert batch.first == shares[batch.target]
        shares[batch.target] += batch.count
    assert sum(shares.values()) == 100_000
    assert min(shares.values()) >= 5000


def test_finished_batches_are_kept(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("tests.fuzz.run.TARGETS", {"parameter": TARGETS["parameter"]})
    first = list(fuzz(100, tmp_path, jobs=1))
    assert sum(tally.inputs for _, tally in first) == round(100 * TARGETS["parameter"].share)
    monkeypatch.setattr("tests.fuzz.run.Worker", None)  # nothing is left to do
    again = list(fuzz(100, tmp_path, jobs=1))
    assert again == first
    assert "parameter" in table({"parameter": again[0][1]})
