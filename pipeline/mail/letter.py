"""The mail as a document: first what matters, then how it came about, then what it doesn't say."""

from collections.abc import Callable, Sequence

import numpy as np

from pipeline.comparison.document import (
    Band,
    Block,
    Document,
    Heading,
    Items,
    Line,
    Paragraph,
    Verbatim,
)
from pipeline.comparison.names import NAMES, STRESS, SUMMARY, name_of
from pipeline.comparison.rows import ATTEMPTS, Choice, Row, other_requests, unalike
from pipeline.comparison.runs import COMPACTIONS
from pipeline.comparison.sides import Group
from pipeline.comparison.tables import (
    by_key,
    geometric_lines,
    is_zero,
    label_of,
    line_of,
    lines_where,
    seeds_of,
    table_of,
)
from pipeline.mail.definitions import definitions
from pipeline.mail.dot_plot import dot_plot
from pipeline.mail.limits import limits
from pipeline.mail.parts import KSWAPD, Part, chief_of, heading, parts_of
from pipeline.mail.repeat import command_lines, foreign_files
from pipeline.mail.statistics import chief_words, few_seeds, read_words, said
from pipeline.mail.what_was_run import what_was_run
from pipeline.measures import COSTS, FAILURES, FRAGMENTING, RECLAIM, TOTAL
from pipeline.metrics import METRICS

SUMMARY_LINES = 12


def letter(groups: Sequence[Group], choice: Choice) -> tuple[Document, list[Row]]:
    """The mail of some groups, and the rows that it has. Raises UsageError."""
    parts = parts_of(groups, choice)
    rows = [row for part in parts for row in part.rows if _shown(row, choice)]
    parts = [part._replace(rows=[r for r in rows if _is_of(r, part)]) for part in parts]
    blocks = [
        *_opening(groups, rows),
        *_summary(parts),
        *what_was_run(parts),
        *_each(parts, "At rest and under load, by phase", _by_phase),
        *_each(parts, "Fragmentation events, whole run", _events),
        *_each(parts, "Page allocation failures, whole run", _failures),
        *_each(parts, "Cost counters, whole run", _costs),
        *_geometric(parts),
        *_plots(parts),
        *_definitions(rows),
        Heading("What the statistics say"),
        Items(tuple(said(groups, rows))),
        Heading("What this does not say"),
        Items(limits([part.load for part in parts])),
        *_repeat(groups),
    ]
    return Document(_title(parts), tuple(blocks)), rows


def _is_of(row: Row, part: Part) -> bool:
    return (row.workload, row.base) == (part.workload, part.group.base) and row.other in part.sides


def _shown(row: Row, choice: Choice) -> bool:
    """What has a name in mails, or was asked for."""
    return bool(choice.measures) or row.measure in NAMES


def _title(parts: Sequence[Part]) -> str:
    names = dict.fromkeys(side.mechanism for part in parts for side in part.sides)
    loads = dict.fromkeys(part.load.about["title"] for part in parts)
    runs = dict.fromkeys(
        f", {part.group.base.label} to {part.group.others[0].label}" for part in parts if part.title
    )
    return f"{', '.join(names)}{''.join(runs)}: {'; '.join(loads)}"


def _opening(groups: Sequence[Group], rows: Sequence[Row]) -> list[Block]:
    version = groups[0].base.run.versions.get("pagereel", "unknown")
    warnings = dict.fromkeys(told for group in groups for told in unalike(group))
    kernel = "A simulation of the Linux page allocator (pagereel"
    other = any(other_requests(group) for group in groups)
    same = "not all with the same requests" if other else "the same requests under each mechanism"
    return [
        Paragraph(f"{kernel} {version}): {same}."),
        *(Paragraph(told) for told in warnings),
        *(Paragraph(told) for told in few_seeds(groups, rows)),
        Paragraph(read_words(groups, rows)),
    ]


