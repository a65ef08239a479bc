"""`pagereel run` and `replay`: from a file and options to a configuration, and to its run."""

from pathlib import Path

from pydantic import ValidationError

from pipeline.config import (
    MechanismChoice,
    RunConfig,
    UsageError,
    WorkloadChoice,
    check,
    fault_of,
    load_config,
    split_parameters,
)
from pipeline.run import run


def run_command(
    path: Path | None, folder: Path, jobs: int, force: bool, options: dict[str, object]
) -> None:
    """Run a configuration file, or the main job, with options on top. Raises as `run`."""
    config = load_config(path) if path else RunConfig()
    try:
        check(config)
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None
    _run(config, folder, jobs, force, options)


def replay_command(
    stream: Path, folder: Path, jobs: int, force: bool, options: dict[str, object]
) -> None:
    """Run a recorded stream. Raises as `run`."""
    if not options["mechanisms"]:
        raise UsageError("name at least one mechanism: -m MECHANISM")
    config = RunConfig(workloads=(WorkloadChoice(path=str(stream.absolute())),))
    _run(config, folder, jobs, force, options)


def _run(
    config: RunConfig, folder: Path, jobs: int, force: bool, options: dict[str, object]
) -> None:
    config = _with_options(config, options)
    result = run(config, folder, jobs=jobs, force=force)
    print(result.folder)


def _with_options(config: RunConfig, options: dict[str, object]) -> RunConfig:
    """The configuration with what was given on the command line in its place."""
    update: dict[str, object] = {
        key: options[key]
        for key in ("frames", "layout", "palette", "size", "fps", "artefacts", "seeds")
        if options.get(key)
    }
    if options.get("workloads"):
        update["workloads"] = [{"name": name} for name in options["workloads"]]
    if options["mechanisms"]:
        update["mechanisms"] = [{"name": name} for name in options["mechanisms"]]
    try:
        config = RunConfig.model_validate({**config.model_dump(), **update})
    except ValidationError as error:
        raise UsageError(fault_of(error)) from None
    return _with_parameters(config, options["parameters"])


def _with_parameters(config: RunConfig, texts: tuple[str, ...]) -> RunConfig:
    names = tuple(choice.name for choice in config.mechanisms)
    of_mechanism, of_workload = split_parameters(texts, names)
    mechanisms = tuple(
        MechanismChoice(
            name=choice.name,
            label=choice.label,
            parameters=choice.parameters | of_mechanism[choice.name],
        )
        for choice in config.mechanisms
    )
    workloads = tuple(
        choice.model_copy(update={"parameters": choice.parameters | of_workload})
        for choice in config.workloads
    )
    return config.model_copy(update={"mechanisms": mechanisms, "workloads": workloads})
