"""TOML files that people write: read with care, faults told with their line and what is allowed.

tomllib gives no positions. So the line of an entry is found by asking tomllib itself: the statement
that brings the entry is the one behind the longest beginning of the file that is valid and lacks
it. Where that would take long, no line is told.
"""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, time
from functools import cached_property
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Self, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

MAX_BYTES = 1 << 18
MAX_DOTS = 64  # in a line: tomllib takes the square of a dotted key's length
SEARCH_CHARACTERS = 200_000  # that the search for lines may read, for all faults of a file
MOST_FAULTS = 8  # whose lines are sought
AT = re.compile(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", re.DOTALL)

Entry = tuple[str | int, ...]  # keys and places in lists, from the top of the file


class TableFault(Exception):
    """A file that can't be read, or whose entries aren't valid: one line."""


class _TooLong(Exception):
    """A line would take too long to find."""


@dataclass(frozen=True)
class TableFile:
    """A TOML file: its name, its text, and what it says."""

    path: str
    text: str
    table: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> Self:
        """The file. Raises TableFault with its name, and the line where there is one."""
        text = _text(path)
        for number, line in enumerate(text.split("\n"), 1):
            if line.count(".") > MAX_DOTS:
                raise TableFault(f"{path}:{number}: more than {MAX_DOTS} dots in one line")
        try:
            return cls(str(path), text, tomllib.loads(text))
        except RecursionError:
            raise TableFault(f"{path}: nested too deeply") from None
        except (ValueError, OverflowError) as error:
            raise TableFault(_syntax(path, text, str(error))) from None

    def line_of(self, entry: Entry) -> int | None:
        """The line where an entry of the file begins; None: it isn't in it, or far to seek.

        Within a list over several lines that of the element; else that of the whole statement.
        """
        if not entry or not _has(self.table, entry):
            return None
        try:
            before, end = self._search.narrowed(entry, 0, len(self._search.lines))
            if end - before > 1 and any(isinstance(part, int) for part in entry):
                before, _ = self._search.narrowed(entry, before, end, closing="\n]")
        except _TooLong:
            return None
        return before + 1

    @cached_property
    def _search(self) -> "_Search":
        return _Search(self.text)

    def at(self, entry: Entry) -> str:
        """The file's name with the line of an entry, or of the section that it should be in."""
        for length in range(len(entry), 0, -1):
            if line := self.line_of(entry[:length]):
                return f"{self.path}:{line}"
        return self.path

    def fault(
        self, error: ValidationError, model: type[BaseModel], *, apart: Iterable[Entry] = ()
    ) -> str:
        """The first fault of the file in one line, and how many more there are.

        `apart`: entries that didn't come from this file.
        """
        faults, apart = error.errors()[:MOST_FAULTS], set(apart)
        told = [(_entry_of(fault), fault) for fault in faults]
        lines = [None if entry in apart else self._line_near(entry, fault) for entry, fault in told]
        first = min(range(len(told)), key=lambda n: (lines[n] is None, lines[n], n))
        where = self.path if lines[first] is None else f"{self.path}:{lines[first]}"
        more = error.error_count() - 1
        rest = f" (and {more} more fault{'s' if more > 1 else ''})" if more else ""
        return f"{where}: {told_fault(told[first][1], model)}{rest}"

    def _line_near(self, entry: Entry, fault: Any) -> int | None:
        """The line of an entry or, where it is missing, of its section."""
        for other in fault.get("ctx", {}).get("or_at", ()):
            if not _has(self.table, entry):
                entry = other
        for length in range(len(entry), 0, -1):
            if _has(self.table, entry[:length]):
                return self.line_of(entry[:length])
        return None


def _text(path: Path) -> str:
    """What the file says. Raises TableFault."""
    try:
        if path.exists() and not path.is_file():
            raise TableFault(f"{path}: not a file")
        if path.stat().st_size > MAX_BYTES:
            raise TableFault(f"{path}: longer than {MAX_BYTES // 1024} KiB")
        data = path.read_bytes()
        return data.decode("utf-8").replace("\r\n", "\n")
    except FileNotFoundError:
        raise TableFault(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TableFault(f"{path}:{line}: not UTF-8: byte 0x{data[error.start]:02x}") from None
    except OSError as error:
        raise TableFault(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise TableFault(f"{str(path)!r}: {error}") from None


def _syntax(path: Path, text: str, told: str) -> str:
    """tomllib's words with the line in front."""
    match = AT.fullmatch(told)
    if not match:
        return f"{path}: a number has too many digits"
    what, line, column = match.groups()
    what = re.sub(r"\(('.*'),?\)", lambda m: f"[{m[1].replace(chr(39), '')}]", what)
    what = " ".join(what.replace(", ", ".").split())
    if line is None:
        return f"{path}:{len(text.rstrip().splitlines()) or 1}: {what} at the end of the file"
    return f"{path}:{line}: {what} (column {column})"


# The search for a line.


def _has(table: Any, entry: Entry) -> bool:
    for part in entry:
        inside = isinstance(table, dict) and part in table
        if not inside and not (
            isinstance(table, list) and isinstance(part, int) and part < len(table)
        ):
            return False
        table = table[part]
    return True


class _Search:
    """Looks for entries in the beginnings of a file, until it has read too much."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self._left = SEARCH_CHARACTERS

    def narrowed(self, entry: Entry, low: int, high: int, closing: str = "") -> tuple[int, int]:
        """The last count of lines that is valid and lacks the entry, and the next that is valid.

        `low` lacks it, `high` has it. `closing` ends a list that is open there. Raises _TooLong.
        """
        while high - low > 1:
            middle = (low + high) // 2
            for count in (*range(middle, high), *range(middle - 1, low, -1)):
                found = self._has(entry, count, closing)
                if found is not None:
                    low, high = (low, count) if found else (count, high)
                    break
            else:
                break
        return low, high

    def _has(self, entry: Entry, count: int, closing: str) -> bool | None:
        """Whether the first so many lines have the entry; None: they aren't a file."""
        text = "\n".join(self.lines[:count]) + closing
        self._left -= len(text)
        if self._left < 0:
            raise _TooLong
        try:
            return _has(tomllib.loads(text), entry)
        except (ValueError, OverflowError, RecursionError):
            return None


# What is wrong, and what is allowed.


def _entry_of(fault: Any) -> Entry:
    """The entry of a fault; one between several entries names its own."""
    return tuple(fault["loc"]) + tuple(fault.get("ctx", {}).get("entry", ()))


def told_fault(fault: Any, model: type[BaseModel]) -> str:
    """A fault of pydantic's in our words: the entry, what is wrong, what is allowed."""
    entry = _entry_of(fault)
    shown_entry = entry[:-1] if entry and isinstance(entry[-1], int) else entry
    name = ".".join(map(str, shown_entry)) or "table"
    return f"{name}: {_wrong(fault, entry, model)}"


def _wrong(fault: Any, entry: Entry, model: type[BaseModel]) -> str:
    kind, given, limits = fault["type"], shown(fault["input"]), fault.get("ctx", {})
    if kind == "missing":
        return f"missing{getattr(model, 'hint_missing', '')}"
    if kind == "extra_forbidden":
        return f"unknown entry; {_known(entry, model)}"
    if kind == "literal_error":
        allowed = limits["expected"].replace("'", "").replace(" or ", ", ")
        return f"{given} is none of {allowed}"
    if kind.startswith(("greater_than", "less_than")):
        return f"{given} is out of range: {_range(entry, model, limits)}"
    if kind.startswith("int_"):
        return f"{given} is no whole number"
    if kind.startswith("bool_"):
        return f"{given} is neither true nor false"
    words = {"string_type": "text in quotes", "model_type": "table", "dict_type": "table"}
    words |= {"tuple_type": "list", "list_type": "list", "model_attributes_type": "table"}
    if kind in words:
        return f"{given} is no {words[kind]}"
    return " ".join(fault["msg"].removeprefix("Value error, ").split())


def shown(value: Any) -> str:
    """A value as one finds it in the file, cut where it is long."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, date | time):
        return value.isoformat()
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number of thousands of digits; deep nesting
        return "this value"
    return text if len(text) <= 40 else f"{text[:37]}..."


def _known(entry: Entry, model: type[BaseModel]) -> str:
    """The entries that there are beside an unknown one."""
    field = field_at(model, entry[:-1])
    inner = model if field is None else _model_of(field.annotation)
    if inner is None:
        return "it isn't a table"
    names = [
        f"[{name}]" if field is None and is_section(known.annotation) else name
        for name, known in inner.model_fields.items()
    ]
    section = ".".join(part for part in entry[:-1] if isinstance(part, str))
    if any(isinstance(part, int) for part in entry):
        section = f"[{section}]"
    return f"{f'[{section}] has' if section else 'there are'} {', '.join(names)}"


def _range(entry: Entry, model: type[BaseModel], limits: dict[str, Any]) -> str:
    field = field_at(model, entry)
    return range_of(field) if field and range_of(field) else _range_text(limits)


def range_of(field: FieldInfo) -> str:
    """The range of a number in words; empty where it has none."""
    limits: dict[str, Any] = {}
    for metadata in field.metadata:
        for key in ("ge", "gt", "le", "lt"):
            if getattr(metadata, key, None) is not None:
                limits[key] = getattr(metadata, key)
    return _range_text(limits)


def _range_text(limits: dict[str, Any]) -> str:
    low = limits.get("ge", limits["gt"] + 1 if "gt" in limits else None)
    high = limits.get("le", limits["lt"] - 1 if "lt" in limits else None)
    if low is None:
        return "" if high is None else f"{high} or less"
    return f"{low} or more" if high is None else f"{low} to {high}"


def field_at(model: type[BaseModel], entry: Entry) -> FieldInfo | None:
    """The field of an entry; of a list's element that of the list. None: there is none."""
    field, inner = None, model
    for part in entry:
        if isinstance(part, int):
            continue
        field = inner.model_fields.get(part) if inner else None
        if field is None:
            return None
        inner = _model_of(field.annotation)
    return field


def is_section(annotation: Any) -> bool:
    """Whether a field is a table of its own."""
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _model_of(annotation: Any) -> type[BaseModel] | None:
    """The table behind an annotation: the class itself, or that of a list's elements."""
    if is_section(annotation):
        return annotation
    if get_origin(annotation) in (tuple, list, Union, UnionType, Annotated):
        found = map(_model_of, get_args(annotation))
        return next((inner for inner in found if inner), None)
    return None
