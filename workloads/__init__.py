"""Workloads: each builds a Stream. One file a workload and one line in WORKLOADS."""

from importlib import import_module

from workloads.stream import Stream, WorkloadError

# Name -> (module with `load(parameters, seed) -> Stream`, one line on what it is).
WORKLOADS = {
    "debian-6.1-churn": (
        "workloads.debian_churn",
        "1.7 million requests of a real Debian 6.1 kernel: files, processes, rest",
    ),
    "churn": (
        "workloads.churn",
        "synthetic: seeded random requests, lifetimes and mobility mix as parameters",
    ),
}


def workload_names() -> list[str]:
    """Names of the built-in workloads."""
    return list(WORKLOADS)


def load_workload(name: str, parameters: dict[str, str] | None = None, seed: int = 0) -> Stream:
    """The stream of a built-in workload. Raises WorkloadError."""
    if name not in WORKLOADS:
        raise WorkloadError(f"unknown workload {name!r}; there are {', '.join(WORKLOADS)}")
    return import_module(WORKLOADS[name][0]).load(parameters or {}, seed)
