"""`pagereel testcase check`: a testcase run again, and held against what was expected."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.measures import SEEDS_COLUMNS
from pipeline.metadata import versions
from pipeline.plain_text import joined, paragraph
from pipeline.testcase.folder import OF_BYTES, Testcase, read
from pipeline.testcase.record import Made, figures_of, made_anew

KEY = list(SEEDS_COLUMNS[:-1])
SHOWN = 12  # figures that differ, told one by one


def check_command(folder: Path, jobs: int) -> int:
    """Run the testcase again and print what came out; the exit code. Raises as `read`, `record`."""
    testcase = read(folder)
    made = made_anew(testcase.config, jobs)
    now = versions()
    text, passed = report(testcase, made, now)
    print(text, end="")
    return 0 if passed else 1


def report(testcase: Testcase, made: Sequence[Made], now: dict[str, str]) -> tuple[str, bool]:
    """The text in 72 columns, and whether all that counts is as expected; `now`: the versions."""
    then = testcase.about.versions
    others = [name for name in OF_BYTES if then.get(name) != now[name]]
    figures = figures_of(made)
    bytes_lines, bytes_same = _bytes(testcase, made)
    figure_lines, figures_same = _figures(testcase.expected, figures)
    symptom_lines, shows = _symptom(testcase, figures)
    passed = not testcase.changed and figures_same and shows and (bytes_same or bool(others))
    lines = [
        *paragraph(f"Testcase: {testcase.about.symptom or 'no symptom in words'}"),
        *_versions(others, then, now),
        *_changes(testcase.changed),
        *bytes_lines,
        *figure_lines,
        *symptom_lines,
        "",
        "As expected." if passed else "NOT as expected.",
    ]
    return joined(lines), passed


def _versions(others: Sequence[str], then: dict[str, str], now: dict[str, str]) -> list[str]:
    if not others:
        return []
    told = ", ".join(f"{name} {then.get(name, '?')} then and {now[name]} now" for name in others)
    return paragraph(
        f"Other versions: {told}. Bytes may differ; figures and symptom are what is judged."
    )


def _changes(changed: Sequence[str]) -> list[str]:
    if not changed:
        return []
    told = f"Changed since it was exported: {', '.join(changed)}. Export it anew if that is meant."
    return ["", *paragraph(told)]


def _bytes(testcase: Testcase, made: Sequence[Made]) -> tuple[list[str], bool]:
    wanted = {one.file: one for one in testcase.about.recordings}
    other = [one for one in made if one.sha256 != wanted[one.file].sha256]
    lines = ["", f"Recordings: {len(made) - len(other)} of {len(made)} with the same bytes"]
    for one in other:
        why = "" if one.stream == wanted[one.file].stream else "; its stream differs already"
        lines += paragraph(f"  {one.file}: other bytes{why}", indent="    ")
    return lines, not other


def _figures(expected: pd.DataFrame, now: pd.DataFrame) -> tuple[list[str], bool]:
    """Expected figures beside those of now; new ones, which a later version may have, are none."""
    table = expected.merge(now, "left", KEY, suffixes=("_expected", "_now"), indicator="known")
    same = np.isclose(
        table["value_expected"], table["value_now"], rtol=1e-9, atol=0, equal_nan=True
    ) & (table["known"] == "both")
    other = table[~same]
    lines = [f"Figures: {int(same.sum()):,} of {len(table):,} the same"]
    for row in other.head(SHOWN).itertuples():
        is_now = f"now {row.value_now:.10g}" if row.known == "both" else "not there now"
        lines += paragraph(
            f"  {row.workload} {row.mechanism} seed {row.seed}, {row.measure} at {row.phase}: "
            f"expected {row.value_expected:.10g}, {is_now}",
            indent="    ",
        )
    if len(other) > SHOWN:
        lines.append(f"  and {len(other) - SHOWN:,} more")
    return lines, other.empty


def _symptom(testcase: Testcase, figures: pd.DataFrame) -> tuple[list[str], bool]:
    if not testcase.conditions:
        return ["Symptom: given in words only, no condition to check"], True
    verdicts = [condition.judge(figures) for condition in testcase.conditions]
    shows = all(verdict.all_hold for verdict in verdicts)
    lines = [f"Symptom: {'still shows' if shows else 'does NOT show'}"]
    for condition, verdict in zip(testcase.conditions, verdicts, strict=True):
        lines += paragraph(f"  {verdict.told(condition)}", indent="    ")
    return lines, shows
