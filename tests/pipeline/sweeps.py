"""Small sweeps for tests."""

from pathlib import Path

SMALL = """
seeds = {seeds}
mechanisms = ["6.1-off", "6.1-zone"]
measures = ["potential_huge"]
[[workloads]]
name = "churn"
parameters = {{requests = 3000}}
[parameters]
memory_mib = [32, 48]
"""


def small_sweep(folder: Path, seeds: object = 2, more: str = "") -> Path:
    """A sweep of 2 mechanisms x 2 sizes x seeds; `more`: further parameters."""
    path = folder / "sweep.toml"
    path.write_text(SMALL.format(seeds=seeds) + more, encoding="utf-8")
    return path


def files(folder: Path) -> dict[str, bytes]:
    """What stands below a folder, by name."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
