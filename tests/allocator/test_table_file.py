"""TOML files that people write: the line of an entry, and what hostile files lead to."""

import os
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, ValidationError

from allocator.table_file import MAX_BYTES, Entry, TableFault, TableFile

TEXT = '''\
# A comment = "of"
name = "x"  # [zones]
title = """
[zones]
kernelcore = 1
"""

[zones]
# kernelcore = 2
"kernelcore" = '50%'

[grouping]
rule = "claim"
fallbacks.movable = ["reclaimable", "unmovable"]

list = [
    "one",  # ]
    "two", "three",

    {name = "four", label = "[list]"},
    ["]",
     "five"],
]
[[runs]]
path = "a"
[[runs]]
path = "b"
deep = {a = {b = 1}}
'''
LINES = {
    ("name",): 2,
    ("title",): 3,
    ("zones",): 8,
    ("zones", "kernelcore"): 10,
    ("grouping", "rule"): 13,
    ("grouping", "fallbacks"): 14,
    ("grouping", "fallbacks", "movable", 1): 14,
    ("grouping", "list"): 16,
    ("grouping", "list", 0): 17,
    ("grouping", "list", 1): 18,
    ("grouping", "list", 2): 18,
    ("grouping", "list", 3): 20,
    ("grouping", "list", 3, "label"): 20,
    ("grouping", "list", 4): 21,
    ("runs", 0): 24,
    ("runs", 0, "path"): 25,
    ("runs", 1, "path"): 27,
    ("runs", 1, "deep", "a", "b"): 28,
}


def file_of(text: str) -> TableFile:
    return TableFile("x.toml", text, tomllib.loads(text))


@pytest.mark.parametrize("entry", LINES, ids=str)
def test_each_entry_has_its_line(entry: Entry) -> None:
    assert file_of(TEXT).line_of(entry) == LINES[entry]


@pytest.mark.parametrize("entry", [(), ("zone",), ("zones", "rule"), ("runs", 2), ("name", 0)])
def test_what_is_not_there_has_none(entry: Entry) -> None:
    assert file_of(TEXT).line_of(entry) is None


def test_what_is_missing_is_sought_in_its_section() -> None:
    file = file_of(TEXT)
    assert file.at(("grouping", "enabled")) == "x.toml:12"
    assert file.at(("grouping", "list", 3, "size")) == "x.toml:20"
    assert file.at(("per_cpu", "rule")) == "x.toml"


WORDS = st.sampled_from(["a", "b.c", '"[x]"', "'# y'", "d"])
VALUES = st.sampled_from(
    ["1", '"""\n[a]\n"""', "[\n1,\n# ]\n2]", "{a = 1}", "'''\nb = 1\n'''", '"="', "[]", "[[1,\n2]]"]
)
STATEMENTS = st.lists(
    st.one_of(
        st.tuples(WORDS, VALUES).map(" = ".join),
        WORDS.map("[{}]".format),
        WORDS.map("[[{}]]".format),
        st.just("# a = 1"),
        st.just(""),
    ),
    max_size=12,
)


def leaves(table: object, entry: Entry = ()) -> list[Entry]:
    """All entries that are no tables."""
    if isinstance(table, dict):
        return [leaf for key, value in table.items() for leaf in leaves(value, (*entry, key))]
    return [entry]


@settings(max_examples=100)
@given(STATEMENTS)
def test_without_the_statement_of_that_line_the_entry_is_gone(statements: list[str]) -> None:
    text = "\n".join(statements)
    try:
        file = file_of(text)
    except tomllib.TOMLDecodeError:
        return
    heights = [statement.count("\n") + 1 for statement in statements]
    starts = {1 + sum(heights[:number]): number for number in range(len(statements))}
    for entry in leaves(file.table):
        if not any(isinstance(part, int) for part in entry):
            number = starts[file.line_of(entry)]
            before, after = ("\n".join(statements[: number + more]) for more in (0, 1))
            assert entry not in leaves(tomllib.loads(before))
            assert entry in leaves(tomllib.loads(after))


def test_a_long_file_has_no_lines_rather_than_waiting() -> None:
    text = "a = [\n" + "1,\n" * 40_000 + "]\nb = 1\n"
    assert file_of(text).line_of(("b",)) is None


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    size: int = 0


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    name: str = ""
    inner: Inner = Inner()
    many: list[Inner] = []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name = 5", "x.toml:1: name: 5 is no text in quotes"),
        ("[inner]\nsize = 1.5\n", "x.toml:2: inner.size: 1.5 is no whole number"),
        ("[inner]\nsiz = 1", "x.toml:2: inner.siz: unknown entry; [inner] has size"),
        ("[[many]]\n[[many]]\nsiz = 1", "x.toml:3: many.1.siz: unknown entry; [[many]] has size"),
        ("\nsize = 1", "x.toml:2: size: unknown entry; there are name, [inner], many"),
        ("inner = 1\nname = 2", "x.toml:1: inner: 1 is no table (and 1 more fault)"),
        ("a = 1\n" * 0 + "b = 1\nc = 1\nd = 1", "(and 2 more faults)"),
    ],
)
def test_faults_tell_the_line_and_what_is_allowed(text: str, told: str) -> None:
    file = file_of(text)
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(file.table)
    assert file.fault(caught.value, Outer).endswith(told)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a = 1\nb = ", ":2: Invalid value at the end of the file"),
        (b"a = 1\na = 2\n", ":2: Cannot overwrite a value (column 6)"),
        (b"[a]\n[a]\n", ":2: Cannot declare [a] twice (column 3)"),
        (b"a = 1\n\nb = '\xff'\n", ":3: not UTF-8: byte 0xff"),
        (b"a = \0", ":1: Invalid value (column 5)"),
        (b"a = " + b"[" * 100_000, ": nested too deeply"),
        (b"a" + b".a" * 50_000 + b" = 1", ":1: more than 64 dots in one line"),
        (b"a = " + b"9" * 5_000, ": a number has too many digits"),
        (b"#" * (MAX_BYTES + 1), ": longer than 256 KiB"),
    ],
    ids=["cut", "twice", "section twice", "bytes", "nul", "deep", "dots", "digits", "long"],
)
def test_hostile_files_are_told(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(content)
    with pytest.raises(TableFault) as caught:
        TableFile.read(path)
    assert str(caught.value) == f"{path}{told}"


def test_only_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.toml")
    (tmp_path / "folder.toml").mkdir()
    for name, told in (("fifo", "not a file"), ("folder", "not a file"), ("no", "no such file")):
        with pytest.raises(TableFault, match=rf"{name}\.toml: {told}"):
            TableFile.read(tmp_path / f"{name}.toml")


def test_lines_end_as_on_any_system(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b"a = 1\r\n[b]\r\nc = 2\r\n")
    assert TableFile.read(path).line_of(("b", "c")) == 3
