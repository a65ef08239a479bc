"""`pagereel diff`: what differs between two runs or mechanisms, beyond noise, row by row."""

from collections.abc import Sequence
from pathlib import Path

from pipeline.comparison.cells import change_text, mean_of, signed_text, value_text, verdict
from pipeline.comparison.document import Band, Block, Cell, Document, Line, Paragraph, Table
from pipeline.comparison.output import give
from pipeline.comparison.rows import Choice, Row, check_choice, rows_of, unalike
from pipeline.comparison.sides import Group, Side, groups
from pipeline.comparison.tables import label_of, seeds_of
from pipeline.comparison.writers import written
from pipeline.statistics.paired import SEEDS_NEEDED

EQUAL = "equal in all seeds"


def diff_command(
    base: str,
    new: str,
    base_mechanism: str,
    choice: Choice,
    everything: bool,
    form: str,
    output: Path | None,
    force: bool,
) -> None:
    """Print what differs, or write it to `output`. Raises UsageError, RecordingError, OSError."""
    compared = groups(base, new, base_mechanism)
    check_choice(choice, compared)
    rows = [row for group in compared if group.others for row in rows_of(group, choice)]
    document = difference_document(compared, rows, everything)
    give(written(form, document, rows, {"title": document.title}), output, force)


def difference_document(
    compared: Sequence[Group], rows: Sequence[Row], everything: bool = False
) -> Document:
    """A table for each two sides: rows beyond noise, and with `everything` the others below."""
    blocks: list[Block] = [
        Paragraph(told) for told in dict.fromkeys(t for group in compared for t in unalike(group))
    ]
    blocks.append(
        Paragraph(
            "Means over paired seeds; in parentheses the change in %, + is better and - worse; + "
            "is more where neither is better. Below: the verdict, and the 95 % interval of the "
            "change as it is, in the figure's unit and with its own sign."
        )
    )
    pairs = [(group.base, other, group.title) for group in compared for other in group.others]
    for base, other, title in pairs:
        own = [row for row in rows if row.base is base and row.other is other]
        blocks += _pair(base, other, title, own, everything, several=len(pairs) > 1)
    if not pairs:
        blocks.append(Paragraph("There is one mechanism, so nothing is compared."))
    names = dict.fromkeys(f"{base.label} to {other.label}" for base, other, _ in pairs)
    return Document(f"Differences, {', '.join(names)}", tuple(blocks))


def _pair(
    base: Side, other: Side, title: str, rows: Sequence[Row], everything: bool, several: bool
) -> list[Block]:
    beyond = [row for row in rows if row.difference.significant]
    blocks: list[Block] = []
    if several:
        head = f"{title}: " if title else ""
        blocks.append(Paragraph(f"{head}{base.label} to {other.label}:"))
    if beyond:
        blocks.append(_table(base, other, beyond))
    blocks.append(Paragraph(_summary(rows, beyond)))
    rest = [row for row in rows if not row.difference.significant]
    if everything and rest:
        blocks.append(_table(base, other, rest))
    return blocks


def _summary(rows: Sequence[Row], beyond: Sequence[Row]) -> str:
    seeds = seeds_of(rows)
    if seeds == 1:
        return f"{len(rows)} rows of one seed: noise unknown, so none is beyond it."
    if seeds < SEEDS_NEEDED:
        return (
            f"{len(rows)} rows of {seeds} seeds: too few to tell a difference from noise; "
            f"{SEEDS_NEEDED} are needed."
        )
    told_of = [row for row in rows if row.difference.seeds >= SEEDS_NEEDED]
    equal = sum(row.difference.verdict == EQUAL for row in told_of)
    untold = len(rows) - len(told_of)
    noise = len(rows) - len(beyond) - equal - untold
    told = (
        f"{seeds} seeds. Of {len(rows)} rows {len(beyond)} differ beyond noise, {noise} are not "
        f"significant, {equal} equal in all seeds"
    )
    told += f", {untold} without figures of enough seeds" if untold else ""
    by_chance = f"{0.05 * (len(rows) - equal - untold):.0f}"
    return f"{told}. By chance alone about {by_chance} would seem to differ."


def _table(base: Side, other: Side, rows: Sequence[Row]) -> Table:
    lines: list[Line | Band] = []
    several = len({row.workload for row in rows}) > 1
    band = ""
    for row in rows:
        title = base.run.loads[row.workload].title_of(row.phase)
        told = f"{row.workload}, {row.phase}" if several else row.phase
        told += f": {title}" if title != row.phase else ""
        if told != band:
            lines.append(Band(told))
            band = told
        lines.append(Line(label_of(row), value_text(mean_of(row.before)), (_cell(row),)))
    return Table(base.label, (other.label,), tuple(lines))


def _cell(row: Row) -> Cell:
    change, told = row.difference.change, verdict(row)
    if change.seeds > 1 and change.low < change.high:
        told += f", {signed_text(change.low)} to {signed_text(change.high)}"
    return Cell(value_text(mean_of(row.after)), change_text(row), row.difference.significant, told)
