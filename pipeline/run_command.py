"""`pagereel run` and `replay`: from a file and options to a configuration, and to its run."""

from pathlib import Path

from pydantic import ValidationError

from pipeline.config import (
    MechanismChoice,
    RunConfig,
    UsageError,
    WorkloadChoice,
    at,
    check,
    fault_of,
    load_config,
    split_parameters,
)
from pipeline.resume import begun
from pipeline.run import run

Options = dict[str, object]  # of the command line, by name


def run_command(
    path: Path | None,
    folder: Path,
    jobs: int,
    force: bool,
    resume: bool,
    options: Options,
) -> None:
    """Run a configuration file, or the main job, with options on top. Raises as `run`.

    With `resume` and neither: go on with what was begun in the folder, whatever it is.
    """
    if resume and not (path or force or any(map(_given, options.values()))):
        config = begun(folder)
    else:
        config = load_config(path) if path else RunConfig()
    try:
        check(config)
    except UsageError as error:
        raise UsageError(f"{at(path, error) if path else folder}: {error}") from None
    _run(config, folder, jobs, force, resume, options)


def replay_command(
    stream: Path, folder: Path, jobs: int, force: bool, resume: bool, options: Options
) -> None:
    """Run a recorded stream. Raises as `run`. With `resume` alone as `run_command`."""
    workloads = (WorkloadChoice(path=str(stream.absolute())),)
    if resume and not (force or any(map(_given, options.values()))):
        config = begun(folder).model_copy(update={"workloads": workloads})
    elif options["mechanisms"]:
        config = RunConfig(workloads=workloads)
    else:
        raise UsageError("name at least one mechanism: -m MECHANISM")
    _run(config, folder, jobs, force, resume, options)


def _run(
    config: RunConfig,
    folder: Path,
    jobs: int,
    force: bool,
    resume: bool,
    options: Options,
) -> None:
    config = _with_options(config, options)
    result = run(config, folder, jobs=jobs, force=force, resume=resume)
    print(result.folder)


def _given(option: object) -> bool:
    return option not in (None, "", ())


def _with_options(config: RunConfig, options: Options) -> RunConfig:
    """The configuration with what was given on the command line in its place."""
    update: dict[str, object] = {
        key: options[key]
        for key in ("frames", "repeats", "layout", "palette", "size", "fps", "artefacts", "seeds")
        if _given(options.get(key))
    }
    if options.get("workloads"):
        update["workloads"] = [{"name": name} for name in options["workloads"]]
    if options["mechanisms"]:
        update["mechanisms"] = [{"name": name} for name in options["mechanisms"]]
    try:
        config = RunConfig.model_validate({**config.model_dump(), **update})
    except ValidationError as error:
        raise UsageError(fault_of(error)) from None
    return with_parameters(config, options["parameters"])


def with_parameters(config: RunConfig, texts: tuple[str, ...]) -> RunConfig:
    """The same with KEY=VALUE set where `split_parameters` has it. Raises UsageError."""
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
