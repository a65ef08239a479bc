"""`pagereel import`: what others recorded or pasted, by its kind."""

import sys
from collections.abc import Callable
from pathlib import Path

from capture.errors import CaptureError
from capture.failure_report import read_reports
from capture.failure_text import report_lines
from capture.free_lists import read_free_lists, table_of
from capture.free_lists_text import readings_text
from pipeline.atomic import write_text
from pipeline.config import UsageError, check_file, check_names
from pipeline.plain_text import joined

STDIN = "-"
MOST_BYTES = 256 << 20  # of a pasted text: all of it is held in memory
NO_REPORT = (
    'no report of a failed request in it: there is no line with "page allocation failure: order:" '
    'or "invoked oom-killer:"'
)


def import_command(kind: str, source: str, output: Path | None, force: bool) -> None:
    """Print what there is to say of a source. Raises UsageError, CaptureError, RenderError."""
    check_names("kind", [kind], list(KINDS))
    KINDS[kind](source, output, force)


def import_dmesg(source: str, output: Path | None, force: bool) -> None:
    """Why requests failed, of each report in a log; with `output` as figures too."""
    reports = read_reports(_text(source))
    name = "standard input" if source == STDIN else source
    if not reports:
        raise CaptureError(f"{name}: {NO_REPORT}")
    bases = _bases(output, len(reports), force) if output else []
    blocks = ["\n".join(report_lines(report)) for report in reports]
    print(joined("\n\n".join(blocks).splitlines()), end="")
    if bases:
        from capture.failure_picture import draw, drawable

        for report, base in zip(reports, bases, strict=True):
            if drawable(report):
                draw(report, base, name)


def import_snapshots(source: str, output: Path | None, force: bool) -> None:
    """A folder with requests.npz and snapshots.npz as a recording: a frame for each snapshot."""
    from allocator.mechanism import load_mechanism
    from capture.snapshots import write_real
    from workloads.recorded import load_with_snapshots

    if output is None:
        raise UsageError("snapshots: -o FILE.reel says where the recording goes")
    _check_free(output, ".reel", force)
    folder = Path(source)
    stream, places = load_with_snapshots(folder)
    mechanism = load_mechanism(stream.start.mechanism)
    table = {"name": mechanism.name, "title": f"a real kernel: {mechanism.title}", "parameters": {}}
    output.parent.mkdir(parents=True, exist_ok=True)
    write_real(folder, stream, output, table, places)


def import_free_lists(source: str, output: Path | None, force: bool) -> None:
    """What pagetypeinfo and buddyinfo say; with `output` all readings as a CSV file."""
    readings, damaged = read_free_lists(_text(source))
    name = "standard input" if source == STDIN else source
    if not readings:
        raise CaptureError(f"{name}: neither pagetypeinfo nor buddyinfo in it")
    if output is not None:
        _check_free(output, ".csv", force)
        output.parent.mkdir(parents=True, exist_ok=True)
        write_text(output, table_of(readings))
    print(joined(readings_text(readings, damaged)), end="")


def _check_free(output: Path, ending: str, force: bool) -> None:
    """Raise UsageError for a name that a file can't have, or has already."""
    if output.suffix != ending:
        raise UsageError(f"{output}: the name must end in {ending}")
    check_file(output, force and not output.is_dir())


def _text(source: str) -> str:
    """All of a file, or of standard input; what isn't UTF-8 is replaced."""
    if source == STDIN:
        data, name = sys.stdin.buffer.read(MOST_BYTES + 1), "standard input"
    else:
        name = source
        try:
            with open(source, "rb") as file:
                data = file.read(MOST_BYTES + 1)
        except FileNotFoundError:
            raise UsageError(f"{source}: no such file") from None
        except IsADirectoryError:
            raise UsageError(f"{source}: a folder") from None
    if len(data) > MOST_BYTES:
        raise CaptureError(f"{name}: more than {MOST_BYTES >> 20} MiB; cut out what is asked about")
    return data.decode("utf-8", "replace")


def _bases(output: Path, count: int, force: bool) -> list[Path]:
    """Names of the figures without their endings: one, or one a report. Raises UsageError."""
    from renderer.figure_style import FORMATS

    base = output.with_suffix("") if output.suffix[1:] in FORMATS else output
    bases = (
        [base] if count == 1 else [base.with_name(f"{base.name}-{n}") for n in range(1, count + 1)]
    )
    for one in bases:
        for ending in FORMATS:
            check_file(one.with_name(f"{one.name}.{ending}"), force)
    base.parent.mkdir(parents=True, exist_ok=True)
    return bases


KINDS: dict[str, Callable[[str, Path | None, bool], None]] = {
    "dmesg": import_dmesg,
    "pagetypeinfo": import_free_lists,
    "buddyinfo": import_free_lists,
    "snapshots": import_snapshots,
}
