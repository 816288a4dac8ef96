"""The ledger's attempts: what was tried, what it adds up to, what is still open, and what is old."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, delete, func, insert, not_, or_, select
from sqlalchemy.engine import Connection

from orchestrator.goals.normal_form import goal_hash
from orchestrator.goals.result import Outcome
from orchestrator.ledger.columns import plain, row_of
from orchestrator.ledger.database import Database, Section, count_rows
from orchestrator.ledger.records import AttemptRecord
from orchestrator.ledger.summaries import FrontierGoal, StrategyTotals
from orchestrator.ledger.tables import ATTEMPT_TOTALS, ATTEMPTED_GOALS, ATTEMPTS, STRATEGY_HISTORY

CONCLUSIVE = (Outcome.NOT_PROVED, Outcome.TIMEOUT)
"""Failures that say something of the goal; errors, cancelled and unavailable attempts do not."""
# Rows put in by hand may say of a proof nothing but its success.
OUTCOME = case((ATTEMPTS.c.success, Outcome.PROVED.value), else_=ATTEMPTS.c.outcome)


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was (or would be) removed: failed attempts, and entries of the strategies' history."""

    attempts: int
    history: int


class AttemptSection(Section):
    """The record of every strategy tried on every goal."""

    def hash_goal(self, text: str) -> str:
        """The hash under which a goal is known: equal for goals that differ in names and order only."""
        return goal_hash(text)

    def check_duplicate(
        self,
        goal_text: str,
        strategy: str,
        *,
        configuration: str = "",
        environment: str = "",
        budget_seconds: float | None = None,
        identity: str = "",
    ) -> bool:
        """Say whether trying this combination again can teach nothing.

        True when an attempt with the same goal (by `identity` where both have one, else up to names), strategy,
        configuration and environment proved it, or failed (`not_proved`, `timeout`) with at least `budget_seconds`;
        without a budget any such failure counts, and an attempt recorded without one counts as unlimited. Attempts
        that ended in an error, were cancelled or found their strategy unavailable never count. A proof found is worth
        replaying from the cache, not searching again.
        """
        failed: list[ColumnElement[bool]] = [ATTEMPTS.c.outcome.in_(CONCLUSIVE)]
        if budget_seconds is not None:
            given = ATTEMPTS.c.budget_seconds
            failed.append(or_(given.is_(None), given >= budget_seconds))
        alike = (
            ATTEMPTS.c.strategy == str(strategy),
            ATTEMPTS.c.configuration == configuration,
            ATTEMPTS.c.environment == environment,
            or_(ATTEMPTS.c.outcome == Outcome.PROVED, and_(*failed)),
        )
        with self._database.read() as connection:
            return any(
                connection.execute(select(ATTEMPTS.c.id).where(same, *alike).limit(1)).first() is not None
                for same in _same_goal(goal_text, identity)
            )

    def record_attempt(self, attempt: AttemptRecord) -> None:
        """Add one attempt. Raises LedgerError: its run was never started."""
        self.record_attempts((attempt,))

    def record_attempts(self, records: Iterable[AttemptRecord]) -> None:
        """Add attempts, all or none. Raises as `record_attempt`."""
        now = self._now()
        rows = [
            row_of(ATTEMPTS, record, metadata=record.details, timestamp=record.timestamp or now) for record in records
        ]
        if not rows:
            return
        with self._database.write() as connection:
            connection.execute(insert(ATTEMPTS), rows)
            counted = ("goal_hash", "goal_text", "strategy", "outcome", "time_seconds")
            _count(self._database, connection, (tuple(row[name] for name in counted) for row in rows))

    def attempts(
        self,
        run_id: str | None = None,
        *,
        goal_text: str | None = None,
        goal_hash: str | None = None,
        identity: str = "",
        repo: str | None = None,
        proved: bool = False,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> tuple[AttemptRecord, ...]:
        """Attempts in the order in which they came in, or the newest first.

        Args:
            goal_text, identity: on this goal, by its identity if it has one, else up to names.
            proved: only those that found a proof; the gate may not have seen it yet.
        """
        query = select(ATTEMPTS)
        for column, value in {"run_id": run_id, "goal_hash": goal_hash, "repo": repo}.items():
            if value is not None:
                query = query.where(ATTEMPTS.c[column] == value)
        if proved:
            query = query.where(ATTEMPTS.c.success)
        # The order of arrival, but over all runs that of the clock: rows may have been put in later.
        order = ATTEMPTS.c.timestamp if run_id is goal_text is goal_hash is None else ATTEMPTS.c.id
        query = query.order_by(order.desc() if newest_first else order).limit(limit)
        if goal_text is None:
            return self._all(AttemptRecord, query)
        queries = [query.where(same) for same in _same_goal(goal_text, identity)]
        found = self._all(AttemptRecord, *queries)
        return tuple(sorted(found, key=lambda record: record.id or 0, reverse=newest_first)[:limit])

    def success_seconds(self, strategy: str, *, limit: int = 200) -> tuple[float, ...]:
        """Seconds of a strategy's newest successful attempts, newest first."""
        query = (
            select(ATTEMPTS.c.time_seconds)
            .where(ATTEMPTS.c.strategy == str(strategy), ATTEMPTS.c.success)
            .order_by(ATTEMPTS.c.id.desc())
            .limit(limit)
        )
        with self._database.read() as connection:
            return tuple(connection.execute(query).scalars())

    def frontier(self, *, limit: int | None = None) -> tuple[FrontierGoal, ...]:
        """Goals with a failed attempt and no successful one, one entry a wording: where to go on after a crash."""
        goals, others = ATTEMPTED_GOALS.c, ATTEMPTED_GOALS.alias().c
        solved = select(others.goal_hash).where(others.goal_hash == goals.goal_hash, others.successes > 0).exists()
        query = (
            select(goals.goal_hash, goals.goal_text)
            .where(goals.successes == 0, goals.failures > 0, ~solved)
            .order_by(goals.goal_hash, goals.text_digest)
            .limit(limit)
        )
        return self._all(FrontierGoal, query)

    def recount(self) -> None:
        """Bring frontier and statistics in step with `attempts` after rows were added or removed by hand."""
        with self._database.write() as connection:
            rebuild_counts(self._database, connection)

    def prune(self, older_than: timedelta, *, dry_run: bool = False) -> Pruned:
        """Remove failed attempts and the strategies' history from before that time; proofs are always kept.

        A goal whose failures are gone is tried again, since nobody remembers that it was. What strategies have learned
        stays. With `dry_run` nothing is removed.
        """
        before = self._now() - older_than
        failed: ColumnElement[bool] = and_(ATTEMPTS.c.timestamp < before, not_(ATTEMPTS.c.success))
        old = STRATEGY_HISTORY.c.minute < before
        with self._database.write() as connection:
            found = Pruned(count_rows(connection, ATTEMPTS, failed), count_rows(connection, STRATEGY_HISTORY, old))
            if not dry_run:
                connection.execute(delete(STRATEGY_HISTORY).where(old))
                if connection.execute(delete(ATTEMPTS).where(failed)).rowcount:
                    rebuild_counts(self._database, connection)
        return found


def _same_goal(goal_text: str, identity: str) -> tuple[ColumnElement[bool], ...]:
    """What says that an attempt was on this goal: identities where both sides have one, the texts elsewhere.

    Each is for a query of its own: of an "or" SQLite would make a search through all attempts of a strategy.
    """
    same_text = ATTEMPTS.c.goal_hash == goal_hash(goal_text)
    if not identity:
        return (same_text,)
    # By its length, for SQLite must not go by the index of identities here: most rows may have none.
    return ATTEMPTS.c.identity == identity, and_(same_text, func.length(ATTEMPTS.c.identity) == 0)


def rebuild_counts(database: Database, connection: Connection) -> None:
    """Count all attempts again."""
    columns = (ATTEMPTS.c.goal_hash, ATTEMPTS.c.goal_text, ATTEMPTS.c.strategy, OUTCOME, ATTEMPTS.c.time_seconds)
    connection.execute(delete(ATTEMPTED_GOALS))
    connection.execute(delete(ATTEMPT_TOTALS))
    _count(database, connection, (tuple(row) for row in connection.execute(select(*columns))))


def count_attempted_goals(connection: Connection) -> int:
    """Distinct goals attempted."""
    # A subquery, for which the databases use an index; count(DISTINCT …) sorts all rows again.
    attempted = select(ATTEMPTED_GOALS.c.goal_hash).distinct()
    return count_rows(connection, attempted.subquery())


def count_attempts(connection: Connection, repo: str | None = None) -> Mapping[str, StrategyTotals]:
    """Totals by strategy, in the order of their names; those of one repository are counted attempt by attempt."""
    columns = ATTEMPT_TOTALS.c
    if repo is not None:
        key = (ATTEMPTS.c.strategy, OUTCOME.label("outcome"))
        counted = select(*key, func.count(), func.sum(ATTEMPTS.c.time_seconds)).where(ATTEMPTS.c.repo == repo)
        return totals_of(connection, counted.group_by(*key).order_by(*key))
    return totals_of(
        connection,
        select(columns.strategy, columns.outcome, columns.attempts, columns.seconds).order_by(
            columns.strategy, columns.outcome
        ),
    )


def totals_of(connection: Connection, query: Select[Any]) -> Mapping[str, StrategyTotals]:
    """Totals by strategy, from rows of strategy, outcome, attempts and seconds."""
    outcomes: dict[str, dict[str, int]] = defaultdict(dict)
    seconds: Counter[str] = Counter()
    for strategy, outcome, attempts, time in connection.execute(query):
        outcomes[strategy][outcome] = attempts
        seconds[strategy] += time
    return {strategy: StrategyTotals.of(counts, seconds[strategy]) for strategy, counts in outcomes.items()}


def _count(database: Database, connection: Connection, attempts: Iterable[tuple[Any, ...]]) -> None:
    """Add (hash, text, strategy, outcome, seconds) to the counts."""
    by_goal: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    by_outcome: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0, 0.0])
    for hashed, given, strategy, outcome, seconds in attempts:
        text = plain(given)
        by_goal[hashed, hashlib.sha256(text.encode()).hexdigest(), text][outcome == Outcome.PROVED] += 1
        counted = by_outcome[strategy, str(outcome)]
        counted[0] += 1
        counted[1] += seconds
    # Sorted, so that two processes never deadlock over the rows.
    goals = [
        dict(zip(ATTEMPTED_GOALS.c.keys(), (*key, *counts), strict=True)) for key, counts in sorted(by_goal.items())
    ]
    outcomes = [
        dict(zip(ATTEMPT_TOTALS.c.keys(), (*key, *counts), strict=True)) for key, counts in sorted(by_outcome.items())
    ]
    if goals:
        add_goals = partial(database.upsert, ATTEMPTED_GOALS, add=("failures", "successes"), keep=("goal_text",))
        connection.execute(database.prepared("attempted goals", add_goals), goals)
        add_totals = partial(database.upsert, ATTEMPT_TOTALS, add=("attempts", "seconds"))
        connection.execute(database.prepared("attempt totals", add_totals), outcomes)
