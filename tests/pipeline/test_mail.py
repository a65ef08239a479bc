"""The mail: golden texts, width and characters whatever is in it, and how to repeat it."""

import json
import re
import shlex
import subprocess
import tomllib
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.comparison.document import (
    Band,
    Cell,
    Document,
    Heading,
    Items,
    Line,
    Paragraph,
    Table,
)
from pipeline.comparison.names import NAMES, PASSES, SUMMARY, UNITS, name_of
from pipeline.comparison.rows import Choice
from pipeline.comparison.sides import Group, Side, within
from pipeline.comparison.writers import latex, markdown, text
from pipeline.config import RunConfig, load_config
from pipeline.mail.command import mail_text
from pipeline.mail.dot_plot import dot_plot
from pipeline.mail.repeat import _broken_toml, command_lines, foreign_files, shell_lines
from pipeline.measures import MEASURES
from pipeline.plain_text import WIDTH
from tests.pipeline.commands import Commands
from tests.pipeline.made_runs import STRESS, made_run

GOLDEN = Path(__file__).parents[1] / "golden"
SMALL = {key: STRESS[key] for key in list(STRESS)[2:9]}


def within_width(mail: str) -> None:
    for line in mail.splitlines():
        assert len(line) <= WIDTH, line
        assert line == line.rstrip(), line
    assert mail.isascii()


def two_runs() -> list[Group]:
    old = made_run(SMALL, ("6.1-list", "6.1-both"), folder="old")
    new = made_run(
        {key: (of[1], of[1]) for key, of in SMALL.items()}, ("6.1-list", "6.1-both"),
        folder="new", digest="beef", versions={"pagereel": "1.2.4"}, turn=5,
    )  # fmt: skip
    return [
        Group(Side(old, name, "old"), (Side(new, name, "new"),), name)
        for name in ("6.1-list", "6.1-both")
    ]


GOLDENS = {
    "mail-ten-seeds.txt": lambda: mail_text([within(made_run())], Choice()),
    "mail-one-seed.txt": lambda: mail_text([within(made_run(SMALL, seeds=1))], Choice()),
    "mail-two-runs.txt": lambda: mail_text(two_runs(), Choice()),
    "mail-ten-seeds.md": lambda: mail_text([within(made_run())], Choice(), "markdown"),
    "mail-ten-seeds.tex": lambda: mail_text([within(made_run(SMALL))], Choice(), "latex"),
}


@pytest.mark.parametrize("name", GOLDENS)
def test_mails_are_as_agreed(name: str) -> None:
    mail = GOLDENS[name]()
    assert mail == (GOLDEN / name).read_text()
    if name.endswith(".txt"):
        within_width(mail)


def test_a_sign_says_better_or_worse_and_words_what_is_noise() -> None:
    mail = mail_text([within(made_run(mechanisms=("2007-vanilla", "2007-list")))], Choice())
    summary = mail[: mail.index("What was run")]
    assert re.search(
        r"Mixed pageblocks.*85\.\d+ +2\d\.\d+ \(\+7\d\.\d%\)\*", summary
    )  # less: better
    assert re.search(r"Success 3, at rest.*\(\+88\d\.\d%\)\*", summary)  # more: better
    writes = mail[mail.index("File pages written") :].splitlines()
    assert "*" not in writes[0]
    assert writes[1].strip() == "not significant"
    assert re.search(r"Free pages moved.* 0 +\d+ \(from 0\)\*\n", mail)
    assert "Zero everywhere: Direct compaction tries." in mail


def test_seeds_that_change_nothing_count_as_one() -> None:
    same = {key: tuple((mean, 0.0) for mean, _ in of) for key, of in SMALL.items()}
    mail = mail_text([within(made_run(same))], Choice())
    assert "ONE SEED: NOISE UNKNOWN. All seeds gave the same figures" in mail
    assert "*" not in mail[mail.index("Summary") : mail.index("What was run")]


def test_few_seeds_are_said() -> None:
    mail = mail_text([within(made_run(SMALL, seeds=4))], Choice())
    assert "4 SEEDS ARE TOO FEW" in mail
    assert "Nothing was tested" in mail
    assert "*" not in mail[mail.index("Summary") : mail.index("What was run")]


def test_a_single_mechanism_has_a_mail_too() -> None:
    mail = mail_text([within(made_run(SMALL, ("2007-vanilla",)))], Choice())
    within_width(mail)
    assert "nothing is compared" in mail
    assert "Nothing was compared." in mail


def test_many_mechanisms_stand_in_several_tables() -> None:
    names = [f"mechanism-with-a-long-name-{number}" for number in range(9)]
    run = made_run({key: of[:1] * 9 for key, of in SMALL.items()}, names)
    mail = mail_text([within(run)], Choice())
    within_width(mail)
    for name in names:
        assert name in mail


