"""A small made-up report for the tests: two panels, more frames than a group holds, marks."""

import json
import zlib
from base64 import b85decode
from pathlib import Path

import numpy as np

from allocator.mechanism import load_mechanism
from allocator.terms import (
    CLASS_MOVABLE,
    CLASS_UNMOVABLE,
    EVENT_CLAIM,
    EVENT_DTYPE,
    EVENT_FALLBACK,
    FREE,
    MOVABLE,
    UNMOVABLE,
)
from pipeline.recording import Recording, RecordingWriter
from pipeline.recording_format import RENEWED
from pipeline.simulate import simulate
from renderer.report.page import write_report
from renderer.report.report import Curves, Failure, Figure, Finding, Lasting, Making, Report, Sample
from tests.renderer import synthetic
from workloads import load_workload

PAGES, FRAMES, BLOCK_PAGES = 4999, 70, 512
CLAIMED_BLOCK, CLAIM_FRAME = 3, 20  # by an unmovable request; it has recovered at:
RECOVERY_FRAME = 50
CHURN = {"memory_mib": "24", "requests": "6000", "requests_per_second": "500",
         "long_lived_share": "0.6"}  # fmt: skip
LONE_PFN, RENEWAL_FRAME, LONE_ORDER = 2100, 40, 3  # an unmovable page, in use all the time


def recording(path: Path, seed: int, **changes: object) -> Recording:
    """Frame n is made from the one before; what the constants above tell is in every one."""
    header = synthetic.header(PAGES, name=f"m{seed}") | {"marks": True} | changes
    blocks = -(-PAGES // BLOCK_PAGES)
    rng = np.random.default_rng(seed)
    grid, marks = synthetic.grid(PAGES, seed), rng.integers(0, 4, PAGES).astype(np.uint8)
    start = CLAIMED_BLOCK * BLOCK_PAGES
    events = claim_of(1000 * CLAIM_FRAME - 1, start)
    with RecordingWriter(path, header) as writer:
        for number in range(FRAMES):
            some = rng.integers(0, PAGES, 40)
            grid[some], marks[some] = rng.integers(0, 9, 40), rng.integers(0, 11, 40)
            block = grid[start : start + BLOCK_PAGES]
            block[:] = FREE
            if CLAIM_FRAME <= number < RECOVERY_FRAME:
                block[7] = CLASS_UNMOVABLE
            block[8] = CLASS_MOVABLE
            grid[LONE_PFN] = CLASS_UNMOVABLE
            marks[LONE_PFN] = LONE_ORDER | (RENEWED if number >= RENEWAL_FRAME else 0)
            types = np.full(blocks, MOVABLE, np.uint8)
            types[CLAIMED_BLOCK] = UNMOVABLE if number >= CLAIM_FRAME else MOVABLE
            writer.append(
                op=1000 * number,
                time_us=2_000_000 * number,
                phase=2 * number // FRAMES,
                grid=grid,
                block_types=types,
                series=np.array([PAGES // 2, number, number], np.int64),
                marks=marks,
            )
        writer.add_events(events)
    return Recording.open(path)


def claim_of(op: int, pfn: int) -> np.ndarray:
    """The events of an order-0 request that claims a pageblock, as the engine writes them."""
    events = np.zeros(2, EVENT_DTYPE)
    events["op"], events["pfn"], events["kind"] = op, pfn, [EVENT_CLAIM, EVENT_FALLBACK]
    events["migratetype"], events["fallback_migratetype"] = UNMOVABLE, MOVABLE
    events["order"], events["fallback_order"], events["claimed"] = [9, 0], [0, 7], 1
    events["free_pages"], events["alike_pages"] = 301, 12
    return events


def simulated(folder: Path) -> Report:
    """A report of a small churn that fills memory, under pageblocks of 1024 and of 512 pages."""
    stream = load_workload("churn", CHURN, seed=11)
    shown = []
    for name in ("2007-list", "6.1-list"):
        path = folder / f"{name}.reel"
        simulate(stream, load_mechanism(name), path, frames=40)
        of = Recording.open(path)
        shown.append(synthetic.panel(of, np.linspace(8, 1, len(of))))
    curves = [Curves("potential_huge", "", "blocks", "higher", [p.values for p in shown])]
    nothing = {"samples": [], "summary": {}, "findings": [], "failures": [], "lasting": []}
    return report(folder, panels=shown, curves=curves, **nothing)


def report(folder: Path, count: int = 2, **changes: object) -> Report:
    """A report of `count` panels; `changes` replace whole entries."""
    shown = [
        synthetic.panel(recording(folder / f"{n}.reel", n + 1), np.linspace(8, n, FRAMES))
        for n in range(count)
    ]
    numbers = range(count)
    curves = [
        Curves("potential_huge", "blocks that can", "blocks", "higher", [p.values for p in shown]),
        Curves(
            "mixed", "blocks that mix", "%", "lower", [np.arange(FRAMES) / 7.0 for _ in numbers]
        ),
    ]
    samples = [Sample("load", "load: files", 30), Sample("rest", "at rest", 60)]
    summary = {
        (of.name, sample.name, n): Figure(float(of.values[n][sample.frame]) + n, np.nan, 1)
        for of in curves
        for sample in samples
        for n in numbers
    }
    finding = Finding(1, "lone_page", "One page keeps it.", 44, 50, LONE_PFN, LONE_PFN)
    failure = Failure(0, 30_500, 9, 2048, [(LONE_PFN, "unmovable", "of its own type")])
    entries = {
        "title": "A made-up load",
        "panels": shown,
        "curves": curves,
        "samples": samples,
        "summary": summary,
        "cannot_move": frozenset(("unmovable", "reclaimable", "kernel_unknown")),
        "making": Making("pagereel run", "", {"Versions": {"pagereel": "0"}}, ("It is made up.",)),
        "metric": "potential_huge",
        "findings": [finding] if count > 1 else [],
        "failures": [failure],
        "lasting": [Lasting(0, {"half-life": "3 s"}, [(3, "1 time", CLAIM_FRAME)])],
    }
    return Report(**(entries | changes))


def written(folder: Path, name: str = "report.html", **changes: object) -> Path:
    """The page of `report`."""
    path = folder / name
    write_report(report(folder, **changes), path, lambda done, of: None)
    return path


def bytes_of(text: str) -> bytes:
    """What pack.as_text made a text of."""
    return b85decode(text.translate(str.maketrans(",./", "<&>")))


def inflated(text: str) -> bytes:
    return zlib.decompress(bytes_of(text), -zlib.MAX_WBITS)


def lines(page: str, name: str) -> list[str]:
    """The lines of a block of data of a page."""
    start = page.index(f'<script type="text/plain" id="{name}">')
    return page[start : page.index("</script>", start)].split("\n")[1:-1]


def data(page: str) -> dict:
    return json.loads(inflated(lines(page, "data")[0]))
