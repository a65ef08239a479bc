"""Metrics against hand-made grids, and against the figures published with the real recordings."""

import csv
from pathlib import Path

import numpy as np
import pytest

from capture.snapshots import combined
from pipeline.artefacts.panels import Drawing, panels
from pipeline.metrics import METRICS
from pipeline.metrics.evidence import Evidence, eligible_blocks
from pipeline.recording import Recording, RecordingWriter
from tests.pipeline.small import header
from tests.real import real_folder

FREE, PCP, MOVABLE, UNMOVABLE, RECLAIMABLE, HUGE, RESERVED, HOLE, UNKNOWN = range(9)


def recording_of(path: Path, grids: list[np.ndarray], **changes: object) -> Recording:
    """A recording of these grids, with empty series."""
    head = header(len(grids[0]), **changes)
    with RecordingWriter(path, head) as writer:
        for number, grid in enumerate(grids):
            writer.append(
                op=number,
                time_us=number,
                phase=0,
                grid=grid.astype(np.uint8),
                block_types=np.zeros(-(-len(grid) >> 9), np.uint8),
                series=np.zeros(len(head["series_columns"]), np.int64),
            )
    return Recording.open(path)


def blocks(*contents: dict[int, int]) -> np.ndarray:
    """Pageblocks of free pages with some pages of other classes."""
    grid = np.zeros((len(contents), 512), np.uint8)
    for row, content in zip(grid, contents, strict=True):
        place = 0
        for page_class, pages in content.items():
            row[place : place + pages] = page_class
            place += pages
    return grid.ravel()


def measure(path: Path, grid: np.ndarray, name: str) -> float:
    return float(METRICS[name].measure(Evidence(recording_of(path, [grid])))[0])


CONTENTS = blocks(
    {},
    {PCP: 7},
    {MOVABLE: 512},
    {MOVABLE: 1, UNMOVABLE: 1},
    {MOVABLE: 511, RECLAIMABLE: 1},
    {MOVABLE: 9, UNKNOWN: 1},
    {UNMOVABLE: 1},
    {RECLAIMABLE: 512},
    {HUGE: 512},
    {RESERVED: 1},
    {HOLE: 1},
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("mixed", 100 * 3 / 9), ("nonmov_blocks", 5), ("potential_huge", 3), ("free_blocks", 2)],
)
def test_pageblocks_by_what_they_hold(tmp_path: Path, name: str, expected: float) -> None:
    assert measure(tmp_path / "a.reel", CONTENTS, name) == pytest.approx(expected)


def test_reserved_pages_and_holes_make_a_block_ineligible(tmp_path: Path) -> None:
    recording = recording_of(tmp_path / "a.reel", [CONTENTS])
    assert eligible_blocks(recording).tolist() == [True] * 9 + [False] * 2


def test_zone_dma_is_not_eligible_unless_alone(tmp_path: Path) -> None:
    two = [{"name": "DMA", "start_pfn": 0, "end_pfn": 1024},
           {"name": "DMA32", "start_pfn": 1024, "end_pfn": 2048}]  # fmt: skip
    grid = np.zeros(2048, np.uint8)
    recording = recording_of(tmp_path / "two.reel", [grid], zones=two)
    assert eligible_blocks(recording).tolist() == [False, False, True, True]
    alone = [{"name": "DMA", "start_pfn": 0, "end_pfn": 2048}]
    recording = recording_of(tmp_path / "one.reel", [grid], zones=alone)
    assert eligible_blocks(recording).all()
    split = [{"name": "DMA", "start_pfn": 0, "end_pfn": 1024},
             {"name": "Movable", "start_pfn": 1024, "end_pfn": 2048}]  # fmt: skip
    recording = recording_of(tmp_path / "split.reel", [grid], zones=split)
    assert eligible_blocks(recording).all()


def test_a_machine_smaller_than_a_pageblock_has_none(tmp_path: Path) -> None:
    evidence = Evidence(recording_of(tmp_path / "a.reel", [np.zeros(300, np.uint8)]))
    assert evidence.block_kinds.shape == (1, 0)
    assert METRICS["potential_huge"].measure(evidence).tolist() == [0]
    assert np.isnan(METRICS["mixed"].measure(evidence)).all()


def test_a_block_cut_by_a_zone_is_not_eligible(tmp_path: Path) -> None:
    zones = [{"name": "DMA", "start_pfn": 0, "end_pfn": 700},
             {"name": "DMA32", "start_pfn": 700, "end_pfn": 2000}]  # fmt: skip
    recording = recording_of(tmp_path / "a.reel", [np.zeros(2048, np.uint8)], zones=zones)
    assert eligible_blocks(recording).tolist() == [False, False, True, False]


def test_huge_success_stops_at_the_watermark(tmp_path: Path) -> None:
    zones = [
        {
            "name": "DMA32",
            "start_pfn": 0,
            "end_pfn": 4096,
            "min_pages": 600,
            "lowmem_reserve_pages": [0],
        }
    ]
    head = header(4096, zones=zones)
    columns = head["series_columns"]
    row = np.zeros(len(columns), np.int64)
    row[columns.index("free_pages:DMA32")] = 2560
    row[columns.index("nr_free:DMA32:9:movable")] = 1
    row[columns.index("nr_free:DMA32:10:unmovable")] = 1
    row[columns.index("nr_free:DMA32:10:highatomic")] = 1
    with RecordingWriter(tmp_path / "a.reel", head) as writer:
        for free_pages in (2560, 600 + 512 + 1, 600 + 512):
            row = row.copy()
            row[columns.index("free_pages:DMA32")] = free_pages
            writer.append(
                op=0, time_us=0, phase=0, series=row,
                grid=np.zeros(4096, np.uint8), block_types=np.zeros(8, np.uint8),
            )  # fmt: skip
    values = METRICS["huge_success"].measure(Evidence(Recording.open(tmp_path / "a.reel")))
    assert values.tolist() == [100 * 3 / 8, 100 * 1 / 8, 0]


