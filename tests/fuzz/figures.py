"""Damaged sweeps, testcases and seeds.csv: what texts and tests are made of, and when they hold."""

import hashlib
import tomllib
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random

import tomli_w

from allocator.mechanism import BUILT_IN
from pipeline.comparison.diff import difference_document
from pipeline.comparison.rows import Choice, rows_of
from pipeline.comparison.runs import SEEDS_FILE, RunFigures
from pipeline.comparison.sides import within
from pipeline.config import UsageError
from pipeline.gate.conditions import asked
from pipeline.gate.judge import judge as judged
from pipeline.mail.command import mail_text
from pipeline.measures import SEEDS_COLUMNS
from pipeline.run_folder import read_seeds
from pipeline.scratch import scratch_folder
from pipeline.sweep.config import at, load_sweep
from pipeline.testcase.folder import ABOUT, CONFIG, EXPECTED, About, TestcaseError, read, write
from tests.fuzz.judge import Case, Target
from tests.fuzz.mutate import NUMBERS, TEXTS, mutated_bytes, mutated_text
from tests.fuzz.texts import one_line
from tests.pipeline.made_runs import STRESS, made_run

_USED = 0.1  # of the tables that could be read


def damaged(random: Random, text: str) -> bytes:
    """A text with edits to its bytes, or to its lines and values."""
    if random.random() < 0.1:
        return mutated_bytes(random, text.encode())
    return mutated_text(random, text).encode(errors="replace")


# Sweeps.

_SWEEP = """seeds = 3
mechanisms = ["6.1-off", {name = "6.1-zone", label = "zone-30", parameters = {kernelcore = "30%"}}]
measures = ["potential_huge", "mixed"]
phases = ["rest"]
[[workloads]]
name = "churn"
parameters = {requests = 3000}
[parameters]
memory_mib = [32, 48]
min_free_kbytes = [512, 1024]
"per_cpu.rule" = "none"
"""


def make_sweep(random: Random, folder: Path) -> Case:
    path = folder / "sweep.toml"
    path.write_bytes(damaged(random, _SWEEP))

    def run() -> None:
        config = load_sweep(path)
        for setting in config.settings[:3]:
            at(config, setting)

    return Case(run, str(path))


# Testcases.


@cache
def _expected() -> str:
    rows = (
        f"{mechanism},churn,3,{phase},{measure},{value}"
        for mechanism in ("6.1-off", "mine")
        for phase, measure, value in (("rest", "mixed", 12.5), ("rest", "free_blocks", 3.0))
    )
    return "\n".join((",".join(SEEDS_COLUMNS), *rows, ""))


_CONFIG = {
    "seeds": [3],
    "frames": 4,
    "mechanisms": [{"name": "6.1-off"}, {"name": "mechanisms/mine.toml"}],
    "workloads": [{"name": "churn", "parameters": {"memory_mib": "24", "requests": "3000"}}],
}


@cache
def _whole() -> dict[str, str]:
    """The files of a testcase."""
    with scratch_folder() as folder:
        (folder / "mechanisms").mkdir()
        mine = (BUILT_IN / "6.1-list.toml").read_text().replace('"6.1-list"', '"mine"')
        (folder / "mechanisms" / "mine.toml").write_text(mine)
        (folder / EXPECTED).write_text(_expected())
        about = {
            "symptom": "Off spreads them.",
            "conditions": ["mine mixed at rest < 6.1-off by 2", "mine free_blocks at rest > 1"],
            "sealed": "",
            "versions": {"pagereel": "1"},
            "files": {},
            "recordings": [
                {"file": f"churn-{name}-3.reel", "sha256": "0" * 64, "stream": "0" * 32}
                for name in ("6.1-off", "mine")
            ],
        }
        write(folder, About.model_validate(about), _CONFIG, read_seeds(folder / EXPECTED))
        files = (path for path in folder.rglob("*") if path.is_file())
        return {str(path.relative_to(folder)): path.read_text() for path in files}


def make_testcase(random: Random, folder: Path) -> Case:
    """One file damaged; sometimes with hashes that fit."""
    path = folder / "testcase"
    which = random.choice((ABOUT, ABOUT, CONFIG, EXPECTED, "mechanisms/mine.toml"))
    for name, text in _whole().items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(damaged(random, text) if name == which else text.encode())
    if random.random() < 0.3:
        _seal(path, which)
    return Case(lambda: _read(path), str(path))


def _seal(path: Path, which: str) -> None:
    with suppress(ValueError, LookupError, TypeError, OverflowError, RecursionError):
        about = tomllib.loads((path / ABOUT).read_text(errors="replace"))
        if which != ABOUT:
            about["files"][which] = hashlib.sha256((path / which).read_bytes()).hexdigest()
        about["sealed"] = About.model_validate(about).seal()
        (path / ABOUT).write_text(tomli_w.dumps(about))


def _read(path: Path) -> None:
    """What a check does before anything is run again."""
    testcase = read(path)
    for condition in testcase.conditions:
        condition.judge(testcase.expected).told(condition)


# Figures by seed.


@cache
def _run() -> RunFigures:
    return made_run({key: STRESS[key] for key in list(STRESS)[3:8]}, seeds=6)


@cache
def _seeds() -> str:
    return _run().table.to_csv(index=False)


def make_seeds(random: Random, folder: Path) -> Case:
    path = folder / SEEDS_FILE
    path.write_bytes(_damaged_table(random))
    used = random.random() < _USED

    def run() -> None:
        table = read_seeds(path)
        if used:
            one_line(lambda: _use(replace(_run(), table=table)))

    return Case(run, str(path))


def _damaged_table(random: Random) -> bytes:
    if random.random() < 0.3:
        return damaged(random, _seeds())
    rows = [line.split(",") for line in _seeds().splitlines()]
    odd = (*TEXTS, *map(str, NUMBERS), '"', '"a\nb"', "1e400", "-0.0", "1.5", "")
    for _ in range(random.choice((1, 1, 3))):
        row = random.choice(rows)
        row[random.randrange(len(row))] = random.choice(odd)
    return "\n".join(",".join(row) for row in rows).encode(errors="replace")


def _use(run: RunFigures) -> None:
    """A mail, a table of differences, a gate."""
    group = within(run)
    rows = rows_of(group, Choice())
    mail_text([group], Choice())
    difference_document([group], rows, everything=True)
    judged(rows, asked("mixed at rest", ("failed_requests",), (), "5%"))


TARGETS = (
    Target("sweep", 0.05, (UsageError,), make_sweep),
    Target("testcase", 0.05, (UsageError, TestcaseError), make_testcase),
    Target("figures by seed", 0.05, (UsageError,), make_seeds),
)
