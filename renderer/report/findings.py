"""Findings as the page shows them: by rule, few at first; what every phase has as a table."""

import json
from dataclasses import replace

from renderer.report.report import Finding, Report

TABLED = ("huge_attempts", "in_the_way")  # found in each phase of each recording
SHOWN_FIRST = 2  # rows of a rule


def finding_groups(report: Report) -> list[dict]:
    """The findings by rule, by the first frame of each rule; without those of the tables.

    `first`: the rows to begin with, `more`: the others. Panels of which the same is to be said
    share a row.
    """
    groups: dict[str, list[dict]] = {}
    for row in _rows([f for f in report.findings if _phase_of(f, report) is None]):
        groups.setdefault(row["finding"].rule, []).append(row)
    return [
        {"name": _name(rule), "first": rows[:SHOWN_FIRST], "more": rows[SHOWN_FIRST:]}
        for rule, rows in groups.items()
    ]


def _rows(findings: list[Finding]) -> list[dict]:
    """Rows in the order of frames."""
    found = sorted(findings, key=lambda finding: (finding.first_frame, finding.first_pfn))
    rows: dict[Finding, list[int]] = {}
    for finding in found:
        of = rows.setdefault(replace(finding, panel=None), [])
        if finding.panel is not None:
            of.append(finding.panel)
    return [
        {"finding": finding, "panels": of, "pfns": _pfns(finding)} for finding, of in rows.items()
    ]


def finding_tables(report: Report) -> list[dict]:
    """A table for each rule of TABLED that found something: phases down, panels across."""
    tables = []
    for rule in TABLED:
        cells: dict[str, list[list[dict]]] = {}
        for finding in sorted(report.findings, key=lambda finding: finding.first_frame):
            phase = _phase_of(finding, report)
            if finding.rule == rule and phase is not None:
                row = cells.setdefault(phase, [[] for _ in report.panels])
                row[finding.panel].append(_cell(finding))
        if cells:
            tables.append({"name": _name(rule), "rows": cells})
    return tables


def _cell(finding: Finding) -> dict:
    return {"finding": finding, "text": _cell_text(finding), "pfns": _pfns(finding)}


def _cell_text(finding: Finding) -> str:
    """What the sentence says after the phase's name; of attempts the counts are enough."""
    if {"asked", "met"} <= finding.more.keys():
        return f"{finding.more['met']:,} of {finding.more['asked']:,} met"
    text = finding.sentence.partition(": ")[2]
    return text[:1].upper() + text[1:]


def _phase_of(finding: Finding, report: Report) -> str | None:
    """The phase that a finding of a table is about; None for all others."""
    phase = finding.sentence.partition(": ")[0]
    phases = report.panels[0].recording.header["phases"]
    tabled = finding.rule in TABLED and finding.panel is not None
    return phase if tabled and any(phase == each["name"] for each in phases) else None


def _pfns(finding: Finding) -> str:
    """Ranges of pages as JSON: [[first, last], ...]."""
    ranges = finding.pfns or ((finding.first_pfn, finding.last_pfn),)
    return json.dumps([[int(first), int(last)] for first, last in ranges], separators=(",", ":"))


def _name(rule: str) -> str:
    return rule.replace("_", " ")
