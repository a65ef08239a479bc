"""The documents agree with the code: deviations, registries, targets, links."""

import ast
import re
from pathlib import Path

import pytest

from pipeline.artefacts import ARTEFACTS
from pipeline.cli import commands
from pipeline.metrics import METRICS
from workloads import WORKLOADS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
KERNEL = (ROOT / "KERNEL.md").read_text(encoding="utf-8")
PACKAGES = ("allocator", "workloads", "capture", "pipeline", "renderer")


def code() -> str:
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths)


def test_every_deviation_stands_in_the_code_and_in_kernel_md() -> None:
    listed = re.findall(r"\*\*DEVIATION (D\d+)\*\*", KERNEL)
    assert len(set(listed)) == len(listed)
    assert set(re.findall(r"DEVIATION: (D\d+), ", code())) == set(listed)
    assert "DEVIATION:" not in re.sub(r"DEVIATION: D\d+, ", "", code())


def test_each_function_of_the_allocator_names_its_source() -> None:
    tree = ast.parse((ROOT / "allocator" / "page_alloc.py").read_text(encoding="utf-8"))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    without = {f.name for f in functions if "Source:" not in (ast.get_docstring(f) or "")}
    lists = {"_link", "_unlink", "_free_node", "_pcp_node", "_insert", "_remove"}
    marks = {"_zone_of", "_in_use", "_set_class", "_set_owner", "_event", "_pair", "_run"}
    marks |= {"_run_alloc", "_run_free"}
    assert without == lists | marks  # bookkeeping of ours, which models nothing
    assert len(functions) > 40


@pytest.mark.parametrize(
    "document",
    [
        "README.md",
        "KERNEL.md",
        "CHANGELOG.md",
        "output/README.md",
        "docs/truth.md",
        "docs/sweeps.md",
        "docs/claims.md",
        "docs/batch/README.md",
        "docs/mechanisms.md",
        "docs/your-own-mechanism.md",
    ],
)
def test_links_lead_somewhere(document: str) -> None:
    path = ROOT / document
    for target in re.findall(r"\]\(([^)#:]+)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


def test_the_readme_names_every_command() -> None:
    for name in commands.commands:
        assert re.search(rf"pagereel [a-z|]*\b{name}\b", README), name


def test_make_help_lists_one_target_an_artefact() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):.*## ", makefile, re.MULTILINE))
    assert set(ARTEFACTS) <= targets
    assert {"main", "help", "test", "bench", "oracle", "dist", "clean"} <= targets


def test_registries_say_what_each_entry_is() -> None:
    assert all(title for _, title in WORKLOADS.values())
    assert all(title for _, title in ARTEFACTS.values())
    assert all(metric.title for metric in METRICS.values())
