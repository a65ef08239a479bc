"""The kernel's indices of external fragmentation, over all zones together.

Source: 6.1 mm/vmstat.c, unusable_free_index and __fragmentation_index; in thousandths.
They ignore migratetypes, per-CPU lists and watermarks. Over several zones they are computed from
the summed block counts, as an average of indices would mean nothing.
"""

import numpy as np

from pipeline.metrics.evidence import Evidence

INDEX_ORDER = 9


def unusable_index(free_blocks: np.ndarray, order: int) -> int:
    """Thousandths of free memory in blocks below `order`; `free_blocks` i8[orders]."""
    free_pages, _, suitable = _sums(free_blocks, order)
    if free_pages == 0:
        return 1000
    return 1000 * (free_pages - (suitable << order)) // free_pages


def extfrag_index(free_blocks: np.ndarray, order: int) -> int:
    """-1000 where a request of `order` would succeed, else 0 (no memory) to 1000 (fragmented)."""
    free_pages, blocks, suitable = _sums(free_blocks, order)
    if blocks == 0:
        return 0
    if suitable:
        return -1000
    return 1000 - (1000 + (1000 * free_pages >> order)) // blocks


def _sums(free_blocks: np.ndarray, order: int) -> tuple[int, int, int]:
    """Free pages, free blocks, and blocks of `order` that the free blocks from it up make."""
    counts = [int(count) for count in free_blocks]
    free_pages = sum(count << o for o, count in enumerate(counts))
    suitable = sum(count << (o - order) for o, count in enumerate(counts) if o >= order)
    return free_pages, sum(counts), suitable


def unusable(evidence: Evidence) -> np.ndarray:
    """unusable_index at order 9, 0 to 1."""
    return _each(evidence, unusable_index)


def fragmentation(evidence: Evidence) -> np.ndarray:
    """extfrag_index at order 9, -1 or 0 to 1."""
    return _each(evidence, extfrag_index)


def _each(evidence: Evidence, index) -> np.ndarray:
    by_order = evidence.free_blocks.sum(axis=(1, 3))
    return np.array([index(row, INDEX_ORDER) for row in by_order], float) / 1000
