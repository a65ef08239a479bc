"""A mechanism as a commented file, and docs/mechanisms.md, which is made from the same."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from allocator.mechanism import load_mechanism, mechanism_names
from allocator.terms import MIGRATETYPES
from pipeline.cli import commands
from pipeline.mechanism_text import mechanism_toml, reference

DOCUMENT = Path(__file__).parents[2] / "docs" / "mechanisms.md"
OWN = {"name", "title", "source", "grouping"}


@pytest.mark.parametrize("name", mechanism_names())
def test_what_is_printed_is_the_mechanism_under_another_name(tmp_path: Path, name: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(mechanism_toml(name, {}))
    mine, base = load_mechanism(str(path)), load_mechanism(name)
    assert mine.name == f"my-{name}"
    assert mine.model_dump(exclude=OWN) == base.model_dump(exclude=OWN)
    fallbacks = {"fallbacks"}
    assert mine.grouping.model_dump(exclude=fallbacks) == base.grouping.model_dump(
        exclude=fallbacks
    )
    for code in range(len(MIGRATETYPES)):
        assert mine.grouping.alternatives(code) == base.grouping.alternatives(code)


def test_a_file_is_printed_with_its_base_filled_in(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("base = '6.1-list'\n[per_cpu]\nbatch_pages = 9\n")
    text = mechanism_toml(str(path), {"kernelcore": "25%"})
    assert 'name = "mine"' in text
    assert "\nbatch_pages = 9\n" in text
    assert '\nkernelcore = "25%"\n' in text
    assert "\n# min_free_kbytes = ...  # left out: the machine's own\n" in text


def test_each_entry_says_what_it_does() -> None:
    for lines in reference().values():
        for line in lines:
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            assert len(cells) == 5
            assert all(cells[:4]), line


@pytest.mark.parametrize("section", reference())
def test_the_document_has_every_entry(section: str) -> None:
    table = "\n".join(reference()[section])
    assert table in DOCUMENT.read_text(), f"docs/mechanisms.md should have\n{table}"


def test_the_command_prints_it() -> None:
    result = CliRunner().invoke(commands, ["mechanism", "6.1-both", "-p", "kernelcore=30%"])
    assert result.exit_code == 0
    assert 'kernelcore = "30%"' in result.output
    refused = CliRunner().invoke(commands, ["mechanism", "6.1-both", "-p", "memory_mib=30"])
    assert "unknown parameter 'memory_mib'" in str(refused.exception)
