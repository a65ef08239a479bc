"""What a run consists of: workloads x mechanisms x seeds, and how its pictures are drawn."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches
from itertools import product
from pathlib import Path
from typing import Annotated, NamedTuple, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from allocator.mechanism import SHORT_PARAMETERS, Mechanism, MechanismError, load_mechanism
from allocator.mechanism_table import PLAIN_NAME
from allocator.table_file import TableFault, TableFile, told_fault
from workloads import check_workload, load_workload
from workloads.stream import Stream, WorkloadError

MAIN_WORKLOAD = "debian-6.1-churn"
MOST_SEED = 2**63 - 1
MAIN_MECHANISMS = ("6.1-off", "6.1-list", "6.1-zone", "6.1-both")
SEEDS_FOR_A_MAIL = 10  # a sign test needs six to call anything significant; ten are usual
MOST_NAMED = 20  # of more names only like ones are said
LISTED = {"measure": "`pagereel list metrics` and a run's seeds.csv have them"}


class UsageError(Exception):
    """What was asked for cannot be: one line. `entry`: of a file, where one is at fault."""

    def __init__(self, told: str, *entry: str | int) -> None:
        super().__init__(told)
        self.entry = entry


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _texts(value: object) -> object:
    if not isinstance(value, dict):
        return value
    return {key: str(entry) for key, entry in value.items()}


Parameters = Annotated[dict[str, str], BeforeValidator(_texts)]  # numbers are taken as text


class WorkloadChoice(_Table):
    """A built-in workload by `name`, or a recorded stream by `path` (a folder or an .npz file)."""

    name: str = ""
    path: str = ""
    parameters: Parameters = {}

    @property
    def file_name(self) -> str:
        """What the recordings' names begin with."""
        return self.name or Path(self.path).resolve().name.removesuffix(".npz")

    def beside(self, config: Path) -> Self:
        """The same choice made in that file."""
        path = str(config.absolute().parent / self.path) if self.path else ""
        return self.model_copy(update={"path": path})

    def load(self, seed: int) -> Stream:
        """The stream. Raises WorkloadError."""
        if not self.path:
            return load_workload(self.name, self.parameters, seed)
        return load_stream(Path(self.path))


class MechanismChoice(_Table):
    """A mechanism by name or TOML file, with parameters; `label` tells variants of one apart."""

    name: str
    label: str = ""
    parameters: Parameters = {}

    def beside(self, config: Path) -> Self:
        """The same choice made in that file."""
        if not self.name.endswith(".toml"):
            return self
        return self.model_copy(update={"name": str(config.absolute().parent / self.name)})

    def load(self) -> Mechanism:
        """The mechanism under its label. Raises MechanismError."""
        mechanism = load_mechanism(self.name, self.parameters)
        if not self.label:
            return mechanism
        return mechanism.model_copy(update={"name": self.label})


