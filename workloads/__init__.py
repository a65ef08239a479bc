"""Workloads: each builds a Stream. One file a workload and one line in WORKLOADS."""

from importlib import import_module
from types import ModuleType

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


def _module(name: str) -> ModuleType:
    if name not in WORKLOADS:
        raise WorkloadError(f"unknown workload {name!r}; there are {', '.join(WORKLOADS)}")
    return import_module(WORKLOADS[name][0])
