"""`pagereel ablate`: what is more than noise, and how it is told and drawn."""

from collections.abc import Sequence
from dataclasses import replace
from math import isnan, nan, sqrt
from pathlib import Path

import matplotlib
import numpy as np
import pytest

from allocator.mechanism import load_mechanism, mechanism_names
from pipeline.ablation.compare import (
    Ablation,
    Difference,
    differences_of,
    false_alarms,
    other_start,
    paired,
)
from pipeline.ablation.picture import figure_of
from pipeline.ablation.report import WIDTH, cell, report
from pipeline.ablation.rules import RULES, Ablated, Rule, planned
from pipeline.config import UsageError
from pipeline.samples import BARE
from renderer.ablation_figure import BEYOND, WITHIN, Bar, BarFigure, BarRow, draw
from renderer.figures import STYLE
from workloads import load_workload

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.mark.parametrize(
    ("on", "off", "difference", "error", "beyond"),
    [
        # differences 2, 4, 3, 3: their deviation is sqrt(2 / 3), its half the error
        ([1, 2, 3, 4], [3, 6, 6, 7], 3.0, sqrt(2 / 3) / 2, True),
        ([7, 6, 6, 3], [4, 3, 2, 1], -3.0, sqrt(2 / 3) / 2, True),
        ([0, 0], [1, 2], 1.5, 0.5, False),  # exactly three errors: not beyond
        ([10, 20, 30], [11, 21, 31], 1.0, 0.0, True),  # all alike, though the values are not
        ([5, 9, 1], [5, 9, 1], 0.0, 0.0, False),
        ([0, 0, 0, 0], [8, -8, 8, -8], 0.0, sqrt(256 / 3) / 2, False),
    ],
)
def test_differences_are_paired(
    on: Sequence[float], off: Sequence[float], difference: float, error: float, beyond: bool
) -> None:
    of = paired(on, off)
    assert of.difference == pytest.approx(difference)
    assert of.standard_error == pytest.approx(error)
    assert of.beyond_noise is beyond
    assert (of.value_on, of.value_off) == (np.mean(on), np.mean(off))


def test_a_start_without_a_value_leaves_none() -> None:
    of = paired([1, nan, 3], [2, 3, 4])
    assert isnan(of.difference)
    assert of.beyond_noise is False


@pytest.mark.parametrize(
    ("starts", "chance"), [(2, 0.204833), (3, 0.095466), (10, 0.014956), (1000, 0.002767)]
)
def test_false_alarms_are_the_tails_of_student_s_t(starts: int, chance: float) -> None:
    """Two-sided, at t = 3, from tables."""
    assert false_alarms(starts) == pytest.approx(chance, rel=2e-3)


def test_every_rule_s_switch_is_one_of_the_mechanism() -> None:
    """Each is in force in some built-in mechanism, and its title leaves room for the phases."""
    named = set()
    for mechanism in mechanism_names():
        ablated, left_out = planned(mechanism, (), True)
        assert len(ablated) + len(left_out) == len(RULES)
        named |= {rule.name for rule in ablated}
        for rule in ablated:
            changed = load_mechanism(mechanism, rule.parameters)
            assert changed.model_copy(update={"parameters": {}}) != load_mechanism(mechanism)
    assert named == set(RULES)
    assert max(len(rule.title) for rule in RULES.values()) <= 19
    assert list(RULES)[-1] == "bare"
    assert RULES["bare"].off == BARE


def test_what_a_mechanism_does_not_have_is_left_out() -> None:
    ablated, left_out = planned("6.1-off", ())
    assert {"grouping off", "NOFRAGMENT toggled", "claims off"} <= set(left_out)
    assert "grouping" not in {rule.name for rule in ablated}
    by_name = {rule.name: rule for rule in planned("6.1-list", ())[0]}
    assert by_name["boot_order"].parameters == {"free_lists.boot_order": "highest-first"}
    of_2007 = {rule.name: rule for rule in planned("2007-list", ())[0]}
    assert of_2007["boot_order"].parameters == {"free_lists.boot_order": "lowest-first"}
    assert not {"tail_insertion", "nofragment", "compaction"} & set(of_2007)
    assert [rule.name for rule in planned("6.1-list", ("bare", "per_cpu"))[0]] == [
        "per_cpu",
        "bare",
    ]
    with pytest.raises(UsageError, match="grouping off is so already"):
        planned("6.1-off", ("grouping",))


def test_rules_of_reclaim_are_left_out_where_the_recorded_kernel_did_it() -> None:
    of_reclaim = {name for name, rule in RULES.items() if rule.of_reclaim}
    for reclaim in (False, True):
        ablated = {rule.name for rule in planned("6.1-list", (), reclaim)[0]}
        assert of_reclaim & ablated == (of_reclaim if reclaim else set())
    with pytest.raises(UsageError, match="boost off is so already"):
        planned("6.1-list", ("boost",))


def test_a_mechanism_of_one_s_own_that_is_bare_already(tmp_path: Path) -> None:
    text = (Path("allocator") / "mechanisms" / "6.1-list.toml").read_text()
    text = text.replace('"types-and-orders"', '"none"').replace(
        "tail_insertion = true", "tail_insertion = false"
    )
    (tmp_path / "mine.toml").write_text(
        text.replace("[watermarks]", "[watermarks]\nmin_free_kbytes = 1")
    )
    left_out = planned(str(tmp_path / "mine.toml"), (), True)[1]
    wanted = ("per_cpu", "watermarks", "tail_insertion", "bare")
    assert left_out == [RULES[name].title for name in wanted]


