"""The connection behind the ledger: SQLite or PostgreSQL, its schema brought up to date, transactions handed out."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar, cast

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    Column,
    ColumnElement,
    CompoundSelect,
    Executable,
    FromClause,
    Insert,
    Select,
    create_engine,
    event,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError
from sqlalchemy.pool import StaticPool
from sqlalchemy.schema import Table

from orchestrator.errors import LedgerSchemaError, LedgerUnavailable
from orchestrator.ledger.tables import METADATA
from orchestrator.ledger.translate_errors import URLS, translated

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_SECONDS = 30.0
CHANNEL = "orchestrator_ledger"
"""Where PostgreSQL tells of changes."""
_ADVISORY_LOCK = 0x1EA4_1ED6  # any number that all our processes agree on
_WRITING = "ledger_writing"
_IDLE_SECONDS = 1.0
_IDLE_SINCE = "idle_since"
Found = TypeVar("Found")
_alembic = threading.Lock()  # Alembic keeps its context in module globals


class Database:
    """Transactions on one database; `url` and what it raises are as of `store.Ledger`.

    `writes` counts the transactions that write and have ended well in this process.
    """

    def __init__(self, url: str | Path) -> None:
        self.url = _resolve(url)
        self.where = self.url.database or "sqlite://" if self.is_sqlite else self.url.render_as_string()
        self._in_memory = self.is_sqlite and self.url.database in (None, "", ":memory:")
        # All users of an in-memory ledger share one connection, so their transactions must not overlap.
        self.writes = 0
        self._prepared: dict[str, Executable] = {}
        self._turn: AbstractContextManager[Any] = threading.RLock() if self._in_memory else nullcontext()
        with translated(self.where):
            self._engine = self._create_engine()
            try:
                self._prepare()
            except BaseException:
                self._engine.dispose()
                raise

    @property
    def is_sqlite(self) -> bool:
        """SQLite, where each write transaction excludes all others, as against PostgreSQL."""
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that only reads: one consistent view."""
        with translated(self.where), self._turn, self._engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A short transaction that writes. On SQLite no other writer comes in between, so it may read first."""
        with translated(self.where), self._turn, self._engine.connect() as connection:
            connection.execution_options(**{_WRITING: True})
            with connection.begin():
                yield connection
                if not self.is_sqlite:
                    connection.exec_driver_sql(f"NOTIFY {CHANNEL}")
            self.writes += 1

    def insert(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """An INSERT that knows ON CONFLICT in this database's dialect."""
        return sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)

    def prepared(self, name: str, build: Callable[[], Insert]) -> Executable:
        """A statement with ON CONFLICT that is always the same, compiled once, for it takes every column by its name.

        SQLAlchemy below 2.1 has no place for them in its cache: compiling them would take as long as running them.
        """
        if name not in self._prepared:
            statement = build()
            columns = None if statement.select is not None else statement.table.c.keys()
            compiled = statement.compile(self._engine, column_keys=columns)
            self._prepared[name] = cast(Executable, compiled)  # which a connection executes like any other
        return self._prepared[name]

    def upsert(
        self, table: Table, *, add: Collection[str] = (), keep: Collection[str] = ()
    ) -> sqlite.Insert | postgresql.Insert:
        """An INSERT that replaces a row with the same key, but adds to some of its columns and keeps others."""
        statement = self.insert(table)
        new, key = statement.excluded, list(table.primary_key.columns.keys())
        changed: dict[str, Any] = {
            column.name: column + new[column.name] if column.name in add else new[column.name]
            for column in table.c
            if column.name not in (*key, *keep)
        }
        return statement.on_conflict_do_update(index_elements=key, set_=changed)

    def close(self) -> None:
        """Give the connections back; an in-memory ledger is gone."""
        self._engine.dispose()

    def _create_engine(self) -> Engine:
        options: dict[str, Any] = {"json_serializer": lambda value: json.dumps(value, ensure_ascii=False)}
        if not self.is_sqlite:
            return _looked_at(create_engine(self.url, **options))
        if self._in_memory:
            options |= {"poolclass": StaticPool, "connect_args": {"check_same_thread": False}}
        else:
            options |= {"max_overflow": -1, "connect_args": {"timeout": BUSY_SECONDS}}
            if not self.where.startswith("file:"):
                Path(self.where).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(self.url, **options)
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine

    def _prepare(self) -> None:
        """Bring the schema up to date. Of several processes that open a new ledger at once, one does the work."""
        scripts = ScriptDirectory(str(MIGRATIONS))
        with self._turn, self._engine.connect() as connection:
            if self.is_sqlite and not self._in_memory:
                _use_write_ahead_log(connection)
            revision = self._revision(connection)
            if revision == scripts.get_current_head():
                return
            connection.rollback()
            if self.is_sqlite:
                # Rebuilding a table would cascade; SQLite only heeds this outside a transaction.
                _driver(connection).execute("PRAGMA foreign_keys=OFF")
            connection.execution_options(**{_WRITING: True})
            with connection.begin():
                if not self.is_sqlite:
                    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
                self._migrate(connection, scripts)
            if self.is_sqlite:
                _driver(connection).execute("PRAGMA foreign_keys=ON")

    def _migrate(self, connection: Connection, scripts: ScriptDirectory) -> None:
        revision = self._revision(connection)
        known = {script.revision for script in scripts.walk_revisions()}
        if revision is not None and revision not in known:
            raise LedgerSchemaError(
                f"the ledger was written by a newer version of this program (schema {revision})",
                where=self.where,
                hint="Upgrade lean-orchestrator, or choose another ledger",
            )
        foreign = set(inspect(connection).get_table_names()) & set(METADATA.tables)
        if revision is None and foreign:
            raise LedgerSchemaError(
                f"the database has a table {sorted(foreign)[0]} that is not ours",
                where=self.where,
                hint="Choose another location for the ledger",
            )
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = connection
        with _alembic:
            command.upgrade(config, "head")

    def _revision(self, connection: Connection) -> str | None:
        return MigrationContext.configure(connection).get_current_revision()


