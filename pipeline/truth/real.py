"""What a real kernel did while a stream was recorded, from the texts in its recording folder."""

import csv
import json
import lzma
import re
from pathlib import Path

from pipeline.samples import FALLBACK_PAIRS, FALLBACK_TYPES, TOTAL, Figures, fragmenting_name
from workloads.snapshot_text import section
from workloads.stream import WorkloadError

BLOCKS = ("mixed", "nonmov_blocks", "potential_huge", "free_blocks")
SHAPELESS = (ArithmeticError, LookupError, TypeError, ValueError, csv.Error)
UNREADABLE = (OSError, EOFError, lzma.LZMAError, *SHAPELESS)
SHORT_TYPES = {"unmov": "unmovable", "mov": "movable", "recl": "reclaimable"}


def real_figures(folder: Path) -> Figures:
    """A real kernel's figures, named as those of a replay.

    Each phase has those of its last snapshot without huge pages. Read are series.csv, and where
    they are there snap_text.txt.xz (free lists, pageblock types, per-CPU lists) and summary.json
    (fragmenting fallbacks). Raises WorkloadError.
    """
    path = folder / "series.csv"
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = {row["phase"]: row for row in csv.DictReader(file) if row["hugetlb"] == "0"}
        figures = {
            (phase, name): _share(row) if name == "mixed" else float(row[name])
            for phase, row in rows.items()
            for name in BLOCKS
        }
        snapshots = {phase: int(row["snap"]) for phase, row in rows.items()}
        texts = _texts(folder / "snap_text.txt.xz")
        for phase, number in snapshots.items():
            if texts:
                figures |= {(phase, name): value for name, value in _proc(texts[number]).items()}
        return figures | _fragmenting(folder / "summary.json")
    except UNREADABLE as error:
        named = getattr(error, "filename", None) or folder
        raise WorkloadError(f"{named}: not what a real kernel did: {_told(error)}") from None


def _told(error: Exception) -> str:
    return getattr(error, "strerror", None) or f"{type(error).__name__} {error}"


def _share(row: dict[str, str]) -> float:
    return 100 * int(row["mixed"]) / int(row["eligible"])


def _texts(path: Path) -> list[str]:
    """The text of each snapshot; none where there is no such file."""
    if not path.is_file():
        return []
    with lzma.open(path, "rt", encoding="utf-8", errors="replace") as file:
        return re.split(r"^##### SNAPSHOT ", file.read(), flags=re.MULTILINE)[1:]


def _proc(text: str) -> dict[str, float]:
    """Free lists, pageblock types and pages on per-CPU lists of all zones."""
    rows = re.findall(r"^Node 0, zone +\w+((?: +\d+)+) *$", section(text, "/proc/buddyinfo"), re.M)
    orders = zip(*(map(int, row.split()) for row in rows), strict=True)
    figures = {f"nr_free_order_{order}": float(sum(n)) for order, n in enumerate(orders)}
    counts = re.findall(r"^ +count: +(\d+)$", section(text, "/proc/zoneinfo"), re.M)
    figures["pcp_pages"] = float(sum(map(int, counts)))
    table = section(text, "/proc/pagetypeinfo").partition("Number of blocks type")[2]
    names, *rows = table.splitlines()
    for place, name in enumerate(names.split()):
        if name.lower() in FALLBACK_TYPES:
            counts = (row.split()[4 + place] for row in rows if row.startswith("Node"))
            figures[f"{name.lower()}_blocks"] = float(sum(map(int, counts)))
    return figures


def _fragmenting(path: Path) -> Figures:
    """Fallbacks onto a block smaller than a pageblock, since boot; pairs not named had none.

    Only these can be held against a replay: whole pageblocks are claimed at boot too, before it.
    """
    if not path.is_file():
        return {}
    pairs = json.loads(path.read_text(encoding="utf-8"))["extfrag_pairs"]
    figures = {(TOTAL, fragmenting_name(*pair)): 0.0 for pair in FALLBACK_PAIRS}
    for pair, counts in pairs.items():
        wanted, _, had = pair.partition("<-")
        name = fragmenting_name(SHORT_TYPES[wanted], SHORT_TYPES[had])
        figures[TOTAL, name] = float(counts["fragmenting"])
    return figures
