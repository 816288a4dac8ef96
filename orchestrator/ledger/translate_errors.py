"""Errors of SQLAlchemy, the database drivers and Alembic become ours here, and nowhere else."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from alembic.util.exc import CommandError
from sqlalchemy import exc

from orchestrator.errors import LedgerCorrupt, LedgerError, LedgerSchemaError, LedgerUnavailable
from orchestrator.machine import how_to_install

_SQLITE = {  # first words of SQLite's error names, with what to say and to do
    "SQLITE_BUSY": ("another process kept the ledger locked for too long", "Look for a run that hangs, then try again"),
    "SQLITE_LOCKED": (
        "another process kept the ledger locked for too long",
        "Look for a run that hangs, then try again",
    ),
    "SQLITE_READONLY": ("the ledger is read-only", "Make the file and its folder writable, or choose another location"),
    "SQLITE_CANTOPEN": ("the ledger cannot be opened", "Check that its folder exists and is writable"),
    "SQLITE_PERM": ("the ledger may not be opened", "Check the permissions of the file and its folder"),
    "SQLITE_FULL": ("there is no room left for the ledger", "Free some disk space; what was recorded before is safe"),
    "SQLITE_IOERR": ("the disk failed under the ledger", "Check the disk for space and errors, then try again"),
}


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn whatever a database can throw inside into a `LedgerError` that names `where`."""
    try:
        yield
    except exc.DBAPIError as error:
        raise _of_driver(error, where) from error
    except exc.NoSuchModuleError as error:
        raise LedgerUnavailable(f"unknown kind of database: {error}", where=where, hint=URLS) from error
    except exc.TimeoutError as error:
        raise LedgerUnavailable("all connections to the ledger are in use", where=where) from error
    except exc.StatementError as error:
        raise LedgerError(f"the ledger cannot hold a value: {error.orig}", where=where) from error
    except sqlite3.Error as error:
        raise _of_sqlite(error, where) from error
    except CommandError as error:
        raise LedgerSchemaError(str(error), where=where) from error
    except ModuleNotFoundError as error:
        hint = f"Install it: {how_to_install('postgres')}" if "psycopg" in str(error.name) else URLS
        what = f"the driver of this database is not installed: {error.name}"
        raise LedgerUnavailable(what, where=where, hint=hint) from error
    except ValueError as error:
        what = f"the ledger holds a value that cannot be read: {error}"
        raise LedgerCorrupt(what, where=where, hint=move_away(where)) from error
    except OSError as error:
        raise LedgerUnavailable(f"the ledger cannot be opened: {error.strerror or error}", where=where) from error


URLS = "Use a file's path, sqlite:///path or postgresql+psycopg://user@host/name"


def move_away(where: str) -> str:
    """How to save a damaged ledger."""
    return (
        f"It was left as it is. Move {where} away together with {where}-wal and {where}-shm if they exist; then a new "
        "ledger starts empty. `sqlite3 DAMAGED .recover` often brings back most of the old one"
    )


def _of_driver(error: exc.DBAPIError, where: str) -> LedgerError:
    if isinstance(error.orig, sqlite3.Error):
        return _of_sqlite(error.orig, where)
    words = str(error.orig).strip().split("\n")[0]
    if isinstance(error, exc.IntegrityError):
        return LedgerError(f"the ledger refused a row: {words}", where=where)
    if isinstance(error, exc.DataError):
        return LedgerError(f"the ledger cannot hold a value: {words}", where=where)
    if isinstance(error, exc.ProgrammingError):
        return LedgerSchemaError(f"the ledger's tables are not as expected: {words}", where=where)
    hint = "Check that the database server runs and that address, user and password are right"
    return LedgerUnavailable(f"the database server failed: {words}", where=where, hint=hint)


def _of_sqlite(error: sqlite3.Error, where: str) -> LedgerError:
    name: str = getattr(error, "sqlite_errorname", "")
    for prefix, (what, hint) in _SQLITE.items():
        if name.startswith(prefix):
            return LedgerUnavailable(what, where=where, hint=hint)
    if name.startswith("SQLITE_NOTADB"):
        hint = f"Move {where} away or choose another location; it was left as it is"
        return LedgerCorrupt("this file is not a ledger", where=where, hint=hint)
    if name.startswith("SQLITE_CORRUPT") or "decode" in str(error):
        return LedgerCorrupt(f"the ledger is damaged: {error}", where=where, hint=move_away(where))
    if name.startswith("SQLITE_CONSTRAINT"):
        return LedgerError(f"the ledger refused a row: {error}", where=where)
    if name.startswith("SQLITE_ERROR"):
        return LedgerSchemaError(f"the ledger's tables are not as expected: {error}", where=where)
    if isinstance(error, sqlite3.ProgrammingError | sqlite3.InterfaceError):
        return LedgerError(f"the ledger cannot hold a value: {error}", where=where)
    return LedgerUnavailable(f"the ledger failed: {error}", where=where)
