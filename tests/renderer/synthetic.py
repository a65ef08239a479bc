"""Small made-up recordings for the tests of pictures."""

from pathlib import Path

import numpy as np

from allocator.terms import CLASS_UNMOVABLE, MIGRATETYPES, PAGE_CLASSES
from pipeline.recording import Recording, RecordingWriter
from renderer.panel import Panel

TEXT = "{value:,.0f} of {maximum:,.0f} blocks can become a huge page"


def header(pages: int, *, name: str = "6.1-list", order: int = 9, classes=PAGE_CLASSES) -> dict:
    half = pages // 2 >> order << order
    return {
        "format": "pagereel recording",
        "version": 3,
        "title": "A made-up load",
        "source": {"kind": "simulation", "text": "simulated; made up for a test"},
        "mechanism": {"name": name, "title": "grouping by mobility"},
        "workload": {"name": "made-up", "title": "A made-up load"},
        "seed": 0,
        "geometry": {
            "pages": pages,
            "pageblock_order": order,
            "zones": [
                {"name": "DMA", "start_pfn": 1, "end_pfn": half},
                {"name": "Movable", "start_pfn": half, "end_pfn": pages},
            ],
        },
        "page_classes": list(classes),
        "migratetypes": list(MIGRATETYPES),
        "phases": [
            {"name": "load", "title": "load: files", "start_op": 0, "sample_op": 2},
            {"name": "rest", "title": "at rest", "start_op": 3, "sample_op": 5},
        ],
        "series_columns": ["free_pages:DMA", "free_pages:Movable", "failed_requests"],
    }


def grid(pages: int, seed: int, classes: int = len(PAGE_CLASSES)) -> np.ndarray:
    """Runs of all classes, with lone unmovable pages here and there."""
    rng = np.random.default_rng(seed)
    runs = np.repeat(rng.integers(0, classes, -(-pages // 16)), 16)[:pages].astype(np.uint8)
    runs[rng.integers(0, pages, pages // 64 + 1)] = CLASS_UNMOVABLE
    return runs


def recording(
    path: Path, pages: int = 4096, *, frames: int = 6, seed: int = 1, **more: object
) -> Recording:
    """A recording whose frame n is grid(pages, seed + n)."""
    about = header(pages, **more)
    blocks = -(-pages >> about["geometry"]["pageblock_order"])
    with RecordingWriter(path, about) as writer:
        for number in range(frames):
            writer.append(
                op=1000 * number,
                time_us=2_000_000 * number,
                phase=2 * number // frames,
                grid=grid(pages, seed + number, len(about["page_classes"])),
                block_types=np.zeros(blocks, np.uint8),
                series=np.array([pages // 2, number, number], np.int64),
            )
    return Recording.open(path)


def panel(of: Recording, values: np.ndarray | None = None) -> Panel:
    values = np.linspace(8, 2, len(of)) if values is None else values
    name, title = of.header["mechanism"]["name"], of.header["mechanism"]["title"]
    return Panel(of, title, name, values, 8.0, TEXT, "blocks that can become a huge page")


def panels(folder: Path, count: int = 1, pages: int = 4096, **more: object) -> list[Panel]:
    return [
        panel(recording(folder / f"{n}.reel", pages, seed=1 + 100 * n, name=f"m{n}", **more))
        for n in range(count)
    ]
