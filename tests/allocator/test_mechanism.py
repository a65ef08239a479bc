"""Mechanisms as tables: the built-in ones, one's own, and what is refused."""

from pathlib import Path

import pytest

from allocator.mechanism import BUILT_IN, MechanismError, load_mechanism, mechanism_names

NAMES = [
    "2007-vanilla", "2007-list", "2007-zone", "2007-both",
    "6.1-off", "6.1-list", "6.1-zone", "6.1-both",
]  # fmt: skip


def test_the_built_in_mechanisms_in_order() -> None:
    assert mechanism_names() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_names_its_source_and_its_file(name: str) -> None:
    mechanism = load_mechanism(name)
    assert mechanism.name == name
    assert "2.6.20" in mechanism.source or "6.1" in mechanism.source
    assert bool(mechanism.zones.kernelcore) == name.endswith(("zone", "both"))
    grouped = mechanism.grouping.rule != "none" and mechanism.grouping.enabled
    assert grouped == name.endswith(("list", "both"))


def test_a_new_file_is_a_new_mechanism(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in BUILT_IN.glob("*.toml"):
        (tmp_path / path.name).write_text(path.read_text())
    for name in ("6.1-mine", "7.2-off", "mine", "2006-list-head"):
        (tmp_path / f"{name}.toml").write_text((BUILT_IN / "6.1-list.toml").read_text())
    monkeypatch.setattr("allocator.mechanism.BUILT_IN", tmp_path)
    names = mechanism_names()
    assert sorted(names) == sorted(path.stem for path in tmp_path.glob("*.toml"))
    assert names.index("2006-list-head") < names.index("2007-vanilla")
    assert names.index("6.1-both") < names.index("6.1-mine") < names.index("7.2-off")
    assert load_mechanism("6.1-mine").grouping.enabled


def test_parameters_override_entries() -> None:
    mechanism = load_mechanism(
        "6.1-zone", {"kernelcore": "30%", "min_free_kbytes": "4096", "per_cpu.rule": "none"}
    )
    assert mechanism.zones.kernelcore == "30%"
    assert mechanism.watermarks.min_free_kbytes == 4096
    assert mechanism.per_cpu.rule == "none"


def test_one_s_own_mechanism_is_a_file(tmp_path: Path) -> None:
    text = (BUILT_IN / "6.1-list.toml").read_text().replace("6.1-list", "mine")
    (tmp_path / "mine.toml").write_text(text)
    assert load_mechanism(str(tmp_path / "mine.toml")).name == "mine"


@pytest.mark.parametrize(
    ("name", "parameters", "words"),
    [
        ("6.1-lst", {}, ["unknown mechanism '6.1-lst'", "6.1-list"]),
        ("gone.toml", {}, ["gone.toml", "no such file"]),
        ("6.1-list", {"kernelcor": "1"}, ["unknown parameter 'kernelcor'", "kernelcore"]),
        ("6.1-list", {"kernelcore": "200%"}, ["zones", "percentage"]),
        ("6.1-list", {"kernelcore": "many"}, ["zones", "percentage"]),
        ("6.1-list", {"min_free_kbytes": "-1"}, ["watermarks.min_free_kbytes"]),
        ("6.1-list", {"grouping.rule": "magic"}, ["grouping.rule"]),
        ("6.1-list", {"grouping.nothing": "1"}, ["unknown parameter"]),
        ("2007-vanilla", {"high_atomic.rule": "type"}, ["high_atomic.rule"]),
    ],
)
def test_faults_are_one_line_that_names_the_fault(
    name: str, parameters: dict[str, str], words: list[str]
) -> None:
    with pytest.raises(MechanismError) as caught:
        load_mechanism(name, parameters)
    text = str(caught.value)
    assert "\n" not in text
    assert all(word in text for word in words), text


@pytest.mark.parametrize("content", ["name = ", "\xff", "name = 'x'", "[zones]\nkernelcore = 5"])
def test_damaged_files_are_told(tmp_path: Path, content: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(MechanismError, match=r"bad\.toml: .+") as caught:
        load_mechanism(str(path))
    assert "\n" not in str(caught.value)
