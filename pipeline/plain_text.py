"""Plain text for mails: 72 columns, no blanks at the ends of lines; numbers as they are read."""

from collections.abc import Iterable
from math import floor, log10
from textwrap import wrap

WIDTH = 72
WHOLE_FROM = 10  # below it a figure has two digits: "1.4", "0.25"


def paragraph(text: str, indent: str = "") -> list[str]:
    """Lines of a text; all but the first are indented."""
    return wrap(text, WIDTH, subsequent_indent=indent, break_on_hyphens=False)


def joined(lines: Iterable[str]) -> str:
    """Lines as one text, each with its end."""
    return "".join(f"{line.rstrip()}\n" for line in lines)


def figure_text(value: float) -> str:
    """A figure that is no count: two digits below 10, whole above: "0.25", "1.4", "3,000"."""
    if value >= WHOLE_FROM or value <= 0:
        return f"{value:,.0f}"
    decimals = 1 - floor(log10(value))
    return f"{value:.{decimals}f}".rstrip("0").rstrip(".")


def counted(number: int, name: str) -> str:
    """A number of things: "1 seed", "2,000 seeds"."""
    return f"{number:,} {name}{'' if number == 1 else 's'}"


def size_text(kib: int) -> str:
    """KiB, MiB or GiB, with one digit after the point where it isn't whole."""
    for unit, size in (("GiB", 1 << 20), ("MiB", 1 << 10)):
        if kib >= size:
            return f"{kib / size:.1f} {unit}".replace(".0 ", " ")
    return f"{kib} KiB"
