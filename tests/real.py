"""Recordings of real kernels that are too large to ship: beside the project, or where one says."""

import os
from pathlib import Path

import pytest

BESIDE = Path(__file__).parents[2] / "shared" / "real-kernel"
REAL = Path(os.environ.get("PAGEREEL_REAL_KERNEL", BESIDE))


def real_folder(name: str) -> Path:
    """The folder of one recording; a test that lacks it is left out, with the reason."""
    folder = REAL / name
    if not folder.is_dir():
        pytest.skip(f"no real recording {folder}; PAGEREEL_REAL_KERNEL tells where they are")
    return folder
