"""What each claim says, as a check of figures.

A check gets the results by setting and answers for each seed whether the claim holds, with the
figures that decide it.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.ablation.compare import paired
from pipeline.claims.settings import (
    BOTH,
    LARGEST,
    LATER,
    LIST,
    OF_2007,
    ORDER_10,
    UNBOOSTED,
    UNCLAIMED,
    UNCOMPACTED,
    VANILLA,
    ZONE,
    Setting,
    with_lumpy,
)
from pipeline.samples import FALLBACK_PAIRS, TOTAL, Figures, fragmenting_name

CELLS = ("load-1", "rest")
SAME_POINTS = 3.0  # "within +-3 points"


class Results:
    """Figures of all runs: by setting and mechanism, one for each seed."""

    def __init__(self, figures: dict[tuple[Setting, str], list[Figures]]) -> None:
        self._figures = figures

    def of(self, setting: Setting, mechanism: str, phase: str, measure: str) -> np.ndarray:
        """One figure for each seed, f8."""
        return np.array([run[phase, measure] for run in self._figures[setting, mechanism]])

    def got(self, setting: Setting, mechanism: str, phase: str) -> np.ndarray:
        """Memory allocated as huge pages by a phase's attempts, %."""
        return self.of(setting, mechanism, phase, "huge_allocated")


@dataclass(frozen=True)
class Outcome:
    """`holds` bool[seeds]; `figures` f8[seeds] by name, with their unit."""

    holds: np.ndarray
    figures: dict[str, tuple[np.ndarray, str]]


Check = Callable[[Results, Setting], Outcome]
POINTS, PERCENT, TIMES, BLOCKS = "points", "%", "times", "blocks"


def _gains(results: Results, setting: Setting, more: str, less: str) -> dict[str, np.ndarray]:
    return {p: results.got(setting, more, p) - results.got(setting, less, p) for p in CELLS}


def _later(results: Results, setting: Setting, later: str, earlier: str) -> dict[str, np.ndarray]:
    """What each mechanism gains from one phase to another."""
    return {m: results.got(setting, m, later) - results.got(setting, m, earlier) for m in OF_2007}


def _lumpy_gains(results: Results, setting: Setting, *cells: tuple[str, str]) -> list[np.ndarray]:
    """What lumpy reclaim brings in each cell: a mechanism's phase."""
    lumpy = with_lumpy(setting)
    return [results.got(lumpy, *cell) - results.got(setting, *cell) for cell in cells]


def _told(what: str, gains: dict[str, np.ndarray]) -> dict[str, tuple[np.ndarray, str]]:
    """Gains as figures of an outcome."""
    return {f"{what}, {key}": (gain, POINTS) for key, gain in gains.items()}


def _all(conditions) -> np.ndarray:
    return np.logical_and.reduce(list(conditions))


def _any(conditions) -> np.ndarray:
    return np.logical_or.reduce(list(conditions))


def list_beats_vanilla(results: Results, setting: Setting) -> Outcome:
    """1. In huge pages, under load and at rest."""
    gains = _gains(results, setting, LIST, VANILLA)
    shown = _told("list minus vanilla", gains)
    return Outcome(_all(gain > 0 for gain in gains.values()), shown)


def rest_beats_load(results: Results, setting: Setting) -> Outcome:
    """2. For every kernel."""
    gains = _later(results, setting, "rest", "load-1")
    return Outcome(_all(gain >= 0 for gain in gains.values()), _told("rest minus load", gains))


def lumpy_helps_grouped(results: Results, setting: Setting) -> Outcome:
    """3. Reclaim for contiguity does nothing for vanilla under load, and helps the others."""
    cells = [(name, "load-1") for name in OF_2007]
    gains = dict(zip(OF_2007, _lumpy_gains(results, setting, *cells), strict=True))
    helped = _all(gains[name] > 0 for name in (LIST, ZONE, BOTH))
    unmoved = np.abs(gains[VANILLA]) <= SAME_POINTS
    return Outcome(unmoved & helped, _told("gain under load", gains))


