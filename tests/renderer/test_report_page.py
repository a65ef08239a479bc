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
from renderer.report.findings import SHOWN_FIRST, finding_groups, finding_tables
from renderer.report.report import Curves, Figure, Finding, Making, Sample
from renderer.report.rows import (
    counted,
    failure_rows,
    figure_text,
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
    assert "★" not in page  # one seed: which is better isn't known
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


def test_the_best_is_marked_only_where_figures_differ_beyond_their_intervals(
    tmp_path: Path,
) -> None:
    samples = [Sample("same", "same", 0), Sample("differs", "differs", 1)]
    curves = [Curves(better, "", "1", better, [np.zeros(70)] * 2) for better in ("lower", "-")]
    summary = {
        (of.name, sample.name, n): Figure(float(n if sample.frame else n / 10), 0.2, 3)
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
    [group] = finding_groups(reports.report(tmp_path, findings=findings))
    rows = [*group["first"], *group["more"]]
    assert [(row["finding"].sentence, row["panels"]) for row in rows] == [
        ("same", [0, 1]),
        ("all", []),
        ("late", [1]),
    ]
    assert rows[0]["pfns"] == "[[0,511]]"
    assert len(group["first"]) == SHOWN_FIRST == 2


def test_findings_are_grouped_by_rule_in_the_order_of_frames(tmp_path: Path) -> None:
    found = [
        Finding(0, rule, f"{rule} {frame}", frame, frame, 0, 1)
        for rule, frame in [("b_c", 1), ("a", 2), ("b_c", 3), ("b_c", 4), ("b_c", 5)]
    ]
    made = reports.report(tmp_path, findings=found)
    groups = finding_groups(made)
    assert [(g["name"], len(g["first"]), len(g["more"])) for g in groups] == [
        ("b c", 2, 2),
        ("a", 1, 0),
    ]
    text = reports.written(tmp_path, findings=found).read_text(encoding="utf-8")
    [hidden] = re.findall(r"<details><summary>2 more of b c</summary>(.*?)</details>", text, re.S)
    assert [frame in hidden for frame in ("b_c 1", "b_c 3", "b_c 4", "b_c 5")] == [
        False,
        False,
        True,
        True,
    ]


def test_a_finding_about_several_places_marks_them_alone(tmp_path: Path) -> None:
    found = [Finding(0, "rule", "Two places.", 1, 1, 0, 1535, pfns=((0, 511), (1024, 1535)))]
    text = reports.written(tmp_path, findings=found).read_text(encoding="utf-8")
    assert 'data-pfns="[[0,511],[1024,1535]]"' in text


def test_what_each_phase_has_is_a_table_by_phase_and_panel(tmp_path: Path) -> None:
    def found(panel: int, rule: str, sentence: str, frame: int, **more: int) -> Finding:
        return Finding(panel, rule, sentence, frame, frame, 0, 1, more=more)

    findings = [
        found(
            1, "huge_attempts", "rest: of 2,000 requests 1,900 are met.", 60, asked=2000, met=1900
        ),
        found(0, "huge_attempts", "load: of 4 requests none are met.", 20),
        found(0, "in_the_way", "load: of 3 failed requests, 3 came nearest.", 20),
        found(0, "in_the_way", "no phase: this stays a row.", 20),
        found(0, "lone_page", "load: this too.", 20),
    ]
    made = reports.report(tmp_path, findings=findings)
    tables = {table["name"]: table["rows"] for table in finding_tables(made)}
    texts = {
        name: {phase: [[cell["text"] for cell in of] for of in row] for phase, row in rows.items()}
        for name, rows in tables.items()
    }
    assert texts == {
        "huge attempts": {
            "load": [["Of 4 requests none are met."], []],
            "rest": [[], ["1,900 of 2,000 met"]],
        },
        "in the way": {"load": [["Of 3 failed requests, 3 came nearest."], []]},
    }
    assert [group["name"] for group in finding_groups(made)] == ["in the way", "lone page"]
    text = reports.written(tmp_path, findings=findings).read_text(encoding="utf-8")
    assert "<summary>huge attempts, by phase</summary>" in text
    assert "an empty cell does not say that there was nothing" in text


def test_nothing_is_best_of_one_seed(tmp_path: Path) -> None:
    tables = summary_tables(reports.report(tmp_path))
    assert not any(
        cell["best"] for table in tables for row in table["rows"] for cell in row["cells"]
    )
