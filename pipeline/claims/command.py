"""`pagereel claims`: the published claims, checked."""

import sys
from collections.abc import Sequence
from pathlib import Path

from pipeline.atomic import write_text
from pipeline.claims.catalogue import CLAIMS
from pipeline.claims.compare import verdicts
from pipeline.claims.report import report, rows
from pipeline.claims.settings import MEMORY_MIB
from pipeline.config import UsageError, check_output
from pipeline.simulate import core_note


def claims_command(
    numbers: Sequence[int],
    seeds: int,
    memory_mib: float,
    output: Path | None,
    jobs: int,
    force: bool,
) -> None:
    """Print the text; with `output` write it there, with the table.

    Raises UsageError, MechanismError, WorkloadError, OSError.
    """
    known = {claim.number: claim for claim in CLAIMS}
    for number in numbers:
        if number not in known:
            raise UsageError(f"unknown claim {number}; there are 1 to {max(known)}")
    if output is not None:
        check_output(output, force, "results")
    if core_note():
        print(
            "pagereel: the core is not compiled (no C compiler at installation): this takes days",
            file=sys.stderr,
        )
    chosen = [known[number] for number in sorted(set(numbers))] or list(CLAIMS)
    found = verdicts(chosen, memory_mib, range(seeds), jobs)
    words = ["pagereel claims", *map(str, sorted(set(numbers))), f"--seeds {seeds}"]
    if memory_mib != MEMORY_MIB:
        words.append(f"--memory-mib {memory_mib:g}")
    text = report(found, memory_mib, seeds, " ".join(words))
    if output is not None:
        import pandas as pd

        from pipeline.artefacts.tables import write_csv

        output.mkdir(parents=True, exist_ok=True)
        write_csv(pd.DataFrame(rows(found)), output / "claims.csv")
        write_text(output / "claims.txt", text)
    print(text, end="")
