"""Damaged pastes: reports of failed requests, pagetypeinfo, buddyinfo; wrapped, quoted, cut."""

import io
import textwrap
from contextlib import redirect_stdout
from functools import cache
from pathlib import Path
from random import Random

from capture.errors import CaptureError
from capture.failure_picture import figure_of
from capture.failure_report import read_reports
from capture.free_lists import read_free_lists, table_of
from capture.import_command import import_command
from pipeline.config import UsageError
from tests.capture.test_free_lists import BUDDYINFO, MODERN, OLD
from tests.fuzz.figures import damaged
from tests.fuzz.judge import Case, Target

FIXTURES = Path(__file__).parents[1] / "capture" / "fixtures"


@cache
def _reports() -> tuple[str, ...]:
    return tuple(path.read_text() for path in sorted(FIXTURES.glob("*.txt")))


def _pasted(random: Random, text: str) -> bytes:
    """As it is, or as mail programs send it, and damaged then."""
    if random.random() < 0.3:
        text = "\n".join(textwrap.fill(line, 72) for line in text.splitlines())
    if random.random() < 0.2:
        text = "".join(f"> {line}\n" for line in text.splitlines())
    return damaged(random, text)


def make_report(random: Random, folder: Path) -> Case:
    path = folder / "dmesg.txt"
    path.write_bytes(_pasted(random, "".join(random.sample(_reports(), random.randint(1, 2)))))

    def run() -> None:
        with redirect_stdout(io.StringIO()):
            import_command("dmesg", str(path), None, False)
        for report in read_reports(path.read_text(errors="replace")):
            figure_of(report, path.name)

    return Case(run, str(path))


def make_lists(random: Random, folder: Path) -> Case:
    path = folder / "lists.txt"
    texts = [MODERN, OLD, BUDDYINFO]
    path.write_bytes(_pasted(random, "".join(random.sample(texts, random.randint(1, 3)))))

    def run() -> None:
        with redirect_stdout(io.StringIO()):
            import_command("pagetypeinfo", str(path), None, False)
        table_of(read_free_lists(path.read_text(errors="replace"))[0])

    return Case(run, str(path))


TARGETS = (
    Target("report", 0.05, (CaptureError, UsageError), make_report),
    Target("free lists", 0.05, (CaptureError, UsageError), make_lists),
)
