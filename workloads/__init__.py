"""Workloads: each builds a Stream. One file a workload and one line in WORKLOADS."""

from dataclasses import fields
from importlib import import_module
from types import ModuleType
from typing import NamedTuple

from workloads.stream import Stream, WorkloadError

# Name -> (module with `check(parameters)` and `load(parameters, seed) -> Stream`, what it is).
WORKLOADS = {
    "debian-6.1-churn": (
        "workloads.debian_churn",
        "1.7 million requests of a real Debian 6.1 kernel: files, processes, rest",
    ),
    "churn": (
        "workloads.churn",
        "synthetic: seeded random requests, lifetimes and mobility mix as parameters",
    ),
    "kernel-bursts": (
        "workloads.kernel_bursts",
        "synthetic: the churn, and bursts of kernel pages of which few stay",
    ),
    "stress-highalloc": (
        "workloads.stress_highalloc",
        "synthetic, with reclaim: huge pages asked for beside parallel builds, and at rest",
    ),
    "realloc-10": (
        "workloads.realloc_10",
        "synthetic: of half of memory, random tenths are freed and taken again",
    ),
    "ebizzy": (
        "workloads.ebizzy",
        "synthetic, with reclaim: threads take, use and drop buffers beside a large working set",
    ),
}


def check_workload(name: str, parameters: dict[str, str]) -> None:
    """Raise WorkloadError for an unknown workload, or parameters that it doesn't take."""
    _module(name).check(parameters)


def load_workload(name: str, parameters: dict[str, str] | None = None, seed: int = 0) -> Stream:
    """The stream of a built-in workload. Raises WorkloadError."""
    return _module(name).load(parameters or {}, seed)


class Searched(NamedTuple):
    """A parameter that a search may set: its range and default, whole numbers only or any."""

    low: float
    high: float
    default: float
    whole: bool


def searched(name: str) -> dict[str, Searched]:
    """The parameters of a workload that a search may set; none: it has none. Raises WorkloadError.

    A workload declares their ranges as SEARCHED, beside its Parameters.
    """
    module = _module(name)
    ranges = getattr(module, "SEARCHED", None)
    if not ranges:
        return {}
    of = {field.name: field for field in fields(module.Parameters)}
    return {
        parameter: Searched(low, high, of[parameter].default, of[parameter].type is int)
        for parameter, (low, high) in ranges.items()
    }


def _module(name: str) -> ModuleType:
    if name not in WORKLOADS:
        raise WorkloadError(f"unknown workload {name!r}; there are {', '.join(WORKLOADS)}")
    return import_module(WORKLOADS[name][0])
