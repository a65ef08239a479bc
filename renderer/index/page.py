"""The index page: what runs there are, with their pictures, figures and files, as links."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from markupsafe import Markup

from renderer.html_page import policy_hash, template, text_of, theme_rules
from renderer.output import whole_file

PACKAGE = "renderer.index"


@dataclass(frozen=True)
class Link:
    """A file by its place relative to the page, quoted; `text`: what is read."""

    text: str
    target: str


@dataclass(frozen=True)
class Column:
    """A metric. `better`: "lower", "higher" or "-"; `unit` "1" is a share."""

    name: str
    title: str
    unit: str
    better: str


class Cell(NamedTuple):
    """A figure, its change against the first mechanism, a mark where that is more than noise, and
    words to it; texts may be empty.
    """

    value: str
    change: str = ""
    significant: bool = False
    words: str = ""


@dataclass(frozen=True)
class Figures:
    """The figures of one workload at one phase.

    `rows`: each mechanism with a cell for each column; `seeds`: of how many they are, in words;
    `picture`: None where there is none.
    """

    workload: str
    phase: str
    phase_title: str
    columns: Sequence[Column]
    rows: Sequence[tuple[str, Sequence[Cell]]]
    seeds: str
    picture: Link | None = None


@dataclass(frozen=True)
class Entry:
    """A run. `state`: one word; `notes`: a sentence each; `facts`: names and texts."""

    name: str
    state: str
    notes: Sequence[str] = ()
    facts: Sequence[tuple[str, str]] = ()
    figures: Sequence[Figures] = ()
    links: Sequence[Link] = ()


def write_index(entries: Sequence[Entry], title: str, made_by: str, path: Path) -> None:
    """Write the page. Raises RenderError."""
    style = Markup(theme_rules() + text_of(PACKAGE, "index.css"))
    states = [entry.state for entry in entries]
    page = template(PACKAGE, "index.html.jinja").render(
        entries=entries,
        title=title,
        made_by=made_by,
        counts=[(state, states.count(state)) for state in dict.fromkeys(states)],
        style=style,
        style_hash=policy_hash(style),
    )
    with whole_file(path) as partial:
        partial.write_text(page, encoding="utf-8", newline="\n")
