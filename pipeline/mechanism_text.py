"""A mechanism as a commented TOML file, and the reference of its entries."""

import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from allocator.mechanism import load_mechanism, mechanism_names
from allocator.mechanism_table import MechanismTable
from allocator.table_file import is_section, range_of
from allocator.terms import MIGRATETYPES
from pipeline.config import UsageError, split_parameters

WIDTH = 98
HEADER = ("entry", "values", "default", "what it does", "kernels")


def mechanism_toml(name: str, parameters: Mapping[str, str]) -> str:
    """All entries of a mechanism, each with what it does and what it may be.

    A built-in one is given a name of its own, so that the two can be run side by side. Raises
    MechanismError.
    """
    mechanism = load_mechanism(name, parameters)
    if name in mechanism_names():
        told = {
            "name": f"my-{name}",
            "title": f"{mechanism.title}, changed",
            "source": f"{mechanism.source} With entries of one's own.",
        }
        mechanism = mechanism.model_copy(update=told)
    title = f"# A mechanism of one's own, from {name}. All entries: docs/mechanisms.md"
    return "\n".join([title, *_section(mechanism, "")]) + "\n"


def _section(table: BaseModel, name: str) -> Iterator[str]:
    """The entries of a table, then its sections."""
    if name:
        yield from ("", *_comment(str(type(table).__doc__).splitlines()[0]), f"[{name}]")
    sections = []
    for entry, field in type(table).model_fields.items():
        value = getattr(table, entry)
        if is_section(field.annotation):
            sections.append((entry, value))
        elif entry not in ("base", "parameters"):
            yield from _entry(entry, field, value)
    for entry, value in sections:
        if entry == "fallbacks":
            yield from _fallbacks(table, value, f"{name}.{entry}")
        else:
            yield from _section(value, f"{name}.{entry}" if name else entry)


def _entry(entry: str, field: FieldInfo, value: Any) -> Iterator[str]:
    """An entry below its comment; one that is left out as a comment, too."""
    yield from _comment(f"{field.description} Values: {values_of(field)}.")
    if value is None:
        yield f"# {entry} = ...  # left out: {_told(field)['none']}"
    else:
        yield f"{entry} = {_toml(value)}"


def _fallbacks(grouping: Any, fallbacks: BaseModel, name: str) -> Iterator[str]:
    """What each type falls back to, as the rule has it where the table doesn't say."""
    if grouping.rule == "none":
        return
    yield from ("", *_comment(str(type(fallbacks).__doc__)), f"[{name}]")
    for code, of_type in enumerate(MIGRATETYPES):
        if of_type != "highatomic" or grouping.rule == "march-2007":
            types = [MIGRATETYPES[other] for other in grouping.alternatives(code)]
            yield f"{of_type} = {_toml(types)}"


def _comment(text: str) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(text, WIDTH - 2)]


def _toml(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)  # the same form, for what a mechanism has


# The reference.


def reference() -> dict[str, list[str]]:
    """The lines of a table in Markdown for each section; that of the top is ""."""
    return dict(_reference(MechanismTable, ""))


def _reference(model: type[BaseModel], name: str) -> Iterator[tuple[str, list[str]]]:
    rows, sections = [HEADER, ("---",) * len(HEADER)], []
    for entry, field in model.model_fields.items():
        if is_section(field.annotation):
            inside = f"{name}.{entry}" if name else entry
            sections += _reference(field.annotation, inside)
        else:
            kernels = _told(field)["kernels"]
            rows.append(
                (f"`{entry}`", values_of(field), _default(field), field.description, kernels)
            )
    yield name, [f"| {' | '.join(row)} |" for row in rows]
    yield from sections


def values_of(field: FieldInfo) -> str:
    """What an entry may be."""
    if _told(field)["values"]:
        return _told(field)["values"]
    kinds = [kind for kind in get_args(field.annotation) if kind is not type(None)]
    if get_origin(field.annotation) is Literal:
        return ", ".join(kinds)
    if field.annotation is bool:
        return "true, false"
    if any(get_origin(kind) is tuple for kind in kinds):
        return f"a list of {', '.join(MIGRATETYPES)}"
    return range_of(field)


def _default(field: FieldInfo) -> str:
    if _told(field)["none"]:
        return _told(field)["none"]
    return "must be given" if field.is_required() else _toml(field.default)


def _told(field: FieldInfo) -> dict[str, str]:
    return field.json_schema_extra


def show_mechanism(name: str, parameters: tuple[str, ...]) -> None:
    """Print a mechanism as a file. Raises MechanismError, UsageError."""
    of_mechanism, of_workload = split_parameters(parameters, (name,))
    if of_workload:
        raise UsageError(f"unknown parameter {next(iter(of_workload))!r} of a mechanism")
    print(mechanism_toml(name, of_mechanism[name]), end="")
