"""Run configurations: files, defaults, parameters, and what is refused before anything is run."""

from pathlib import Path

import pytest

from pipeline.config import (
    RunConfig,
    UsageError,
    at,
    check,
    load_config,
    matrix,
    split_parameters,
)


def config_of(tmp_path: Path, text: str) -> RunConfig:
    path = tmp_path / "run.toml"
    path.write_text(text)
    return load_config(path)


def test_without_a_file_it_is_the_main_job() -> None:
    config = RunConfig()
    assert [choice.name for choice in config.workloads] == ["debian-6.1-churn"]
    names = [choice.name for choice in config.mechanisms]
    assert names == ["6.1-off", "6.1-list", "6.1-zone", "6.1-both"]
    assert config.frames == 600


def test_a_file_names_workloads_mechanisms_and_seeds(tmp_path: Path) -> None:
    config = config_of(
        tmp_path,
        """
        seeds = [1, 2]
        mechanisms = ["6.1-list",
            {name = "6.1-zone", label = "zone-30", parameters = {kernelcore = "30%"}}]
        [[workloads]]
        name = "churn"
        parameters = {memory_mib = 32}
        """,
    )
    cells = matrix(config)
    assert [(c.mechanism.name, c.seed) for c in cells] == [
        ("6.1-list", 1), ("6.1-list", 2), ("zone-30", 1), ("zone-30", 2),
    ]  # fmt: skip
    assert cells[2].mechanism.zones.kernelcore == "30%"
    assert cells[2].file_name == "churn-zone-30-1.reel"
    assert config.workloads[0].parameters == {"memory_mib": "32"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("frames = 1", ["run.toml", "frames"]),
        ("colour = 'red'", ["run.toml", "colour"]),
        ("frames = ", ["run.toml"]),
        ("mechanisms = 5", ["run.toml", "mechanisms"]),
        ("seeds = ['a']", ["run.toml", "seeds"]),
    ],
)
def test_faults_in_a_file(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        config_of(tmp_path, text)
    assert "\n" not in str(caught.value)
    assert all(word in str(caught.value) for word in words), caught.value


RUN = """\
seeds = [1]

mechanisms = [
    "6.1-off",
    {name = "6.1-list", label = "a"},
]
[[workloads]]
name = "churn"
parameters = {memory_mib = 32}
"""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[1]", '["a"]', ":1: seeds: 'a' is no whole number"),
        ("[1]", "[-1]", ":1: seeds: -1 is out of range: 0 or more"),
        ("[1]", "1", ":1: seeds: 1 is no list"),
        ("\n\n", "\nframes = 1\n", ":2: frames: 1 is out of range: 2 to 100000"),
        ("label", "lable", ":5: mechanisms.1.lable: unknown entry; [[mechanisms]] has name, label"),
        ('"churn"', "5", ":8: workloads.0.name: 5 is no text in quotes"),
        ("[[workloads]]", "[[workload]]", ":7: workload: unknown entry; there are workloads, "),
        ("[1]", "[1", ":3: Unclosed array (column 1)"),
        ("[[workloads]]", "[workloads]", ":7: workloads: a table is no list"),
    ],
)
def test_faults_name_the_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        config_of(tmp_path, RUN.replace(old, new))
    assert str(caught.value).startswith(f"{tmp_path / 'run.toml'}{told}")


@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        ("6.1-off", "6.1-of", 4, "unknown mechanism '6.1-of'"),
        ('"a"', '"6.1-off"', 5, "mechanism '6.1-off' stands twice"),
        ('"churn"', '"chrun"', 7, "unknown workload 'chrun'"),
        ("memory_mib", "memory_mb", 7, "memory_mb"),
    ],
)
def test_what_a_file_asks_for_in_vain_has_a_line(
    tmp_path: Path, old: str, new: str, line: int, told: str
) -> None:
    config = config_of(tmp_path, RUN.replace(old, new))
    with pytest.raises(UsageError, match=told) as caught:
        check(config)
    assert at(tmp_path / "run.toml", caught.value) == f"{tmp_path / 'run.toml'}:{line}"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mechanisms": ["6.1-none"]}, ["unknown mechanism '6.1-none'"]),
        ({"mechanisms": ["6.1-off", "6.1-off"]}, ["6.1-off", "twice"]),
        ({"mechanisms": [{"name": "6.1-off", "label": "a/b"}]}, ["a/b"]),
        ({"mechanisms": []}, ["needs"]),
        ({"workloads": ["chrun"]}, ["unknown workload 'chrun'", "churn"]),
        ({"workloads": [{}]}, ["name or a path"]),
        ({"seeds": [3, 3]}, ["seed"]),
    ],
)
def test_what_cannot_be_run_is_refused(changes: dict, words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        check(RunConfig.model_validate(changes))
    assert all(word in str(caught.value) for word in words), caught.value


def test_parameters_find_their_owner() -> None:
    names = ("6.1-off", "6.1-zone")
    of_mechanism, of_workload = split_parameters(
        ("kernelcore=30%", "min_free_kbytes=8192", "requests=100"), names
    )
    assert of_mechanism == {
        "6.1-off": {"min_free_kbytes": "8192"},
        "6.1-zone": {"kernelcore": "30%", "min_free_kbytes": "8192"},
    }
    assert of_workload == {"requests": "100"}


def test_kernelcore_without_a_zone_is_refused() -> None:
    with pytest.raises(UsageError, match="ZONE_MOVABLE"):
        split_parameters(("kernelcore=30%",), ("6.1-off",))


def test_a_parameter_needs_a_value() -> None:
    with pytest.raises(UsageError, match="KEY=VALUE"):
        split_parameters(("kernelcore",), ("6.1-zone",))