def _each(parts: Sequence[Part], title: str, blocks: Callable[[Part], list[Block]]) -> list[Block]:
    """A section with what each part has to say; none where no part has."""
    told = [(part, blocks(part)) for part in parts]
    found = [block for part, own in told if own for block in (*heading(part, parts), *own)]
    return [Heading(title), *found] if found else []


def _summary(parts: Sequence[Part]) -> list[Block]:
    return _each(parts, "Summary", _summary_of)


def _summary_of(part: Part) -> list[Block]:
    found, seeds = by_key(part.rows), seeds_of(part.rows)
    lines: list[Line] = []
    for measure in SUMMARY:
        keys = [key for key in found if key[1] == measure and not is_zero(found[key])]
        if measure == ATTEMPTS:
            key_phases = part.load.key_phases
            keys = [key for key in keys if part.workload == STRESS or key[0] in key_phases]
        elif measure in METRICS:
            keys = keys[-1:]
        lines += [line_of(part.group, found[key], seeds, _with_phase(found[key])) for key in keys]
    if not lines:  # other measures were asked for
        lines = [line_of(part.group, of, seeds) for of in found.values()]
    return [table_of(part.group, lines[:SUMMARY_LINES])] if lines else []


def _with_phase(rows: Sequence[Row]) -> str:
    """A row's label with its phase, where that isn't in its name."""
    label, phase = label_of(rows[0]), rows[0].phase
    passes = rows[0].measure == ATTEMPTS and rows[0].workload == STRESS
    return label if phase == TOTAL or passes else f"{label}, {phase}"


def _by_phase(part: Part) -> list[Block]:
    seeds = seeds_of(part.rows)
    rows: list[Line | Band] = []
    for phase in part.load.phases:
        name = phase["name"]
        lines, _ = lines_where(
            part.group,
            part.rows,
            seeds,
            lambda row, n=name: row.phase == n and row.measure in METRICS,
        )
        if lines:
            rows += [Band(f"{name}: {phase['title']}"), *lines]
    return [table_of(part.group, rows)] if rows else []


def _events(part: Part) -> list[Block]:
    lines, zero = lines_where(
        part.group, part.rows, seeds_of(part.rows), lambda row: row.measure in FRAGMENTING
    )
    if not lines:
        return [Paragraph("There were none.")] if zero else []
    silent = [
        side.label for side in part.sides if not side.run.tells_types(side.mechanism, part.workload)
    ]
    why = f"{', '.join(silent)}: mobilities aren't told apart there, so no event is counted."
    return [*([Paragraph(why)] if silent else []), table_of(part.group, lines)]


def _failures(part: Part) -> list[Block]:
    lines, _ = lines_where(
        part.group, part.rows, seeds_of(part.rows), lambda row: row.measure in FAILURES
    )
    return [table_of(part.group, lines)] if lines else []


def _costs(part: Part) -> list[Block]:
    seeds, blocks, all_zero = seeds_of(part.rows), [], []
    for told, better in (("", ("lower", "higher")), ("Neither good nor bad; + is more:", ("-",))):
        lines, zero = lines_where(
            part.group,
            part.rows,
            seeds,
            lambda row, b=better: (
                row.phase == TOTAL and row.measure in COSTS and row.about.better in b
            ),
        )
        all_zero += zero
        if lines:
            blocks += [*([Paragraph(told)] if told else []), table_of(part.group, lines)]
    return [*blocks, *map(Paragraph, _without_counts(part, all_zero))]


def _without_counts(part: Part, zero: Sequence[str]) -> list[str]:
    """Why there are no figures of some costs, in sentences; `zero`: measures that are 0."""
    resting = [] if _reclaims(part) else [name for name in zero if name in RECLAIM]
    others = [name for name in zero if name not in resting]
    told = []
    if resting:
        why = "nothing is reclaimed, for memory is freed by the requests alone"
        told.append(f"Not at work here ({why}): {', '.join(map(name_of, resting))}.")
    if others:
        told.append(f"Zero everywhere: {', '.join(map(name_of, others))}.")
    in_vain = [
        side.label
        for side in part.sides
        if side.run.compacts_in_vain(side.mechanism, part.workload)
    ]
    if in_vain and any(row.measure in COMPACTIONS for row in part.rows):
        told.append(
            f"{', '.join(in_vain)}: no pageblock is movable there, so compaction finds nowhere to "
            "move pages to and moves none; that is no merit, and not compared."
        )
    return told


