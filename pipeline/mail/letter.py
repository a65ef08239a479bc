"""The mail as a document: first what matters, then how it came about, then what it doesn't say."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

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
from pipeline.comparison.names import CHIEF, NAMES, SINCE_THE_START, STRESS, SUMMARY
from pipeline.comparison.rows import (
    ATTEMPTS,
    Choice,
    Row,
    other_requests,
    rows_of,
    unalike,
    workloads_of,
)
from pipeline.comparison.runs import Load
from pipeline.comparison.sides import Group, Side
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
from pipeline.mail.dot_plot import dot_plot
from pipeline.mail.limits import limits
from pipeline.mail.repeat import command_lines, foreign_files
from pipeline.mail.statistics import chief_words, few_seeds, read_words, said
from pipeline.measures import COSTS, FRAGMENTING, TOTAL
from pipeline.metrics import METRICS
from workloads import WORKLOADS

SUMMARY_LINES = 10


class Part(NamedTuple):
    """A group's rows of one load."""

    group: Group
    workload: str
    load: Load
    rows: list[Row]

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


def letter(groups: Sequence[Group], choice: Choice) -> tuple[Document, list[Row]]:
    """The mail of some groups, and the rows that it has. Raises UsageError."""
    parts = parts_of(groups, choice)
    rows = [row for part in parts for row in part.rows if _shown(row, part, choice)]
    parts = [part._replace(rows=[r for r in rows if _is_of(r, part)]) for part in parts]
    blocks = [
        *_opening(groups, rows),
        *_summary(parts),
        *_what_was_run(parts),
        *_each(parts, "At rest and under load, by phase", _by_phase),
        *_each(parts, "Fragmentation events, whole run", _events),
        *_each(parts, "Cost counters, whole run", _costs),
        *_geometric(groups, rows),
        *_plots(parts),
        Heading("What the statistics say"),
        Items(tuple(said(groups, rows))),
        Heading("What this does not say"),
        Items(limits([part.load for part in parts])),
        *_repeat(groups),
    ]
    return Document(_title(parts), tuple(blocks)), rows


def _is_of(row: Row, part: Part) -> bool:
    own = (part.group.base, *part.group.others)
    return row.workload == part.workload and row.base == part.group.base and row.other in own


def _shown(row: Row, part: Part, choice: Choice) -> bool:
    """What has a name in mails, or was asked for; counts since the start at the last phase only."""
    if choice.measures:
        return True
    if row.measure in SINCE_THE_START and not choice.phases:
        return row.phase == part.load.key_phases[-1]
    return row.measure in NAMES


def _title(parts: Sequence[Part]) -> str:
    names = dict.fromkeys(
        side.mechanism for part in parts for side in (part.group.base, *part.group.others)
    )
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


def _heading(part: Part, parts: Sequence[Part]) -> list[Block]:
    """Which part it is, where there are several."""
    several_loads = len({p.workload for p in parts}) > 1
    told = ", ".join(filter(None, (part.title, part.workload if several_loads else "")))
    return [Paragraph(f"{told}:")] if told else []


def _each(
    parts: Sequence[Part], heading: str, blocks: Callable[[Part], list[Block]]
) -> list[Block]:
    """A section with what each part has to say; none where no part has."""
    told = [(part, blocks(part)) for part in parts]
    found = [block for part, own in told if own for block in (*_heading(part, parts), *own)]
    return [Heading(heading), *found] if found else []


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


