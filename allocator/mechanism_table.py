"""What the file of a mechanism says: its entries, with their values, defaults and meaning.

docs/mechanisms.md and what `pagereel mechanism` prints are made from the fields here.
"""

import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from allocator.terms import HIGHATOMIC, MAX_ORDER, MIGRATETYPES, MOVABLE, RECLAIMABLE, UNMOVABLE

MAX_KBYTES = 1 << 30  # pages are counted in 32 bits
PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
# The types a request falls back to, by its own type, best first. Source: v28 4/12, 10/12; 6.1
# fallbacks.
_MARCH_2007 = (
    (RECLAIMABLE, MOVABLE, HIGHATOMIC),
    (RECLAIMABLE, UNMOVABLE, HIGHATOMIC),
    (UNMOVABLE, MOVABLE, HIGHATOMIC),
    (RECLAIMABLE, UNMOVABLE, MOVABLE),
)
_CLAIM = ((RECLAIMABLE, MOVABLE), (RECLAIMABLE, UNMOVABLE), (UNMOVABLE, MOVABLE), ())
ALTERNATIVES = {"none": ((), (), (), ()), "march-2007": _MARCH_2007, "claim": _CLAIM}


class _Table(BaseModel):
    # Strict: a file says 9 and true, not "9" and "true".
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _entry(
    default: Any, does: str, kernels: str = "", *, none: str = "", values: str = "", **limits: Any
) -> Any:
    """A field with what docs/mechanisms.md says of it.

    `none`: what is done where it is left out; `values`: where the type doesn't tell them.
    """
    told = {"kernels": kernels, "none": none, "values": values}
    return Field(default, description=does, json_schema_extra=told, **limits)


def _wrong(what: str, *entry: str, or_at: tuple[str, ...] = ()) -> PydanticCustomError:
    """A fault of an entry that is seen by its section; `or_at`: the other one that it concerns."""
    return PydanticCustomError("entry", "{what}", {"what": what, "entry": entry, "or_at": [or_at]})


class Zones(_Table):
    """How the machine's memory is divided."""

    kernelcore: str = _entry(
        "",
        "What the kernel keeps for itself; the rest of the highest zone becomes ZONE_MOVABLE. "
        "Empty: no ZONE_MOVABLE.",
        "2.6.23 and later (kernelcore=)",
        values='"", a share of all pages ("50%"), or a size with K, M or G ("256M")',
    )
    movable_start_order: int = _entry(
        0,
        "ZONE_MOVABLE begins at a multiple of 2^this pages.",
        "patches of 2007: 0; 6.1: 10",
        ge=0,
        le=MAX_ORDER,
    )

    @field_validator("kernelcore")
    @classmethod
    def _kernelcore_readable(cls, text: str) -> str:
        if text and not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?(%|[KMG])", text):
            raise ValueError(f"{text!r} is no percentage (50%) or size with K, M or G (256M)")
        if text.endswith("%") and not 0 < float(text[:-1]) <= 100:
            raise ValueError(f"{text!r}: as a percentage it lies above 0 and not above 100")
        return text

    def kernelcore_pages(self, present_pages: int) -> int | None:
        """Pages the kernel keeps for itself out of `present_pages`; None without ZONE_MOVABLE."""
        if not self.kernelcore:
            return None
        number, unit = float(self.kernelcore[:-1]), self.kernelcore[-1]
        if unit == "%":
            return int(present_pages * number / 100)
        return int(number * {"K": 1024, "M": 1024**2, "G": 1024**3}[unit]) // 4096


TypeName = Literal["unmovable", "movable", "reclaimable", "highatomic"]


def _listed(value: Any) -> Any:
    """A list of TOML as a tuple."""
    return tuple(value) if isinstance(value, list) else value


Types = Annotated[tuple[TypeName, ...] | None, BeforeValidator(_listed)]
RULES_OWN = "as the rule has it"


