"""What the tables are declared with: column types that both databases keep alike, and the base of all values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from sqlalchemy import JSON, ColumnElement, DateTime, Float, Integer, MetaData, String, Table, Text, text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel


def plain(value: object) -> Any:
    """`value` as JSON that both databases take: text without NUL and lone surrogates, no NaN, keys as text."""
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(plain(str(key))): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return plain(asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value))


class UtcDateTime(TypeDecorator[datetime]):
    """An aware time, stored in UTC; SQLite keeps no zone, so it is added when reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC. A naive time is refused: its meaning would be ambiguous."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To an aware time in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class PlainText(TypeDecorator[Any]):
    """Text of any length, stored as `plain` makes it."""

    impl: Any = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        """Without what a database refuses."""
        return plain(value)


class PlainJson(PlainText):
    """JSON, stored as `plain` makes it; None is NULL."""

    impl = JSON(none_as_null=True)
    cache_ok = True


class Record(SQLModel):
    """A frozen value whose fields are columns; the class of `tables` that inherits from it adds keys and indexes.

    The tables have a catalogue of their own, apart from any other SQLModel program in the process.
    """

    model_config = {"frozen": True, "populate_by_name": True}
    metadata: ClassVar[MetaData] = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def column(
    kind: Any, default: str | ColumnElement[bool] | None = None, *, name: str | None = None, **options: Any
) -> Any:
    """The column of a field: its type, and the SQL default that completes rows written by hand.

    Such as `INSERT INTO attempts (goal_hash, strategy, success) …`, with only the columns of interest.
    """
    given: dict[str, Any] = {"name": name} if name else {}
    if default is not None:
        given["server_default"] = text(default) if isinstance(default, str) else default
    return Field(sa_type=kind, sa_column_kwargs=given, **options)


LongText = Annotated[str, column(PlainText, "''")]
Hash = Annotated[str, column(String(64))]
Digest = Annotated[str, column(String(64), "''")]
Count = Annotated[int, column(Integer, "0")]
Number = Annotated[float, column(Float, "0")]
RunId = Annotated[str | None, column(String(64), foreign_key="runs.id")]
Time = Annotated[datetime, column(UtcDateTime, "CURRENT_TIMESTAMP")]
RecordedAt = Annotated[datetime | None, column(UtcDateTime, "CURRENT_TIMESTAMP", nullable=False)]
"""A time that the ledger fills in."""
OptionalTime = Annotated[datetime | None, column(UtcDateTime)]
"""None until it comes, if it ever does."""
Strings = Annotated[tuple[str, ...], column(PlainJson, "'[]'")]
NOTHING: Mapping[str, Any] = {}  # copied where it is a default
Details = Annotated[Mapping[str, Any], column(PlainJson, "'{}'")]


def row_of(table: Table, record: Record, **more: Any) -> dict[str, Any]:
    """A record as a row of a table, less the number that the database gives it; `more` is for other columns."""
    values, numbered = dict(record) | more, table.autoincrement_column
    return {column.name: values[column.name] for column in table.c if column.name in values and column is not numbered}
