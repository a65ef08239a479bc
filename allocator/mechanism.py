"""A mechanism: which rules a kernel's page allocator follows, as a validated table.

Every mechanism is one TOML file; the built-in ones lie in `allocator/mechanisms/`. The allocator
reads nothing but this table, so a mechanism of one's own is such a file and needs no rebuild.
"""

import re
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from allocator.terms import MAX_ORDER

MAX_KBYTES = 1 << 30  # pages are counted in 32 bits
VARIANTS = ("vanilla", "off", "list", "zone", "both")
BUILT_IN = Path(__file__).parent / "mechanisms"


class MechanismError(Exception):
    """A mechanism that does not exist or is not valid: one line naming the file and the fault."""


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Zones(_Table):
    """How the machine's memory is divided."""

    kernelcore: str = ""  # "" (no ZONE_MOVABLE), "50%" of all pages, or a size such as "256M"
    movable_start_order: int = Field(0, ge=0, le=MAX_ORDER)  # ZONE_MOVABLE starts at a multiple

    @model_validator(mode="after")
    def _kernelcore_readable(self) -> "Zones":
        if self.kernelcore and not re.fullmatch(r"\d+(\.\d+)?(%|[KMG])", self.kernelcore):
            raise ValueError("kernelcore is a percentage (50%) or a size with K, M or G (256M)")
        if self.kernelcore.endswith("%") and not 0 < float(self.kernelcore[:-1]) <= 100:
            raise ValueError("kernelcore as a percentage lies above 0 and not above 100")
        return self

    def kernelcore_pages(self, present_pages: int) -> int | None:
        """Pages the kernel keeps for itself out of `present_pages`; None without ZONE_MOVABLE."""
        if not self.kernelcore:
            return None
        number, unit = float(self.kernelcore[:-1]), self.kernelcore[-1]
        if unit == "%":
            return int(present_pages * number / 100)
        return int(number * {"K": 1024, "M": 1024**2, "G": 1024**3}[unit]) // 4096


class Grouping(_Table):
    """Grouping of pages by mobility: lists per migratetype, fallback and claims."""

    # none: one list per order (2.6.20). march-2007: the v28 patches. claim: 5.0 to 6.9.
    rule: Literal["none", "march-2007", "claim"]
    enabled: bool = True  # false: page_group_by_mobility_disabled, all requests are unmovable
    block_order: int = Field(9, ge=1, le=MAX_ORDER)
    claims: bool = True  # false: a fallback never changes the type of a pageblock
    smallest: bool = (
        True  # movable requests split the smallest foreign block (4.13), not the largest
    )
    nofragment: bool = False  # the first walk avoids splitting foreign blocks in ZONE_NORMAL


class FreeLists(_Table):
    """Where a free block enters its list."""

    tail_insertion: bool  # at the tail when the buddy of the block above is free
    boot_order: Literal["highest-first", "lowest-first"]


class PerCpu(_Table):
    """Per-CPU lists of free pages."""

    # hot: order 0, one list (2.6.20). tagged: the same, pages carry a migratetype (v28).
    # types-and-orders: a list per migratetype for orders 0 to 3 and 9 (5.14 and later).
    rule: Literal["none", "hot", "tagged", "types-and-orders"]
    batch_cap_pages: int = Field(128, ge=4, le=1 << 20)


class Watermarks(_Table):
    """When a zone may serve a request."""

    rule: Literal["halving", "one-block"]  # up to 4.3; from 4.4
    distance: Literal["quarter", "scale-factor"]  # of low and high above min: up to 4.5; from 4.6
    boost: bool = False  # raised after a fallback onto a small block, where reclaim is simulated
    max_min_free_kbytes: int = Field(65536, gt=0, le=MAX_KBYTES)
    min_free_kbytes: int | None = Field(None, gt=0, le=MAX_KBYTES)  # None: the machine's own


class HighAtomic(_Table):
    """Pageblocks kept for high-order requests that may not wait."""

    # none; type: a migratetype of its own (v28); reserve: claimed on success up to 1 % (4.4).
    rule: Literal["none", "type", "reserve"]


class Compaction(_Table):
    """How movable pages are migrated to make large blocks; see compaction.py."""

    # none; two-scanners: direct compaction and compact_memory (6.1).
    rule: Literal["none", "two-scanners"] = "none"
    proactiveness: int = Field(20, ge=0, le=100)  # vm.compaction_proactiveness; 0: never
    # Movable pages of kernel zones that can't be migrated: a file system's own, in use by it.
    pinned_per_mille: int = Field(6, ge=0, le=1000)


