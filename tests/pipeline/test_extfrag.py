"""The kernel's fragmentation indices on counts worked out by hand (6.1 mm/vmstat.c)."""

import numpy as np
import pytest

from pipeline.metrics.extfrag import extfrag_index, unusable_index


def free_blocks(**counts: int) -> np.ndarray:
    """Counts by order from o0=..., o3=...; i8[11]."""
    result = np.zeros(11, np.int64)
    for name, count in counts.items():
        result[int(name[1:])] = count
    return result


@pytest.mark.parametrize(
    ("order", "unusable", "extfrag"),
    [
        (0, 0, -1000),
        (1, 157, -1000),  # 16 of 19 pages lie in blocks of order 3
        (2, 157, -1000),
        (3, 157, -1000),
        (4, 1000, 563),  # 1000 - (1000 + 1187) // 5
        (9, 1000, 793),  # 1000 - (1000 + 37) // 5
        (10, 1000, 797),  # 1000 - (1000 + 18) // 5
    ],
)
def test_three_pages_and_two_blocks_of_order_3(order, unusable, extfrag):
    blocks = free_blocks(o0=3, o3=2)
    assert unusable_index(blocks, order) == unusable
    assert extfrag_index(blocks, order) == extfrag


@pytest.mark.parametrize("order", range(11))
def test_no_free_memory(order):
    assert unusable_index(free_blocks(), order) == 1000
    assert extfrag_index(free_blocks(), order) == 0


@pytest.mark.parametrize("order", range(11))
def test_one_block_of_the_highest_order_serves_all(order):
    assert unusable_index(free_blocks(o10=1), order) == 0
    assert extfrag_index(free_blocks(o10=1), order) == -1000


def test_lack_of_memory_is_no_fragmentation():
    """One page for a request of order 9: near 0; the same request among thousands: near 1000."""
    assert extfrag_index(free_blocks(o0=1), 9) == -1  # 1000 - (1000 + 1) // 1, as the kernel has it
    assert extfrag_index(free_blocks(o0=100_000), 9) == 999
    assert extfrag_index(free_blocks(o8=2), 9) == 0
    assert extfrag_index(free_blocks(o8=20), 9) == 450


def test_larger_blocks_than_asked_are_usable():
    assert unusable_index(free_blocks(o0=512, o9=1), 9) == 500
    assert unusable_index(free_blocks(o0=512, o10=1), 9) == 333
