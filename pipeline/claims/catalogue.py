"""The published claims: what they say, who says so, and what is run to see whether they hold."""

from dataclasses import dataclass

from pipeline.claims import checks
from pipeline.claims.settings import (
    BASE,
    BLIND,
    CHOICES,
    EIGHTH_FREE,
    FEW_OPEN,
    I386,
    LARGEST,
    LATER,
    LIST,
    LUMPY,
    MANY_OPEN,
    OF_2007,
    ORDER_10,
    OWN_MIN_FREE,
    REALLOC,
    TWICE,
    UNADJUSTED,
    UNBOOSTED,
    UNCLAIMED,
    UNCOMPACTED,
    VANILLA,
    ZONE,
    Run,
    Setting,
    with_lumpy,
)

MUST, SHOULD, LOOSE, QUOTE = "must", "should", "loose", "quote"
MARCH_2007 = "M. Gorman, linux-mm, 1 March 2007"
MAY_2007 = "M. Gorman, linux-mm, 1 May 2007"
LISTS_2006 = "M. Gorman, linux-mm, 20 January 2006 (v22), and zones, 19 January 2006"
NOVEMBER_2005 = "M. Gorman, linux-kernel, 4 November 2005 (v19)"
BABKA = "V. Babka, linux-mm, December 2014, February and May 2017"
LUMPY_GONE = "M. Gorman, linux-mm, 28 March 2012"


@dataclass(frozen=True)
class Claim:
    """One claim. `why_not`: why no run can show it; then `check` only adds figures, if any.
    `remark`: why it fails, as far as known, where it does.

    `setting`: the default; `over`: the same with other choices, of which no source tells which is
    right; `beside`: settings that the check compares with the first; each runs `mechanisms`.
    """

    number: int
    strength: str
    text: str
    source: str
    check: checks.Check | None = None
    setting: Setting = BASE
    mechanisms: tuple[str, ...] = OF_2007
    over: tuple[Setting, ...] = ()
    beside: tuple[Setting, ...] = ()
    why_not: str = ""
    remark: str = ""

    def runs(self) -> list[Run]:
        """What must have run before the check."""
        if self.check is None:
            return []
        settings = (self.setting, *self.over, *self.beside)
        return [Run(setting, self.mechanisms) for setting in settings]


