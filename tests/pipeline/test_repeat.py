"""The command of a mail, run by a shell: names and texts in it outlive quotes, breaks and ASCII."""

import subprocess
import tomllib
from dataclasses import replace

import tomli_w
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.config import RunConfig
from pipeline.mail.repeat import _broken_toml, command_lines, shell_lines
from pipeline.plain_text import WIDTH
from tests.pipeline.made_runs import made_run

FIGURES = {("rest", "mixed"): ((94, 0),)}
TEXT = st.text(
    st.one_of(st.sampled_from("a \t\\\"'\näß\u202e\U0001f4be"), st.characters(codec="utf-8")),
    max_size=300,
)


def said_by_bash(lines: list[str]) -> bytes:
    assert all(len(line) <= WIDTH and line.isascii() and line.isprintable() for line in lines)
    script = "\n".join(lines)
    plain = {"LC_ALL": "C", "PATH": "/usr/bin:/bin"}  # whatever the locale of who repeats it
    done = subprocess.run(["bash", "-c", script], capture_output=True, check=True, env=plain)
    return done.stdout


@given(st.lists(TEXT.filter(lambda text: "\0" not in text), min_size=1, max_size=9))
@example(["stream-é.npz", "it's", "", "ä\\'7" * 40, "\udcff"])
@settings(max_examples=60, deadline=None)
def test_words_reach_the_program_as_they_were(words: list[str]) -> None:
    lines = shell_lines(["printf", "%s\\0", *words])
    expected = b"".join(word.encode("utf-8", "surrogateescape") + b"\0" for word in words)
    assert said_by_bash(lines) == expected


def test_a_file_whose_name_is_no_ascii() -> None:
    table = {"workloads": [{"path": "/home/someone/größe 7.npz"}], "mechanisms": ["6.1-off"]}
    run = made_run(FIGURES, ("2007-vanilla",), config=table).run
    lines = command_lines(run, "out")
    name = "größe 7.npz".encode()
    assert said_by_bash(["pagereel() { printf '%s|' \"$@\"; }", *lines]).split(b"|")[1] == name


def test_texts_of_a_file_too() -> None:
    """Two loads from files: no options can say that."""
    names = ["größe.npz", "\ta" * 90 + "é.npz"]
    table = {"workloads": [{"path": f"/home/{name}"} for name in names]}
    run = made_run(FIGURES, ("2007-vanilla",)).run
    lines = command_lines(replace(run, config=RunConfig.model_validate(table)), "out")
    end = lines.index("END")
    said = subprocess.run(
        ["bash", "-c", "\n".join(["cat << 'END'", *lines[1 : end + 1]])],
        capture_output=True,
        check=True,
    ).stdout
    assert said.isascii()
    assert [entry["path"] for entry in tomllib.loads(said.decode())["workloads"]] == names


@given(TEXT)
@example("\t" * 300)
@example("x" * 69 + " \t" * 80)
@example("\\" * 141 + "\t")
@settings(max_examples=300, deadline=None)
def test_toml_joins_what_was_broken(text: str) -> None:
    broken = _broken_toml(tomli_w.dumps({"path": text}).rstrip("\n"))
    assert all(len(line) <= WIDTH and line.isascii() for line in broken)
    assert tomllib.loads("\n".join(broken)) == {"path": text}
