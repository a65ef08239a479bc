"""`pagereel findings`: what is worth pointing at in a run, as text in 72 columns."""

import json
from collections.abc import Sequence
from pathlib import Path

from pipeline.config import UsageError, check_names
from pipeline.findings import COMPARISONS, RULES
from pipeline.findings.finding import COLUMNS
from pipeline.plain_text import joined, paragraph
from pipeline.run_folder import RunFolder, read_table

FILE = "findings.csv"
NUMBERS = ("seed", "first_frame", "last_frame", "first_pfn", "last_pfn")


def show_findings(run: Path, rules: tuple[str, ...], as_json: bool) -> None:
    """Print a run's findings by frame, those of the named rules only. Raises UsageError."""
    check_names("rule", rules, [*RULES, *COMPARISONS], str(run))
    rows = [row for row in _rows(run) if not rules or row["rule"] in rules]
    print(json.dumps(rows, indent=2) if as_json else findings_text(rows), end="\n" * as_json)


def _rows(run: Path) -> list[dict]:
    folder = RunFolder.open(run)
    path = folder.folder / FILE
    try:
        table = read_table(path)[list(COLUMNS)].astype(dict.fromkeys(NUMBERS, int))
    except FileNotFoundError:
        raise UsageError(f"{path}: not there; the run made no findings") from None
    except (OSError, ValueError, KeyError) as error:
        raise UsageError(f"{path}: not readable: {error}") from None
    return table.to_dict("records")


def findings_text(rows: Sequence[dict]) -> str:
    """Findings one below the other; a heading where another workload or seed begins."""
    lines: list[str] = []
    headings = dict.fromkeys((row["workload"], row["seed"]) for row in rows)
    for workload, seed in headings:
        lines += [*([""] if lines else []), f"{workload}, seed {seed}"]
        for row in rows:
            if (row["workload"], row["seed"]) == (workload, seed):
                lines += ["", *paragraph(_place(row), "  ")]
                lines += paragraph(f"  {row['sentence']}", "  ")
    return joined(lines or ["Nothing was found."])


def _place(row: dict) -> str:
    frames = _range("frame", row["first_frame"], row["last_frame"])
    pfns = _range("pfn", row["first_pfn"], row["last_pfn"])
    return f"{row['mechanism']}, {frames}, {pfns} ({row['rule']})"


def _range(name: str, first: int, last: int) -> str:
    return f"{name} {first}" if first == last else f"{name}s {first} to {last}"