class Fallbacks(_Table):
    """The types that a request may take from when its own has nothing left, best first."""

    unmovable: Types = _entry(None, "Of an unmovable request. `[]`: none.", none=RULES_OWN)
    movable: Types = _entry(None, "Of a movable request.", none=RULES_OWN)
    reclaimable: Types = _entry(None, "Of a reclaimable request.", none=RULES_OWN)
    highatomic: Types = _entry(
        None, "Of an atomic request of order 1 or higher; `march-2007` only.", none=RULES_OWN
    )

    @model_validator(mode="after")
    def _to_others(self) -> "Fallbacks":
        for name in MIGRATETYPES:
            types = getattr(self, name) or ()
            if name in types:
                raise _wrong(f"a request has no fallback to its own type, {name!r}", name)
            if len(set(types)) < len(types):
                raise _wrong("a type stands twice", name)
        return self

    def named(self) -> dict[str, tuple[str, ...]]:
        """Those that the table names, by type."""
        return {name: types for name, types in self if types is not None}


class Grouping(_Table):
    """Grouping of pages by mobility: lists per migratetype, fallback and claims."""

    rule: Literal["none", "march-2007", "claim"] = _entry(
        ...,
        "none: one list an order. march-2007: the v28 patches. claim: a fallback takes all free "
        "pages of a pageblock, and claims it where enough of it is free or alike.",
        "2.6.20; 2.6.20-mm; 5.0 to 6.9",
    )
    enabled: bool = _entry(
        True,
        "false: page_group_by_mobility_disabled; all requests are unmovable.",
        "off by itself on small machines",
    )
    block_order: int = _entry(
        9,
        "A pageblock has 2^this pages.",
        "march-2007: 10; x86-64 since 2.6.24: 9",
        ge=1,
        le=MAX_ORDER,
    )
    claims: bool = _entry(True, "false: a fallback never changes the type of a pageblock.")
    claim_threshold_percent: int = _entry(
        50,
        "A fallback that takes all free pages of a pageblock changes its type if so much of it is "
        "free or in use by what suits the new type. march-2007: if so much of 1024 pages is free, "
        "each free block counted as large as the one that was found.",
        "both rules: 50",
        ge=1,
        le=100,
    )
    smallest: bool = _entry(
        True,
        "claim: movable requests that may not take a whole pageblock split the smallest foreign "
        "block, not the largest.",
        "4.13 and later",
    )
    nofragment: bool = _entry(
        False,
        "claim: the first walk over the zones takes no part of a foreign pageblock in a zone named "
        "Normal.",
        "5.0 and later",
    )
    fallbacks: Fallbacks = Fallbacks()

    def alternatives(self, migratetype: int) -> list[int]:
        """The types that a request of a type falls back to, by code, best first."""
        named = getattr(self.fallbacks, MIGRATETYPES[migratetype])
        if named is None:
            return list(ALTERNATIVES[self.rule][migratetype])
        return [MIGRATETYPES.index(name) for name in named]

    def claim_pages(self) -> int:
        """From how many pages on a fallback claims a pageblock. Source: v28 8/12; 6.1
        steal_suitable_fallback."""
        of_pages = 1 << (MAX_ORDER if self.rule == "march-2007" else self.block_order)
        return -(-of_pages * self.claim_threshold_percent // 100)

    @model_validator(mode="after")
    def _fallbacks_of_the_rule(self) -> "Grouping":
        for name, types in self.fallbacks.named().items():
            if self.rule == "none":
                raise _wrong("grouping.rule 'none' knows no types", "fallbacks", name)
            if self.rule == "claim" and "highatomic" in (name, *types):
                told = "highatomic is a type of its own with grouping.rule 'march-2007' only"
                raise _wrong(told, "fallbacks", name)
        return self


class FreeLists(_Table):
    """Where a free block enters its list."""

    insertion: Literal["head", "tail"] = _entry(
        "head", "Where a block enters its list when it is freed.", "all: head"
    )
    tail_insertion: bool = _entry(
        ...,
        "true: at the tail when the block above it is free too, so that they may soon merge.",
        "2.6.35 and later (buddy_merge_likely)",
    )
    boot_order: Literal["highest-first", "lowest-first"] = _entry(
        ..., "Which free memory is handed out first after boot.", "highest up to 5.9, then lowest"
    )


class PerCpu(_Table):
    """Per-CPU lists of free pages."""

    rule: Literal["none", "hot", "tagged", "types-and-orders"] = _entry(
        ...,
        "hot: order 0, one list. tagged: the same, each page carries its migratetype. "
        "types-and-orders: a list a migratetype for the orders 0 to 3 and that of the pageblock.",
        "2.6.20; patches of 2007; 5.14 and later",
    )
    batch_cap_pages: int = _entry(
        128,
        "Upper limit in the formula for the batch: 128 gives up to 31 pages, 256 up to 63.",
        "2.6.20: 128; 6.1: 256",
        ge=4,
        le=1 << 20,
    )
    batch_pages: int | None = _entry(
        None,
        "Pages that move at once between a per-CPU list and the buddy lists, in every zone.",
        none="by the zone's size",
        ge=1,
        le=1 << 16,
    )
    high_pages: int | None = _entry(
        None,
        "From this many pages in a zone's per-CPU lists on, some go back to the buddy lists. "
        "types-and-orders: at least 4 batches.",
        "percpu_pagelist_fraction, percpu_pagelist_high_fraction set it",
        none="6 batches; types-and-orders: the zone's LOW",
        ge=1,
        le=1 << 24,
    )


class Watermarks(_Table):
    """When a zone may serve a request."""

    rule: Literal["halving", "one-block"] = _entry(
        ...,
        "halving: half of the mark must be left at each order below the request's. one-block: one "
        "free block of the order is enough.",
        "up to 4.3; 4.4 and later",
    )
    distance: Literal["quarter", "scale-factor"] = _entry(
        ...,
        "Of LOW and HIGH above MIN: a quarter of MIN each, or that and at least "
        "watermark_scale_factor.",
        "up to 4.5; 4.6 and later",
    )
    scale_factor: int = _entry(
        10,
        "watermark_scale_factor, in ten-thousandths of a zone; for distance scale-factor.",
        "4.6 and later: 10",
        ge=1,
        le=3000,
    )
    boost: bool = _entry(
        False,
        "The marks rise after a fallback onto less than a pageblock, where reclaim is simulated.",
        "5.0 and later",
    )
    max_min_free_kbytes: int = _entry(
        65536,
        "Upper limit of the MIN that is computed from the size of memory.",
        "2.6.20: 65536; 6.1: 262144",
        gt=0,
        le=MAX_KBYTES,
    )
    min_free_kbytes: int | None = _entry(
        None, "All zones' MIN together.", none="the machine's own", gt=0, le=MAX_KBYTES
    )


class HighAtomic(_Table):
    """Pageblocks kept for high-order requests that may not wait."""

    rule: Literal["none", "type", "reserve"] = _entry(
        ...,
        "type: a migratetype of its own, with march-2007. reserve: pageblocks are set aside when "
        "such a request succeeds, with claim.",
        "patches of 2007; 4.4 and later",
    )
    limit_percent: int = _entry(
        1,
        "reserve: at most this share of a zone and one pageblock are set aside.",
        "4.4 and later: 1",
        ge=0,
        le=100,
    )


class Compaction(_Table):
    """How movable pages are migrated to make large blocks; see compaction.py."""

    rule: Literal["none", "two-scanners"] = _entry(
        "none", "two-scanners: direct compaction, kcompactd and compact_memory.", "2.6.35 and later"
    )
    proactiveness: int = _entry(
        20,
        "vm.compaction_proactiveness; 0: never without a request.",
        "5.9 and later",
        ge=0,
        le=100,
    )
    pinned_per_mille: int = _entry(
        6,
        "Movable pages of kernel zones that can't be migrated: a file system's own, in use by it. "
        "The machine's, not the kernel's.",
        ge=0,
        le=1000,
    )


class Reclaim(_Table):
    """Which pages are given back for others, and by whom; see vmscan.py and reclaim.py.

    Only for workloads whose pages it may take: the streams of real kernels hold what theirs did.
    """

    rule: Literal["none", "two-lists", "split-lists"] = _entry(
        "none",
        "two-lists: active and inactive for each zone. split-lists: for anonymous and for file "
        "pages, for the node.",
        "2.6.20; 6.1",
    )
    kswapd: Literal["order-aware", "order-blind", "twice-the-request"] = _entry(
        "order-aware",
        "kswapd goes on until every zone has HIGH pages free for the order that woke it "
        "(order-aware), for order 0 (order-blind), or for the order in some zone, or for order 0 "
        "after twice the pages of a request (twice-the-request).",
        "2.6.20: order-aware; 6.1: twice-the-request",
    )
    lumpy: bool = _entry(
        False,
        "Around each old page, all pages of the block asked for are taken too.",
        "2.6.23 to 3.4",
    )
    swappiness: int = _entry(60, "vm.swappiness.", "up to 100 before 5.8", ge=0, le=200)
    kswapd_pages_per_s: int = _entry(
        100_000, "Pages that kswapd looks at. The machine's, not the kernel's.", gt=0, le=10**9
    )
    disk_pages_per_s: int = _entry(
        10_000, "Pages that the disk writes. The machine's.", gt=0, le=10**9
    )


BASE = "with a base: the base's"


class MechanismTable(_Table):
    """What the file of a mechanism says; see the fields' classes."""

    hint_missing: ClassVar[str] = '; base = "6.1-list" takes what is left out from there'

    name: str = _entry(
        ...,
        "What results call it.",
        none="with a base: the file's name",
        values="letters, digits and . _ + -",
    )
    title: str = _entry(
        ..., "A few words on it, for pictures.", none=BASE, values="text", max_length=80
    )
    kernel: str = _entry(
        ...,
        "Whose it is. Zones and watermarks of a recorded machine are taken as that kernel printed "
        "them, where the mechanism is of its version and divides memory alike.",
        none=BASE,
        values='a version such as "6.1"',
        max_length=80,
    )
    source: str = _entry(
        ...,
        "Where its rules are read, for the metadata.",
        none=f"{BASE}, and what differs",
        values="text",
    )
    base: str = _entry(
        "", "A built-in mechanism; whatever is left out is taken from it.", values="a name"
    )
    zones: Zones
    grouping: Grouping
    free_lists: FreeLists
    per_cpu: PerCpu
    watermarks: Watermarks
    high_atomic: HighAtomic
    compaction: Compaction = Compaction()
    reclaim: Reclaim = Reclaim()

    @field_validator("name")
    @classmethod
    def _plain(cls, name: str) -> str:
        if not PLAIN_NAME.fullmatch(name):
            raise ValueError(f"{name!r}: a name has letters, digits and . _ + - only")
        return name

    @field_validator("title", "kernel")
    @classmethod
    def _on_one_line(cls, text: str) -> str:
        if not text.isprintable():
            raise ValueError("one line of text, please")
        return text

    @model_validator(mode="after")
    def _consistent(self) -> "MechanismTable":
        rule = self.high_atomic.rule
        needs = {"type": "march-2007", "reserve": "claim"}.get(rule)
        if needs and self.grouping.rule != needs:
            told = f"{rule!r} needs grouping.rule {needs!r}"
            raise _wrong(told, "high_atomic", "rule", or_at=("grouping", "rule"))
        return self


class Mechanism(MechanismTable):
    """The rules of one page allocator, as its table has them and parameters have changed them."""

    parameters: dict[str, str] = {}  # entries that were set apart from the table
