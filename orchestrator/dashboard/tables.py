"""The rows behind a table of a page as CSV or JSON, for spreadsheets and programs, one at a time."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from pydantic_core import to_jsonable_python

TABLES: Mapping[str, str] = MappingProxyType({"csv": "text/csv; charset=utf-8", "json": "application/json"})
"""The forms, and what they are called in HTTP."""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class _Line:
    """Takes what a CSV writer writes."""

    def write(self, text: str) -> str:
        return text


def as_table(form: str, rows: Iterable[object]) -> Iterator[str]:
    """Rows (records, dataclasses or mappings) in one of the forms, piece by piece."""
    plain = (to_jsonable_python(row) for row in rows)
    return _csv(plain) if form == "csv" else _json(plain)


def _json(rows: Iterable[Any]) -> Iterator[str]:
    between = '{"rows": ['
    for row in rows:
        yield between + json.dumps(row, ensure_ascii=False)
        between = ",\n"
    yield (between if between.startswith("{") else "") + "]}\n"


def _csv(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    writer = csv.writer(_Line())
    head = True
    for row in rows:
        if head:
            yield writer.writerow(row)
            head = False
        yield writer.writerow(map(_cell, row.values()))


def _cell(value: Any) -> Any:
    """What is no text or number as JSON; text that a spreadsheet would compute is marked as text."""
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False)
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
