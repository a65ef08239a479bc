"""Commands for data from real kernels; imports wait inside them, as in cli.py."""

from pathlib import Path

import click

from pipeline import options


@click.command(name="import")
@click.argument("kind", metavar="KIND")
@click.argument("source", default="-", metavar="[SOURCE]")
@click.option("-o", "--output", type=click.Path(path_type=Path),
              help="dmesg: a figure of each report as PNG, SVG and PDF, by this name; snapshots: "
              "the recording, .reel; else a CSV file of all readings.")  # fmt: skip
@options.force
def import_(kind: str, source: str, output: Path | None, force: bool) -> None:
    """What others recorded or pasted, read as far as it is certain.

    dmesg: reports of failed requests ("page allocation failure", "invoked oom-killer") in the log
    of a kernel, pasted from wherever. Says of each why it failed: too little memory, or enough but
    broken up, or only on lists that the request may not use.

    pagetypeinfo, buddyinfo: these files under /proc, once or logged again and again: what is free,
    in blocks how large, on whose lists.

    snapshots: a folder with requests.npz and snapshots.npz of a real kernel, as a recording.

    What can't be read is told with its line. SOURCE is a file; without one, standard input.
    """
    from capture.import_command import import_command

    import_command(kind, source, output, force)
