"""The stream of a recording, found again: to make the recording anew, or with other frames."""

from dataclasses import replace
from pathlib import Path

from pipeline.config import UsageError, load_stream
from pipeline.recording import Recording
from pipeline.run_folder import RunFolder
from pipeline.simulate import runnable
from pipeline.version import version
from workloads import WORKLOADS, load_workload
from workloads.stream import Stream, WorkloadError


class CannotRepeat(Exception):
    """Why a recording can't be made again: one line."""


def stream_of(recording: Recording, stream_path: Path | None = None) -> Stream:
    """The stream that was recorded; `stream_path`: where it is, if it moved.

    Raises CannotRepeat: not a simulation, of another version, or its stream isn't at hand;
    ValueError where another stream is found.
    """
    header = recording.header
    if header["source"].get("kind") != "simulation":
        raise CannotRepeat("not a simulation: cannot be made again")
    if header.get("pagereel") != version():
        made_by = header.get("pagereel", "another version")
        raise CannotRepeat(f"made by pagereel {made_by}; this is {version()}")
    try:
        stream = runnable(_found(recording, stream_path))
    except WorkloadError as error:
        raise CannotRepeat(str(error)) from None
    if stream.digest() != header["workload"]["digest"]:
        raise ValueError("the stream isn't the one that was recorded")
    return stream


def _found(recording: Recording, stream_path: Path | None) -> Stream:
    workload, seed = recording.header["workload"], recording.header["seed"]
    stream_path = stream_path or _path_in_metadata(recording)
    if stream_path is not None:
        stream = load_stream(stream_path)
    elif workload["name"] in WORKLOADS:
        stream = load_workload(workload["name"], workload["parameters"], seed)
    else:
        raise WorkloadError(f"stream {workload['name']!r} isn't at hand; name it with --stream")
    return replace(stream, name=workload["name"], seed=seed)


def _path_in_metadata(recording: Recording) -> Path | None:
    """Where the run that made the recording found its stream."""
    try:
        config = RunFolder.open(recording.path.resolve().parents[1]).config
    except (UsageError, IndexError):
        return None
    for choice in config.workloads:
        if choice.path and choice.file_name == recording.header["workload"]["name"]:
            return Path(choice.path)
    return None
