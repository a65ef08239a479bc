"""Small recordings and headers for tests."""

from allocator.terms import MIGRATETYPES, PAGE_CLASSES
from pipeline.simulate import series_columns


def header(pages: int, *, zones: list[dict] | None = None, **changes: object) -> dict:
    """A header for `pages` pages with all series columns; `changes` replace whole entries."""
    zones = zones or [{"name": "DMA32", "start_pfn": 0, "end_pfn": pages}]
    zones = [{"min_pages": 0, "lowmem_reserve_pages": [0] * len(zones), **zone} for zone in zones]
    return {
        "format": "pagereel recording",
        "version": 3,
        "title": "small",
        "source": {"kind": "test", "text": "made by a test"},
        "mechanism": {"name": "test", "title": "a test's mechanism"},
        "workload": {"name": "test", "title": "a test's workload"},
        "seed": 0,
        "geometry": {"pages": pages, "pageblock_order": 9, "zones": zones},
        "page_classes": list(PAGE_CLASSES),
        "migratetypes": list(MIGRATETYPES),
        "phases": [{"name": "all", "title": "all of it", "start_op": 0, "sample_op": 0}],
        "series_columns": series_columns([zone["name"] for zone in zones]),
        **changes,
    }