def _resolve(url: str | Path) -> URL:
    """A path is a SQLite file; `postgresql://` means the driver we ship for."""
    if isinstance(url, Path) or "://" not in url:
        return URL.create("sqlite", database=str(url))
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        # The URL as it stands may hold a password.
        where = re.sub("//[^@]*@", "//***@", url)
        raise LedgerUnavailable("this is not a database URL", where=where, hint=URLS) from error
    if parsed.drivername in ("postgres", "postgresql"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    return parsed


def attach(database: Database) -> sqlite3.Connection | None:
    """A connection of one's own to a SQLite file, to be used by one thread at a time; None when it lies in memory."""
    if not database.is_sqlite or database.url.database in (None, "", ":memory:"):
        return None
    with translated(database.where):
        path = str(database.url.database)
        return sqlite3.connect(path, uri=path.startswith("file:"), timeout=BUSY_SECONDS, check_same_thread=False)


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def _set_up_sqlite(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # transactions begin where `_begin_sqlite` says, not where sqlite3 guesses
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA synchronous=NORMAL")


def _begin_sqlite(connection: Connection) -> None:
    writing = connection.get_execution_options().get(_WRITING, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _use_write_ahead_log(connection: Connection) -> None:
    """Readers and one writer at a time. Switching does not wait for other processes by itself, so it is tried again."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            _driver(connection).execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def count_rows(connection: Connection, source: FromClause, *conditions: ColumnElement[bool]) -> int:
    """How many rows there are of which that is true."""
    return connection.execute(select(func.count()).select_from(source).where(*conditions)).scalar_one()


def pairs(connection: Connection, query: Select[Any] | CompoundSelect[Any]) -> dict[Any, Any]:
    """What a query of two columns finds, the second by the first."""
    return {row[0]: row[1] for row in connection.execute(query)}


def count_by(connection: Connection, column: Column[Any], *conditions: ColumnElement[bool]) -> Mapping[str, int]:
    """How many rows of which that is true have which value in a column, in the order of the values."""
    return pairs(connection, select(column, func.count()).where(*conditions).group_by(column).order_by(column))


class Section:
    """A group of the ledger's methods, which `store.Ledger` puts together. Each method is one transaction."""

    _database: Database
    _now: Callable[[], datetime]

    def _all(self, kind: Callable[..., Found], *queries: Select[Any]) -> tuple[Found, ...]:
        """Every row that these queries find, as values of that kind."""
        with self._database.read() as connection:
            return tuple(kind(**row._mapping) for query in queries for row in connection.execute(query))

    def _pairs(self, query: Select[Any] | CompoundSelect[Any]) -> dict[Any, Any]:
        """What a query of two columns finds, the second by the first."""
        with self._database.read() as connection:
            return pairs(connection, query)

    def _first(self, kind: Callable[..., Found], query: Select[Any]) -> Found | None:
        """The first row that a query finds."""
        return next(iter(self._all(kind, query.limit(1))), None)


def _looked_at(engine: Engine) -> Engine:
    """Replaces a connection that has died while nobody used it. One that was used just now is taken as it is: to ask
    each time, as `pool_pre_ping` does, is two fifths of all that a run says to its database.
    """

    def given_back(_connection: Any, record: Any) -> None:
        record.info[_IDLE_SINCE] = time.monotonic()

    def taken(connection: Any, record: Any, _proxy: Any) -> None:
        if time.monotonic() - record.info.get(_IDLE_SINCE, time.monotonic()) < _IDLE_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError(str(error)) from error

    event.listen(engine, "checkin", given_back)
    event.listen(engine, "checkout", taken)
    return engine
