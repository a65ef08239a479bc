"""A mechanism: which rules a kernel's page allocator follows, as a validated table.

Every mechanism is one TOML file; the built-in ones lie in `allocator/mechanisms/`. The allocator
reads nothing but this table, so a mechanism of one's own is such a file and needs no rebuild.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from pydantic import Field, TypeAdapter, ValidationError

from allocator.mechanism_table import Mechanism, MechanismTable
from allocator.table_file import TableFault, TableFile, field_at, is_section, told_fault

VARIANTS = ("vanilla", "off", "list", "zone", "both")
BUILT_IN = Path(__file__).parent / "mechanisms"


class MechanismError(Exception):
    """A mechanism that does not exist or is not valid: one line naming the file and the fault."""


def mechanism_names() -> list[str]:
    """Names of the built-in mechanisms, in the order of kernels and then of the four variants."""
    return sorted((path.stem for path in BUILT_IN.glob("*.toml")), key=_place)


def _place(name: str) -> tuple:
    """Years before versions, both ascending; then the variants in their usual order."""
    kernel, _, variant = name.partition("-")
    version = [int(number) for number in re.findall(r"[0-9]+", kernel)]
    usual = VARIANTS.index(variant) if variant in VARIANTS else len(VARIANTS)
    return (version[:1] < [1000], version, usual, name)


SHORT_PARAMETERS = {
    "kernelcore": "zones.kernelcore",
    "min_free_kbytes": "watermarks.min_free_kbytes",
}


def load_mechanism(name: str, parameters: Mapping[str, str] | None = None) -> Mechanism:
    """The built-in mechanism of that name, or the one in the file `name` (a path to a TOML).

    A file may name a built-in mechanism as its `base` and say only what differs. `parameters`
    override single entries: `kernelcore=30%`, `min_free_kbytes=16384`, or any entry by its full
    name such as `per_cpu.rule=none` or `grouping.fallbacks.movable=unmovable,reclaimable`.
    Raises MechanismError for unknown names, unreadable files and invalid entries.
    """
    try:
        file = _file(name)
        table = _with_base(file)
        entries = [_override(table, key, text, name) for key, text in (parameters or {}).items()]
    except TableFault as error:
        raise MechanismError(str(error)) from None
    try:
        valid = MechanismTable.model_validate(table)
    except ValidationError as error:
        raise MechanismError(file.fault(error, MechanismTable, apart=entries)) from None
    if valid.base and "source" not in file.table:
        source = f"{valid.source} Changed: {_changes(valid, entries) or 'nothing'}."
        valid = valid.model_copy(update={"source": source})
    return Mechanism(**dict(valid), parameters=dict(parameters or {}))


def _file(name: str) -> TableFile:
    if name.endswith(".toml"):
        return TableFile.read(Path(name))
    if name not in mechanism_names():
        known = ", ".join(mechanism_names())
        raise TableFault(f"unknown mechanism {name!r}; there are {known}, or a file NAME.toml")
    return replace(TableFile.read(BUILT_IN / f"{name}.toml"), path=name)


def _with_base(file: TableFile) -> dict[str, Any]:
    """The file's table; what it leaves out is its base's."""
    base = file.table.get("base")
    if base is None:
        return _merged(file.table, {})
    if base not in mechanism_names():
        known = ", ".join(mechanism_names())
        raise TableFault(f"{file.at(('base',))}: base: {base!r} is none of {known}")
    below = TableFile.read(BUILT_IN / f"{base}.toml").table
    told = {"title": f"{below['title']}, changed", "name": Path(file.path).stem}
    return _merged(below | told, file.table)


def _changes(mine: MechanismTable, apart: Sequence[tuple[str, ...]]) -> str:
    """What a mechanism has otherwise than its base, but for the entries `apart`."""
    base = load_mechanism(mine.base)
    found = _differing(mine.model_dump(mode="json"), base.model_dump(mode="json"))
    kept = {entry: value for entry, value in found if len(entry) > 1 and entry not in apart}
    return ", ".join(f"{'.'.join(entry)} = {json.dumps(value)}" for entry, value in kept.items())


def _differing(mine: dict[str, Any], base: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for key, value in mine.items():
        if isinstance(value, dict):
            for entry, inside in _differing(value, base[key]):
                yield (key, *entry), inside
        elif value != base.get(key):
            yield (key,), value


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """One table over another, section by section."""
    result = dict(below) | dict(above)
    for key, value in result.items():
        if isinstance(value, dict):
            inside = below.get(key), above.get(key, {})
            tables = [table if isinstance(table, dict) else {} for table in inside]
            result[key] = _merged(*tables)
    return result


def _override(table: dict[str, Any], key: str, text: str, where: str) -> tuple[str, ...]:
    """Set an entry from a parameter; the entry. Raises TableFault."""
    entry = tuple(SHORT_PARAMETERS.get(key, key).split("."))
    field = field_at(MechanismTable, entry)
    if len(entry) < 2 or field is None or is_section(field.annotation):
        known = ", ".join([*SHORT_PARAMETERS, "SECTION.ENTRY of a mechanism's table"])
        raise TableFault(f"unknown parameter {key!r}; there are {known}")
    for part in entry[:-1]:
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            raise TableFault(f"{where}: {part}: not a table")
    listed = any(get_origin(kind) is tuple for kind in get_args(field.annotation))
    value = tuple(filter(None, text.split(","))) if listed else text
    try:
        adapter = TypeAdapter(Annotated[field.annotation, *(field.metadata or [Field()])])
        table[entry[-1]] = adapter.validate_python(value)
    except ValidationError as error:
        fault = error.errors()[0] | {"loc": entry}
        told = told_fault(fault, MechanismTable)
        told = told.removeprefix(f"{key}: ")
        shown = text if text.isprintable() else repr(text)
        raise TableFault(f"{where}: parameter {key}={shown}: {told}") from None
    return entry
