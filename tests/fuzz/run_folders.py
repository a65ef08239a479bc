"""Damaged run folders: what a run leaves there of itself, and its tables."""

import json
from contextlib import redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path
from random import Random

from pipeline.config import RunConfig, UsageError
from pipeline.run_folder import METADATA, UNFINISHED, RunFolder
from pipeline.text_table import show_table
from tests.fuzz.judge import Case, Target
from tests.fuzz.mutate import TEXTS, json_bytes, mutated_bytes, mutated_json, mutated_text

_SUMMARY = """mechanism,workload,seed,phase,metric,value,unit,better
6.1-off,churn,0,fill,mixed,12.5,%,lower
6.1-off,churn,0,rest,mixed,3.25,%,lower
6.1-list,churn,0,fill,mixed,2.5,%,lower
6.1-list,churn,0,rest,mixed,,%,lower
6.1-off,churn,0,fill,potential_huge,17,pageblocks,higher
6.1-list,churn,0,fill,potential_huge,12,pageblocks,higher
"""
_SHOWN = 0.2  # of the runs whose table is sound: reading it takes longest


@cache
def _metadata() -> dict:
    config = {"workloads": ["churn"], "mechanisms": ["6.1-off", "6.1-list"], "seeds": [0]}
    entries = [
        {
            "file": f"churn-{name}-0.reel",
            "workload": "churn",
            "mechanism": name,
            "seed": 0,
            "source": {"kind": "simulation", "text": "simulated; synthetic churn, seed 0"},
        }
        for name in ("6.1-off", "6.1-list")
    ]
    model = RunConfig.model_validate(config).model_dump(mode="json")
    return {"config": model, "versions": {"pagereel": "1"}, "recordings": entries, "repeats": []}


def make(random: Random, folder: Path) -> Case:
    path = folder / "run"
    path.mkdir(exist_ok=True)
    which = random.choice((METADATA, METADATA, UNFINISHED, "summary.csv", "summary.csv"))
    for name in (METADATA, UNFINISHED):
        metadata = json.dumps(_metadata()).encode()
        if name == which:
            metadata = json_bytes(random, mutated_json(random, _metadata()))
        (path / name).write_bytes(metadata)
    data = _SUMMARY.encode()
    if which == "summary.csv":
        data = _table(random)
    (path / "summary.csv").write_bytes(data)
    shown = which == "summary.csv" or random.random() < _SHOWN
    return Case(lambda: use(path, which, shown and which != UNFINISHED), str(path))


def _table(random: Random) -> bytes:
    kind = random.randrange(4)
    if kind == 0:
        return mutated_bytes(random, _SUMMARY.encode())
    if kind == 1:
        return mutated_text(random, _SUMMARY).encode(errors="replace")
    cells = [line.split(",") for line in _SUMMARY.splitlines()]
    row = random.choice(cells)
    row[random.randrange(len(row))] = random.choice((*TEXTS, '"', '"a\nb"', "1e400", "--"))
    return "\n".join(",".join(row) for row in cells).encode(errors="replace")


def use(path: Path, which: str, shown: bool) -> None:
    """What the commands read of it."""
    name = UNFINISHED if which == UNFINISHED else METADATA
    run = RunFolder.open(path, name)
    run.by_workload(), run.drawn(), run.paths, run.repeat_paths
    if shown:
        with redirect_stdout(StringIO()) as told:
            show_table(path, None, (), ())
        told.getvalue().encode()


TARGET = Target("run folder", 0.07, (UsageError,), make)