def test_missing_figures_are_no_zeros() -> None:
    run = made_run(SMALL)
    run.table.loc[(run.table["seed"] == 3) & (run.table["measure"] == "mixed"), "value"] = np.nan
    found = json.loads(mail_text([within(run)], Choice(measures=("mixed",)), "json"))
    assert {row["seeds"] for row in found["rows"]} == {9}
    assert all(None in row["before"] for row in found["rows"])
    assert "have figures of fewer seeds" in mail_text([within(run)], Choice())


def test_names_are_one_each_and_of_measures_that_exist() -> None:
    assert set(NAMES) <= set(MEASURES)
    assert set(SUMMARY) <= set(NAMES)
    assert set(UNITS) <= set(NAMES)
    names = [*NAMES.values(), *PASSES.values()]
    assert len(set(names)) == len(names)
    assert all(MEASURES[name].better != "-" for name in SUMMARY)
    assert name_of("huge_allocated", "stress-highalloc", "r2-load-1") == "r2 Success 1, under load"
    assert name_of("huge_allocated", "churn", "rest") == NAMES["huge_allocated"]


printable = [chr(code) for code in range(32, 127)]
words = st.text(max_size=90)


def test_rows_are_explained_once_and_only_those_that_stand_there() -> None:
    mail = mail_text([within(made_run())], Choice())
    told = mail.partition("What the rows are")[2].partition("What the statistics say")[0]
    told = " ".join(told.split())
    assert told.count("Mixed pageblocks:") == 1
    assert "Success 1, under load; Success 2, under load; Success 3, at rest: memory got" in told
    assert "Huge pages to be had at once" not in told
    assert "What the rows are" in mail_text([within(made_run())], Choice(measures=("mixed",)))
    assert "What the rows are" not in mail_text([within(made_run())], Choice(measures=("splits",)))


def test_geometric_means_are_those_of_phases_at_rest() -> None:
    figures = {(phase, "mixed"): ((20, 1), (10, 1)) for phase in ("build", "rest")}
    assert "Geometric means" not in mail_text([within(made_run(figures, ("x", "y")))], Choice())
    twice = {(phase, "mixed"): ((20, 1), (10, 1)) for phase in ("rest", "r2-rest")}
    run = made_run(twice, ("x", "y"))
    load = run.loads["stress-highalloc"]
    again = {"name": "r2-rest", "title": "and once more", "key": True}
    run.loads["stress-highalloc"] = replace(load, phases=(*load.phases, again))
    mail = " ".join(mail_text([within(run)], Choice()).split())
    assert "Mixed pageblocks, 2 phases" in mail
    assert "over the key phases at rest (rest, r2-rest)" in mail
    minor = again | {"key": False}
    run.loads["stress-highalloc"] = replace(load, phases=(*load.phases, minor))
    assert "Geometric means" not in mail_text([within(run)], Choice())


@pytest.mark.parametrize(
    ("name", "rests"),
    [("rest", True), ("rest3", True), ("r2-rest", True), ("restart", False), ("forest", False)],
)
def test_phases_at_rest_are_told_by_their_names(name: str, rests: bool) -> None:
    run = made_run({(name, "mixed"): ((20, 1), (10, 1))}, ("x", "y"))
    load = replace(
        run.loads["stress-highalloc"], phases=({"name": name, "title": name, "key": True},)
    )
    assert load.rest_phases == ([name] if rests else [])


def told(figures: dict, mechanisms: tuple[str, ...], **more: object) -> str:
    run = made_run(figures, mechanisms, **more)
    return " ".join(mail_text([within(run)], Choice()).split())


def test_failures_are_told_with_how_many_were_asked_for() -> None:
    figures = {("total", "failed_order_9"): ((20, 1), (10, 1))}
    assert "Page allocation failures, order 9 20.00" in told(figures, ("x", "y"))
    asked = figures | {("total", "requests_order_9"): ((313, 0), (313, 0))}
    mail = told(asked, ("x", "y"))
    assert "Page allocation failures, order 9 (of 313)" in mail
    assert "requests of order 9" not in mail.lower()


def test_compaction_that_can_move_nothing_is_no_merit() -> None:
    figures = {
        ("total", "pages_migrated"): ((0, 0), (500, 20)),
        ("total", "compact_stalls"): ((40, 2), (30, 2)),
    }
    mail = told(figures, ("6.1-off", "6.1-list"))
    assert "Page migrate success - 500.0" in mail
    assert "6.1-off: no pageblock is movable there, so compaction finds nowhere" in mail
    never = figures | {("total", "compact_stalls"): ((0, 0), (30, 2))}
    mail = told(never, ("6.1-off", "6.1-list"))
    assert "Page migrate success 0 500.0 (from 0)*" in mail
    assert "no pageblock is movable" not in mail
    mail = told(figures, ("6.1-list", "6.1-both"))
    assert "Page migrate success 0 500.0 (from 0)*" in mail


