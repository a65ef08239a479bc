"""How documents and rows are written."""

from collections.abc import Sequence
from importlib import import_module

from pipeline.comparison.document import Document
from pipeline.comparison.rows import Row

# Each but the data formats is a module with `write(document) -> str`.
FORMATS = ("text", "markdown", "csv", "json", "latex")


def written(form: str, document: Document, rows: Sequence[Row], facts: dict) -> str:
    """A document, or its rows where that is what the format holds, as text."""
    if form in ("csv", "json"):
        from pipeline.comparison.writers.data import as_csv, as_json_text

        return as_csv(rows) if form == "csv" else as_json_text(rows, facts)
    return import_module(f"pipeline.comparison.writers.{form}").write(document)