def _what_was_run(parts: Sequence[Part]) -> list[Block]:
    blocks: list[Block] = [Heading("What was run")]
    loads = {part.workload: part for part in parts}
    for name, part in loads.items():
        about = part.load.about
        parameters = ", ".join(f"{k}={v}" for k, v in about.get("parameters", {}).items())
        entries = [
            f"Workload {name}: {_source(name, about)}.",
            f"Machine: {about['machine']}. {about['operations']:,} operations.",
            *([f"Parameters: {parameters}."] if parameters else []),
            _digests(part.load),
        ]
        blocks.append(Items(tuple(entries)))
    blocks += [Paragraph("Mechanisms:"), Items(tuple(dict.fromkeys(_mechanisms(parts))))]
    for name, part in loads.items():
        of = f" in {name}" if len(loads) > 1 else ""
        starred = part.load.key_phases if len(part.load.key_phases) < len(part.load.phases) else []
        key = "; key phases have a star" if starred else ""
        phases = tuple(
            f"{phase['name']}{'*' if phase['name'] in starred else ''}: {phase['title']}"
            for phase in part.load.phases
        )
        blocks += [Paragraph(f"What happens{of}{key}:"), Items(phases)]
    return blocks


def _source(name: str, about: dict) -> str:
    """Where a load comes from; a synthetic one's own words name one seed of several."""
    synthetic = name in WORKLOADS and not about.get("recorded_mechanism")
    return WORKLOADS[name][1] if synthetic else about["source"]


def _digests(load: Load) -> str:
    seeds = sorted(load.digests)
    told = f"Stream of seed {seeds[0]}: digest {load.digests[seeds[0]]}"
    if len(seeds) > 1:
        same = len(set(load.digests.values())) == 1
        told += "; the same requests with all seeds" if same else "; each seed has another"
    return f"{told}."


def _mechanisms(parts: Sequence[Part]) -> list[str]:
    told, several = [], len({part.workload for part in parts}) > 1
    for part in parts:
        for side in (part.group.base, *part.group.others):
            entry = side.run.loads[part.workload].mechanisms[side.mechanism]
            name = (
                entry["label"]
                if side.label == side.mechanism
                else f"{side.label}: {entry['label']}"
            )
            rule = entry["made_by"].partition("; kswapd ")[2]
            kswapd = f" Kswapd: {rule}." if rule else ""
            load = f", in {part.workload}" if several else ""
            told.append(
                f"{name}{load}: {entry['title']}. {entry['source'].rstrip('.')}.{kswapd} "
                f"{_zones(entry['geometry'])}"
            )
    return told


def _zones(geometry: dict) -> str:
    """How large each zone is, and what all of them keep free."""
    page_kib = geometry["page_size_bytes"] // 1024
    sizes = ", ".join(
        f"{zone['name']} {zone['managed_pages'] * page_kib / 1024:.0f} MiB"
        for zone in geometry["zones"]
    )
    kept_kib = sum(zone["min_pages"] for zone in geometry["zones"]) * page_kib
    return f"Zones: {sizes}; MIN watermarks {kept_kib} KiB in all."


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
        side.label for side in (part.group.base, *part.group.others) if _without_events(part, side)
    ]
    why = f"{', '.join(silent)}: mobilities aren't told apart there, so no event is counted."
    return [*([Paragraph(why)] if silent else []), table_of(part.group, lines)]


def _without_events(part: Part, side: Side) -> bool:
    return not side.run.loads[part.workload].mechanisms[side.mechanism]["tells_types"]


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
    if all_zero:
        blocks.append(Paragraph(f"Zero everywhere: {', '.join(all_zero)}."))
    return blocks


def _geometric(groups: Sequence[Group], rows: Sequence[Row]) -> list[Block]:
    blocks: list[Block] = []
    for group in groups:
        lines = geometric_lines(group, [row for row in rows if row.base == group.base])
        if lines:
            blocks += [
                *([Paragraph(f"{group.title}:")] if group.title else []),
                table_of(group, lines),
            ]
    if not blocks:
        return []
    why = "Of the ratios to the baseline, over the rows above; none where a figure is 0."
    return [Heading("Geometric means over phases"), Paragraph(why), *blocks]


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
        blocks += [*_heading(part, parts), Paragraph(title), Verbatim(tuple(dot_plot(sides)))]
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
        ", ".join(f"{name} {version}" for name, version in run.versions.items() if name in VERSIONS)
        for run in runs
    )
    return [*blocks, *(Paragraph(f"Made with {told}.") for told in versions if told)]


VERSIONS = ("pagereel", "core", "python", "numpy", "platform")