def test_counters_of_reclaim_where_nothing_reclaims_are_not_called_zero() -> None:
    figures = {
        ("total", "direct_reclaims"): ((0, 0), (0, 0)),
        ("total", "claims"): ((0, 0), (0, 0)),
        ("total", "splits"): ((5, 1), (6, 1)),
    }
    mail = told(figures, ("x", "y"))
    assert "Zero everywhere: Allocation stalls, Pageblocks claimed." in mail
    run = made_run(figures, ("x", "y"))
    for entry in run.loads["stress-highalloc"].mechanisms.values():
        entry["made_by"] = "simulated; recorded"
    mail = " ".join(mail_text([within(run)], Choice()).split())
    assert "Not at work here" in mail
    assert "requests alone): Allocation stalls." in mail
    assert "Zero everywhere: Pageblocks claimed." in mail


def test_what_is_no_number_is_no_text_in_json() -> None:
    run = made_run({("rest", "mixed"): ((20, 0), (10, 0))}, ("x", "y"))
    row = json.loads(mail_text([within(run)], Choice(), "json"))["rows"][0]
    assert (row["effect"], row["change"]) == (None, -10)
    assert ",inf," not in mail_text([within(run)], Choice(), "csv")


numbers = st.floats(allow_nan=True, allow_infinity=True)
cells = st.builds(Cell, words, words, st.booleans(), words)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    others = draw(st.lists(words, max_size=7))
    lines = st.builds(Line, words, words, st.tuples(*[cells] * len(others)))
    table = st.builds(
        Table,
        words,
        st.just(tuple(others)),
        st.lists(st.one_of(lines, st.builds(Band, words)), max_size=4).map(tuple),
    )
    block = st.one_of(
        st.builds(Heading, words),
        st.builds(Paragraph, words),
        st.builds(Items, st.lists(words, max_size=3).map(tuple)),
        table,
    )
    return Document(draw(words), tuple(draw(st.lists(block, max_size=4))))


@given(documents())
@settings(max_examples=100, deadline=None)
def test_whatever_is_written_fits_a_mail(document: Document) -> None:
    within_width(text.write(document))


@given(documents())
@settings(max_examples=40, deadline=None)
def test_other_formats_hold_together(document: Document) -> None:
    tex = latex.write(document)
    assert tex.isascii()
    assert tex.count(r"\begin{") == tex.count(r"\end{")
    assert latex.escaped("50% of a_b & {c} \\ #1 $~^") == (
        r"50\% of a\_b \& \{c\} \textbackslash{} \#1 \$\textasciitilde{}\textasciicircum{}"
    )
    for block in document.blocks:
        if isinstance(block, Table):
            rows = markdown.write(Document("", (block,))).splitlines()[2:]
            bars = {len(re.findall(r"(?<!\\)\|", row)) for row in rows}
            assert bars == {len(block.others) + 3}


@given(st.lists(st.tuples(words, st.lists(numbers, max_size=12)), max_size=10))
@settings(max_examples=40, deadline=None)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_plots_fit_a_mail(sides: list[tuple[str, list[float]]]) -> None:
    lines = dot_plot([(name, np.array(values, float)) for name, values in sides])
    framed = [line for line in lines if line.startswith("| ")]
    assert all(len(line) == WIDTH for line in framed)
    finite = sum(np.isfinite(values).sum() for _, values in sides)
    marks = sum(len(re.sub(r"[ |_M]", "", line)) for line in framed)
    assert marks == finite


@given(st.lists(st.text(printable, min_size=1, max_size=200), min_size=1, max_size=9))
@settings(max_examples=40, deadline=None)
def test_commands_are_broken_so_that_a_shell_joins_them(arguments: list[str]) -> None:
    lines = shell_lines(["printf", "%s\\n", *arguments])
    assert all(len(line) <= WIDTH for line in lines)
    said = subprocess.run(
        ["sh", "-c", "\n".join(lines)], capture_output=True, text=True, check=True
    )
    assert said.stdout == "".join(f"{argument}\n" for argument in arguments)


RUNS = {
    "main": {},
    "parameters": {
        "workloads": [{"name": "churn", "parameters": {"memory_mib": "64", "requests": "3000"}}],
        "mechanisms": [
            {"name": "6.1-off"},
            {"name": "6.1-zone", "parameters": {"kernelcore": "30%"}},
        ],
        "seeds": [3, 4],
    },
    "labels": {
        "workloads": ["churn"],
        "mechanisms": [
            {"name": "6.1-list", "label": "small", "parameters": {"min_free_kbytes": "512"}},
            {"name": "6.1-list", "label": f"large{'e' * 80}"},
        ],
    },
    "two loads": {"workloads": [{"name": "churn", "parameters": {"memory_mib": "64"}}, "ebizzy"]},
}