def larger_pages_fail(results: Results, setting: Setting) -> Outcome:
    """4. Only its direction: at rest vanilla loses more than list when the order grows."""
    shown, kept = {}, {}
    for name in (VANILLA, LIST):
        small, large = (results.got(s, name, "rest") for s in (setting, ORDER_10))
        shown |= {
            f"{name}, order 9, at rest": (small, PERCENT),
            f"{name}, order 10, at rest": (large, PERCENT),
        }
        kept[name] = large / np.maximum(small, 1e-9)
    return Outcome(kept[VANILLA] < kept[LIST], shown)


def both_is_no_best(results: Results, setting: Setting) -> Outcome:
    """5. Combined beats vanilla everywhere, but not list everywhere."""
    over_vanilla = _gains(results, setting, BOTH, VANILLA)
    over_list = _gains(results, setting, BOTH, LIST)
    somewhere_less = _any(gain < 0 for gain in over_list.values())
    shown = _told("both minus vanilla", over_vanilla) | _told("both minus list", over_list)
    return Outcome(_all(g > 0 for g in over_vanilla.values()) & somewhere_less, shown)


def zone_can_lose(results: Results, setting: Setting) -> Outcome:
    """6. A zone alone is below vanilla somewhere."""
    gains = _gains(results, setting, ZONE, VANILLA)
    shown = _told("zone minus vanilla", gains)
    return Outcome(_any(gain < 0 for gain in gains.values()), shown)


def zone_is_movable(results: Results, setting: Setting) -> Outcome:
    """7. Nothing of the kernel's in ZONE_MOVABLE; below it mostly boxes of one colour."""
    strangers = [results.of(setting, m, TOTAL, "kernel_pages_in_movable") for m in (ZONE, BOTH)]
    colour = results.of(setting, BOTH, TOTAL, "one_colour")
    shown = {
        "kernel pages in ZONE_MOVABLE, most": (np.maximum(*strangers), "pages"),
        "boxes of one colour below, both": (colour, PERCENT),
        "the same of all memory, vanilla": (
            results.of(setting, VANILLA, TOTAL, "one_colour"),
            PERCENT,
        ),
    }
    return Outcome((np.maximum(*strangers) == 0) & (colour > 50), shown)


def vanilla_lives_on_reserve(results: Results, setting: Setting) -> Outcome:
    """8. Vanilla gets under load no more than the blocks that were free before."""
    before = _free_huge(results, setting, "build")
    got = results.of(setting, VANILLA, "load-1", "huge_blocks")
    shown = {
        "free before the first attempt": (before, BLOCKS),
        "got under load": (got, BLOCKS),
    }
    return Outcome((got > 0) & (got <= before + 1), shown)


def buddy_never_heals(results: Results, setting: Setting) -> Outcome:
    """9. Free huge pages stay as they were through all turns."""
    before, after = (_free_huge(results, setting, phase) for phase in ("thin", "turns"))
    orders = range(11)
    pages = [results.of(setting, VANILLA, "turns", f"nr_free_order_{o}") for o in orders]
    possible = sum(count * 2**o for o, count in enumerate(pages)) // 512
    shown = {
        "free huge pages before": (before, BLOCKS),
        "free huge pages after": (after, BLOCKS),
        "possible": (possible, BLOCKS),
    }
    flat = np.abs(after - before) <= 0.001 * before
    return Outcome(flat & (before > 0) & (possible > 2 * before), shown)


def _free_huge(results: Results, setting: Setting, phase: str) -> np.ndarray:
    """Free huge pages of vanilla, of all zones."""
    nines, tens = (
        results.of(setting, VANILLA, phase, f"nr_free_order_{order}") for order in (9, 10)
    )
    return nines + 2 * tens


def list_frees_kernel_zones(results: Results, setting: Setting) -> Outcome:
    """10. ZONE_NORMAL yields large pages with lists; with a zone no more than without, beyond the
    noise of the seeds.
    """
    got = {m: results.of(setting, m, "rest", "huge_blocks:Normal") for m in (VANILLA, LIST, ZONE)}
    shown = {f"from ZONE_NORMAL at rest, {name}": (g, BLOCKS) for name, g in got.items()}
    gain = paired(got[VANILLA], got[ZONE])
    no_more = not (gain.beyond_noise and gain.difference > 0)
    return Outcome((got[LIST] > 2 * got[VANILLA]) & no_more, shown)


