"""The report's page without a browser: its tables and words, its policy, the colours at night."""

import base64
import hashlib
import re
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from allocator.terms import PAGE_CLASSES
from renderer import palette
from renderer.report.report import Curves, Figure, Finding, Making, Sample
from renderer.report.rows import (
    counted,
    failure_rows,
    figure_text,
    finding_rows,
    number_text,
    summary_tables,
)
from tests.renderer import reports
from tests.renderer.test_palette import DICHROMACY, MOBILITIES, lab, nearest_pair


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    return reports.written(tmp_path_factory.mktemp("page")).read_text(encoding="utf-8")


def test_the_policy_names_the_only_script_and_style(page: str) -> None:
    policy = unescape(re.search(r'Policy" content="([^"]*)"', page)[1])
    assert policy.startswith("default-src 'none';")
    for kind in ("script", "style"):
        [text] = re.findall(rf"<{kind}>(.*?)</{kind}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert not re.search(r'\s(style|on\w+)="', re.sub(r"<script.*?</script>", "", page, flags=re.S))


def test_the_page_names_no_place_outside_itself(page: str) -> None:
    assert re.findall(r'(?:src|href)="([^"#]+)"', page) == []
    assert "tmp" not in re.sub(r"<script.*?</script>", "", page, flags=re.S)


def test_the_tables_need_no_script(page: str) -> None:
    rows = re.findall(r'<tr data-phase="rest">(.*?)</tr>', page, re.DOTALL)
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in rows]
    # The values of the report's curves at frame 60, and one more for each later panel.
    assert [[re.sub("<.*", "", cell) for cell in row] for row in cells] == [
        ["1.0", "2.9"],
        ["8.6", "9.6"],
    ]
    assert "★" in cells[0][1]  # higher is better
    assert "★" in cells[1][0]  # lower is better
    assert "1 seed: no interval" in page


def test_what_there_is_none_of_is_left_out(tmp_path: Path) -> None:
    empty = {"findings": (), "failures": (), "lasting": ()}
    without = reports.written(tmp_path, **empty).read_text(encoding="utf-8")
    for title in ("What to look at", "What stood in the way", "How long pageblocks stay"):
        assert title not in without


def test_a_figure_with_its_interval() -> None:
    assert figure_text(Figure(12.345, 0.5, 3)) == "12.3 ± 0.5"
    assert figure_text(Figure(1234.0, np.nan, 1)) == "1,234"
    assert figure_text(Figure(np.nan, np.nan, 3)) == "none"
    assert figure_text(None) == "none"
    assert number_text(0.01234) == "0.0123"


def test_the_best_is_marked_only_where_figures_differ(tmp_path: Path) -> None:
    samples = [Sample("same", "same", 0), Sample("differs", "differs", 1)]
    curves = [Curves(better, "", "1", better, [np.zeros(70)] * 2) for better in ("lower", "-")]
    summary = {
        (of.name, sample.name, n): Figure(float(n if sample.frame else 0), np.nan, 1)
        for of in curves
        for sample in samples
        for n in range(2)
    }
    made = reports.report(tmp_path, curves=curves, samples=samples, summary=summary)
    marks = [
        [[cell["best"] for cell in row["cells"]] for row in table["rows"]]
        for table in summary_tables(made)
    ]
    assert marks == [[[False, False], [True, False]], [[False, False], [False, False]]]


def test_a_failure_leads_to_the_frame_that_shows_it(tmp_path: Path) -> None:
    [part] = failure_rows(reports.report(tmp_path))
    [row] = part["rows"]
    assert (part["panel"], part["count"]) == (0, 1)
    assert (row["frame"], row["block"]) == (31, 4)  # of operation 30,500; frames: every 1,000
    assert row["pfns"] == "[[2100,2100]]"


def test_names_are_counted_the_most_frequent_first() -> None:
    assert counted(["b", "a", "b"]) == "2 b, 1 a"
    assert counted(["b", "a"], "{name} ({count:,})") == "a (1), b (1)"


def test_how_it_was_made_is_told(tmp_path: Path) -> None:
    making = Making("pagereel run -w x", '{"a": "<b>"}', {"Source": {"seed": "7"}}, ("No claim.",))
    text = reports.written(tmp_path, making=making).read_text(encoding="utf-8")
    assert "<code>pagereel run -w x</code>" in text
    assert "<pre>{&#34;a&#34;: &#34;&lt;b&gt;&#34;}</pre>" in text
    assert "<dt>seed</dt><dd>7</dd>" in text
    assert "<li>No claim.</li>" in text


def night(names, matrix=None) -> np.ndarray:
    return lab(names, matrix, palette.DARK)


def test_at_night_grey_tells_the_mobilities_apart() -> None:
    assert nearest_pair(night(MOBILITIES)[:, :1]) > 17


@pytest.mark.parametrize("kind", DICHROMACY)
def test_at_night_colour_blind_eyes_tell_all_classes_apart(kind: str) -> None:
    assert nearest_pair(night(MOBILITIES, DICHROMACY[kind])) > 30
    assert nearest_pair(night(PAGE_CLASSES, DICHROMACY[kind])) > 10


def test_at_night_free_is_quiet_and_what_cannot_move_is_bright() -> None:
    lightness = dict(zip(PAGE_CLASSES, night(PAGE_CLASSES)[:, 0], strict=True))
    assert sorted(lightness, key=lightness.get)[:2] == ["hole", "free"]
    assert lightness["unmovable"] > lightness["movable"] + 15


def test_panels_of_which_the_same_is_found_share_a_row(tmp_path: Path) -> None:
    def found(panel: int | None, frame: int, sentence: str) -> Finding:
        return Finding(panel, "rule", sentence, frame, frame + 1, 0, 511)

    findings = [
        found(1, 9, "late"),
        found(0, 3, "same"),
        found(None, 5, "all"),
        found(1, 3, "same"),
    ]
    rows = finding_rows(reports.report(tmp_path, findings=findings))
    assert [(row["finding"].sentence, row["panels"]) for row in rows] == [
        ("same", [0, 1]),
        ("all", []),
        ("late", [1]),
    ]
    assert rows[0]["pfns"] == "[[0,511]]"
