"""Commands that compare, repeat and search; imports wait inside them, as in cli.py."""

import sys
from pathlib import Path

import click

from pipeline import options


@click.command()
@click.argument("run", metavar="RUN[:MECHANISM]")
@click.argument("base", required=False, default="", metavar="[BASE]")
@options.of_comparisons
def mail(
    run: str, base: str, base_mechanism: str, form: str, output: Path | None, force: bool,
    **chosen: tuple,
):  # fmt: skip
    """A run as a text for a mailing list: 72 columns, ASCII; baseline first, what is noise said.

    Each mechanism against the first; with BASE, another run, each against the same one there.
    """
    from pipeline.comparison.rows import Choice
    from pipeline.mail.command import mail_command

    mail_command(run, base, base_mechanism, Choice(**chosen), form, output, force)


@click.command()
@click.argument("base", metavar="BASE[:MECHANISM]")
@click.argument("new", required=False, default="", metavar="[NEW[:MECHANISM]]")
@click.option("--all", "everything", is_flag=True, help="Also what doesn't differ beyond noise.")
@options.of_comparisons
def diff(
    base: str, new: str, base_mechanism: str, everything: bool, form: str, output: Path | None,
    force: bool, **chosen: tuple,
):  # fmt: skip
    """What differs beyond noise between two runs, or two mechanisms of them; of one run, its own.

    Seeds are paired. Two runs without a mechanism: those that both have.
    """
    from pipeline.comparison.diff import diff_command
    from pipeline.comparison.rows import Choice

    chosen_rows = Choice(**chosen)
    diff_command(base, new, base_mechanism, chosen_rows, everything, form, output, force)


@click.command()
@click.argument("base", metavar="BASE[:MECHANISM]")
@click.argument("new", metavar="NEW[:MECHANISM]")
@click.option("--target", required=True, metavar="MEASURE[@PHASE]",
              help="What is to improve.  [default phase: the last that has a figure]")  # fmt: skip
@click.option("--fail-if", "limits", multiple=True, metavar="MEASURE[@PHASE]:-2%",
              help="A limit instead: fails where the mean is worse by more than 2 % of BASE's, or "
              "by -5 as it is; noise is no excuse. Repeat for more.")  # fmt: skip
@click.option(
    "--tolerance",
    default="0%",
    show_default=True,
    metavar="1%",
    help="Other rows may be worse by that much of BASE's mean, even beyond noise.",
)
@click.option(
    "--ignore",
    "ignored",
    multiple=True,
    metavar="MEASURE[@PHASE]",
    help="Not judged, and said so; repeat for more.",
)
@click.option("--workload", "workloads", multiple=True, help="Only this one; repeat for more.")
@click.option(
    "--phase",
    "phases",
    multiple=True,
    help="Judge other rows only here; 'total' for counts; repeat for more.  "
    "[default: key phases and total]",
)
@click.option("--rows", "every_row", is_flag=True, help="Print every row that was judged.")
def gate(base: str, new: str, **options: object) -> None:
    """Exit code 0 where the target improves and nothing else worsens beyond noise; else 1.

    All measures that have a better direction are judged together, at key phases and in total. A
    side that names no mechanism has that of the other side.
    """
    from pipeline.gate.command import gate_command

    sys.exit(gate_command(base, new, **options))


@click.command()
@click.argument("sweep", type=click.Path(path_type=Path), metavar="SWEEP.toml")
@options.output
@click.option("--measure", "measures", multiple=True, metavar="MEASURE",
              help="Drawn and told of; repeat for more.  "
              "[default: huge pages, unmovable blocks]")  # fmt: skip
@click.option("--phase", "phases", multiple=True,
              help="Where; repeat for more.  [default: the last key one]")  # fmt: skip
@click.option("--scheduler", metavar="tcp://HOST:PORT",
              help="Run the cells on the workers of this Dask scheduler.")  # fmt: skip
@click.option("--store", type=click.Path(path_type=Path), metavar="DIR",
              help="Where results are kept; sweeps may share it.  "
              "[default: results, in OUTPUT]")  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Only say how many cells, and how many are there.")
@click.option("--force", is_flag=True, help="Replace another sweep's table and figures.")
@options.jobs
def sweep(sweep: Path, output: Path, **options: object) -> None:
    """Mechanisms x workloads x parameters x seeds: one table, and figures over the parameters.

    Each result is kept under what it was made from: a sweep goes on where it was stopped, and with
    one more seed computes that seed alone. A file that names no workload is about the main one.
    """
    from pipeline.sweep.command import Options, sweep_command

    sweep_command(sweep, output, Options(**options))


@click.group(cls=options.Group)
def testcase() -> None:
    """A workload and what is seen with it, as one folder that anyone can run again."""


@testcase.command(name="export")
@click.argument("source", type=click.Path(path_type=Path), metavar="CONFIG.toml|RUN")
@options.output
@click.option("--symptom", default="", help="What is seen, in words.")
@click.option("--expect", multiple=True, metavar="CONDITION",
              help="What is seen, to be checked: '6.1-list potential_huge at rest < 6.1-zone by 8' "
              "or '> 20'; repeat for more.")  # fmt: skip
@options.jobs
@options.force
def testcase_export(source: Path, **options: object) -> None:
    """Write one: configuration, streams, mechanisms, symptom, figures, hashes, versions."""
    from pipeline.testcase.export import export_command

    export_command(source, **options)


@testcase.command(name="check")
@click.argument("folder", type=click.Path(path_type=Path))
@options.jobs
def testcase_check(folder: Path, jobs: int) -> None:
    """Run one again: same bytes, same figures, and does the symptom still show?

    With other versions of pagereel, numpy or zstandard bytes may differ; figures and symptom are
    what is judged then. Exit code 1 where they aren't as expected.
    """
    from pipeline.testcase.check import check_command

    sys.exit(check_command(folder, jobs))


@click.command(name="find-breakdown")
@click.option("-w", "--workload", default="kernel-bursts", show_default=True,
              shell_complete=options.names_of("workloads"),
              help="A built-in workload with parameters to search.")  # fmt: skip
@click.option("--base", default="6.1-list", show_default=True, metavar="MECHANISM",
              shell_complete=options.names_of("mechanisms"), help="Which is to fail.")  # fmt: skip
@click.option("--other", default="6.1-zone", show_default=True, metavar="MECHANISM",
              shell_complete=options.names_of("mechanisms"), help="Which is to hold.")  # fmt: skip
@options.parameters
@click.option("--tries", type=click.IntRange(1, 1_000_000), default=200, show_default=True,
              help="How many loads.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True,
              help="Of the search; the same seed finds the same.")  # fmt: skip
@options.output
@options.jobs
@options.force
def find_breakdown(**options: object) -> None:
    """Search for a load under which one mechanism breaks down and another holds.

    Half of the tries are at random, half around the best ones. A find is taken back towards the
    workload's usual values, run again with fresh seeds, and written as a testcase. Parameters that
    are set with -p stay.
    """
    from pipeline.breakdown.command import find_breakdown_command

    find_breakdown_command(**options)
