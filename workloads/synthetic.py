"""What the synthetic workloads share: parameters from text, chance, a machine just booted."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from allocator.terms import FREE
from allocator.zones import Machine
from workloads.stream import Start, WorkloadError


def parsed(
    workload: str, kind: type, ranges: Mapping[str, tuple[float, float]], texts: dict[str, str]
) -> Any:
    """An instance of the dataclass `kind`, its numbers in their `ranges`.

    Raises WorkloadError for unknown names and values out of range.
    """
    types = {field.name: field.type for field in fields(kind)}
    values = {}
    for name, text in texts.items():
        if name not in types:
            known = ", ".join(types)
            raise WorkloadError(f"{workload}: unknown parameter {name!r}; there are {known}")
        try:
            values[name] = types[name](text)
        except ValueError:
            raise WorkloadError(f"{workload}: {name}={readable(text)}: not a number") from None
    result = kind(**values)
    for name, (lowest, highest) in ranges.items():
        value = getattr(result, name)
        if not lowest <= value <= highest:
            allowed = f"{number_text(lowest)} to {number_text(highest)}"
            raise WorkloadError(f"{workload}: {name}={value}: not from {allowed}")
    return result


def number_text(value: float) -> str:
    """A number as one writes it: whole ones with all their digits."""
    return f"{value:.0f}" if value == int(value) else f"{value:g}"


def readable(text: str) -> str:
    """A text from outside as it stands in a message: on one line."""
    return text if text.isprintable() else repr(text)


def random_of(workload: str, seed: int) -> np.random.Generator:
    """The numbers that a seed draws. Raises WorkloadError for a negative one."""
    if seed < 0:
        raise WorkloadError(f"{workload}: seed {seed} is negative")
    return np.random.Generator(np.random.PCG64(seed))


def booted(machine: Machine) -> Start:
    """A start with all of the machine's usable memory free."""
    return Start(
        page_class=np.where(machine.unusable > 0, machine.unusable, FREE).astype(np.uint8),
        pfn=np.zeros(0, np.int32),
        order=np.zeros(0, np.uint8),
        traced=np.zeros(0, bool),
    )
