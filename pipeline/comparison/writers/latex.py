"""A document as LaTeX: a whole file, without packages that aren't in every installation."""

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
from pipeline.comparison.writers.text import ascii_of

SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': "{''}",
    "-": "{-}",
}  # fmt: skip
HEAD = r"""\documentclass{article}
\usepackage{longtable}
\usepackage[margin=2cm]{geometry}
\begin{document}
\sloppy
"""


def write(document: Document) -> str:
    """The document as text; the tables stand alone too, between their begin and end."""
    blocks = "\n\n".join(map(_block, document.blocks))
    title = rf"\section*{{{escaped(document.title)}}}"
    return f"{HEAD}{title}\n\n{blocks}\n\\end{{document}}\n"


def escaped(text: str) -> str:
    """One line of ASCII in which nothing is a command."""
    return "".join(SPECIAL.get(c, c) for c in ascii_of(text))


def _block(block: Block) -> str:
    if isinstance(block, Heading):
        return rf"\subsection*{{{escaped(block.text)}}}"
    if isinstance(block, Paragraph):
        return escaped(block.text)
    if isinstance(block, Items):
        texts = "\n".join(rf"\item {escaped(text)}" for text in block.texts)
        return f"\\begin{{itemize}}\n{texts}\n\\end{{itemize}}"
    if isinstance(block, Verbatim):
        lines = "\n".join(map(ascii_of, block.lines)).replace(r"\end{verbatim}", "")
        return f"{{\\small\n\\begin{{verbatim}}\n{lines}\n\\end{{verbatim}}\n}}"
    return _table(block)


def _table(table: Table) -> str:
    columns = 2 + len(table.others)
    names = " & ".join(map(escaped, ("", table.base, *table.others)))
    lines = [
        r"{\small",
        rf"\begin{{longtable}}{{p{{5cm}}{'r' * (columns - 1)}}}",
        rf"\hline {names} \\ \hline",
    ]
    for row in table.rows:
        if isinstance(row, Band):
            lines.append(rf"\multicolumn{{{columns}}}{{l}}{{\textbf{{{escaped(row.text)}}}}} \\")
        else:
            cells = " & ".join((escaped(row.label), escaped(row.base), *map(_cell, row.cells)))
            lines.append(rf"{cells} \\")
    return "\n".join([*lines, r"\hline", r"\end{longtable}", "}"])


def _cell(cell: Cell) -> str:
    mark = "*" if cell.significant else ""
    figure = escaped(" ".join(filter(None, (cell.value, cell.change + mark))))
    if not cell.words:
        return figure
    return rf"\begin{{tabular}}[t]{{r}}{figure}\\ {escaped(cell.words)}\end{{tabular}}"
