"""The command line. Heavy imports wait inside the commands: help and completion stay quick."""

import os
import signal
import sys
from pathlib import Path

import click

from pipeline import cli_capture, cli_evidence, options

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
LISTS = ("mechanisms", "workloads", "metrics", "artefacts", "classes", "phases")


def main() -> None:
    """Entry of the console script: one line for every fault; exit code 1 failure, 2 usage."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # it cleans up as Ctrl-C does
    try:
        sys.exit(commands(standalone_mode=False))
    except click.exceptions.Abort:
        _fail("stopped", 130)
    except click.ClickException as error:
        _fail(error.format_message(), error.exit_code)
    except Exception as error:
        _fail(*_told(error))


def _fail(text: str, code: int) -> None:
    print(f"pagereel: {text}", file=sys.stderr)
    sys.exit(code)


def _told(error: Exception) -> tuple[str, int]:
    """One line and an exit code for an exception."""
    from pipeline.faults import FAILURES, USAGE

    if isinstance(error, USAGE):
        return str(error), 2
    if isinstance(error, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    if isinstance(error, OSError):
        return f"{error.filename or 'output'}: {error.strerror or error}", 1
    if isinstance(error, MemoryError):
        return "out of memory", 1
    if isinstance(error, FAILURES):
        return str(error), 1
    if os.environ.get("PAGEREEL_TRACEBACK"):
        raise error
    told = " ".join(f"{type(error).__name__}: {error}".split())
    return f"internal fault: {told} (PAGEREEL_TRACEBACK=1 shows where)", 1


@click.group(cls=options.Group, context_settings=CONTEXT)
@click.version_option(package_name="pagereel")
def commands() -> None:
    """Show what a page-grouping mechanism does to physical memory.

    Simulates the Linux page allocator under a stream of requests, keeps what every page held as a
    recording, and makes videos, sheets, figures and tables of it.
    """


@commands.command()
@click.argument("config", required=False, type=click.Path(path_type=Path), metavar="[CONFIG.toml]")
@options.workloads
@options.of_runs
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("output/main"),
              show_default=True, help="The run folder.")  # fmt: skip
@options.jobs
@options.force
@options.resume
def run(
    config: Path | None, output: Path, jobs: int, force: bool, resume: bool, **options: object
) -> None:
    """Record workloads x mechanisms x seeds and make every artefact.

    Without CONFIG: the shipped real stream under 6.1-off, 6.1-list, 6.1-zone and 6.1-both.
    Options override the file.
    """
    from pipeline.run_command import run_command

    run_command(config, output, jobs, force, resume, options)


@commands.command()
@click.argument("stream", type=click.Path(path_type=Path))
@options.of_runs
@options.output
@options.jobs
@options.force
@options.resume
def replay(
    stream: Path, output: Path, jobs: int, force: bool, resume: bool, **options: object
) -> None:
    """The same for one recorded request stream: a folder with requests.npz, or a packed .npz."""
    from pipeline.run_command import replay_command

    replay_command(stream, output, jobs, force, resume, options)


@commands.command(name="list")
@click.argument("kind", type=click.Choice(LISTS))
@click.option("-w", "--workload", help="Whose phases.  [default: the shipped real stream]")
@options.json
def list_command(kind: str, workload: str | None, as_json: bool) -> None:
    """What there is to choose from."""
    from pipeline.show import show_list

    show_list(kind, workload, as_json)


@commands.command()
@click.argument("name", metavar="MECHANISM", shell_complete=options.names_of("mechanisms"))
@options.parameters
def mechanism(name: str, parameters: tuple[str, ...]) -> None:
    """A mechanism as a TOML file with all its entries, to begin one's own with.

    MECHANISM: a built-in one, or a file, whose base is then filled in.
    """
    from pipeline.mechanism_text import show_mechanism

    show_mechanism(name, parameters)


@commands.command()
@click.argument("recording", type=click.Path(path_type=Path))
@options.json
def info(recording: Path, as_json: bool) -> None:
    """What a recording is and where it comes from."""
    from pipeline.show import show_info

    show_info(recording, as_json)


@commands.command()
@click.argument("path", type=click.Path(path_type=Path), metavar="RECORDING|VIDEO|STILL")
@click.argument("recordings", type=click.Path(path_type=Path), nargs=-1, metavar="[RECORDING]...")
@click.option("--stream", type=click.Path(path_type=Path), help="Where the replayed stream is.")
@options.json
def verify(path: Path, recordings: tuple[Path, ...], stream: Path | None, as_json: bool) -> None:
    """Check a recording: whole, made again the same, shown truly by the videos beside it.

    A video (.mp4, .mkv): every page's class and every counter still readable, as in its recordings
    and series.csv. A still (.png): the same, and it exists in its video. RECORDING...: those that
    it shows, where they don't lie beside it.
    """
    from pipeline.show import show_verify

    sys.exit(show_verify(path, list(recordings), stream, as_json))


@commands.command()
@options.recordings
@options.output
@options.layout
@options.palette
@options.size
@options.pfn
@options.difference
@click.option("--captions", is_flag=True, help="What the findings say, below the pages.")
@click.option("--lossless", is_flag=True, help="Every pixel as in a still, into FILE.mkv.")
@click.option("--max-size", metavar="SIZE",
              help="Of FILE.webp or .gif, as in 2MB: fewer frames, then smaller ones.")  # fmt: skip
@options.fps
@options.force
def video(recordings: tuple[Path, ...], output: Path, **options: object) -> None:
    """A video: of one recording, or of several on one clock. Into a folder: each, and all.

    FILE.webp or FILE.gif: a small animation instead of an MP4. --lossless: a master for mpv, VLC
    and ffmpeg; browsers don't play it.
    """
    from pipeline.draw import draw_video

    draw_video(list(recordings), output, **options)


@commands.command()
@options.recordings
@options.output
@options.layout
@options.palette
@options.pfn
@options.difference
@click.option("--phase", "phases", multiple=True, help="A column; repeat for more.")
@options.force
def sheet(recordings: tuple[Path, ...], output: Path, **options: object) -> None:
    """A comparison sheet, mechanism by phase, as PNG."""
    from pipeline.draw import draw_sheet

    draw_sheet(list(recordings), output, **options)


@commands.command()
@options.recordings
@options.output
@options.layout
@options.palette
@options.size
@options.pfn
@options.difference
@click.option("--frame", type=click.IntRange(0), help="Which.  [default: of greatest difference]")
@click.option("--phase", help="The frame at which that phase's figures are taken.")
@options.force
def still(recordings: tuple[Path, ...], output: Path, **options: object) -> None:
    """One frame as PNG."""
    from pipeline.draw import draw_still

    draw_still(list(recordings), output, **options)


@commands.command()
@options.recordings
@options.output
@click.option("--columns", type=click.Choice(["one", "two", "slide"]), default="two",
              show_default=True, help="For a paper's one or two columns, or a slide.")  # fmt: skip
@options.force
def figures(recordings: tuple[Path, ...], output: Path, **options: object) -> None:
    """The metrics as curves, as PNG, SVG and PDF, into a folder; the data of each as CSV.

    Recordings of one mechanism with several seeds: their mean, from the least to the greatest.
    """
    from pipeline.draw import draw_figures

    draw_figures(list(recordings), output, **options)


@commands.command()
@click.argument("recording", type=click.Path(path_type=Path))
@click.option("--kind", "kinds", multiple=True, metavar="KIND",
              help="fallback, claim or failure; repeat for more.  [default: all]")  # fmt: skip
@click.option("--at", "ops", type=click.IntRange(0), multiple=True, metavar="OP",
              help="What happened at that operation; repeat for more.")  # fmt: skip
@click.option("--most", type=click.IntRange(1), default=12, show_default=True,
              help="How many at most, evenly chosen.")  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path),
              help="A video (.mp4) in slow motion around them, instead of text.")  # fmt: skip
@click.option("--stream", type=click.Path(path_type=Path), help="Where the replayed stream is.")
@options.layout
@options.palette
@options.size
@options.pfn
@options.fps
@options.force
def explain(recording: Path, **options: object) -> None:
    """What the allocator did and why: fallbacks, claims, failures; in words or in slow motion."""
    from pipeline.explain.command import explain_command

    explain_command(recording, **options)


@commands.command()
@options.recordings
@options.output
@options.layout
@options.force
def report(recordings: tuple[Path, ...], output: Path, **options: object) -> None:
    """One page for a browser with every frame, of recordings or of a run folder; no network."""
    from pipeline.draw import draw_report

    draw_report(list(recordings), output, **options)


@commands.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--configs", type=click.Path(path_type=Path),
              help="A folder of TOML files, one a run: tells which run is missing or "
              "outdated.")  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path),
              help="The page.  [default: FOLDER/index.html]")  # fmt: skip
@options.force
def index(folder: Path, **options: object) -> None:
    """One page for a browser on the runs in FOLDER: pictures, key figures, links; no network.

    Runs that are unfinished, broken or outdated are said to be so.
    """
    from pipeline.index.command import index_command

    index_command(folder, **options)


@commands.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("other", required=False, type=click.Path(path_type=Path), metavar="[RUN]")
@click.option("--metric", "metrics", multiple=True, shell_complete=options.names_of("metrics"),
              help="Only this one; repeat for more.")  # fmt: skip
@click.option("--phase", "phases", multiple=True, help="Only this one; repeat for more.")
def table(run: Path, other: Path | None, **options: object) -> None:
    """A run's summary as text in 72 columns; of two runs, both and their difference."""
    from pipeline.text_table import show_table

    show_table(run, other, **options)


