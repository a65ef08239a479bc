"""Scratch folders: gone afterwards, also where a process was killed; never another's."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.scratch import PREFIX, scratch_folder

MADE = """
import sys
from pipeline.scratch import scratch_folder
with scratch_folder() as folder:
    (folder / "cell.reel").write_text("half")
    print(folder, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go, for processes of the test too."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def test_it_is_gone_afterwards_whatever_happens(root: Path) -> None:
    def fails() -> None:
        with scratch_folder() as folder:
            assert folder.parent == root
            (folder / "deeper").mkdir()
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert list(root.iterdir()) == []


def test_what_a_killed_process_left_is_removed_by_the_next(root: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", MADE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        left = Path(process.stdout.readline().strip())
        with scratch_folder() as mine, scratch_folder() as other:
            assert {*root.iterdir()} == {left, mine, other}  # each is at work
        assert (left / "cell.reel").read_text() == "half"
        process.kill()
    assert left.is_dir()
    with scratch_folder() as mine:
        assert [*root.iterdir()] == [mine]


def test_nothing_else_is_touched(root: Path) -> None:
    (root / "of-a-user").mkdir()
    (root / f"{PREFIX}file").write_text("no folder")
    (root / f"{PREFIX}link").symlink_to(root / "of-a-user")
    with scratch_folder():
        pass
    assert {path.name for path in root.iterdir()} == {
        "of-a-user", f"{PREFIX}file", f"{PREFIX}link",
    }  # fmt: skip