def test_huge_success_counts_the_zones_whose_pageblocks_are_eligible(tmp_path: Path) -> None:
    head = header(
        4096,
        zones=[
            {"name": name, "start_pfn": start, "end_pfn": start + 2048,
             "min_pages": 0, "lowmem_reserve_pages": [0]}
            for name, start in (("DMA", 0), ("DMA32", 2048))
        ],
    )  # fmt: skip
    columns = head["series_columns"]
    row = np.zeros(len(columns), np.int64)
    for name in ("DMA", "DMA32"):
        row[columns.index(f"free_pages:{name}")] = 2048
        row[columns.index(f"nr_free:{name}:10:movable")] = 2
    with RecordingWriter(tmp_path / "a.reel", head) as writer:
        writer.append(
            op=0, time_us=0, phase=0, series=row,
            grid=np.zeros(4096, np.uint8), block_types=np.zeros(8, np.uint8),
        )  # fmt: skip
    values = METRICS["huge_success"].measure(Evidence(Recording.open(tmp_path / "a.reel")))
    assert values.tolist() == [75]  # one page must stay, so three pageblocks of four


def test_without_eligible_blocks_a_share_has_no_value(tmp_path: Path) -> None:
    assert np.isnan(measure(tmp_path / "a.reel", blocks({RESERVED: 512}), "mixed"))


@pytest.mark.parametrize("folder", ["c_nogroup", "a_group_mig", "b_movable_minfree"])
def test_the_real_recordings_have_their_published_figures(tmp_path: Path, folder: str) -> None:
    """Snapshots of a real kernel measured here give what their own series.csv says."""
    real = real_folder(folder)
    snapshots = np.load(real / "snapshots.npz")
    with open(real / "series.csv", newline="") as file:
        published = list(csv.DictReader(file))
    chosen = range(0, len(published), 9)
    grids = [combined(snapshots["kclass"][i], snapshots["mobility"][i]) for i in chosen]
    zones = [{"name": "DMA", "start_pfn": 0, "end_pfn": 4096},
             {"name": "DMA32", "start_pfn": 4096, "end_pfn": 131_072}]  # fmt: skip
    evidence = Evidence(recording_of(tmp_path / "real.reel", grids, zones=zones))
    eligible = int(evidence.eligible.sum())
    for name in ("nonmov_blocks", "potential_huge", "free_blocks", "mixed"):
        values = METRICS[name].measure(evidence) * (eligible / 100 if name == "mixed" else 1)
        assert values.round().astype(int).tolist() == [int(published[i][name]) for i in chosen]
    assert [eligible] == sorted({int(row["eligible"]) for row in published})


def test_every_metric_says_what_it_is() -> None:
    assert {metric.better for metric in METRICS.values()} == {"lower", "higher", "-"}
    assert all(metric.unit and metric.title for metric in METRICS.values())


def test_pictures_tell_no_figure_while_memory_is_in_huge_pages(tmp_path: Path) -> None:
    grids = [blocks({MOVABLE: 3}, {}), blocks({HUGE: 512}, {}), blocks({UNMOVABLE: 1}, {})]
    path = tmp_path / "a.reel"
    recording_of(path, grids)
    (panel,) = panels([path], Drawing())
    assert panel.values[[0, 2]].tolist() == [2, 1]
    assert np.isnan(panel.values[1])
    assert "huge pages" in panel.figure(1)


def test_huge_allocated_counts_what_a_phase_has_got_so_far(tmp_path: Path) -> None:
    """Two of three in the first phase, one of order 10 in the second, none tried in the third."""
    columns = [f"{kind}_order_{o}" for kind in ("requests", "failed") for o in range(11)]
    head = header(4096, series_columns=columns)
    head["phases"] = [
        {"name": name, "title": name, "start_op": start, "sample_op": start + 10, "key": True}
        for name, start in (("one", 0), ("two", 10), ("three", 20))
    ]
    asked = {0: (0, 0, 0), 5: (1, 0, 0), 10: (3, 1, 0), 15: (3, 1, 1), 20: (3, 1, 1), 30: (3, 1, 1)}
    with RecordingWriter(tmp_path / "a.reel", head) as writer:
        for op, (nines, failed, tens) in asked.items():
            series = dict.fromkeys(columns, 0)
            series["requests_order_9"], series["failed_order_9"] = nines, failed
            series["requests_order_10"] = tens
            writer.append(
                op=op,
                time_us=op,
                phase=0,
                grid=np.zeros(4096, np.uint8),
                block_types=np.zeros(8, np.uint8),
                series=np.array(list(series.values())),
            )
    evidence = Evidence(Recording.open(tmp_path / "a.reel"))
    values = METRICS["huge_allocated"].measure(evidence).tolist()
    assert values[1:5] == [12.5, 25.0, 25.0, 25.0]  # a phase's end is its own still
    assert np.isnan([values[0], values[5]]).all()
    evidence.header["phases"][1]["sample_op"] = 10  # taken as it begins: not what the first got
    values = METRICS["huge_allocated"].measure(evidence).tolist()
    assert np.isnan(values[2])
    assert values[1] == 12.5