def second_pass_gets_more(results: Results, setting: Setting) -> Outcome:
    """11. Under load, pass 2 gets at least what pass 1 got."""
    gains = _later(results, setting, "load-2", "load-1")
    return Outcome(_all(gain >= 0 for gain in gains.values()), _told("pass 2 minus pass 1", gains))


def grouping_needs_reclaim(results: Results, setting: Setting) -> Outcome:
    """12. Without reclaim for contiguity grouping gains nothing under load, but at rest."""
    gains = _gains(results, setting, LIST, VANILLA)
    shown = _told("list minus vanilla", gains)
    return Outcome((np.abs(gains["load-1"]) <= SAME_POINTS) & (gains["rest"] >= 5), shown)


def list_gains_at_rest(results: Results, setting: Setting) -> Outcome:
    """13. At least 20 points."""
    gain = _gains(results, setting, LIST, VANILLA)["rest"]
    shown = {"list minus vanilla, rest": (gain, POINTS)}
    for phase in CELLS:
        for name in (VANILLA, LIST):
            shown[f"{name}, {phase}"] = (results.got(setting, name, phase), PERCENT)
    return Outcome(gain >= 20, shown)


def grouping_costs_little(results: Results, setting: Setting) -> Outcome:
    """14. Counts of operations, which aren't seconds."""
    shown = {}
    for name in (VANILLA, LIST):
        requests = results.of(setting, name, "rest", "allocations")
        for cost in ("splits", "list_searches"):
            share = results.of(setting, name, "rest", cost) / requests
            shown[f"{cost} a request, {name}"] = (share, TIMES)
    return Outcome(np.zeros(0, bool), shown)


def _fallbacks(
    results: Results,
    setting: Setting,
    name: str,
    wanted: str = "",
    had: str = "",
    phase: str = "rest",
) -> np.ndarray:
    """All fallbacks until a phase's end, or those of a type, or those onto a type's lists."""
    pairs = [(a, b) for a, b in FALLBACK_PAIRS if wanted in ("", a) and had in ("", b)]
    return sum(results.of(setting, name, phase, f"fallbacks_{a}_in_{b}") for a, b in pairs)


def fallbacks_are_movable(results: Results, setting: Setting) -> Outcome:
    """15. More than nine of ten fallbacks are for movable requests."""
    shares = {
        name: 100
        * _fallbacks(results, setting, name, "movable")
        / np.maximum(_fallbacks(results, setting, name), 1)
        for name in (LIST, LATER)
    }
    shown = {f"for movable requests, {name}": (share, PERCENT) for name, share in shares.items()}
    shown["all fallbacks, " + LATER] = (_fallbacks(results, setting, LATER), "fallbacks")
    return Outcome(shares[LATER] > 90, shown)  # the counts are of merged kernels


def _ratio(results: Results, setting: Setting, other: Setting, *what: str) -> np.ndarray:
    """How many times as many fallbacks with `other` as with `setting`."""
    before = np.maximum(_fallbacks(results, setting, LATER, *what), 1)
    return _fallbacks(results, other, LATER, *what) / before


def total_is_no_harm(results: Results, setting: Setting) -> Outcome:
    """16. Taking the smallest foreign block makes many more fallbacks, and no more harm."""
    total = _ratio(results, LARGEST, setting)
    harm = _ratio(results, LARGEST, setting, "unmovable", "movable")
    shown = {
        "all fallbacks, smallest to largest block": (total, TIMES),
        "unmovable into movable, the same": (harm, TIMES),
    }
    return Outcome((total >= 1.5) & (harm <= 1.25), shown)


def claiming_cuts_harm(results: Results, setting: Setting) -> Outcome:
    """17. By more than two thirds."""
    harm = _ratio(results, UNCLAIMED, setting, "unmovable", "movable")
    without = _fallbacks(results, UNCLAIMED, LATER, "unmovable", "movable")
    shown = {
        "unmovable into movable, with claims to without": (harm, TIMES),
        "the same, without claims": (without, "fallbacks"),
    }
    return Outcome((harm < 1 / 3) & (without > 0), shown)