def _reclaims(part: Part) -> bool:
    """Whether pages are reclaimed under any mechanism: so it says in what made its recordings."""
    made_by = [
        side.run.loads[part.workload].mechanisms[side.mechanism]["made_by"] for side in part.sides
    ]
    return any(KSWAPD in made or not made.startswith("simulated") for made in made_by)


def _geometric(parts: Sequence[Part]) -> list[Block]:
    """Of each group, over all its loads, at rest: other phases aren't alike."""
    blocks: list[Block] = []
    phases: dict[str, None] = {}
    for group in dict.fromkeys(part.group for part in parts):
        at_rest = [
            row
            for part in parts
            if part.group is group
            for row in part.rows
            if row.phase in part.load.rest_phases
        ]
        lines = geometric_lines(group, at_rest)
        if lines:
            phases |= dict.fromkeys(row.phase for row in at_rest)
            blocks += [
                *([Paragraph(f"{group.title}:")] if group.title else []),
                table_of(group, lines),
            ]
    if not blocks:
        return []
    why = (
        "Of the ratios to the baseline, over the key phases at rest "
        f"({', '.join(phases)}); none where a figure is 0."
    )
    return [Heading("Geometric means at rest"), Paragraph(why), *blocks]


def _definitions(rows: Sequence[Row]) -> list[Block]:
    told = definitions(rows)
    return [Heading("What the rows are"), Items(told)] if told else []


def _plots(parts: Sequence[Part]) -> list[Block]:
    blocks: list[Block] = []
    for part in parts:
        rows = chief_of(part)
        if not rows:
            continue
        known = [
            (part.group.base, rows[0].before),
            *((r.other, r.after) for r in rows if part.group.others),
        ]
        sides = [(side.label, np.asarray(values)) for side, values in known]
        title, items = chief_words(part.load, rows, bool(part.group.others))
        blocks += [*heading(part, parts), Paragraph(title), Verbatim(tuple(dot_plot(sides)))]
        blocks += [Items(tuple(items))] if items else []
    return [Heading("Seed by seed"), *blocks] if blocks else []


def _repeat(groups: Sequence[Group]) -> list[Block]:
    sides = [side for group in groups for side in (group.base, *group.others)]
    runs = list({id(side.run): side.run for side in sides}.values())
    names = ["out"] if len(runs) == 1 else ["base", "new", *map(str, range(3, len(runs) + 1))]
    lines = [
        line
        for run, name in zip(runs, names, strict=False)
        for line in command_lines(run.run, name)
    ]
    if len(runs) == 2:
        lines.append("pagereel mail new base")
    files = list(dict.fromkeys(file for run in runs for file in foreign_files(run.run)))
    blocks: list[Block] = [Heading("To repeat it"), Verbatim(tuple(lines))]
    if files:
        blocks.append(
            Paragraph(
                f"It takes what isn't part of pagereel: {', '.join(files)}. "
                "pagereel testcase export puts it with all the rest into a folder."
            )
        )
    versions = dict.fromkeys(
        ", ".join(
            f"{VERSIONS[name]} {version}"
            for name, version in run.versions.items()
            if name in VERSIONS
        )
        for run in runs
    )
    return [*blocks, *(Paragraph(f"Made with {told}.") for told in versions if told)]


# What they are called in mails. The code is that of the figures, not of what compares them.
VERSIONS = {
    "pagereel": "pagereel",
    "code": "code of figures",
    "core": "core",
    "python": "python",
    "numpy": "numpy",
    "platform": "platform",
}
