"""Parts of a mail: a load of a group of sides, with its rows."""

from collections.abc import Sequence
from typing import NamedTuple

from pipeline.comparison.document import Block, Paragraph
from pipeline.comparison.names import CHIEF
from pipeline.comparison.rows import Choice, Row, rows_of, workloads_of
from pipeline.comparison.runs import Load
from pipeline.comparison.sides import Group, Side
from pipeline.comparison.tables import by_key, is_zero
from pipeline.measures import TOTAL

KSWAPD = "; kswapd "  # stands in what a recording was made by, where pages are reclaimed


class Part(NamedTuple):
    """A group's rows of one load."""

    group: Group
    workload: str
    load: Load
    rows: list[Row]

    @property
    def sides(self) -> tuple[Side, ...]:
        """The baseline first."""
        return (self.group.base, *self.group.others)

    @property
    def title(self) -> str:
        """What tells it from the others; "" where it is the only one."""
        return self.group.title


def parts_of(groups: Sequence[Group], choice: Choice) -> list[Part]:
    """What is compared: each group and load, with its rows. Raises UsageError."""
    parts = []
    for group in groups:
        rows = rows_of(group, choice)
        for workload in workloads_of(group, choice):
            of_load = [row for row in rows if row.workload == workload]
            parts.append(Part(group, workload, group.base.run.loads[workload], of_load))
    return parts


def heading(part: Part, parts: Sequence[Part]) -> list[Block]:
    """Which part it is, where there are several."""
    several_loads = len({p.workload for p in parts}) > 1
    told = ", ".join(filter(None, (part.title, part.workload if several_loads else "")))
    return [Paragraph(f"{told}:")] if told else []


def chief_of(part: Part) -> list[Row]:
    """The rows of the measure that tells mechanisms apart at a glance, at its last key phase."""
    found = by_key(part.rows)
    wanted = [*CHIEF, *dict.fromkeys(measure for _, measure in found)]
    for measure in wanted:
        keys = [k for k in found if k[1] == measure and k[0] in (*part.load.key_phases, TOTAL)]
        keys = [key for key in keys if not is_zero(found[key])]
        if keys:
            return found[keys[-1]]
    return []