CLAIMS = (
    Claim(
        1,
        MUST,
        "Grouping by lists gets more huge pages than vanilla, under load and at rest.",
        f"{MARCH_2007}: 18 of 18 cells; 2006; {MAY_2007}",
        checks.list_beats_vanilla,
        over=CHOICES,
    ),
    Claim(
        2,
        MUST,
        "At rest no kernel gets fewer huge pages than under load.",
        f"{MARCH_2007}: 35 of 35 pairs; 2006; 2012; 2014",
        checks.rest_beats_load,
        over=CHOICES,
        remark="vanilla alone loses points: objects of the kernel that live for minutes "
        "(kmalloc) go on spreading over its blocks between the first attempt and the "
        "last, and an order-aware kswapd has emptied memory under load already, so "
        "that rest brings nothing new. Where kswapd leaves memory full under load, "
        "the claim holds",
    ),
    Claim(
        3,
        MUST,
        "Reclaim for contiguity doesn't help vanilla under load (within 3 points), but the grouped "
        "kernels.",
        f"{MARCH_2007}: with and without A. Whitcroft's reclaim; {NOVEMBER_2005}",
        checks.lumpy_helps_grouped,
        over=(FEW_OPEN, MANY_OPEN),
        beside=(LUMPY, with_lumpy(FEW_OPEN), with_lumpy(MANY_OPEN)),
    ),
    Claim(
        4,
        MUST,
        "Vanilla collapses as the huge page grows: at order 12, at rest, it gets at most 7 %, list "
        "32 % or more.",
        f"{MARCH_2007}: ppc64 with pages of 16 MiB",
        checks.larger_pages_fail,
        beside=(ORDER_10,),
        mechanisms=(VANILLA, LIST),
        why_not="blocks above order 10 are not modelled; shown is the direction from order 9 to 10",
    ),
    Claim(
        5,
        MUST,
        "Both together get more than vanilla always, but not always as much as lists alone.",
        f"{MARCH_2007}: 16 of 16 cells; 9 of 16 lower",
        checks.both_is_no_best,
        over=CHOICES,
    ),
    Claim(
        6,
        SHOULD,
        "A zone alone can be worse than vanilla, where reclaim leaves the zone alone because its "
        "watermarks are met.",
        f"{MARCH_2007}: 5 of 18 cells, and the reply of 2 March",
        checks.zone_can_lose,
        over=CHOICES,
        remark="an order-aware kswapd doesn't leave the zone alone. With an order-blind one "
        "the claim holds",
    ),
    Claim(
        7,
        MUST,
        "ZONE_MOVABLE never holds unmovable pages; below it, with lists, most blocks are of one "
        "colour.",
        f"{MARCH_2007}: of the videos",
        checks.zone_is_movable,
        over=(MANY_OPEN,),
    ),
    Claim(
        8,
        MUST,
        "Vanilla's huge pages under load come from the reserve of min_free_kbytes, which is one "
        "free block; there are no others.",
        f"{MARCH_2007}: of the videos",
        checks.vanilla_lives_on_reserve,
        over=(MANY_OPEN, FEW_OPEN, BLIND),
        mechanisms=(VANILLA,),
        remark="an order-aware kswapd goes on until there is a block of the order in every "
        "zone, and finds some that hold nothing of the kernel's. With an order-blind "
        "one only the reserve is left",
    ),
    Claim(
        9,
        MUST,
        "Under random reallocation of tenths a plain buddy never gets free huge pages back.",
        "L. Wrenger et al., USENIX ATC 2023, raw data: 5108 to 5107 of 33,913 in 100 turns",
        checks.buddy_never_heals,
        setting=REALLOC,
        mechanisms=(VANILLA,),
    ),
    Claim(
        10,
        MUST,
        "With lists ZONE_NORMAL yields large pages; with a zone beside it, no more than before.",
        f"{LISTS_2006}: 16, 83 and 8 of 275 at rest",
        checks.list_frees_kernel_zones,
        setting=I386,
        mechanisms=(VANILLA, LIST, ZONE),
    ),
    Claim(
        11,
        SHOULD,
        "Under load a second pass gets at least as many huge pages as the first.",
        f"{LISTS_2006}; 2014. A counter-example: Linux 3.2",
        checks.second_pass_gets_more,
        over=CHOICES,
    ),
    Claim(
        12,
        SHOULD,
        "Without reclaim for contiguity grouping gains nothing under load, but at rest.",
        f"{NOVEMBER_2005}: 24 and 24 of 160; 159 and 212 of 300. 2007 says otherwise",
        checks.grouping_needs_reclaim,
        setting=EIGHTH_FREE,
        mechanisms=(VANILLA, LIST),
        remark="kswapd of 2.6.20 works for the order that woke it, which is reclaim for "
        "contiguity of a kind; see the order-blind one",
        over=(EIGHTH_FREE.with_("order-blind kswapd", reclaim__kswapd="order-blind"),),
    ),
    Claim(
        13,
        SHOULD,
        "On about 1 GB, order 9, lists gain at least 20 points at rest.",
        f"{MAY_2007}: vanilla 6 and 30 %, list 72 and 73 %, under load and at rest",
        checks.list_gains_at_rest,
        setting=UNADJUSTED,
        mechanisms=(VANILLA, LIST),
    ),
    Claim(
        14,
        QUOTE,
        "Grouping costs within 2 % of a kernel build's processor time.",
        f"{MARCH_2007}: kernbench",
        checks.grouping_costs_little,
        mechanisms=(VANILLA, LIST),
        why_not="counts of operations are no seconds; shown are the counts",
    ),
    Claim(
        15,
        MUST,
        "More than 90 % of fallbacks are for movable requests.",
        f"{BABKA}; M. Gorman, November 2018: 91 to 99.8 %",
        checks.fallbacks_are_movable,
        mechanisms=(LIST, LATER),
        over=(BLIND, MANY_OPEN),
        remark="kswapd, woken for huge pages, keeps memory from being full, so that movable "
        "requests seldom find their lists empty. The loads of the published counts "
        "filled memory with page cache all the time",
    ),
    Claim(
        16,
        MUST,
        "The number of fallbacks is no measure of harm; unmovable pages placed in movable blocks "
        "are: taking the smallest foreign block (4.13) made 2.7 times as many, with 2 % less harm.",
        f"{BABKA}",
        checks.total_is_no_harm,
        setting=OWN_MIN_FREE,
        beside=(LARGEST,),
        mechanisms=(LATER,),
        remark="the rule is for movable requests, which hardly fall back under this load (see 15)",
    ),
    Claim(
        17,
        MUST,
        "Claiming whole blocks for unmovable requests cuts their placements in movable ones by "
        "more than two thirds.",
        f"{BABKA}: 10,814 to 2091, 3877 to 859, 153,613 to 50,917",
        checks.claiming_cuts_harm,
        setting=OWN_MIN_FREE,
        beside=(UNCLAIMED,),
        mechanisms=(LATER,),
        remark="claims cut such placements with each seed, but there are few of them under "
        "this load, and the cut is nearer to a half",
    ),
    Claim(
        18,
        SHOULD,
        "Boosting the watermarks cuts fallbacks onto less than a pageblock by more than 90 %.",
        "M. Gorman, linux-mm, 23 November 2018: 93 to 98 %",
        checks.boosting_cuts_fallbacks,
        setting=OWN_MIN_FREE,
        beside=(UNBOOSTED,),
        mechanisms=(LATER,),
        remark="the published load fills memory with many small files at once; under this one "
        "fallbacks are few, and most come in the first burst, before kswapd has "
        "answered the boost",
    ),
    Claim(
        19,
        MUST,
        "A second run without a boot shows more unmovable fallbacks, and less success.",
        f"{BABKA}: first and second iteration",
        checks.second_run_is_worse,
        setting=TWICE,
        mechanisms=(LIST, LATER),
        remark="6.1-list recovers most of what it had: success is lower by two points on the "
        "mean but not with each seed, and blocks that were claimed in the first run "
        "serve the second. Under 2007-list success is lower with each seed",
    ),
    Claim(
        20,
        MUST,
        "With the same grouping, another reclaim moves success under load more than at rest.",
        f"{LUMPY_GONE}: 82 to 27 % under load, 90 to 88 % at rest",
        checks.load_measures_reclaim,
        over=(FEW_OPEN, MANY_OPEN),
        beside=(LUMPY, with_lumpy(FEW_OPEN), with_lumpy(MANY_OPEN)),
    ),
    Claim(
        21,
        SHOULD,
        "Compaction spares 40 to 86 % of reclaim at about equal success.",
        "M. Gorman, linux-mm, 20 April 2010: the easy case",
        checks.compaction_spares_reclaim,
        setting=OWN_MIN_FREE,
        beside=(UNCOMPACTED,),
        mechanisms=(LATER,),
        remark="the claim is of the easy case, without a load; here most reclaim is for the "
        "load's own requests of order 0",
    ),
    Claim(
        22,
        LOOSE,
        "With grouping, after a kernel build on 512 MB, about 27 % of movable blocks are mixed; "
        "15 to 40 % is taken for the same.",
        "J. Kim, linux-mm, 28 April 2015, as corrected on 15 July 2015",
        checks.some_blocks_mixed,
        setting=OWN_MIN_FREE,
        mechanisms=(LATER,),
        remark="the mean is a point below the band; four seeds of ten are within it",
    ),
    Claim(
        23,
        LOOSE,
        "3.8 to 22.6 % of the blocks of a busy machine are of a type that can't move.",
        "J. Weiner, as quoted in September 2016, and of March 2017",
        checks.few_kernel_blocks,
        setting=OWN_MIN_FREE,
        mechanisms=(LATER,),
        remark="the mean is at the upper end of the band; four seeds of ten are within it",
    ),
    Claim(
        24,
        LOOSE,
        "defrag_mode raises success of huge pages from 68 to 92 %, with 73 % fewer stalls and 35 % "
        "more background reclaim.",
        "J. Weiner, linux-mm, 13 March 2025",
        why_not="defrag_mode (6.15) is no mechanism of this version",
    ),
    Claim(
        25,
        LOOSE,
        "Some machines have no 2 MiB that could become free at all.",
        "Contiguitas (ISCA 2023): 23 % of servers",
        checks.some_have_none,
        setting=MANY_OPEN,
        mechanisms=(VANILLA,),
        remark="in some minutes this load doesn't spoil every block of so much memory",
    ),
)