@pytest.mark.parametrize("name", RUNS)
def test_the_command_makes_the_same_run(
    name: str, pagereel: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = RunConfig.model_validate(RUNS[name])
    made = made_run(SMALL, ("2007-vanilla",), seeds=10)
    run = made.run.__class__(made.run.folder, wanted, made.run.recordings, (), made.run.repeats)
    lines = command_lines(run, "out")
    assert all(len(line) <= WIDTH for line in lines)
    script = "\n".join(lines)
    toml = re.match(r"cat > (\S+) << 'END'\n(.*)\nEND\n", script, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    if toml:
        Path(toml[1]).write_text(toml[2] + "\n")
        assert load_config(Path(toml[1])).mechanisms == wanted.mechanisms
        script = script[toml.end() :]
    asked: list[RunConfig] = []

    def run_it(config: RunConfig, folder: Path, **_: object) -> object:
        asked.append(config)
        return made.run

    monkeypatch.setattr("pipeline.run_command.run", run_it)
    program, *arguments = shlex.split(script.replace("\\\n", ""))
    assert program == "pagereel"
    assert pagereel(*arguments).code == 0
    expected = wanted.model_copy(update={"repeats": 9, "artefacts": ("mail",)})
    assert asked == [expected]


@given(st.text(st.sampled_from(["a", " ", "\\", '"', "\t", "ä"]), max_size=300))
def test_long_texts_are_broken_so_that_toml_joins_them(text: str) -> None:
    line = tomli_w.dumps({"path": text}).rstrip("\n")
    broken = "\n".join(_broken_toml(line))
    assert tomllib.loads(broken) == {"path": text}


def test_loads_with_more_and_fewer_seeds_get_as_many_again() -> None:
    """Ten of the recorded one, one of the other, as where no repeats are asked for."""
    run = made_run(SMALL, ("2007-vanilla",), config={"workloads": ["churn", "ebizzy"]}).run
    one_more = (*run.recordings, run.recordings[0]._replace(workload="ebizzy"))
    assert "--repeats 9" in "\n".join(command_lines(run, "out"))
    lines = "\n".join(command_lines(replace(run, recordings=one_more), "out"))
    assert lines == "pagereel run -w churn -w ebizzy -m 2007-vanilla --only mail -o out"


def test_files_that_the_command_takes_are_named_without_their_folder() -> None:
    config = {
        "workloads": [{"path": "/home/someone/stream"}],
        "mechanisms": [{"name": "/home/someone/mine.toml"}],
    }
    run = made_run(SMALL, ("2007-vanilla",), config=config).run
    lines = "\n".join(command_lines(run, "out"))
    assert lines == "pagereel replay stream -m ./mine.toml --repeats 9 --only mail -o out"
    assert foreign_files(run) == ["mine.toml", "stream"]


def test_the_mail_of_a_run(pagereel: Commands, tmp_path: Path) -> None:
    run = ("run", "-w", "churn", "-p", "memory_mib=20", "-p", "requests=2000", "--only", "mail",
           "-m", "6.1-off", "-m", "6.1-list", "--frames", "4", "--repeats", "5")  # fmt: skip
    assert pagereel(*run, "-j", 1, "-o", tmp_path / "a").code == 0
    mail = pagereel("mail", tmp_path / "a").out
    within_width(mail)
    assert mail == (tmp_path / "a" / "mail.txt").read_text()
    assert "--repeats 5 --only mail" in mail.replace("\\\n   ", "")
    table = pd.read_csv(StringIO(pagereel("mail", tmp_path / "a", "--format", "csv").out))
    assert set(table["other"]) == {"6.1-list"}
    assert table["seeds"].max() == 6
    one = pagereel("mail", tmp_path / "a", "--measure", "nonmov_blocks", "--phase", "rest",
                   "--base", "6.1-list", "-o", tmp_path / "mail.txt")  # fmt: skip
    assert one.out == f"{tmp_path / 'mail.txt'}\n"
    assert "6.1-list" in (tmp_path / "mail.txt").read_text()
    found = json.loads(pagereel("mail", tmp_path / "a", "--format", "json").out)
    assert found["runs"][0]["workloads"]["churn"]["digests"].keys() == set("012345")
    for option, name in (("--measure", "beauty"), ("--phase", "lunch"), ("--base", "6.1-x")):
        assert name in pagereel.refused("mail", tmp_path / "a", option, name, code=2)
    (tmp_path / "a" / "seeds.csv").unlink()
    assert "seeds.csv: not there" in pagereel.refused("mail", tmp_path / "a", code=2)