def boosting_cuts_fallbacks(results: Results, setting: Setting) -> Outcome:
    """18. Those onto less than a block, by more than nine tenths."""

    def small(of: Setting) -> np.ndarray:
        names = [fragmenting_name(*pair) for pair in FALLBACK_PAIRS]
        return sum(results.of(of, LATER, TOTAL, name) for name in names)

    without = small(UNBOOSTED)
    share = small(setting) / np.maximum(without, 1)
    shown = {"with boost to without": (share, TIMES), "without": (without, "fallbacks")}
    return Outcome((share < 0.1) & (without > 0), shown)


def second_run_is_worse(results: Results, setting: Setting) -> Outcome:
    """19. More unmovable fallbacks, and fewer huge pages."""
    shown = {}
    for name in (LIST, LATER):  # the counts are of merged kernels: the last one decides
        first, both = (
            _fallbacks(results, setting, name, "unmovable", phase=phase)
            for phase in ("rest", "r2-rest")
        )
        loss = {p: results.got(setting, name, f"r2-{p}") - results.got(setting, name, p)
                for p in CELLS}  # fmt: skip
        ratio = (both - first) / np.maximum(first, 1)
        shown[f"unmovable fallbacks, second to first, {name}"] = (ratio, TIMES)
        shown |= {f"second minus first, {p}, {name}": (v, POINTS) for p, v in loss.items()}
        worse = (both - first > first) & _all(v < 0 for v in loss.values())
    return Outcome(worse, shown)


def load_measures_reclaim(results: Results, setting: Setting) -> Outcome:
    """20. Another reclaim moves success under load more than at rest."""
    gains = _lumpy_gains(results, setting, *((LIST, phase) for phase in CELLS))
    moved = dict(zip(CELLS, map(np.abs, gains), strict=True))
    return Outcome(moved["load-1"] > moved["rest"], _told("moved by lumpy reclaim", moved))


def compaction_spares_reclaim(results: Results, setting: Setting) -> Outcome:
    """21. At about equal success, 40 % fewer pages reclaimed or more."""

    def reclaimed(of: Setting) -> np.ndarray:
        ways = ("pages_reclaimed_direct", "pages_reclaimed_kswapd")
        return sum(results.of(of, LATER, "rest", way) for way in ways)

    without = reclaimed(UNCOMPACTED)
    share = 100 * (reclaimed(setting) / np.maximum(without, 1) - 1)
    gain = results.got(setting, LATER, "rest") - results.got(UNCOMPACTED, LATER, "rest")
    shown = {
        "pages reclaimed, with to without": (share, PERCENT),
        "success at rest, with minus without": (gain, POINTS),
    }
    spared = (share <= -40) & (without > 0)
    return Outcome(spared & (np.abs(gain) <= SAME_POINTS), shown)


def some_blocks_mixed(results: Results, setting: Setting) -> Outcome:
    """22. 15 to 40 % after a build, on 512 MiB."""
    mixed = results.of(setting, LATER, "build", "mixed_movable")
    shown = {"movable blocks that are mixed": (mixed, PERCENT)}
    return Outcome((mixed >= 15) & (mixed <= 40), shown)


def few_kernel_blocks(results: Results, setting: Setting) -> Outcome:
    """23. 3.8 to 22.6 % of the blocks are of a type that can't move."""
    of = {t: results.of(setting, LATER, "build", f"{t}_blocks")
          for t in ("unmovable", "movable", "reclaimable", "highatomic")}  # fmt: skip
    share = 100 * (of["unmovable"] + of["reclaimable"]) / sum(of.values())
    return Outcome(
        (share >= 3.8) & (share <= 22.6), {"unmovable and reclaimable blocks": (share, PERCENT)}
    )


def some_have_none(results: Results, setting: Setting) -> Outcome:
    """25. A state in which no block at all could become a huge page is reached."""
    left = results.of(setting, VANILLA, "rest", "potential_huge")
    return Outcome(left == 0, {"blocks that could become huge, vanilla": (left, BLOCKS)})
