"""Run configurations: files, defaults, parameters, and what is refused before anything is run."""

from pathlib import Path

import pytest

from pipeline.config import RunConfig, UsageError, check, load_config, matrix, split_parameters


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
