"""The ledger as the implementation notes show it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, StrategyType
from orchestrator.ledger.records import AttemptRecord
from orchestrator.ledger.store import Ledger


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "orchestrator" / "cache" / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    with Ledger.open(path) as opened:
        yield opened


@pytest.fixture
def goal() -> Goal:
    return Goal(id="test", text="a b : Nat\nh : a < b\n⊢ a ≤ b", estimated_difficulty=0.3)


@pytest.fixture
def cursor(ledger: Ledger, path: Path) -> Iterator[sqlite3.Cursor]:
    with closing(sqlite3.connect(path)) as connection:
        yield connection.cursor()


def attempt(text: str, strategy: StrategyType, outcome: Outcome, seconds: float = 1.0) -> AttemptRecord:
    return AttemptRecord(goal_text=text, strategy=strategy, outcome=outcome, time_seconds=seconds)


def test_deduplication(ledger: Ledger, goal: Goal) -> None:
    strategy = StrategyType.MICRO

    def try_it() -> str | None:
        goal_hash = ledger.hash_goal(goal.text)
        if ledger.check_duplicate(goal.text, strategy):
            # Already tried this combo, skip
            return None
        return goal_hash

    assert try_it() == ledger.hash_goal("x y : Nat\nk : x < y\n⊢ x ≤ y")
    ledger.record_attempt(attempt(goal.text, strategy, Outcome.NOT_PROVED))
    assert try_it() is None


def test_tactic_cache(ledger: Ledger, goal: Goal) -> None:
    ledger.update_tactic_cache(
        goal.text,
        tactics=["simp [*]", "aesop"],
        success_rate=0.85,
        avg_time=2.3,
    )
    replayed = iter(("simp [*]", "aesop"))
    cached = ledger.get_cached_tactics(goal.text)
    if cached and cached["success_rate"] > 0.7:
        # Try cached tactics first
        for tactic in cached["tactics"]:
            assert tactic == next(replayed)
    assert not list(replayed)


def test_resume_frontier(ledger: Ledger, goal: Goal, cursor: sqlite3.Cursor) -> None:
    ledger.record_attempts(
        [
            attempt(goal.text, StrategyType.MICRO, Outcome.NOT_PROVED),
            attempt(goal.text, StrategyType.HAMMER, Outcome.TIMEOUT),
            attempt("⊢ p", StrategyType.MICRO, Outcome.NOT_PROVED),
            attempt("⊢ p", StrategyType.HAMMER, Outcome.PROVED),
        ]
    )
    cursor.execute("""
    SELECT DISTINCT goal_hash, goal_text
    FROM attempts
    WHERE success = 0
    AND goal_hash NOT IN (
        SELECT goal_hash FROM attempts WHERE success = 1
    )
""")
    rows = cursor.fetchall()
    assert rows == [(ledger.hash_goal(goal.text), goal.text)]
    assert [(left.goal_hash, left.goal_text) for left in ledger.frontier()] == rows


def test_checkpoint_insert(ledger: Ledger, path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            """
INSERT INTO attempts (goal_hash, strategy, success, time_seconds, tactics)
VALUES (?, ?, ?, ?, ?)
""",
            (ledger.hash_goal("⊢ p"), "micro", 0, 1.5, '["simp"]'),
        )
    (found,) = ledger.attempts()
    assert (found.strategy, found.success, found.time_seconds, found.tactics) == ("micro", False, 1.5, ("simp",))


def test_inspect_ledger(ledger: Ledger, goal: Goal, cursor: sqlite3.Cursor) -> None:
    ledger.record_attempts(
        [
            attempt(goal.text, StrategyType.MICRO, Outcome.NOT_PROVED, 1.0),
            attempt(goal.text, StrategyType.MICRO, Outcome.PROVED, 3.0),
            attempt(goal.text, StrategyType.SKETCH, Outcome.ERROR, 6.0),
        ]
    )
    ledger.update_tactic_cache(goal.text, tactics=["omega"], success_rate=1.0, avg_time=0.1)
    ledger.update_tactic_cache("⊢ p", tactics=["simp"], success_rate=1.0, avg_time=0.1)
    ledger.get_cached_tactics("⊢ p")

    recent = cursor.execute("SELECT * FROM attempts ORDER BY timestamp DESC LIMIT 10").fetchall()
    assert len(recent) == 3
    rates = cursor.execute("""
SELECT strategy,
       COUNT(*) as attempts,
       SUM(success) as successes,
       AVG(time_seconds) as avg_time
FROM attempts
GROUP BY strategy;
""").fetchall()
    assert rates == [("micro", 2, 1, 2.0), ("sketch", 1, 0, 6.0)]
    cursor.execute("SELECT * FROM tactic_cache ORDER BY use_count DESC LIMIT 10")
    columns = [column[0] for column in cursor.description]
    cached = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    assert [(row["tactics"], row["use_count"]) for row in cached] == [('["simp"]', 1), ('["omega"]', 0)]
    assert {"tactics", "success_rate", "avg_time", "use_count", "last_used"} <= set(columns)
