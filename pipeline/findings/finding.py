"""A finding: something in a recording that a rule found, with its place and one sentence."""

from dataclasses import asdict, dataclass, field, fields

SENTENCE_CHARACTERS = 160


@dataclass(frozen=True)
class Finding:
    """What `rule` found in the recording of a mechanism, workload and seed.

    Frames and pfns are inclusive. `sentence`: plain English, at most SENTENCE_CHARACTERS; its
    numbers are the recording's. `more`: figures that it was made of. Raises ValueError for a range
    that ends before it begins, and for a longer sentence.
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

    def __post_init__(self) -> None:
        if self.last_frame < self.first_frame or self.last_pfn < self.first_pfn:
            raise ValueError(f"{self.rule}: a range that ends before it begins")
        if len(self.sentence) > SENTENCE_CHARACTERS:
            raise ValueError(f"{self.rule}: {len(self.sentence)} characters: {self.sentence}")

    def row(self) -> dict[str, object]:
        """It as a row of findings.csv."""
        return {name: value for name, value in asdict(self).items() if name != "more"}


COLUMNS = tuple(entry.name for entry in fields(Finding) if entry.name != "more")


def named(counts: dict[str, int]) -> str:
    """Counts with their names: "3 unmovable, 2 reclaimable"; those of none are left out."""
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)


def several(count: int, one: str, many: str = "") -> str:
    """A count with its noun: "1 pageblock", "2,114 pageblocks"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"
