"""A finding: something in a recording that a rule found, with its place and one sentence."""

from dataclasses import asdict, dataclass, field, fields

SENTENCE_CHARACTERS = 160
NO_COLUMNS = ("more", "pfns", "place")

Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Finding:
    """What `rule` found in the recording of a mechanism, workload and seed.

    Frames and pfns are inclusive. `sentence`: plain English, at most SENTENCE_CHARACTERS; its
    numbers are the recording's. `more`: figures that it was made of. `pfns`: first and last page of
    each range that is meant, in order, with which `first_pfn` and `last_pfn` begin and end; left
    out, that one range. `place`: of the recording among those that were looked at. Raises
    ValueError for a range that ends before it begins, ranges out of order, and a longer sentence.
    """

    rule: str
    mechanism: str
    workload: str
    seed: int
    first_frame: int
    last_frame: int
    first_pfn: int
    last_pfn: int
    sentence: str
    more: dict = field(default_factory=dict)
    pfns: Ranges = ()
    place: int = 0

    def __post_init__(self) -> None:
        if not self.pfns:
            object.__setattr__(self, "pfns", ((self.first_pfn, self.last_pfn),))
        ends = [pfn for of in self.pfns for pfn in of]
        if self.last_frame < self.first_frame or ends != sorted(ends):
            raise ValueError(f"{self.rule}: a range that ends before it begins")
        if (self.first_pfn, self.last_pfn) != (ends[0], ends[-1]):
            raise ValueError(f"{self.rule}: ranges {self.pfns} that begin or end elsewhere")
        if len(self.sentence) > SENTENCE_CHARACTERS:
            raise ValueError(f"{self.rule}: {len(self.sentence)} characters: {self.sentence}")

    def row(self) -> dict[str, object]:
        """It as a row of findings.csv."""
        return {name: value for name, value in asdict(self).items() if name in COLUMNS}


COLUMNS = tuple(entry.name for entry in fields(Finding) if entry.name not in NO_COLUMNS)


def fitting(sentence: str, shorter: str) -> str:
    """A sentence, or the shorter one where it is too long."""
    return sentence if len(sentence) <= SENTENCE_CHARACTERS else shorter


def named(counts: dict[str, int]) -> str:
    """Counts with their names: "3 unmovable, 2 reclaimable"; those of none are left out."""
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)


def several(count: int, one: str, many: str = "") -> str:
    """A count with its noun: "1 pageblock", "2,114 pageblocks"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