def test_a_rule_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Rule("larger batches", {"per_cpu.batch_cap_pages": "512"})
    monkeypatch.setitem(RULES, "batch", line)
    assert planned("6.1-list", ("batch",))[0] == [Ablated("batch", line.title, line.off)]


PHASES = ("files", "mixed3")
METRICS = ("mixed", "extfrag_index")


def small_ablation(starts: int = 4, varied: bool = True) -> Ablation:
    """Two rules, one of which moves everything, the other nothing but one index."""
    noise = np.array([0.0, 1.0, -1.0, 2.0])[:starts]
    rules = (
        Ablated("per_cpu", "per-CPU lists off", {"per_cpu.rule": "none"}),
        Ablated("grouping", "grouping off", {"grouping.enabled": "false", "min_free_kbytes": "1"}),
    )
    cells = [(phase, metric) for phase in PHASES for metric in METRICS]

    def figures(rule: int, start: int) -> dict[tuple[str, str], float]:
        result = {("total", "placed_anew"): 7.0 * (rule == 2)}
        for number, (phase, metric) in enumerate(cells):
            base = 10.0 * number + noise[start] * (rule == 1) + 80.25 * (rule == 2)
            result[phase, metric] = base if metric == "mixed" else base / 1000
        result["mixed3", "extfrag_index"] = nan if rule == 2 else 0.5 + 0.0004 * (rule == 1)
        return result

    churn = load_workload("churn")
    on, *off = ([figures(rule, start) for start in range(starts)] for rule in range(3))
    return Ablation(
        stream=replace(churn, start=replace(churn.start, mechanism="6.1-off")),
        mechanism=load_mechanism("6.1-list"),
        rules=rules,
        left_out=("claims off",),
        phases=PHASES,
        metrics=METRICS,
        starts=starts,
        varied=varied,
        differences=differences_of(rules, on, off, cells),
        values={cell: on[0][cell] for cell in cells},
        other_start=other_start(rules, on, off),
    )


def test_the_text_is_as_agreed() -> None:
    text = report(small_ablation())
    assert text == (GOLDEN / "ablation.txt").read_text()
    assert max(map(len, text.splitlines())) <= WIDTH
    assert not any(line.endswith(" ") for line in text.splitlines())


def test_starts_that_are_alike_are_told() -> None:
    text = report(small_ablation(varied=False))
    assert "all alike" in text
    assert "1 cell in" not in text


def test_the_figure_shows_the_differences() -> None:
    figure = figure_of(small_ablation())
    assert [row.title.partition(":")[0] for row in figure.rows] == ["mixed (%)", "extfrag_index"]
    assert [name for name, _ in figure.rows[0].columns] == ["files (0.0)", "mixed3 (20.0)"]
    lists, grouping = figure.rows[0].columns[1][1]
    assert grouping == Bar("grouping off*", 80.25, 0.0, True, "+80.2")
    assert (lists.difference, lists.beyond_noise) == (0.5, False)
    assert lists.error == pytest.approx(3 * np.std([0, 1, -1, 2], ddof=1) / 2)
    assert any("placed anew" in note for note in figure.notes)
    assert figure.metadata["rules"]["per_cpu"] == {"per_cpu.rule": "none"}


def test_bars_are_drawn_as_given() -> None:
    bars = [Bar("one", -4.0, 1.0, True, "minus four"), Bar("two", 1.5, 2.0, False, "."),
            Bar("three", nan, nan, False, "-")]  # fmt: skip
    rows = [
        BarRow("a metric", [("a", bars), ("b", bars)]),
        BarRow("none", [("a", [Bar(bar.label, nan, nan, False, "-") for bar in bars])] * 2),
    ]
    with matplotlib.rc_context(STYLE):
        canvas = draw(BarFigure("a title", ["a note"], rows))
        canvas.draw_without_rendering()
    assert len(canvas.axes) == 4
    axis = canvas.axes[0]
    drawn = axis.containers[0]
    assert [bar.get_width() for bar in drawn][:2] == [-4, 1.5]
    colours = [matplotlib.colors.to_hex(bar.get_facecolor()).upper() for bar in drawn]
    assert colours == [BEYOND, WITHIN, WITHIN]
    (lines,) = axis.containers[1][2]
    ends = [segment[:, 0].tolist() for segment in lines.get_segments()[:2]]
    assert ends == [[-5, -3], [-0.5, 3.5]]
    assert [text.get_text() for text in axis.texts] == ["minus four", "a metric"]
    assert axis.get_xlim() == canvas.axes[1].get_xlim()
    low, high = axis.get_xlim()
    assert low < -5 < 3.5 < high
    assert [label.get_text() for label in axis.get_yticklabels()] == ["one", "two", "three"]
    luminance = [np.dot(matplotlib.colors.to_rgb(c), (0.21, 0.72, 0.07)) for c in (BEYOND, WITHIN)]
    assert luminance[1] - luminance[0] > 0.3  # told apart in grey


@pytest.mark.parametrize(
    ("difference", "told"),
    [(2846908.2, "+2.85M"), (-13734, "-13.7k"), (9999.4, "+9999.4"), (0.04, "+0.04")],
)
def test_large_differences_are_told_in_short(difference: float, told: str) -> None:
    assert cell(Difference(0, difference, difference, 0, True), "requests") == told