for command in (cli_evidence.mail, cli_evidence.diff, cli_evidence.gate):
    commands.add_command(command)


@commands.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--rule", "rules", multiple=True, metavar="RULE",
              help="Only what this one found; repeat for more.")  # fmt: skip
@options.json
def findings(run: Path, rules: tuple[str, ...], as_json: bool) -> None:
    """What is worth pointing at in a run, found by rule, as text in 72 columns."""
    from pipeline.findings.text import show_findings

    show_findings(run, rules, as_json)


@commands.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path),
                metavar="FOLDER...")  # fmt: skip
@click.option("--starts", type=click.IntRange(2, 1000), default=10, show_default=True,
              help="Perturbed starts, for the noise.")  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path),
              help="Where truth.csv, truth.txt and a picture of each FOLDER go.")  # fmt: skip
@options.jobs
@options.force
def truth(folders: tuple[Path, ...], **options: object) -> None:
    """How true the simulator is: replays beside what real kernels did.

    FOLDER: a recording with its series.csv and snapshots. Each stream is replayed under every
    mechanism that one of them ran under, and under a bare buddy.
    """
    from pipeline.truth.command import truth_command

    truth_command(list(folders), **options)


@commands.command()
@click.argument("stream", required=False, default="debian-6.1-churn",
                shell_complete=options.names_of("workloads"))  # fmt: skip
