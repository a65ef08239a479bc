"""What a result depends on: the rules, the requests, the seed, and the code that turns them into
figures. Two results of one identity are the same bytes, whoever made them and where.

The code counts by its sources, not by the version alone: results outlive many commits of one
version. Sources and not the compiled core, whose bytes differ from compiler to compiler; a core
that is older than its source is refused instead. Python and numpy count because their random
numbers may change with them; whether the core is compiled, because without it streams are cut.
"""

import json
import platform
from functools import cache
from hashlib import sha256
from importlib.metadata import version as installed
from pathlib import Path

from allocator import page_alloc, scanners, slab, vmscan
from allocator.mechanism import Mechanism
from allocator.page_alloc import COMPILED
from pipeline.config import WorkloadChoice
from pipeline.execute import ExecuteError
from pipeline.sources import ROOT, sources_digest
from pipeline.version import version

FORMAT = 1
# Of a mechanism: they change no figure.
NAMES_ONLY = ("name", "title", "source", "parameters", "base")


@cache
def code() -> dict[str, str]:
    """The code that makes figures here. Raises ExecuteError for a core older than its source."""
    _check_core()
    return {
        "pagereel": version(),
        "sources": sources_digest(),
        "core": "compiled" if COMPILED else "uncompiled",
        "python": ".".join(platform.python_version_tuple()[:2]),
        "numpy": installed("numpy"),
    }


def _check_core() -> None:
    """In a checkout, where it is built in place and may be forgotten."""
    if not (ROOT / "pyproject.toml").exists():
        return
    for module in (page_alloc, scanners, slab, vmscan):
        built = Path(module.__file__)
        source = built.with_name(f"{module.__name__.rpartition('.')[2]}.py")
        if built != source and built.stat().st_mtime < source.stat().st_mtime:
            raise ExecuteError(f"{built}: older than its source; build it again: make")


def differing(here: dict[str, str], there: dict[str, str]) -> str:
    """In which entry two codes differ, and how: "numpy 2.1 here, 2.0 there"; or an empty text."""
    for name, value in here.items():
        other = there.get(name)
        if other != value:
            shown = (value, str(other)) if name != "sources" else (value[:12], str(other)[:12])
            return f"{name} {shown[0]} here, {shown[1]} there"
    return ""


def inputs_of(workload: WorkloadChoice, digest: str, mechanism: Mechanism, seed: int) -> dict:
    """Everything that a cell's figures depend on. `digest`: of a recorded stream given by path.

    A stream is told by its content, wherever it lies; a mechanism by its rules, whatever its name.
    """
    if workload.path:
        requests = {"digest": digest}
    else:
        requests = {"name": workload.name, "parameters": workload.parameters}
    return {
        "format": FORMAT,
        "code": code(),
        "mechanism": mechanism.model_dump(mode="json", exclude=set(NAMES_ONLY)),
        "workload": requests,
        "seed": seed,
    }


def canonical(value: object) -> bytes:
    """JSON with one spelling for each value."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("ascii")


def key_of(inputs: dict) -> str:
    """The address of a result: what it was made from, as sha256 in hexadecimal."""
    return sha256(canonical(inputs)).hexdigest()
