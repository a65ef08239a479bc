"""Texts as people paste them: quoted, wrapped, with the prefixes of logs, on one line or on many.

What stands before a kernel's own words is taken away; the place of every character in the original
is kept, so that a fault is told by its line.
"""

import re
from bisect import bisect_right
from dataclasses import dataclass, field

QUOTED = re.compile(r"(?:>(?!\d) ?)+")  # not the ">100000" of pagetypeinfo
TIME = r"\[ *\d+\.\d{3,9}\]"
DATE = r"\[?[A-Z][a-z]{2} [A-Z][a-z]{2} +\d+ \d\d:\d\d:\d\d \d{4}\]"  # dmesg -T
SYSLOG = (
    r"(?:[A-Z][a-z]{2} +\d+ \d\d:\d\d:\d\d(?:\.\d+)?"
    r"|\d{4}-\d\d-\d\dT[\d:.,]+(?:Z|[+-]\d\d:?\d\d)?)"
)
CALLER = r"\[ *[TC]\d+\]"  # CONFIG_PRINTK_CALLER
PREFIX = re.compile(
    rf"<\d+>|{TIME}(?:{CALLER})?|{DATE}|{SYSLOG}(?: \S+)?(?= kernel:)|kernel:|{CALLER}"
)
INSIDE = re.compile(rf" *{TIME}(?:{CALLER})? ?")  # where a whole log is on one line
SOFT_BREAK = re.compile(r"=\r?$")
MOSTLY = 0.9
ENCODED = re.compile(r"=([0-9A-F]{2})")


@dataclass
class Pasted:
    """The bare `text`, its lines joined by line ends; `line_of` tells where a place was."""

    text: str = ""
    _starts: list[int] = field(default_factory=list)
    _lines: list[int] = field(default_factory=list)

    def line_of(self, place: int) -> int:
        """The number of the line, from 1 on, that a character of `text` stood in."""
        return self._lines[max(bisect_right(self._starts, place) - 1, 0)] if self._lines else 1

    @classmethod
    def of(cls, original: str) -> "Pasted":
        """Strip a text of what mails and logs put before and into its lines."""
        encoded = _is_quoted_printable(original)
        pieces, found, place = [], cls(), 0
        joined = False  # the line before went on without an end
        for number, line in enumerate(original.splitlines(), 1):
            bare, goes_on = _bare(line, encoded, joined)
            found._starts.append(place)
            found._lines.append(number)
            piece = bare if goes_on else bare + "\n"
            pieces.append(piece)
            place += len(piece)
            joined = goes_on
        found.text = "".join(pieces)
        return found


def _is_quoted_printable(text: str) -> bool:
    """There a "=" of the text itself is written "=3D"; some may stand around what was pasted."""
    signs, breaks = text.count("="), len(re.findall(r"=\r?\n", text))
    return breaks > 0 and breaks + len(ENCODED.findall(text)) >= MOSTLY * signs


def _bare(line: str, encoded: bool, joined: bool) -> tuple[str, bool]:
    """A line without its prefixes, and whether the next one belongs to it."""
    goes_on = encoded and bool(SOFT_BREAK.search(line))
    if goes_on:
        line = SOFT_BREAK.sub("", line)
    if encoded:
        line = ENCODED.sub(lambda found: _decoded(found[1]), line)
    if not joined:
        line = QUOTED.sub("", line, count=1) if line.startswith(">") else line
        line = _without_prefixes(line)
    return INSIDE.sub("\n", line), goes_on


def _decoded(digits: str) -> str:
    value = int(digits, 16)
    return chr(value) if 32 <= value < 127 else " "


def _without_prefixes(line: str) -> str:
    rest = line.lstrip()
    while found := PREFIX.match(rest):
        rest = rest[found.end() :].lstrip()
    return rest
