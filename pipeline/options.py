"""Options that several commands share."""

import os
from pathlib import Path

import click

# Those of the renderer, which is too heavy to ask here; a test holds them equal.
LAYOUTS = ("blocks", "rows", "boxes", "hilbert")
PALETTES = ("standard", "2007")
FORMATS = ("text", "markdown", "csv", "json", "latex")
SIZES = ("720p", "1080p", "1440p", "2160p")


class Group(click.Group):
    """Commands in the order in which one meets them."""

    def list_commands(self, context: click.Context) -> list[str]:
        """In the order of definition, not of names."""
        return list(self.commands)


def names_of(kind: str):
    """Completion of an option by the names that `pagereel list KIND` prints."""

    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
        from pipeline.show import rows_of

        return [row["name"] for row in rows_of(kind) if row["name"].startswith(incomplete)]

    return complete


def one_of(name: str, names: tuple[str, ...], text: str):
    """An option with some values; others are refused where they are used."""
    return click.option(
        f"--{name}", metavar=name.upper(), help=text,
        shell_complete=lambda c, p, i: [value for value in names if value.startswith(i)],
    )  # fmt: skip


output = click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="Where results go."
)
force = click.option("--force", is_flag=True, help="Replace what is there.")
resume = click.option(
    "--resume", is_flag=True,
    help="Go on with what was stopped there; alone, with whatever was begun in DIR.",
)  # fmt: skip
json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
jobs = click.option(
    "-j", "--jobs", type=click.IntRange(1), default=os.cpu_count() or 1, show_default=True,
    help="Tasks at a time.",
)  # fmt: skip
workloads = click.option(
    "-w", "--workload", "workloads", multiple=True, metavar="WORKLOAD",
    shell_complete=names_of("workloads"), help="A built-in workload; repeat for more.",
)  # fmt: skip
mechanisms = click.option(
    "-m", "--mechanism", "mechanisms", multiple=True, metavar="MECHANISM",
    shell_complete=names_of("mechanisms"), help="A mechanism's name or TOML file; repeat for more.",
)  # fmt: skip
parameters = click.option(
    "-p", "--parameter", "parameters", multiple=True, metavar="KEY=VALUE",
    help="kernelcore=50%, min_free_kbytes=16384, SECTION.ENTRY=... of the mechanisms, or a "
    "parameter of the workload.",
)  # fmt: skip
seeds = click.option(
    "--seed", "seeds", type=click.IntRange(0), multiple=True,
    help="Repeat for more. Of a recorded stream: 0 as recorded, others perturb its start.",
)  # fmt: skip
repeats = click.option(
    "--repeats", type=click.IntRange(0, 10_000),
    help="Further seeds, of which only figures are kept.  "
    "[default: as many as make ten for a recorded stream, else 0]",
)  # fmt: skip
frames = click.option(
    "--frames",
    type=click.IntRange(2, 100_000),
    help="About how many; each phase and each second has some in any case.  [default: 600]",
)


layout = one_of(
    "layout", LAYOUTS, f"How pages are laid out: {', '.join(LAYOUTS)}.  [default: blocks]"
)
palette = one_of("palette", PALETTES, f"Colours: {', '.join(PALETTES)}.  [default: standard]")
size = one_of("size", SIZES, f"Of the frame: {', '.join(SIZES)}.  [default: as the panels ask for]")
pfn = click.option(
    "--pfn", metavar="FIRST-LAST", help="Only the pageblocks of these pages; 0x for hexadecimal."
)
difference = click.option(
    "--difference", is_flag=True, help="Each recording but the first against the first."
)
fps = click.option("--fps", type=click.IntRange(1, 60), help="Frames a second.  [default: 20]")
only = click.option(
    "--only", "artefacts", multiple=True, metavar="ARTEFACT", shell_complete=names_of("artefacts"),
    help="Make this artefact only; repeat for more.",
)  # fmt: skip
recordings = click.argument(
    "recordings", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="RECORDING..."
)


def of_runs(command):
    """What `run` and `replay` have in common."""
    how_drawn = (only, fps, size, palette, layout)
    for option in (*how_drawn, frames, repeats, seeds, parameters, mechanisms):
        command = option(command)  # the last one stands first in the help
    return command


def of_comparisons(command):
    """What `mail` and `diff` have in common."""
    for option in (
        force,
        click.option("-o", "--output", type=click.Path(path_type=Path), help="A file, not stdout."),
        click.option("--format", "form", type=click.Choice(FORMATS), default="text",
                     show_default=True, help="How it is written."),
        click.option("--workload", "workloads", multiple=True, help="Only this; repeat for more."),
        click.option("--phase", "phases", multiple=True, help="Only this one; repeat for more."),
        click.option("--measure", "measures", multiple=True, help="Only this; repeat for more."),
        click.option("--base", "base_mechanism", default="", metavar="MECHANISM",
                     help="Of one run: which the others are held against.  [default: the first]"),
    ):  # fmt: skip
        command = option(command)  # the last one stands first in the help
    return command
