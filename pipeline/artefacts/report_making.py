"""How a report came about: its sources, the configuration, the command, what it doesn't claim."""

import shlex
from collections.abc import Sequence
from pathlib import PurePath

from pipeline.config import MechanismChoice, RunConfig, WorkloadChoice
from pipeline.metadata import as_json, versions
from pipeline.recording import Recording
from pipeline.run_folder import RunFolder
from renderer.report.report import Making

LIMITS = (
    "One stream is one load on one machine. A mechanism that does well here may do badly on "
    "another.",
    "huge_success counts the huge pages to be had at once, without compaction or reclaim, which "
    "would give more for a price.",
    "Between two frames pages come and go unseen: a page's age is told to a frame. "
    "Of movable pages only changes of class are kept.",
    "The mobility of pages from before a trace is unknown and shown as such.",
)
SIMULATED = (
    "Simulated: a model of the kernel's page allocator, checked against recordings of real "
    "kernels. Its rules and every known deviation stand in KERNEL.md.",
    "A replay of a recorded stream is open-loop: under another mechanism the real kernel would "
    "have reclaimed and compacted at other times, and requests would have come otherwise.",
    "Counts of scans, splits and moves are costs, but they aren't seconds.",
)


def making(recordings: list[Recording], run: RunFolder | None) -> Making:
    """How the report of these recordings came about."""
    simulated = any(r.header["source"].get("kind") == "simulation" for r in recordings)
    config = run.config if run else None
    return Making(
        command=command_of(config) if config else "",
        config=config_text(config) if config and config != RunConfig() else "",
        tables={
            "Source": _source(recordings),
            "Mechanisms": _mechanisms(recordings),
            "Versions": versions(),
        },
        limits=(*(SIMULATED if simulated else ()), *LIMITS),
    )


def command_of(config: RunConfig) -> str:
    """The command that makes the same run; empty where only a configuration file can say it."""
    plain = RunConfig()
    in_files = any(w.path for w in config.workloads) or any(
        m.label or m.name.endswith(".toml") for m in config.mechanisms
    )
    parameters = [_shared(config.workloads), _shared(config.mechanisms)]
    if in_files or None in parameters:
        return ""
    given = [f"{key}={value}" for of in parameters for key, value in of.items()]
    options = (
        ("-w", [w.name for w in config.workloads], [w.name for w in plain.workloads]),
        ("-m", [m.name for m in config.mechanisms], [m.name for m in plain.mechanisms]),
        ("-p", given, []),
        ("--seed", list(config.seeds), list(plain.seeds)),
        ("--frames", [config.frames], [plain.frames]),
    )
    words = ["pagereel", "run"]
    for flag, chosen, usual in options:
        if chosen != usual:
            words += [word for value in chosen for word in (flag, str(value))]
    return shlex.join(words)


def _shared(choices: Sequence[WorkloadChoice | MechanismChoice]) -> dict[str, str] | None:
    """The parameters of all choices; None where they differ."""
    first = choices[0].parameters
    return first if all(choice.parameters == first for choice in choices) else None


def config_text(config: RunConfig) -> str:
    """The configuration as JSON; of files only the names: where they lay is nobody's business."""
    shown = config.model_dump(mode="json")
    for workload in shown["workloads"]:
        workload["path"] = PurePath(workload["path"]).name
    for mechanism in shown["mechanisms"]:
        mechanism["name"] = PurePath(mechanism["name"]).name
    return as_json(shown)


def _source(recordings: list[Recording]) -> dict[str, str]:
    header = recordings[0].header
    workload = header["workload"]
    sources = dict.fromkeys(str(r.header["source"].get("text", "")) for r in recordings)
    rows = {
        "workload": f"{workload['title']} ({workload['name']})",
        "recorded or simulated": "; ".join(text for text in sources if text),
        "machine": workload.get("machine", ""),
        "operations": f"{workload['operations']:,}" if "operations" in workload else "",
        "digest of the stream": workload.get("digest", ""),
        "parameters": _pairs(workload.get("parameters", {})),
        "seeds shown": ", ".join(dict.fromkeys(str(r.header["seed"]) for r in recordings)),
        "recordings by": "pagereel "
        + ", ".join(dict.fromkeys(str(r.header.get("pagereel", "")) for r in recordings)),
    }
    return {name: str(text) for name, text in rows.items() if text}


def _mechanisms(recordings: list[Recording]) -> dict[str, str]:
    rows = {}
    for recording in recordings:
        mechanism = recording.header["mechanism"]
        parts = [mechanism.get("source", ""), _pairs(mechanism.get("parameters", {}))]
        rows[mechanism["name"]] = "; ".join(part for part in parts if part) or mechanism["title"]
    return rows


def _pairs(parameters: dict) -> str:
    return ", ".join(f"{key}={value}" for key, value in parameters.items())
