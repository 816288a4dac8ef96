"""Opening ledgers: new ones, old ones, many at once, and those that cannot be opened."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from orchestrator.errors import LedgerCorrupt, LedgerError, LedgerSchemaError, LedgerUnavailable
from orchestrator.goals.result import Outcome
from orchestrator.ledger.database import Database
from orchestrator.ledger.records import AttemptRecord
from orchestrator.ledger.store import Ledger
from orchestrator.ledger.tables import METADATA
from orchestrator.ledger.translate_errors import translated

ATTEMPT = AttemptRecord(goal_text="⊢ p", strategy="micro", outcome=Outcome.NOT_PROVED)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def filled(path: Path) -> Path:
    """A closed ledger with one attempt."""
    with Ledger.open(path) as ledger:
        ledger.record_attempt(ATTEMPT)
    return path


def test_a_ledger_is_kept(filled: Path) -> None:
    with Ledger(filled) as ledger:
        assert len(ledger.attempts()) == 1
        assert ledger.where == str(filled)


def test_a_file_is_named_by_path_text_or_url(filled: Path) -> None:
    for name in (filled, str(filled), f"sqlite:///{filled}"):
        with Ledger.open(name) as ledger:
            assert len(ledger.attempts()) == 1


def test_ledgers_in_memory_are_apart() -> None:
    with Ledger.open("sqlite://") as one, Ledger.open("sqlite://") as other:
        one.record_attempt(ATTEMPT)
        assert other.attempts() == ()


def test_settings_of_sqlite(path: Path) -> None:
    database = Database(path)
    with database.read() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
        }
    database.close()
    assert settings == {"journal_mode": "wal", "synchronous": 1, "busy_timeout": 30000, "foreign_keys": 1}


def schema(connection: sqlite3.Connection) -> dict[str, object]:
    """Columns, indexes and references of every table."""
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {
        name: (
            sorted(
                tuple(str(value).strip("()") for value in row[1:])
                for row in connection.execute(f"PRAGMA table_info({name})")
            ),
            sorted(
                (index[1], tuple(column[2] for column in connection.execute(f"PRAGMA index_info({index[1]})")))
                for index in connection.execute(f"PRAGMA index_list({name})")
            ),
            sorted(row[2:] for row in connection.execute(f"PRAGMA foreign_key_list({name})")),
        )
        for name in names
        if name != "alembic_version"
    }


def test_migrations_make_the_tables_as_they_are_declared(path: Path, tmp_path: Path) -> None:
    Ledger.open(path).close()
    engine = create_engine(f"sqlite:///{tmp_path / 'declared.db'}")
    METADATA.create_all(engine)
    engine.dispose()
    with closing(sqlite3.connect(path)) as migrated, closing(sqlite3.connect(tmp_path / "declared.db")) as declared:
        assert schema(migrated) == schema(declared)


def test_every_query_has_its_index(filled: Path) -> None:
    plans = {
        "SELECT 1 FROM attempts WHERE goal_hash = '' AND strategy = '' AND configuration = '' AND environment = '' AND "
        "(outcome = '' OR outcome IN ('') AND budget_seconds >= 1)": "ix_attempts_tried",
        "SELECT 1 FROM attempts WHERE identity = 'x' AND strategy = '' AND configuration = '' AND environment = '' AND "
        "(outcome = '' OR outcome IN ('') AND budget_seconds >= 1)": "ix_attempts_identity_strategy",
        "SELECT 1 FROM attempts WHERE goal_hash = '' AND length(identity) = 0 AND strategy = ''": "ix_attempts_tried",
        "SELECT * FROM attempts WHERE goal_hash = '' AND length(identity) = 0 ORDER BY id": "ix_attempts_tried",
        "SELECT * FROM attempts WHERE identity = 'x' ORDER BY id": "ix_attempts_identity_strategy",
        "SELECT * FROM attempts WHERE run_id = '' ORDER BY id": "ix_attempts_run_id_id",
        "SELECT * FROM attempts WHERE goal_hash = '' ORDER BY id": "ix_attempts_tried",
        "SELECT * FROM attempts ORDER BY timestamp DESC LIMIT 10": "ix_attempts_timestamp",
        "SELECT * FROM tactic_cache ORDER BY use_count DESC LIMIT 10": "ix_tactic_cache_use_count",
        "SELECT * FROM goals WHERE status = '' AND repo = ''": "ix_goals_status_repo",
        "SELECT * FROM goals WHERE status = '' ORDER BY difficulty, repo, id LIMIT 1": (
            "ix_goals_status_difficulty_repo_id"
        ),
        "SELECT * FROM proofs WHERE run_id = '' ORDER BY id": "ix_proofs_run_id",
        "SELECT time_seconds FROM attempts WHERE strategy = '' AND success = 1 ORDER BY id DESC LIMIT 1": (
            "ix_attempts_strategy_success_id"
        ),
    }
    with closing(sqlite3.connect(filled)) as connection:
        for query, index in plans.items():
            plan = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {query}"))
            assert f"INDEX {index}" in plan, (query, plan)


def test_a_ledger_of_a_newer_version_is_left_alone(filled: Path) -> None:
    with closing(sqlite3.connect(filled)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(LedgerSchemaError, match=r"newer version.*9999.*Upgrade"):
        Ledger.open(filled)
    with closing(sqlite3.connect(filled)) as connection:
        assert connection.execute("SELECT count(*) FROM attempts").fetchone() == (1,)


def test_a_database_of_another_program_is_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE goals (name TEXT)")
    with pytest.raises(LedgerSchemaError, match="table goals that is not ours"):
        Ledger.open(path)
    with closing(sqlite3.connect(path)) as connection:
        assert [row[1] for row in connection.execute("PRAGMA table_info(goals)")] == ["name"]


def test_a_file_that_is_no_database_is_left_alone(path: Path) -> None:
    path.write_text("certainly not a database, but long enough to look at" * 50)
    before = path.read_bytes()
    with pytest.raises(LedgerCorrupt, match=r"not a ledger.*Move"):
        Ledger.open(path)
    assert path.read_bytes() == before


def test_a_damaged_ledger_is_left_alone(filled: Path) -> None:
    with Ledger.open(filled) as ledger:
        ledger.record_attempts([ATTEMPT] * 2000)
    content = bytearray(filled.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    filled.write_bytes(content)
    with pytest.raises(LedgerCorrupt, match=r"damaged.*Move .*-wal"), Ledger.open(filled) as ledger:
        ledger.attempts()
    assert filled.read_bytes() == bytes(content)


@pytest.mark.parametrize("column", ["outcome = 'odd'", "metadata = '{'", "timestamp = 'yesterday'"])
def test_values_nobody_wrote_are_damage(filled: Path, column: str) -> None:
    with closing(sqlite3.connect(filled)) as connection, connection:
        connection.execute(f"UPDATE attempts SET {column}")
    with Ledger.open(filled) as ledger, pytest.raises(LedgerCorrupt, match="cannot be read"):
        ledger.attempts()


def test_a_read_only_ledger_can_be_read(filled: Path) -> None:
    with Ledger.open(f"sqlite:///file:{filled}?mode=ro&uri=true") as ledger:
        assert len(ledger.attempts()) == 1
        with pytest.raises(LedgerUnavailable, match=r"read-only.*writable"):
            ledger.record_attempt(ATTEMPT)


def test_a_folder_that_cannot_be_made(path: Path) -> None:
    path.write_text("a file")
    with pytest.raises(LedgerUnavailable, match="cannot be opened"):
        Ledger.open(path / "ledger.db")


def test_a_folder_instead_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(LedgerUnavailable, match=r"cannot be opened.*folder"):
        Ledger.open(tmp_path)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nosuch://host/name", "unknown kind of database"),
        ("postgresql+nosuch://host/name", "unknown kind of database"),
        ("postgresql://somebody:secret@host:port:x/name", r"not a database URL \(postgresql://\*\*\*@host"),
        ("mysql+pymysql://host/name", "driver of this database is not installed"),
    ],
)
def test_urls_that_lead_nowhere(url: str, words: str) -> None:
    with pytest.raises(LedgerUnavailable, match=words):
        Ledger.open(url)


@pytest.fixture
def small_disk() -> Iterator[sqlite3.Connection]:
    """A database that may not grow."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.execute("PRAGMA max_page_count=2")
        yield connection


def test_a_full_disk(small_disk: sqlite3.Connection) -> None:
    with (
        pytest.raises(LedgerUnavailable, match=r"no room.*Free some disk space.*recorded before is safe"),
        translated("l"),
    ):
        small_disk.execute("INSERT INTO t VALUES (zeroblob(1000000))")


def test_a_lock_held_too_long(filled: Path) -> None:
    with (
        closing(sqlite3.connect(filled, isolation_level=None)) as one,
        closing(sqlite3.connect(filled, timeout=0)) as two,
    ):
        one.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerUnavailable, match=r"locked for too long.*hangs"), translated("l"):
            two.execute("BEGIN IMMEDIATE")


def test_a_copy_opens_elsewhere(filled: Path, tmp_path: Path) -> None:
    copy = shutil.copy(filled, tmp_path / "50% of it.db")
    with Ledger.open(copy) as ledger:
        assert len(ledger.attempts()) == 1


def test_errors_of_the_caller_are_no_damage() -> None:
    with Ledger.open("sqlite://") as ledger, pytest.raises(LedgerError) as caught:
        ledger.update_tactic_cache("", tactics=(), success_rate="x".encode, avg_time=1.0)  # type: ignore[arg-type]
    assert type(caught.value) is LedgerError