class Reclaim(_Table):
    """Which pages are given back for others, and by whom; see vmscan.py and reclaim.py.

    Only for workloads whose pages it may take: the streams of real kernels hold what theirs did.
    """

    # none; two-lists: active and inactive for each zone (2.6.20); split-lists: for anonymous and
    # for file pages, for the node (6.1).
    rule: Literal["none", "two-lists", "split-lists"] = "none"
    # kswapd goes on until every zone has HIGH pages free for the order that woke it (order-aware;
    # 2.6.20), for order 0 (order-blind), or for the order in some zone, or for order 0 after twice
    # the pages of a request (twice-the-request; 6.1).
    kswapd: Literal["order-aware", "order-blind", "twice-the-request"] = "order-aware"
    lumpy: bool = False  # around each old page, all pages of the block asked for (2.6.23 to 3.4)
    swappiness: int = Field(60, ge=0, le=200)
    # The machine's, not the kernel's.
    kswapd_pages_per_s: int = Field(100_000, gt=0)
    disk_pages_per_s: int = Field(10_000, gt=0)


class Mechanism(_Table):
    """The rules of one page allocator; see the fields' classes."""

    name: str
    title: str
    kernel: str
    source: str
    zones: Zones
    grouping: Grouping
    free_lists: FreeLists
    per_cpu: PerCpu
    watermarks: Watermarks
    high_atomic: HighAtomic
    compaction: Compaction = Compaction()
    reclaim: Reclaim = Reclaim()
    parameters: dict[str, str] = {}  # entries that were set apart from the table

    @model_validator(mode="after")
    def _consistent(self) -> "Mechanism":
        needs = {"type": "march-2007", "reserve": "claim"}.get(self.high_atomic.rule)
        if needs and self.grouping.rule != needs:
            raise ValueError(
                f"high_atomic.rule {self.high_atomic.rule!r} needs grouping.rule {needs!r}"
            )
        return self


def mechanism_names() -> list[str]:
    """Names of the built-in mechanisms, in the order of kernels and then of the four variants."""
    return sorted((path.stem for path in BUILT_IN.glob("*.toml")), key=_place)


def _place(name: str) -> tuple:
    """Years before versions, both ascending; then the variants in their usual order."""
    kernel, _, variant = name.partition("-")
    version = [int(number) for number in re.findall(r"[0-9]+", kernel)]
    usual = VARIANTS.index(variant) if variant in VARIANTS else len(VARIANTS)
    return (version[:1] < [1000], version, usual, name)


def load_mechanism(name: str, parameters: dict[str, str] | None = None) -> Mechanism:
    """The built-in mechanism of that name, or the one in the file `name` (a path to a TOML).

    `parameters` override single entries: `kernelcore=30%`, `min_free_kbytes=16384`, or any entry
    by its full name such as `per_cpu.rule=none`.
    Raises MechanismError for unknown names, unreadable files and invalid entries.
    """
    path = Path(name) if name.endswith(".toml") else BUILT_IN / f"{name}.toml"
    if not path.is_file():
        if name.endswith(".toml"):
            raise MechanismError(f"{name}: no such file")
        raise MechanismError(
            f"unknown mechanism {name!r}; there are {', '.join(mechanism_names())}"
        )
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MechanismError(f"{path}: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MechanismError(f"{path}: {error}") from error
    for key, value in (parameters or {}).items():
        _override(table, key, value, str(path))
    table["parameters"] = dict(parameters or {})
    return _validated(table, str(path))


SHORT_PARAMETERS = {
    "kernelcore": "zones.kernelcore",
    "min_free_kbytes": "watermarks.min_free_kbytes",
}


def _override(table: dict[str, Any], key: str, value: str, where: str) -> None:
    section, _, entry = SHORT_PARAMETERS.get(key, key).partition(".")
    if (
        not entry
        or section not in Mechanism.model_fields
        or not isinstance(Mechanism.model_fields[section].annotation, type(_Table))
        or entry not in Mechanism.model_fields[section].annotation.model_fields
    ):
        known = ", ".join([*SHORT_PARAMETERS, "SECTION.ENTRY of a mechanism's table"])
        raise MechanismError(f"unknown parameter {key!r}; there are {known}")
    if not isinstance(table.setdefault(section, {}), dict):
        raise MechanismError(f"{where}: {section}: not a table")
    table[section][entry] = value


def _validated(table: dict[str, Any], where: str) -> Mechanism:
    try:
        return Mechanism.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        entry = ".".join(str(part) for part in first["loc"]) or "table"
        message = first["msg"].removeprefix("Value error, ")
        raise MechanismError(f"{where}: {entry}: {message}") from error
