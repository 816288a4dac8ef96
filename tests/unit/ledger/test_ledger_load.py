"""The ledger under load: the plans of all queries that a run makes, and many processes at once."""

from __future__ import annotations

import multiprocessing
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from ledger_workers import record_many
from sqlalchemy import create_engine, event
from sqlalchemy.engine import Engine

from bench.ledger import REPEATS, fill, queries
from orchestrator.ledger.store import Ledger

LARGE = ("attempts", "attempted_goals", "goals", "claims", "proofs", "tactic_cache", "runs")
"""Tables that grow with every run."""
PROCESSES = 8
ATTEMPTS_EACH = 2000


@pytest.fixture
def statements() -> Iterator[list[tuple[str, Any]]]:
    """Every statement that any database is asked, with its values."""
    asked: list[tuple[str, Any]] = []

    def note(_c: object, _cursor: object, statement: str, values: Any, _context: object, many: bool) -> None:
        asked.append((statement, values[0] if many else values))

    event.listen(Engine, "before_cursor_execute", note)
    yield asked
    event.remove(Engine, "before_cursor_execute", note)


def asked_by_a_run(ledger: Ledger, statements: list[tuple[str, Any]]) -> dict[str, list[tuple[str, Any]]]:
    """What each query of a run comes to, in SQL."""
    found = {}
    for name, query in queries(ledger).items():
        statements.clear()
        query(0)
        found[name] = [s for s in statements if s[0].lstrip().startswith(("SELECT", "UPDATE", "DELETE", "WITH"))]
    return found


def test_on_sqlite_no_query_of_a_run_reads_a_whole_table(tmp_path: Path, statements: list[tuple[str, Any]]) -> None:
    path = tmp_path / "ledger.db"
    with Ledger.open(path) as ledger:
        fill(ledger, 2000, goals=1000, tickets=100)
        asked = asked_by_a_run(ledger, statements)
    assert sum(map(len, asked.values())) >= REPEATS // 2
    with closing(sqlite3.connect(path)) as connection:
        for name, found in asked.items():
            for statement, values in found:
                plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)]
                for step in plan:
                    table = re.match(r"SCAN (\w+)", step)
                    if table and table[1] in LARGE:
                        # In the order of an index, from which a limit takes the first.
                        assert "USING" in step, (name, statement, plan)
                        assert "LIMIT" in statement, (name, statement, plan)
                    assert not (table and "TEMP B-TREE FOR ORDER BY" in " ".join(plan)), (name, statement, plan)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_on_postgresql_no_query_of_a_run_reads_a_whole_table(
    postgres_url: str, statements: list[tuple[str, Any]]
) -> None:
    with Ledger.open(postgres_url) as ledger:
        fill(ledger, 20_000, goals=2000, tickets=100)
        engine = create_engine(postgres_url)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("ANALYZE")
        asked = asked_by_a_run(ledger, statements)
        with engine.connect() as connection:
            for name, found in asked.items():
                for statement, values in found:
                    plan = "\n".join(row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement}", values))
                    for table in ("attempts", "attempted_goals", "goals"):
                        assert f"Seq Scan on {table} " not in plan, (name, plan)
        engine.dispose()


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", ["file", "postgres"])
def test_eight_processes_lose_nothing_and_never_share_a_goal(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    url = str(tmp_path / "ledger.db") if kind == "file" else str(request.getfixturevalue("postgres_url"))
    Ledger.open(url).close()
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(PROCESSES)
    processes = [
        context.Process(target=record_many, args=(url, f"worker {number}", ATTEMPTS_EACH, barrier))
        for number in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * PROCESSES
    with Ledger.open(url) as ledger:
        made = ledger.attempts()
        claimed = Counter(attempt.goal_id for attempt in made if attempt.strategy == "claimed")
        assert len(made) == PROCESSES * ATTEMPTS_EACH
        assert ledger.statistics().attempts == PROCESSES * ATTEMPTS_EACH
        assert len(claimed) == ATTEMPTS_EACH
        assert set(claimed.values()) == {1}
