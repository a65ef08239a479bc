"""`pagereel list`, `info` and `verify`: what there is, on standard output."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from allocator.mechanism import load_mechanism, mechanism_names
from allocator.terms import PAGE_CLASSES
from pipeline.artefacts import ARTEFACTS
from pipeline.config import MAIN_WORKLOAD, UsageError
from pipeline.recording import Recording
from workloads import WORKLOADS, load_workload

if TYPE_CHECKING:
    from pipeline.check import Check

CLASS_TITLES = {
    "free": "free, on a buddy list",
    "pcp_free": "free, on a per-CPU list",
    "movable": "in use, movable",
    "unmovable": "in use, unmovable",
    "reclaimable": "in use, reclaimable: kernel memory that shrinkers give back",
    "hugetlb": "in a huge page",
    "reserved": "never the page allocator's",
    "hole": "no memory there",
    "kernel_unknown": "kernel page from before the trace, mobility unknown",
}


def rows_of(kind: str, workload: str | None = None) -> list[dict[str, str]]:
    """What `pagereel list KIND` shows, as tables with a name each. Raises WorkloadError."""
    if kind == "mechanisms":
        loaded = [load_mechanism(name) for name in mechanism_names()]
        return [{"name": m.name, "kernel": m.kernel, "title": m.title} for m in loaded]
    if kind == "workloads":
        return [{"name": name, "title": title} for name, (_, title) in WORKLOADS.items()]
    if kind == "metrics":
        return _metrics()
    if kind == "artefacts":
        return [{"name": name, "title": title} for name, (_, title) in ARTEFACTS.items()]
    if kind == "classes":
        return [{"name": name, "title": CLASS_TITLES[name]} for name in PAGE_CLASSES]
    return _phases(workload or MAIN_WORKLOAD)


def _metrics() -> list[dict[str, str]]:
    from pipeline.metrics import METRICS

    return [
        {"name": name, "unit": m.unit, "better": m.better, "title": m.title}
        for name, m in METRICS.items()
    ]


def _phases(workload: str) -> list[dict[str, str]]:
    if workload not in WORKLOADS:
        raise UsageError(f"unknown workload {workload!r}; there are {', '.join(WORKLOADS)}")
    return [{"name": p.name, "title": p.title} for p in load_workload(workload).phases]


def show_list(kind: str, workload: str | None, as_json: bool) -> None:
    """Print one row a line, aligned; or a JSON list."""
    rows = rows_of(kind, workload)
    if as_json:
        print(json.dumps(rows, indent=1))
        return
    for line in aligned([list(row.values()) for row in rows]):
        print(line)


def aligned(rows: list[list[str]]) -> list[str]:
    """Rows as lines, columns two blanks apart."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def show_info(path: Path, as_json: bool) -> None:
    """Print what a recording is and where it comes from. Raises RecordingError."""
    recording = Recording.open(path)
    if as_json:
        print(json.dumps(_facts(recording), indent=1, ensure_ascii=False))
        return
    header = recording.header
    geometry = header["geometry"]
    zones = (f"{z['name']} {z['start_pfn']} to {z['end_pfn'] - 1}" for z in geometry["zones"])
    lines = [
        ["title", header["title"]],
        ["source", header["source"].get("text", "")],
        ["mechanism", f"{header['mechanism']['name']}: {header['mechanism']['title']}"],
        ["parameters", _pairs(header["mechanism"].get("parameters", {})) or "none"],
        ["workload", f"{header['workload']['name']}, seed {header['seed']}"],
        ["memory", f"{geometry['pages']:,} pages, pageblocks of 2^{geometry['pageblock_order']}"],
        ["zones", ", ".join(zones)],
        ["frames", f"{len(recording):,}" + ("" if recording.complete else "; the end is missing")],
        ["events", f"{len(recording.events):,}, dropped {recording.dropped_events:,}"],
        ["phases", ", ".join(phase["name"] for phase in header["phases"])],
        ["made by", f"pagereel {header.get('pagereel', '?')}"],
    ]
    for line in aligned(lines):
        print(line)


def _pairs(parameters: dict[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in parameters.items())


def _facts(recording: Recording) -> dict:
    return {
        "path": str(recording.path),
        "complete": recording.complete,
        "frames": len(recording),
        "events": len(recording.events),
        "dropped_events": recording.dropped_events,
        "header": recording.header,
    }


def show_verify(path: Path, named: list[Path], stream: Path | None, as_json: bool) -> int:
    """Print each check as it is done; the exit code: 1 where one failed."""
    words = {True: "ok", False: "WRONG", None: "not checked"}
    checks = []
    for check in _checks(path, named, stream):
        checks.append(check)
        if not as_json:
            print(f"{check.name}: {words[check.ok]}: {check.text}", flush=True)
            for line in _class_lines(check.classes or []):
                print(f"  {line}", flush=True)
    if as_json:
        given = [
            {k: v for k, v in check._asdict().items() if v or k != "classes"} for check in checks
        ]
        print(json.dumps(given, indent=1))
    return 1 if any(check.ok is False for check in checks) else 0


def _checks(path: Path, named: list[Path], stream: Path | None) -> "Iterator[Check]":
    """Those of a video, a still, or a recording. Raises UsageError."""
    from pipeline.verify_picture import STILLS, VIDEOS, verify_still, verify_video

    if path.suffix in VIDEOS + STILLS:
        if stream is not None:
            raise UsageError(f"{path}: --stream is for recordings")
        return (verify_video if path.suffix in VIDEOS else verify_still)(path, named)
    if named:
        raise UsageError(f"{path}: recordings are named for a video or a still")
    from pipeline.verify import verify

    return verify(path, stream)


def _class_lines(classes: list[dict]) -> list[str]:
    rows = [[c["class"], f"{c['pages']:,}", f"{c['pages'] - c['right']:,}"] for c in classes]
    if not rows:
        return []
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        f"{name:<{widths[0]}}  {pages:>{widths[1]}} pages  {wrong:>{widths[2]}} in another colour"
        for name, pages, wrong in rows
    ]
