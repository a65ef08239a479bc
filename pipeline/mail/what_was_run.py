"""What a mail says of the loads, the machines and the mechanisms."""

from collections.abc import Sequence

from pipeline.comparison.document import Block, Heading, Items, Paragraph
from pipeline.comparison.runs import Load
from pipeline.mail.parts import KSWAPD, Part
from pipeline.plain_text import size_text
from workloads import WORKLOADS


def what_was_run(parts: Sequence[Part]) -> list[Block]:
    """The section."""
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
        for side in part.sides:
            entry = side.run.loads[part.workload].mechanisms[side.mechanism]
            name = (
                entry["label"]
                if side.label == side.mechanism
                else f"{side.label}: {entry['label']}"
            )
            rule = entry["made_by"].partition(KSWAPD)[2]
            kswapd = f" Kswapd: {rule}." if rule else ""
            load = f", in {part.workload}" if several else ""
            told.append(
                f"{name}{load}: {entry['title']}. {entry['source'].rstrip('.')}.{kswapd} "
                f"{_memory(entry)}"
            )
    return told


def _memory(entry: dict) -> str:
    """How large each zone is, what all of them keep free, and how many pageblocks are counted."""
    geometry = entry["geometry"]
    page_kib = geometry["page_size_bytes"] // 1024
    sizes = ", ".join(
        f"{zone['name']} {zone['managed_pages'] * page_kib / 1024:.0f} MiB"
        for zone in geometry["zones"]
    )
    kept_kib = sum(zone["min_pages"] for zone in geometry["zones"]) * page_kib
    size = size_text(page_kib << geometry["pageblock_order"])
    return (
        f"Zones: {sizes}; MIN watermarks {kept_kib} KiB in all. {entry['eligible_blocks']} "
        f"eligible pageblocks of {size}."
    )
