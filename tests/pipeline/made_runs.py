"""Runs whose figures are written down by hand: texts of them don't change with the model."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.comparison.runs import Load, RunFigures
from pipeline.config import RunConfig
from pipeline.measures import SEEDS_COLUMNS
from pipeline.run_folder import Recorded, RunFolder

VERSIONS = {"pagereel": "1.2.3", "core": "compiled", "python": "3.11.7", "numpy": "2.0.0"}
PHASES = (
    {"name": "build", "title": "trees are copied and built", "key": True},
    {"name": "load-1", "title": "huge pages are asked for under load", "key": True},
    {"name": "load-2", "title": "and once more", "key": False},
    {"name": "rest", "title": "huge pages are asked for at rest", "key": True},
)
# How seeds differ from a mean, in its spread: no two mechanisms alike.
OFFSETS = np.array([-1.3, 0.4, 0.9, -0.2, 1.6, -0.7, 0.1, -1.1, 0.8, -0.5])
NAN = float("nan")
Figure = tuple[float, float]  # mean and spread
# By phase and measure: of each mechanism in turn.
STRESS: dict[tuple[str, str], Sequence[Figure]] = {
    ("build", "mixed"): ((94, 0), (33.5, 4), (57, 1), (29.5, 3)),
    ("build", "potential_huge"): ((11, 0), (157, 8), (102, 0), (161, 5)),
    ("load-1", "huge_allocated"): ((6.2, 1), (22.9, 3), (6.9, 1), (32.5, 2)),
    ("load-2", "huge_allocated"): ((7.5, 1), (29.9, 2), (10.5, 2), (33.8, 2)),
    ("rest", "huge_allocated"): ((6.3, 1), (61.8, 5), (38, 1), (63, 3)),
    ("rest", "mixed"): ((85, 2), (21, 4), (44, 10), (8.8, 3)),
    ("rest", "potential_huge"): ((33.5, 3), (187, 9), (107, 2), (198, 8)),
    ("rest", "unusable_index"): ((0.92, 0.02), (0.31, 0.05), (0.57, 0.01), (0.27, 0.03)),
    ("rest", "failed_requests"): ((716, 9), (474, 12), (712, 14), (437, 11)),
    ("total", "extfrag_events"): ((NAN, 0), (12659, 900), (NAN, 0), (1782, 300)),
    ("total", "extfrag_unmovable_in_movable"): ((NAN, 0), (1221, 90), (NAN, 0), (75.5, 20)),
    ("total", "failed_order_0"): ((0, 0), (0, 0), (40, 3), (0, 0)),
    ("total", "failed_order_9"): ((716, 9), (474, 12), (672, 14), (437, 11)),
    ("total", "pages_moved"): ((0, 0), (80000, 2000), (0, 0), (80041, 2000)),
    ("total", "pages_scanned_kswapd"): (
        (3898922, 90000), (3296577, 90000), (3639797, 90000), (3151872, 90000)
    ),
    ("total", "pages_written"): ((324211, 3000), (324311, 3000), (326204, 3000), (324762, 3000)),
    ("total", "compact_stalls"): ((0, 0), (0, 0), (0, 0), (0, 0)),
    ("total", "splits"): ((954251, 800), (968708, 800), (996654, 800), (965217, 800)),
}  # fmt: skip
MECHANISMS = ("2007-vanilla", "2007-list", "2007-zone", "2007-both")


def made_run(
    figures: Mapping[tuple[str, str], Sequence[Figure]] = STRESS,
    mechanisms: Sequence[str] = MECHANISMS,
    *,
    workload: str = "stress-highalloc",
    seeds: int = 10,
    folder: str = "old",
    digest: str = "cafe",
    config: dict | None = None,
    versions: Mapping[str, str] = VERSIONS,
    turn: int = 0,
) -> RunFigures:
    """A run of `seeds` seeds from 0 on; `turn`: seeds differ from the means otherwise."""
    rows = [
        (name, workload, seed, phase, measure, mean + spread * offset)
        for number, name in enumerate(mechanisms)
        for seed, offset in enumerate(np.roll(OFFSETS, 3 * number + turn)[:seeds])
        for (phase, measure), of_all in figures.items()
        for mean, spread in [of_all[number]]
    ]
    recorded = tuple(Recorded(f"{name}-0.reel", workload, name, 0) for name in mechanisms)
    repeats = tuple(
        Recorded(f"{name}-{seed}.reel", workload, name, seed)
        for name in mechanisms
        for seed in range(1, seeds)
    )
    table = RunConfig.model_validate(
        {"workloads": [workload], "mechanisms": list(mechanisms)} | (config or {})
    )
    return RunFigures(
        RunFolder(Path(folder), table, recorded, repeats=repeats),
        pd.DataFrame(rows, columns=list(SEEDS_COLUMNS)),
        {workload: made_load(mechanisms, seeds, digest)},
        dict(versions),
    )


def made_load(mechanisms: Sequence[str], seeds: int, digest: str) -> Load:
    """Whose stream is named by seed."""
    zone = {"name": "DMA32", "managed_pages": 130_000, "min_pages": 700}
    about = {
        "title": "stress-highalloc, order 9, on 512 MiB",
        "source": "written by hand",
        "machine": "512 MiB x86-64, synthetic",
        "operations": 5_685_995,
        "parameters": {"memory_mib": "512"},
        "recorded_mechanism": "",
    }
    entries = {
        name: {
            "label": name,
            "title": "a mechanism",
            "source": "Linux 2.6.20, mm/page_alloc.c.",
            "made_by": "simulated; synthetic; kswapd order-aware",
            "tells_types": name.endswith(("list", "both")),
            "geometry": {"page_size_bytes": 4096, "pageblock_order": 9, "zones": [zone]},
            "eligible_blocks": 244,
        }
        for name in mechanisms
    }
    return Load(about, PHASES, {seed: f"{digest}{seed}" for seed in range(seeds)}, entries)
