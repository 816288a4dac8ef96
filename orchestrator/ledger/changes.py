"""Noticing that the ledger has changed, whichever process changed it, without asking its tables."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from orchestrator.ledger.database import CHANNEL, Database, attach
from orchestrator.ledger.translate_errors import translated

if TYPE_CHECKING:
    import psycopg


LOOK_SECONDS = 0.1
"""How often a watcher looks at SQLite's counter, which costs some microseconds."""


class Changes(Protocol):
    """A watch on one ledger, for one thread at a time."""

    def wait(self, seconds: float) -> bool:
        """Wait for a change since the last call, `seconds` at most; whether there was one.
        Raises LedgerUnavailable: the ledger went away.
        """

    def close(self) -> None: ...


class SqliteChanges:
    """SQLite counts the commits that other connections made (`PRAGMA data_version`), those of other processes too.

    A ledger in memory has one connection, so its own writes are counted instead.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection = attach(database)
        self._seen = self._mark()

    def wait(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while (mark := self._mark()) == self._seen:
            if time.monotonic() >= deadline:
                return False
            time.sleep(LOOK_SECONDS)
        self._seen = mark
        return True

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    def _mark(self) -> int:
        if self._connection is None:
            return self._database.writes
        with translated(self._database.where):
            return int(self._connection.execute("PRAGMA data_version").fetchone()[0])


class PostgresChanges:
    """PostgreSQL tells: every write sends a notification with its commit."""

    def __init__(self, database: Database) -> None:
        import psycopg  # an extra

        self._where = database.where
        self._failures = (psycopg.Error, OSError)
        self._connect: Callable[[], psycopg.Connection] = lambda: psycopg.connect(
            database.url.set(drivername="postgresql").render_as_string(hide_password=False), autocommit=True
        )
        with translated(self._where):
            self._connection = self._listening()

    def wait(self, seconds: float) -> bool:
        # A connection that was lost is made again; that counts as a change.
        try:
            happened = any(True for _ in self._connection.notifies(timeout=seconds, stop_after=1))
            if happened:
                for _ in self._connection.notifies(timeout=0):
                    pass
        except self._failures:
            time.sleep(min(seconds, 1.0))
            self.close()
            with suppress(*self._failures):
                self._connection = self._listening()
            return True
        return happened

    def close(self) -> None:
        self._connection.close()

    def _listening(self) -> psycopg.Connection:
        connection = self._connect()
        connection.execute(f"LISTEN {CHANNEL}")
        return connection
