"""The command line: lists, help, completion, and one clear line for whatever cannot be done."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import options
from tests.pipeline.commands import Commands

HEAVY = ("numpy", "pandas", "matplotlib", "PIL", "pydantic", "rich", "zstandard")


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "sys.argv = ['pagereel', '--help']\n"
        "from pipeline.cli import main\n"
        "try:\n    main()\n"
        "except SystemExit: pass\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.splitlines()[-1] == "[]"
    assert "replay" in out.stdout


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("mechanisms", {"2007-vanilla", "2007-both", "6.1-off", "6.1-both"}),
        ("workloads", {"debian-6.1-churn", "churn"}),
        ("metrics", {"mixed", "nonmov_blocks", "potential_huge", "free_blocks", "unusable_index",
                     "extfrag_index", "failed_requests", "fallbacks_unmovable_in_movable",
                     "huge_success"}),
        ("artefacts", {"tables", "video", "comparison", "sheet", "still", "figures"}),
        ("classes", {"free", "pcp_free", "movable", "kernel_unknown"}),
        ("phases", {"idle0", "files", "mixed3", "rest4", "end"}),
    ],
)  # fmt: skip
def test_lists(pagereel: Commands, kind: str, names: set[str]) -> None:
    rows = json.loads(pagereel("list", kind, "--json").out)
    assert names <= {row["name"] for row in rows}
    plain = pagereel("list", kind).out.splitlines()
    assert [line.split()[0] for line in plain] == [row["name"] for row in rows]


def test_completion_scripts(pagereel: Commands) -> None:
    assert "_PAGEREEL_COMPLETE" in pagereel("completion", "bash").out


def test_completion_knows_the_names(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {
        "_PAGEREEL_COMPLETE": "bash_complete",
        "COMP_WORDS": "pagereel run -m 6.1-",
        "COMP_CWORD": "3",
    }
    script = Path(sys.executable).parent / "pagereel"
    out = subprocess.run([script], env=environment, capture_output=True, text=True, check=False)
    assert {"plain,6.1-off", "plain,6.1-both"} <= set(out.stdout.splitlines())


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["run", "-m", "6.1-of"], "6.1-of"),
        (["run", "-p", "kernelcor=1"], "kernelcor"),
        (["run", "-w", "chrun"], "chrun"),
        (["run", "-w", "churn", "-p", "memory_mb=1"], "memory_mb"),
        (["run", "--layout", "spiral"], "spiral"),
        (["run", "--only", "poster"], "poster"),
        (["run", "gone.toml"], "gone.toml"),
        (["run", "--frames", "0"], "--frames"),
        (["replay", "gone", "-m", "6.1-off"], "gone"),
        (["list", "colours"], "colours"),
        (["list", "phases", "-w", "chrun"], "chrun"),
        (["table", "gone"], "gone"),
        (["paint"], "paint"),
    ],
)
def test_usage_faults(pagereel: Commands, tmp_path: Path, arguments: list[str], word: str) -> None:
    target = tmp_path / "run"
    if arguments[0] in ("run", "replay"):
        arguments = [*arguments, "-o", str(target)]
    assert word in pagereel.refused(*arguments, code=2)
    assert not target.exists()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("mechanisms = ['6.1-of']", "6.1-of"),
        ("workloads = ['chrun']", "chrun"),
        ("seeds = [-1]", "seeds"),
        ("[[workloads]]\nname = 'churn'\nparameters = {memory_mib = 'much'}", "much"),
    ],
)
def test_faults_in_a_configuration_name_its_file(
    pagereel: Commands, tmp_path: Path, text: str, word: str
) -> None:
    (tmp_path / "mine.toml").write_text(text)
    line = pagereel.refused("run", tmp_path / "mine.toml", "-o", tmp_path / "run", code=2)
    assert "mine.toml" in line
    assert word in line
    assert not (tmp_path / "run").exists()


def test_what_nobody_foresaw_is_one_line_too(
    pagereel: Commands, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object) -> None:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr("pipeline.show.show_info", broken)
    line = pagereel.refused("info", tmp_path / "a.reel", code=1)
    assert "ZeroDivisionError: on purpose" in line


@pytest.mark.parametrize(
    "command", [["info"], ["verify"], ["video", "-o", "x.mp4"], ["sheet", "-o", "x.png"]]
)
def test_a_missing_recording_is_a_failure(
    pagereel: Commands, tmp_path: Path, command: list[str]
) -> None:
    gone = tmp_path / "gone.reel"
    outcome = pagereel(command[0], gone, *command[1:])
    assert outcome.code == 1
    assert "gone.reel" in outcome.out + outcome.err
    assert not Path("x.mp4").exists()


def test_the_names_that_options_offer_are_those_that_there_are() -> None:
    from renderer.layouts import LAYOUTS
    from renderer.palette import DIFFERENCE, PALETTES
    from renderer.scene import SIZES

    assert set(options.LAYOUTS) == set(LAYOUTS)
    assert set(options.PALETTES) == set(PALETTES) - {DIFFERENCE.name}
    assert tuple(SIZES) == options.SIZES
