"""Plain text for mails: 72 columns, no blanks at the ends of lines."""

from collections.abc import Iterable
from textwrap import wrap

WIDTH = 72


def paragraph(text: str, indent: str = "") -> list[str]:
    """Lines of a text; all but the first are indented."""
    return wrap(text, WIDTH, subsequent_indent=indent, break_on_hyphens=False)


def joined(lines: Iterable[str]) -> str:
    """Lines as one text, each with its end."""
    return "".join(f"{line.rstrip()}\n" for line in lines)
