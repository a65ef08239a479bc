"""The shipped real stream: a Debian 6.1 kernel without grouping, 512 MiB, files and processes."""

from pathlib import Path

from workloads.packed import unpack
from workloads.stream import Stream, WorkloadError

PATH = Path(__file__).parent / "data" / "debian-6.1-churn.npz"


def check(parameters: dict[str, str]) -> None:
    """Raise WorkloadError for any parameter: a recorded stream has none."""
    if parameters:
        raise WorkloadError(
            f"debian-6.1-churn is a recorded stream and has no parameter {next(iter(parameters))!r}"
        )


def load(parameters: dict[str, str], seed: int) -> Stream:
    """The stream as recorded; a seed changes nothing."""
    check(parameters)
    return unpack(PATH)