class RunConfig(_Table):
    """A run. Every entry may be left out; then it is the main job."""

    workloads: tuple[WorkloadChoice, ...] = (WorkloadChoice(name=MAIN_WORKLOAD),)
    mechanisms: tuple[MechanismChoice, ...] = tuple(
        MechanismChoice(name=name) for name in MAIN_MECHANISMS
    )
    seeds: tuple[Annotated[int, Field(ge=0, le=MOST_SEED)], ...] = (0,)
    # Further seeds, of which only figures are kept. None: as many as make ten with `seeds` where a
    # recorded stream and a mail are wanted, else none.
    repeats: int | None = Field(None, ge=0, le=10_000)
    frames: int = Field(600, ge=2, le=100_000)
    layout: str = "blocks"
    palette: str = "standard"
    size: str = ""  # as large as the panels ask for
    fps: int = Field(20, ge=1, le=60)
    artefacts: tuple[str, ...] = ()  # none named: all

    @field_validator("workloads", "mechanisms", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        """A bare name stands for a table with that name."""
        if not isinstance(value, list | tuple):
            return value
        return [{"name": entry} if isinstance(entry, str) else entry for entry in value]

    def beside(self, config: Path) -> Self:
        """The same run said in that file."""
        return self.model_copy(
            update={
                "workloads": tuple(choice.beside(config) for choice in self.workloads),
                "mechanisms": tuple(choice.beside(config) for choice in self.mechanisms),
            }
        )


def entries_of(choice: WorkloadChoice | MechanismChoice, **changes: str) -> dict:
    """A choice as a table of a file, without what is empty."""
    return {key: value for key, value in (choice.model_dump() | changes).items() if value}


class Cell(NamedTuple):
    """One recording of the run matrix."""

    workload: WorkloadChoice
    mechanism: Mechanism
    seed: int

    @property
    def file_name(self) -> str:
        """Name of its recording: workload, mechanism, seed."""
        return f"{self.workload.file_name}-{self.mechanism.name}-{self.seed}.reel"


def matrix(config: RunConfig) -> list[Cell]:
    """All recordings of a run, workload by workload. Raises UsageError as `check`."""
    return [Cell(*cell) for cell in product(config.workloads, check(config), config.seeds)]


def repeated(config: RunConfig, mechanisms: Iterable[Mechanism]) -> list[Cell]:
    """The cells of the further seeds, the next ones after `seeds`. Raises WorkloadError."""
    first = max(config.seeds) + 1
    return [
        Cell(workload, mechanism, seed)
        for workload in config.workloads
        for mechanism in mechanisms
        for seed in range(first, first + _repeats(config, workload))
    ]


def _repeats(config: RunConfig, workload: WorkloadChoice) -> int:
    if config.repeats is not None:
        return config.repeats
    recorded = workload.path or workload.name == MAIN_WORKLOAD
    if not recorded or (config.artefacts and "mail" not in config.artefacts):
        return 0
    varies = bool(workload.load(seed=0).start.mechanism)
    return max(SEEDS_FOR_A_MAIL - len(config.seeds), 0) if varies else 0


def load_config(path: Path) -> RunConfig:
    """The run in a TOML file. Raises UsageError; names are checked by `check`.

    Paths in it are taken from its own folder, wherever it is called from.
    """
    try:
        file = TableFile.read(path)
        config = RunConfig.model_validate(file.table)
    except TableFault as error:
        raise UsageError(str(error)) from None
    except ValidationError as error:
        raise UsageError(file.fault(error, RunConfig)) from None
    return config.beside(path)


def fault_of(error: ValidationError) -> str:
    """The first fault of a table in one line."""
    return told_fault(error.errors()[0], RunConfig)


def at(path: Path, error: UsageError) -> str:
    """A file's name, with the line of the entry that the error is about."""
    try:
        return TableFile.read(path).at(error.entry) if error.entry else str(path)
    except TableFault:
        return str(path)


def check(config: RunConfig) -> list[Mechanism]:
    """Everything that can be told before the first recording; the mechanisms.

    Raises UsageError for names that don't exist or would share a file.
    """
    mechanisms: list[Mechanism] = []
    for place, choice in enumerate(config.mechanisms):
        mechanisms.append(_checked(choice, [m.name for m in mechanisms], place))
    for place, choice in enumerate(config.workloads):
        try:
            _check_workload(choice)
        except UsageError as error:
            raise UsageError(str(error), "workloads", place) from None
    if not (config.workloads and config.mechanisms and config.seeds):
        raise UsageError("a run needs a workload, a mechanism and a seed")
    names = [choice.file_name for choice in config.workloads]
    if len(set(config.seeds)) < len(config.seeds) or len(set(names)) < len(names):
        raise UsageError("a seed or a workload stands twice")
    return mechanisms


def _checked(choice: MechanismChoice, before: list[str], place: int) -> Mechanism:
    """The mechanism of a choice, whose name none before it has. Raises UsageError."""
    try:
        mechanism = choice.load()
    except MechanismError as error:
        raise UsageError(str(error), "mechanisms", place) from None
    told, name = "", mechanism.name
    if not PLAIN_NAME.fullmatch(name):
        told = ": a name has letters, digits and . _ + - only"
    elif name in before:
        told = " stands twice; give one another name, or a label"
    if told:
        raise UsageError(f"mechanism {name!r}{told}", "mechanisms", place)
    return mechanism


def check_names(kind: str, names: Iterable[str], known: Collection[str], where: str = "") -> None:
    """Raise UsageError for a name that isn't known; `where`: what it was asked of."""
    for name in names:
        if name not in known:
            told = f"unknown {kind} {name!r}; there are {named(name, known, LISTED.get(kind, ''))}"
            raise UsageError(f"{where}: {told}" if where else told)


def named(name: str, known: Collection[str], listed: str = "") -> str:
    """All names that are known; of many those that are like `name`, and where all are `listed`."""
    if len(known) <= MOST_NAMED:
        return ", ".join(known)
    inside = [one for one in known if name in one or one in name]
    like = list(dict.fromkeys([*get_close_matches(name, known), *inside]))[:5]
    told = f"{', '.join(like)} and {len(known) - len(like)} more" if like else f"{len(known)}"
    return f"{told}: {listed}" if listed else told


def check_output(folder: Path, force: bool, what: str) -> None:
    """Raise UsageError for a folder that can't take results, or has some and isn't forced to.

    `what`: what is in it then.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: exists and is not a folder")
    if folder.is_dir() and any(folder.iterdir()) and not force:
        raise UsageError(f"{folder}: exists; --force replaces the {what} in it")


def check_file(path: Path, force: bool) -> None:
    """Raise UsageError for a file that is there and isn't to be replaced."""
    if path.exists() and not force:
        raise UsageError(f"{path}: exists; --force replaces it")


def _check_workload(choice: WorkloadChoice) -> None:
    if bool(choice.name) == bool(choice.path):
        raise UsageError("a workload has a name or a path")
    if choice.path and not Path(choice.path).exists():
        raise UsageError(f"{choice.path}: no such file or folder")
    if choice.path and choice.parameters:
        raise UsageError(f"{choice.path}: a recorded stream takes no parameters")
    try:
        if choice.name:
            check_workload(choice.name, choice.parameters)
    except WorkloadError as error:
        raise UsageError(str(error)) from None


def load_stream(path: Path) -> Stream:
    """A recorded stream: a folder with requests.npz, or a packed .npz. Raises WorkloadError."""
    from workloads.packed import unpack
    from workloads.recorded import load_folder

    if path.is_dir():
        return load_folder(path)
    if path.name == "requests.npz":
        return load_folder(path.parent)
    return unpack(path)


def split_parameters(
    texts: tuple[str, ...], mechanisms: tuple[str, ...]
) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """KEY=VALUE texts as parameters of each mechanism and of the workload.

    Mechanisms know kernelcore, min_free_kbytes and SECTION.ENTRY; everything else is the
    workload's. kernelcore is given to those that have ZONE_MOVABLE. Raises UsageError.
    """
    of_mechanism: dict[str, dict[str, str]] = {name: {} for name in mechanisms}
    of_workload: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise UsageError(f"parameter {text!r}: not of the form KEY=VALUE")
        if key not in SHORT_PARAMETERS and "." not in key:
            of_workload[key] = value
            continue
        takers = [name for name in mechanisms if key != "kernelcore" or _has_zone(name)]
        if not takers:
            raise UsageError(f"parameter {text!r}: no mechanism of this run has ZONE_MOVABLE")
        for name in takers:
            of_mechanism[name][key] = value
    return of_mechanism, of_workload


def _has_zone(name: str) -> bool:
    try:
        return bool(load_mechanism(name).zones.kernelcore)
    except MechanismError as error:
        raise UsageError(str(error)) from None
