"""What a sweep consists of: the matrix of a run, and parameters with several values each."""

from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from allocator.mechanism import Mechanism
from allocator.table_file import TableFault, TableFile
from pipeline.config import RunConfig, UsageError, check, check_names
from pipeline.measures import MEASURES, SEEDS_COLUMNS
from pipeline.run_command import with_parameters

OF_RUNS = ("workloads", "mechanisms")  # these entries mean what they mean in a run's file
DEFAULT_SEEDS = 10
Setting = tuple[str, ...]  # a value for each swept parameter, in their order


def _values(value: object) -> object:
    """A parameter's values as text, as -p takes them; one stands for a list of it."""
    if isinstance(value, dict):
        raise ValueError(
            'a value or a list of them; SECTION.ENTRY stands in quotes: "per_cpu.rule"'
        )
    return [_text(entry) for entry in (value if isinstance(value, list) else [value])]


def _text(value: object) -> str:
    if isinstance(value, dict | list):
        raise ValueError(f"{value}: not a number or a text")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _seeds(value: object) -> object:
    """A count stands for the seeds from 1 on: of a recorded stream all of them perturbed starts."""
    if isinstance(value, int) and not isinstance(value, bool):
        if not 1 <= value <= 100_000:
            raise ValueError("a count of seeds is 1 to 100000")
        return list(range(1, value + 1))
    return value


class _Swept(BaseModel):
    """The entries of a sweep's file that a run's does not have, or not so."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seeds: Annotated[tuple[Annotated[int, Field(ge=0)], ...], BeforeValidator(_seeds)] = tuple(
        range(1, DEFAULT_SEEDS + 1)
    )
    parameters: dict[str, Annotated[tuple[str, ...], BeforeValidator(_values)]] = {}
    measures: tuple[str, ...] = ()
    phases: tuple[str, ...] = ()

    @field_validator("parameters")
    @classmethod
    def _tellable(cls, parameters: dict[str, Setting]) -> dict[str, Setting]:
        for key, values in parameters.items():
            if key in SEEDS_COLUMNS:
                raise ValueError(f"{key} is no parameter")
            if not values:
                raise ValueError(f"{key} has no value")
            if len(set(values)) < len(values):
                raise ValueError(f"{key} has a value twice")
        return parameters


class SweepConfig(NamedTuple):
    """A sweep. `run` holds workloads, mechanisms and seeds; `parameters` the values of each.

    `measures` and `phases`: those that are drawn and told of; none named: the usual ones.
    `names_workloads`: not where the file leaves them out, which is the main one.
    """

    path: Path
    run: RunConfig
    parameters: Mapping[str, Setting]
    measures: tuple[str, ...]
    phases: tuple[str, ...]
    names_workloads: bool = True

    @property
    def settings(self) -> list[Setting]:
        """All combinations of the parameters' values; the last parameter changes first."""
        return list(product(*self.parameters.values()))

    def as_table(self) -> dict:
        """The configuration for a result's metadata, without where its file lay."""
        run = self.run.model_dump(mode="json", include={*OF_RUNS, "seeds"})
        swept = {key: list(values) for key, values in self.parameters.items()}
        return run | {"parameters": swept}


def load_sweep(path: Path) -> SweepConfig:
    """The sweep in a TOML file. Raises UsageError, which names the file, the line and the entry.

    Paths in it are taken from its own folder, wherever it is called from.
    """
    model: type[BaseModel] = _Swept
    try:
        file = TableFile.read(path)
        of_run = {key: entry for key, entry in file.table.items() if key in OF_RUNS}
        of_sweep = {key: entry for key, entry in file.table.items() if key not in OF_RUNS}
        swept = _Swept.model_validate(of_sweep)
        model = RunConfig
        run = RunConfig.model_validate(of_run | {"seeds": swept.seeds})
    except TableFault as error:
        raise UsageError(str(error)) from None
    except ValidationError as error:
        raise UsageError(file.fault(error, model)) from None
    config = SweepConfig(
        path, run.beside(path), swept.parameters, swept.measures, swept.phases,
        "workloads" in of_run,
    )  # fmt: skip
    _check(config)
    return config


def _check(config: SweepConfig) -> None:
    """Raise UsageError for what cannot be run: each value by itself, then all combinations."""
    try:
        check(config.run)
        check_names("measure", config.measures, MEASURES)
    except UsageError as error:
        raise UsageError(f"{config.path}: {error}") from None
    for key, values in config.parameters.items():
        for choice in (*config.run.workloads, *config.run.mechanisms):
            if key in choice.parameters:
                told = f"parameters.{key}: set by a workload or mechanism of the file too"
                raise UsageError(f"{config.path}: {told}")
        for value in values:
            _checked(config, {key: value}, f"parameters.{key}")
    for setting in config.settings if len(config.parameters) > 1 else ():
        _checked(config, dict(zip(config.parameters, setting, strict=True)), "parameters")


def _checked(config: SweepConfig, values: dict[str, str], entry: str) -> list[Mechanism]:
    try:
        return check(_with(config.run, values))
    except UsageError as error:
        told = ", ".join(f"{key}={_shown(value)}" for key, value in values.items())
        raise UsageError(f"{config.path}: {entry}: with {told}: {error}") from None


def _shown(value: str) -> str:
    return value if value.isprintable() else repr(value)


def at(config: SweepConfig, setting: Setting) -> RunConfig:
    """The run that a setting makes of the sweep."""
    return _with(config.run, dict(zip(config.parameters, setting, strict=True)))


def _with(run: RunConfig, values: Mapping[str, str]) -> RunConfig:
    return with_parameters(run, tuple(f"{key}={value}" for key, value in values.items()))
