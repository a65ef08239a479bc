"""Metrics of pageblocks: which are mixed, which could become a huge page.

Source: the measures of the real recordings, so that both can be held against each other. All
count eligible pageblocks only (see Evidence).
"""

import numpy as np

from pipeline.metrics.evidence import HUGE_PAGES, KERNEL_PAGES, MOVABLE_PAGES, Evidence


def mixed(evidence: Evidence) -> np.ndarray:
    """Movable pages together with unmovable, reclaimable or unknown kernel pages, % of eligible."""
    kinds = evidence.block_kinds
    count = _count(evidence, (kinds & MOVABLE_PAGES > 0) & (kinds & KERNEL_PAGES > 0))
    eligible = int(evidence.eligible.sum())
    return 100 * count / eligible if eligible else np.full(len(evidence), np.nan)


def nonmov_blocks(evidence: Evidence) -> np.ndarray:
    """At least one page that cannot move."""
    return _count(evidence, evidence.block_kinds & KERNEL_PAGES > 0)


def potential_huge(evidence: Evidence) -> np.ndarray:
    """Only free or movable pages."""
    return _count(evidence, evidence.block_kinds & (KERNEL_PAGES | HUGE_PAGES) == 0)


def free_blocks(evidence: Evidence) -> np.ndarray:
    """Only free pages, on buddy or per-CPU lists."""
    return _count(evidence, evidence.block_kinds == 0)


def _count(evidence: Evidence, blocks: np.ndarray) -> np.ndarray:
    return (blocks & evidence.eligible).sum(axis=1).astype(float)
