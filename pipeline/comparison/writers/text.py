"""A document as a mail: 72 columns, pure ASCII, no blanks at the ends of lines."""

import unicodedata
from textwrap import wrap

from pipeline.comparison.document import (
    Band,
    Block,
    Cell,
    Document,
    Heading,
    Items,
    Line,
    Paragraph,
    Table,
    Verbatim,
)
from pipeline.plain_text import WIDTH, joined, paragraph

BASE_WIDTH = 11
CELL_WIDTH = 20
AT_ONCE = (WIDTH - BASE_WIDTH) // CELL_WIDTH  # others beside a baseline


def write(document: Document) -> str:
    """The document as text."""
    lines = [*paragraph(ascii_of(document.title)), ""]
    for block in document.blocks:
        lines += [*_block(block), ""]
    return joined(lines[:-1])


def ascii_of(text: str) -> str:
    """One line of ASCII; letters lose their accents, what has no ASCII is a question mark."""
    plain = unicodedata.normalize("NFKD", text)
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    plain = plain.encode("ascii", "replace").decode("ascii")
    return "".join(c if c.isprintable() else " " for c in plain)


def _block(block: Block) -> list[str]:
    if isinstance(block, Heading):
        text = ascii_of(block.text)[:WIDTH]
        return [text, "-" * len(text.rstrip())]
    if isinstance(block, Paragraph):
        return paragraph(ascii_of(block.text))
    if isinstance(block, Items):
        return [line for text in block.texts for line in paragraph(f"* {ascii_of(text)}", "  ")]
    if isinstance(block, Verbatim):
        return [ascii_of(line)[:WIDTH] for line in block.lines]
    return _table(block)


def _table(table: Table) -> list[str]:
    """As many others beside the baseline as the width holds; the rest in tables below."""
    lines: list[str] = []
    for first in range(0, max(len(table.others), 1), AT_ONCE):
        part = slice(first, first + AT_ONCE)
        others = [_fitting(ascii_of(name), CELL_WIDTH - 1) for name in table.others[part]]
        base = _fitting(ascii_of(table.base), WIDTH - CELL_WIDTH * len(others))
        head = base.rjust(WIDTH - CELL_WIDTH * len(others))
        lines += [*([""] if first else []), head + "".join(f"{name:>19} " for name in others)]
        for row in table.rows:
            lines += _band(row) if isinstance(row, Band) else _line(row, part)
    return lines


def _band(band: Band) -> list[str]:
    return ["", *paragraph(ascii_of(band.text))]


def _line(line: Line, part: slice) -> list[str]:
    """The label beside its figures where there is room, else above them; words below."""
    cells = line.cells[part]
    room = WIDTH - BASE_WIDTH - CELL_WIDTH * len(cells)
    label, above = ascii_of(line.label), []
    if len(label) > room:
        above, label = wrap(label, WIDTH - 2, subsequent_indent="  "), ""
    figures = "".join(map(_figure, cells))
    lines = [
        *above,
        label.ljust(room) + _fitting(ascii_of(line.base), BASE_WIDTH).rjust(BASE_WIDTH) + figures,
    ]
    if any(cell.words for cell in cells):
        lines += _words(cells)
    return lines


def _figure(cell: Cell) -> str:
    text = ascii_of(" ".join(filter(None, (cell.value, cell.change))))
    return _fitting(text, CELL_WIDTH - 1).rjust(CELL_WIDTH - 1) + ("*" if cell.significant else " ")


def _words(cells: tuple[Cell, ...]) -> list[str]:
    """Right below the figures; of a single other they may be longer."""
    if len(cells) == 1:
        return [part.rjust(WIDTH - 1) for part in wrap(ascii_of(cells[0].words), WIDTH - 1)]
    parts = [wrap(ascii_of(cell.words), CELL_WIDTH - 1) for cell in cells]
    depth = max(map(len, parts))
    padded = [part + [""] * (depth - len(part)) for part in parts]
    return [
        " " * (WIDTH - CELL_WIDTH * len(cells)) + "".join(f"{text:>19} " for text in texts)
        for texts in zip(*padded, strict=True)
    ]


def _fitting(text: str, width: int) -> str:
    """A text cut to a width, with a sign that it was."""
    return text if len(text) <= width else text[: width - 1] + "~"
