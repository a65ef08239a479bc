"""The sources that turn a configuration into figures: their digest tells which code made a result.

The version alone doesn't: many commits have the same one.
"""

from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).parents[1]
# All that lies between a configuration and its figures. A test holds it against what is loaded.
SOURCES = (
    "allocator/*.py",
    "allocator/mechanisms/*.toml",  # a stream's start is read by the rules that it was recorded by
    "workloads/*.py",
    "workloads/data/*.npz",
    "pipeline/metrics/*.py",
    "pipeline/measures.py",
    "pipeline/simulate.py",
    "pipeline/start.py",
    "pipeline/grouping.py",
    "pipeline/recording*.py",
    "pipeline/sweep/cell.py",
)


def sources() -> Iterator[Path]:
    """The files of SOURCES, in a fixed order."""
    for pattern in SOURCES:
        yield from sorted(ROOT.glob(pattern))


@cache
def sources_digest() -> str:
    """Of their names and bytes, in hexadecimal."""
    digest = sha256()
    for path in sources():
        content = path.read_bytes()
        digest.update(f"{path.relative_to(ROOT).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()
