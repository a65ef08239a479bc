"""The published claims: catalogue, checks on made figures, text, and some claims in short."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.claims import checks
from pipeline.claims.catalogue import CLAIMS, LOOSE, MUST, QUOTE, SHOULD, Claim
from pipeline.claims.checks import Outcome, Results
from pipeline.claims.compare import CANNOT, FAILS, HOLDS, Verdict, verdicts, word
from pipeline.claims.report import described, report, rows
from pipeline.claims.settings import (
    BASE,
    BLIND,
    BOTH,
    EIGHTH_FREE,
    LIST,
    MANY_OPEN,
    OF_2007,
    OWN_MIN_FREE,
    VANILLA,
    ZONE,
)
from pipeline.samples import TOTAL
from tests.pipeline.commands import Commands

GOLDEN = Path(__file__).parents[1] / "golden"
CLAIM = {claim.number: claim for claim in CLAIMS}


def results(setting=BASE, **phases: dict[str, list[float]]) -> Results:
    """Made figures: by phase and mechanism, memory got as huge pages with each seed."""
    figures = {}
    for phase, by_mechanism in phases.items():
        for name, values in by_mechanism.items():
            runs = figures.setdefault((setting, name), [{} for _ in values])
            for run, value in zip(runs, values, strict=True):
                run[phase.replace("_", "-"), "huge_allocated"] = value
    return Results(figures)


def test_the_catalogue_has_each_claim_once_with_its_source() -> None:
    assert [claim.number for claim in CLAIMS] == list(range(1, 26))
    for claim in CLAIMS:
        assert claim.strength in (MUST, SHOULD, LOOSE, QUOTE)
        assert claim.text.endswith(".")
        assert claim.source
        assert claim.check or claim.why_not
        assert not claim.remark.endswith(".")
        if claim.check:
            assert claim.check.__doc__.startswith(f"{claim.number}. ")


def test_every_setting_of_a_claim_differs_from_its_default() -> None:
    for claim in CLAIMS:
        assert claim.setting not in claim.over
        assert len(set(claim.over)) == len(claim.over)
        assert len({setting.title for setting in claim.over}) == len(claim.over)


def test_list_must_beat_vanilla_in_both_cells() -> None:
    made = results(
        load_1={VANILLA: [1, 5, 5], LIST: [2, 5, 6]}, rest={VANILLA: [1, 1, 9], LIST: [2, 9, 8]}
    )
    assert checks.list_beats_vanilla(made, BASE).holds.tolist() == [True, False, False]


def test_rest_may_equal_load_but_not_for_one_kernel_less() -> None:
    load = {name: [5.0, 5.0] for name in OF_2007}
    made = results(load_1=load, rest=load | {ZONE: [5.0, 4.9]})
    assert checks.rest_beats_load(made, BASE).holds.tolist() == [True, False]


def test_both_must_lose_to_list_somewhere() -> None:
    load = {VANILLA: [1, 1], LIST: [5, 5], BOTH: [6, 6]}
    for rest, holds in ((7, False), (4, True)):
        made = results(load_1=load, rest={VANILLA: [1, 1], LIST: [5, 5], BOTH: [6, rest]})
        assert checks.both_is_no_best(made, BASE).holds.tolist() == [False, holds]


def test_lumpy_reclaim_must_leave_vanilla_within_three_points() -> None:
    lumpy = BASE.with_("lumpy reclaim", reclaim__lumpy="true")
    made = {}
    for setting, gain in ((BASE, 0), (lumpy, 1)):
        for name in OF_2007:
            values = [10 + gain * 3, 10 + gain * (4 if name == VANILLA else 3)]
            made[setting, name] = [{("load-1", "huge_allocated"): value} for value in values]
    found = checks.lumpy_helps_grouped(Results(made), BASE)
    assert found.holds.tolist() == [True, False]


def test_a_zone_with_a_kernel_page_or_motley_boxes_fails() -> None:
    measures = ("kernel_pages_in_movable", "one_colour")
    runs = [dict.fromkeys([(TOTAL, m) for m in measures], v) for v in (0, 0, 0)]
    for run, pages, colour in zip(runs, (0, 1, 0), (60, 60, 50), strict=True):
        run[TOTAL, "kernel_pages_in_movable"], run[TOTAL, "one_colour"] = pages, colour
    made = Results({(BASE, name): runs for name in (VANILLA, ZONE, BOTH)})
    assert checks.zone_is_movable(made, BASE).holds.tolist() == [True, False, False]


class Zeros(Results):
    """Runs in which nothing happened."""

    def __init__(self) -> None:
        super().__init__({})

    def of(self, *key: object) -> np.ndarray:
        return np.zeros(2)


def test_a_run_in_which_nothing_happened_proves_nothing() -> None:
    """But that rest equals load, pass 2 pass 1, and that no block can become huge."""
    with np.errstate(invalid="ignore"):
        held = {c.number for c in CLAIMS if c.check and c.check(Zeros(), c.setting).holds.any()}
    assert held == {2, 11, 25}


@pytest.mark.parametrize(("held", "told"), [(10, HOLDS), (9, HOLDS), (8, FAILS)])
def test_nine_of_ten_seeds_are_enough(held: int, told: str) -> None:
    assert word(Outcome(np.arange(10) < held, {})) == told


def outcome(held: int, value: float = 1.0) -> Outcome:
    values = np.linspace(value - 1, value + 1, 10)
    shown = {"short": (values, "points"), "a figure whose name is longer than its column": (
        1000 * values, "fallbacks")}  # fmt: skip
    return Outcome(np.arange(10) < held, shown)


def made_verdicts() -> list[Verdict]:
    texts = (CLAIM[1], CLAIM[2], replace(CLAIM[12], over=()), CLAIM[14], CLAIM[24])
    first, second, third, fourth, fifth = texts
    return [
        Verdict(first, {BASE: outcome(10)} | {s: outcome(10) for s in first.over}
                | {BLIND: outcome(3)}),
        Verdict(second, {BASE: outcome(3)} | {s: outcome(3) for s in second.over}),
        Verdict(third, {EIGHTH_FREE: outcome(0, -7)}),
        Verdict(fourth, {BASE: Outcome(np.zeros(0, bool), {"cost": (np.ones(10), "times")})}),
        Verdict(fifth, {}),
    ]  # fmt: skip


def test_the_text_is_as_it_was_and_fits_a_mail() -> None:
    text = report(made_verdicts(), 1024, 10, "pagereel claims")
    assert max(map(len, text.splitlines())) <= 72
    assert text == (GOLDEN / "claims.txt").read_text(encoding="utf-8")


def test_choices_that_decide_are_those_that_turn_the_verdict() -> None:
    first, second, _, cost, _ = made_verdicts()
    assert (first.text, [s.title for s in first.deciding]) == (HOLDS, ["order-blind kswapd"])
    assert (second.text, second.deciding) == (FAILS, [])
    assert (cost.text, cost.deciding) == (CANNOT, [])


def test_the_table_has_a_row_for_each_figure() -> None:
    table = rows(made_verdicts())
    assert len(table) == 2 * 7 + 2 * 7 + 2 + 1
    assert table[0] | {"claim": 1, "setting": "default", "figure": "short", "holds": 10} == table[0]
    assert {row["verdict"] for row in table} == {HOLDS, FAILS, CANNOT}


def test_settings_say_how_they_differ() -> None:
    swapping = {"reclaim.swappiness": "100"}
    assert BASE.entries(1024) == swapping | {"min_free_kbytes": "16384"}
    assert OWN_MIN_FREE.entries(1024) == swapping
    assert EIGHTH_FREE.entries(1024) == swapping | {"min_free_kbytes": "196608"}
    assert "open_files_per_gib=4500" in described(MANY_OPEN)
    assert "1/8 of memory kept free" in described(EIGHTH_FREE)


@pytest.mark.speed
def test_claims_that_follow_from_the_mechanism_in_short() -> None:
    """Two seeds on 256 MiB, without other choices; the whole is `make claims`."""
    chosen = [replace(CLAIM[number], over=()) for number in (1, 7, 9, 13)]
    found = {v.claim.number: v for v in verdicts(chosen, 256, range(2), 2)}
    assert [found[number].text for number in (1, 9, 13)] == [HOLDS] * 3
    strangers = found[7].outcomes[BASE].figures["kernel pages in ZONE_MOVABLE, most"][0]
    assert strangers.tolist() == [0, 0]


@pytest.mark.speed
def test_the_command_prints_and_writes(pagereel: Commands, tmp_path: Path) -> None:
    arguments = ("claims", "9", "24", "--seeds", "2", "--memory-mib", "512")
    done = pagereel(*arguments, "-o", tmp_path / "claims", "-j", "1")
    assert done.code == 0
    assert "Of 2 claims: 1 holds, 1 cannot be simulated." in done.out
    assert (tmp_path / "claims" / "claims.txt").read_text() == done.out
    assert (tmp_path / "claims" / "claims.csv").read_text().startswith("claim,strength,setting,")
    again = pagereel.refused(*arguments, "-o", tmp_path / "claims", code=2)
    assert "exists; --force replaces the results in it" in again


def test_an_unknown_claim_is_refused(pagereel: Commands) -> None:
    assert "unknown claim 26; there are 1 to 25" in pagereel.refused("claims", "26", code=2)


def test_a_claim_without_a_check_needs_no_run() -> None:
    assert Claim(99, LOOSE, "Said.", "by whom", why_not="no reason").runs() == []
    (verdict,) = verdicts([CLAIM[24]], 1024, range(2), 1)
    assert verdict.text == CANNOT
