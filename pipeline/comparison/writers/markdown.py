"""A document as GitHub's Markdown."""

from pipeline.comparison.document import (
    Band,
    Block,
    Cell,
    Document,
    Heading,
    Items,
    Paragraph,
    Table,
    Verbatim,
)

SPECIAL = str.maketrans({c: f"\\{c}" for c in "\\`*_{}[]<>|~#"})


def write(document: Document) -> str:
    """The document as text."""
    parts = [f"# {escaped(document.title)}", *map(_block, document.blocks)]
    return "\n\n".join(parts) + "\n"


def escaped(text: str) -> str:
    """One line in which nothing is a mark of the format."""
    return " ".join(text.split()).translate(SPECIAL)


def _block(block: Block) -> str:
    if isinstance(block, Heading):
        return f"## {escaped(block.text)}"
    if isinstance(block, Paragraph):
        return escaped(block.text)
    if isinstance(block, Items):
        return "\n".join(f"* {escaped(text)}" for text in block.texts)
    if isinstance(block, Verbatim):
        fence = "`" * max(3, 1 + max((line.count("`") for line in block.lines), default=0))
        return "\n".join((fence, *block.lines, fence))
    return _table(block)


def _table(table: Table) -> str:
    names = ("", table.base, *table.others)
    rows = [_row(map(escaped, names)), _row(["---", *["---:"] * (len(names) - 1)])]
    for row in table.rows:
        if isinstance(row, Band):
            rows.append(_row([f"**{escaped(row.text)}**", *[""] * (len(names) - 1)]))
        else:
            rows.append(_row([escaped(row.label), escaped(row.base), *map(_cell, row.cells)]))
    return "\n".join(rows)


def _row(texts) -> str:
    return f"| {' | '.join(texts)} |"


def _cell(cell: Cell) -> str:
    mark = "*" if cell.significant else ""
    text = " ".join(filter(None, (cell.value, cell.change + mark)))
    return escaped(", ".join(filter(None, (text, cell.words))))
