"""The pattern for a batch of one's own, docs/batch: for real, with small configurations."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipeline.config import check, load_config

BATCH = Path(__file__).parents[1] / "docs" / "batch"
CONFIG = """\
mechanisms = ["{mechanism}"]
frames = 2
artefacts = ["tables"]
[[workloads]]
name = "churn"
parameters = {{memory_mib = 16, requests = {requests}}}
"""
# Writes what make looks at, and nothing else.
STAND_IN = """\
#!/bin/sh
echo "$@" >> calls
[ "$1" = run ] || exit 0
grep -q broken "$2" && { echo "pagereel: $2: broken" >&2; exit 2; }
mkdir -p "$4" && echo "{}" > "$4/metadata.json"
"""
pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(folder: Path, pagereel: Path, *arguments: str) -> subprocess.CompletedProcess:
    """`make` there; as the user's own, not below the one that runs these tests."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    options = ["-f", BATCH / "Makefile", "CONFIGS=my", "OUT=made", "-k", "-j2"]
    return subprocess.run(
        ["make", *options, f"PAGEREEL={pagereel}", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def write(folder: Path, name: str, mechanism: str, requests: int = 500) -> None:
    (folder / "my" / f"{name}.toml").write_text(
        CONFIG.format(mechanism=mechanism, requests=requests)
    )


@pytest.fixture
def batch(tmp_path: Path) -> Path:
    """A batch of two that can be run, one of them with a mechanism of its own."""
    (tmp_path / "my" / "mechanisms").mkdir(parents=True)
    shutil.copy(BATCH / "configs" / "mechanisms" / "no-claims.toml", tmp_path / "my" / "mechanisms")
    write(tmp_path, "a", "6.1-off")
    write(tmp_path, "c", "mechanisms/no-claims.toml")
    return tmp_path


def test_a_fault_is_one_line_and_stops_no_other(batch: Path) -> None:
    (batch / "my" / "b.toml").write_text("mechanisms = ['6.1-of']\n")
    done = make(batch, Path(sys.executable).parent / "pagereel")
    assert done.returncode == 2
    told = [line for line in done.stderr.splitlines() if line.startswith("pagereel: my/b.toml")]
    assert len(told) == 1
    assert "6.1-of" in told[0]
    assert {path.parent.name for path in batch.glob("made/*/metadata.json")} == {"a", "c"}
    page = (batch / "made" / "index.html").read_text()
    assert "b.toml cannot be run: " in page
    assert 'href="a/summary.csv"' in page
    assert 'href="c/summary.csv"' in page


class Recorded:
    """A batch with a stand-in for pagereel that notes how it was called."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.pagereel = folder, folder / "stand-in"
        self.pagereel.write_text(STAND_IN)
        self.pagereel.chmod(0o755)

    def make(self, *arguments: str) -> tuple[int, list[str]]:
        """The exit code, and which configurations were run."""
        calls = self.folder / "calls"
        calls.write_text("")
        done = make(self.folder, self.pagereel, *arguments)
        words = [line.split() for line in calls.read_text().splitlines()]
        assert [w[:3] for w in words if w[0] == "index"] == [["index", "made", "--configs"]]
        assert all(w[-2:] == ["--resume", "--force"] for w in words if w[0] == "run")
        return done.returncode, sorted(Path(w[1]).stem for w in words if w[0] == "run")

    def touch(self, name: str, seconds: float) -> None:
        """Give a file a time before or after now."""
        at_s = time.time() + seconds
        os.utime(self.folder / name, (at_s, at_s))


def test_only_what_a_changed_file_asks_for_is_made_anew(batch: Path) -> None:
    batch = Recorded(batch)
    for name in ("my/a.toml", "my/c.toml", "my/mechanisms/no-claims.toml"):
        batch.touch(name, -10)
    assert batch.make() == (0, ["a", "c"])
    assert batch.make() == (0, [])
    batch.touch("my/a.toml", 10)
    assert batch.make() == (0, ["a"])
    batch.touch("my/a.toml", -10)
    batch.touch("my/mechanisms/no-claims.toml", 10)
    assert batch.make() == (0, ["c"])
    batch.touch("my/mechanisms/no-claims.toml", -10)
    (batch.folder / "made" / "c" / "metadata.json").rename(batch.folder / "made" / "c" / "un")
    assert batch.make() == (0, ["c"])  # it was stopped
    assert batch.make("-B") == (0, ["a", "c"])


def test_what_is_broken_is_tried_until_it_is_not(batch: Path) -> None:
    (batch / "my" / "b.toml").write_text("broken")
    batch = Recorded(batch)
    assert batch.make() == (2, ["a", "b", "c"])
    assert batch.make() == (2, ["b"])
    write(batch.folder, "b", "6.1-list")
    assert batch.make() == (0, ["b"])


@pytest.mark.parametrize("path", sorted(BATCH.glob("configs/*.toml")), ids=lambda p: p.stem)
def test_the_examples_can_be_run(path: Path) -> None:
    assert check(load_config(path))