@click.option("-m", "--mechanism", metavar="MECHANISM",
              shell_complete=options.names_of("mechanisms"),
              help="Name or TOML file.  [default: the recorded one, else 6.1-list]")  # fmt: skip
@click.option("--starts", type=click.IntRange(2, 1000), default=10, show_default=True,
              help="Perturbed starts, for the noise.")  # fmt: skip
@click.option("--rule", "rules", multiple=True, help="Only this one; repeat for more.")
@click.option("--phase", "phases", multiple=True,
              help="Only this one; repeat for more.  [default: key ones, the last]")  # fmt: skip
@click.option("--metric", "metrics", multiple=True, shell_complete=options.names_of("metrics"),
              help="Only this one; repeat for more.")  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path),
              help="Where ablation.csv, ablation.txt and a figure of them go.")  # fmt: skip
@options.jobs
@options.force
def ablate(stream: str, **options: object) -> None:
    """Which rule of a mechanism moves what: each switched off in turn, beside all on.

    STREAM: a built-in workload, or a recorded stream: a folder with requests.npz, or an .npz.
    Told is what lies beyond the noise of perturbed starts.
    """
    from pipeline.ablation.command import ablate_command

    ablate_command(stream, **options)


commands.add_command(cli_evidence.sweep)


@commands.command()
@click.argument("numbers", metavar="[CLAIM]...", type=int, nargs=-1)
@click.option("--seeds", type=click.IntRange(1, 1000), default=10, show_default=True,
              help="How many runs of each setting.")  # fmt: skip
@click.option("--memory-mib", type=click.FloatRange(64, 65536), default=1024, show_default=True,
              help="Of the simulated machine; some claims take a share of it.")  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path),
              help="Where claims.txt and claims.csv go.")  # fmt: skip
@options.jobs
@options.force
def claims(numbers: tuple[int, ...], **options: object) -> None:
    """The published claims on grouping: which of them come out of the rules.

    CLAIM: a claim's number, 1 to 25; left out: all.
    """
    from pipeline.claims.command import claims_command

    claims_command(numbers, **options)


commands.add_command(cli_evidence.testcase)
commands.add_command(cli_evidence.find_breakdown)
commands.add_command(cli_capture.import_)


@commands.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a shell: eval "$(pagereel completion bash)"."""
    from click.shell_completion import get_completion_class

    maker = get_completion_class(shell)
    click.echo(maker(commands, {}, "pagereel", "_PAGEREEL_COMPLETE").source())
