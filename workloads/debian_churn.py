"""The shipped real stream: a Debian 6.1 kernel without grouping, 512 MiB, files and processes."""

from pathlib import Path

from workloads.packed import unpack
from workloads.stream import Stream, WorkloadError

PATH = Path(__file__).parent / "data" / "debian-6.1-churn.npz"


def load(parameters: dict[str, str], seed: int) -> Stream:
    """The stream as recorded; it takes no parameters, and a seed changes nothing."""
    if parameters:
        raise WorkloadError(
            f"debian-6.1-churn is a recorded stream and has no parameter {next(iter(parameters))!r}"
        )
    return unpack(PATH)
