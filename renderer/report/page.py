"""The page itself: a template with its style and scripts inlined, and the packed frames."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

from markupsafe import Markup

from renderer import palette
from renderer.html_page import policy_hash, template, text_of, theme_rules
from renderer.output import RenderError, whole_file
from renderer.panel import check_panels, joined, source_text
from renderer.report.data import page_data
from renderer.report.events import left_out
from renderer.report.findings import finding_groups, finding_tables
from renderer.report.pack import deflated_text, pack
from renderer.report.places import extent_in_cells, pack_places
from renderer.report.report import Report
from renderer.report.rows import failure_rows, summary_tables

PACKAGE = "renderer.report"
SCRIPTS = ("state", "words", "decode", "maps", "clock", "chart", "axis", "inspect", "history",
           "overview", "sections", "link", "keys", "main")  # fmt: skip


def write_report(report: Report, path: Path, progress: Callable[[int, int], None]) -> None:
    """Write the page; `progress(done, all)` is called with frames.

    Raises PanelError, RecordingError, LayoutError, RenderError.
    """
    check_panels(report.panels)
    recordings = [panel.recording for panel in report.panels]
    orders = {recording.header["geometry"]["pageblock_order"] for recording in recordings}
    if len(orders) > 1:
        raise RenderError(f"{path}: recordings with pageblocks of different sizes")
    packed = pack(recordings, progress)
    extents = [extent_in_cells(r.header, p.cells) for r, p in zip(recordings, packed, strict=True)]
    places, place_texts = pack_places(extents)
    data = page_data(report, packed, places)
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    page = template(PACKAGE, "report.html.jinja").render(
        report=report,
        data=data,
        blocks={
            "data": [deflated_text(text.encode())],
            "places": place_texts,
            **{f"classes-{n}": part.classes for n, part in enumerate(packed)},
            **{f"orders-{n}": part.orders for n, part in enumerate(packed)},
        },
        script=_script(),
        style=_style(),
        script_hash=policy_hash(_script()),
        style_hash=policy_hash(_style()),
        **_words(report, data),
    )
    with whole_file(path) as partial:
        partial.write_text(page, encoding="utf-8", newline="\n")


def _words(report: Report, data: dict) -> dict:
    """What the template says of the report, ready to be put in."""
    return {
        "letters": "ABCDEFGH",
        "source": joined([source_text(panel.recording) for panel in report.panels]),
        "legend": [
            {
                "name": name,
                "label": data["classes"][name]["label"],
                "swatch": name if name in palette.STANDARD.swatches else "unknown",
            }
            for name in _legend(report, data)
        ],
        "layouts": list(dict.fromkeys(place["layout"] for place in data["places"])),
        "summary": summary_tables(report),
        "finding_groups": finding_groups(report),
        "finding_tables": finding_tables(report),
        "failures": failure_rows(report),
        "left_out": [left_out(panel.recording) for panel in report.panels],
    }


def _legend(report: Report, data: dict) -> list[str]:
    """Classes that some frame shows, worst first; all where it isn't known."""
    present = [panel.classes_present for panel in report.panels]
    if None in present:
        return data["legend"]
    there = {name for names in present for name in names or ()}
    return [name for name in data["legend"] if name in there]


@cache
def _script() -> Markup:
    """All scripts as one, each in a file by what it does; nothing of it is global."""
    parts = [_read(f"js/{name}.js") for name in SCRIPTS]
    return Markup('"use strict";\n(() => {\n' + "\n".join(parts) + "})();\n")


@cache
def _style() -> Markup:
    """The style sheet with the colours of renderer.palette."""
    return Markup(_colours() + _read("report.css"))


def _colours() -> str:
    names = [name for name in palette.STANDARD.swatches if name]
    shown = {"light": palette.STANDARD, "dark": palette.DARK}
    classes = {
        theme: [
            *(f"--{name}:{colours.swatch(name).colour}" for name in names),
            f"--unknown:{colours.swatch('').colour}",
        ]
        for theme, colours in shown.items()
    }
    swatches = [f".swatch-{name}{{fill:var(--{name})}}" for name in (*names, "unknown")]
    chips = [f".line-{n}{{--line:var(--line-{n})}}" for n in range(len(palette.LINES))]
    return theme_rules(classes) + "\n".join([*swatches, *chips]) + "\n"


def _read(name: str) -> str:
    return text_of(PACKAGE, name)
