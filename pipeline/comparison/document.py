"""What a text with tables consists of, whatever it is written as."""

from typing import NamedTuple


class Heading(NamedTuple):
    """Of a section."""

    text: str


class Paragraph(NamedTuple):
    """Words that are wrapped."""

    text: str


class Items(NamedTuple):
    """A list."""

    texts: tuple[str, ...]


class Verbatim(NamedTuple):
    """Lines that stay as they are; none is wider than a mail."""

    lines: tuple[str, ...]


class Band(NamedTuple):
    """A line across a table, above the rows that it is about."""

    text: str


class Cell(NamedTuple):
    """A figure, its change, a mark where it is significant, and words below it."""

    value: str
    change: str = ""
    significant: bool = False
    words: str = ""


class Line(NamedTuple):
    """A row of a table: the baseline's figure first."""

    label: str
    base: str
    cells: tuple[Cell, ...]


class Table(NamedTuple):
    """Figures of a baseline and of others beside it."""

    base: str
    others: tuple[str, ...]
    rows: tuple[Line | Band, ...]


Block = Heading | Paragraph | Items | Verbatim | Table


class Document(NamedTuple):
    """A title and what follows it."""

    title: str
    blocks: tuple[Block, ...]
