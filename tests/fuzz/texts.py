"""Damaged texts: mechanisms, run configurations, and what stands on a command line."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random

from allocator.boot import boot
from allocator.mechanism import (
    BUILT_IN,
    SHORT_PARAMETERS,
    Mechanism,
    MechanismError,
    load_mechanism,
    mechanism_names,
)
from allocator.zones import Machine, build_zones
from pipeline.config import UsageError, check, load_config, split_parameters
from pipeline.draw import bytes_of
from pipeline.views.zoom import pfn_range
from tests.allocator.small_machines import small_machine
from tests.fuzz.judge import Case, Target
from tests.fuzz.mutate import NUMBERS, TEXTS, mutated_bytes, mutated_text
from workloads import WORKLOADS, check_workload
from workloads.stream import WorkloadError

_DEEPER = 0.1  # of the accepted inputs are put to use, which takes longer than the reading

# Mechanisms.


@cache
def _mechanisms() -> tuple[str, ...]:
    return tuple(path.read_text() for path in sorted(BUILT_IN.glob("*.toml")))


@cache
def _machine() -> Machine:
    return small_machine(6144, seed=1)


def make_mechanism(random: Random, folder: Path) -> Case:
    path = folder / "mine.toml"
    text = random.choice(_mechanisms())
    if random.random() < 0.1:
        path.write_bytes(mutated_bytes(random, text.encode()))
    else:
        path.write_text(mutated_text(random, text), errors="replace")
    used = random.random() < _DEEPER

    def run() -> None:
        mechanism = load_mechanism(str(path))
        if used:
            build_zones(_machine(), mechanism)
            boot(_machine(), mechanism).alloc(0, 1)

    return Case(run, str(path))


# Run configurations.

_CONFIG = """seeds = [1, 2, 3]
frames = 400
layout = "blocks"
palette = "standard"
fps = 20
artefacts = ["tables", "sheet"]
mechanisms = ["6.1-off", {name = "6.1-zone", label = "zone-30", parameters = {kernelcore = "30%"}}]

[[workloads]]
name = "churn"
parameters = {memory_mib = 256, unmovable_share = 0.2}

[[workloads]]
name = "ebizzy"
"""


def make_config(random: Random, folder: Path) -> Case:
    path = folder / "run.toml"
    if random.random() < 0.1:
        path.write_bytes(mutated_bytes(random, _CONFIG.encode()))
    else:
        path.write_text(mutated_text(random, _CONFIG), errors="replace")
    used = random.random() < _DEEPER

    def run() -> None:
        config = load_config(path)
        if used:
            one_line(lambda: check(config))

    return Case(run, str(path))


def one_line(what: Callable[[], object]) -> None:
    """Of what isn't there, names or figures, the message tells that, not the file."""
    try:
        what()
    except UsageError as error:
        if len(str(error).splitlines()) != 1:
            raise AssertionError(str(error)) from None


# The command line.

_NAMES = ("memory_mib", "requests", "used_share", "turns", "order", "architecture", "seconds",
          "kernelcore", "min_free_kbytes", "build_s", "lifetime_spread")  # fmt: skip
_VALUES = ("50%", "256M", "0.5", "100", "i386", "4096", "1e3", "0x20", "true", "none", "two-lists")

_UNITS = ("%", "K", "MB", "MiB", "kB", "-7", " ", ".5", "e9")


@cache
def _entries() -> tuple[str, ...]:
    """SECTION.ENTRY of all that a mechanism has."""
    sections = {name: field.annotation for name, field in Mechanism.model_fields.items()}
    return tuple(
        f"{name}.{entry}"
        for name, section in sections.items()
        for entry in getattr(section, "model_fields", ())
    )


def make_parameter(random: Random, folder: Path) -> Case:
    kind = random.randrange(10)
    text = _word(random)
    if kind == 0:
        text = f"{text}-{_word(random)}"
    if kind < 2:
        return Case(lambda: pfn_range(text), "", repr(text)[:200])
    if kind == 2:
        return Case(lambda: bytes_of(text), "", repr(text)[:200])
    key = (
        random.choice((*_NAMES, *SHORT_PARAMETERS, *_entries())) if random.random() < 0.9 else text
    )
    texts = (f"{key}={_word(random)}", *((f"{_word(random)}",) if kind == 3 else ()))
    mechanism, workload = random.choice(mechanism_names()), random.choice(tuple(WORKLOADS))
    told = f"{texts} {mechanism} {workload}"[:300]
    used = random.random() < _DEEPER

    def run() -> None:
        of_mechanism, of_workload = split_parameters(texts, (mechanism,))
        if of_workload:
            check_workload(workload, of_workload)
        if used:
            load_mechanism(mechanism, of_mechanism[mechanism])

    return Case(run, "", told)


def _word(random: Random) -> str:
    kind = random.randrange(6)
    if kind == 0:
        return random.choice(TEXTS)
    if kind == 1:
        return str(random.choice(NUMBERS))
    if kind == 2:
        return f"{random.choice(NUMBERS)}{random.choice(_UNITS)}"
    if kind == 3:
        return mutated_bytes(random, random.choice(_VALUES).encode()).decode(errors="replace")
    if kind == 4:
        return f"0x{random.getrandbits(40):x}-0x{random.getrandbits(41):X}"
    return random.choice(_VALUES)


TARGETS = (
    Target("mechanism", 0.10, (MechanismError,), make_mechanism),
    Target("run configuration", 0.15, (UsageError,), make_config),
    Target("parameter", 0.13, (UsageError, MechanismError, WorkloadError), make_parameter),
)
