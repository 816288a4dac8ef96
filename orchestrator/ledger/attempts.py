"""The ledger's attempts: what was tried, what it adds up to, and what is still open."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, case, delete, func, insert, or_, select
from sqlalchemy.engine import Connection

from orchestrator.goals.normal_form import goal_hash
from orchestrator.goals.result import Outcome
from orchestrator.ledger.database import Database, Section
from orchestrator.ledger.records import AttemptRecord, plain
from orchestrator.ledger.summaries import FrontierGoal, StrategyTotals
from orchestrator.ledger.tables import ATTEMPT_TOTALS, ATTEMPTED_GOALS, ATTEMPTS

CONCLUSIVE = (Outcome.NOT_PROVED, Outcome.TIMEOUT)
"""Failures that say something of the goal; errors, cancelled and unavailable attempts do not."""


class AttemptQueries(Section):
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
        failed: list[ColumnElement[bool]] = [ATTEMPTS.c.outcome.in_([outcome.value for outcome in CONCLUSIVE])]
        if budget_seconds is not None:
            given = ATTEMPTS.c.budget_seconds
            failed.append(or_(given.is_(None), given >= budget_seconds))
        alike = (
            ATTEMPTS.c.strategy == str(strategy),
            ATTEMPTS.c.configuration == configuration,
            ATTEMPTS.c.environment == environment,
            or_(ATTEMPTS.c.outcome == Outcome.PROVED.value, and_(*failed)),
        )
        with self._database.read() as connection:
            return any(
                connection.execute(select(ATTEMPTS.c.id).where(same, *alike).limit(1)).first() is not None
                for same in _same_goal(goal_text, identity)
            )

    def record_attempt(self, attempt: AttemptRecord) -> None:
        """Add one attempt.

        Raises:
            LedgerError: its run was never started.
        """
        self.record_attempts((attempt,))

    def record_attempts(self, records: Iterable[AttemptRecord]) -> None:
        """Add attempts, all or none. Raises as `record_attempt`."""
        now = self._now()
        stamped = [record.at(now) for record in records]
        if not stamped:
            return
        counted = ((r.goal_hash, r.goal_text, r.strategy, r.outcome, r.time_seconds) for r in stamped)
        with self._database.write() as connection:
            connection.execute(insert(ATTEMPTS), [_row(record) for record in stamped])
            _count(self._database, connection, counted)

    def attempts(
        self,
        run_id: str | None = None,
        *,
        goal_text: str | None = None,
        identity: str = "",
        limit: int | None = None,
        newest_first: bool = False,
    ) -> tuple[AttemptRecord, ...]:
        """Attempts of a run, of a goal (by `identity`, else up to names), or all; as they came in, or newest first."""
        query = select(ATTEMPTS)
        if run_id is not None:
            query = query.where(ATTEMPTS.c.run_id == run_id)
        # The order of arrival, but over all runs that of the clock: rows may have been put in later.
        order = ATTEMPTS.c.timestamp if run_id is None and goal_text is None else ATTEMPTS.c.id
        query = query.order_by(order.desc() if newest_first else order).limit(limit)
        queries = [query] if goal_text is None else [query.where(same) for same in _same_goal(goal_text, identity)]
        with self._database.read() as connection:
            found = [attempt_record(row) for each in queries for row in connection.execute(each)]
        if len(queries) > 1:
            found.sort(key=lambda record: record.id or 0, reverse=newest_first)
        return tuple(found[:limit])

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
        with self._database.read() as connection:
            return tuple(FrontierGoal(*row) for row in connection.execute(query))

    def recount(self) -> None:
        """Bring frontier and statistics in step with `attempts` after rows were added or removed by hand."""
        with self._database.write() as connection:
            rebuild_counts(self._database, connection)


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
    """Count all attempts anew."""
    outcome = case((ATTEMPTS.c.success, Outcome.PROVED.value), else_=ATTEMPTS.c.outcome)
    columns = (ATTEMPTS.c.goal_hash, ATTEMPTS.c.goal_text, ATTEMPTS.c.strategy, outcome, ATTEMPTS.c.time_seconds)
    connection.execute(delete(ATTEMPTED_GOALS))
    connection.execute(delete(ATTEMPT_TOTALS))
    _count(database, connection, (tuple(row) for row in connection.execute(select(*columns))))


def count_attempted_goals(connection: Connection) -> tuple[int, int]:
    """Distinct goals attempted, and proved."""
    # A subquery, for which the databases use an index; count(DISTINCT …) sorts all rows anew.
    attempted = select(ATTEMPTED_GOALS.c.goal_hash).distinct()
    proved = attempted.where(ATTEMPTED_GOALS.c.successes > 0)
    counts = [connection.execute(select(func.count()).select_from(query.subquery())) for query in (attempted, proved)]
    return counts[0].scalar_one(), counts[1].scalar_one()


def count_attempts(connection: Connection) -> Mapping[str, StrategyTotals]:
    """Totals by strategy, in the order of their names."""
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    seconds: Counter[str] = Counter()
    for row in connection.execute(select(ATTEMPT_TOTALS).order_by(ATTEMPT_TOTALS.c.strategy, ATTEMPT_TOTALS.c.outcome)):
        outcomes[row.strategy][row.outcome] = row.attempts
        seconds[row.strategy] += row.seconds
    return {
        strategy: StrategyTotals(
            attempts=counts.total(),
            successes=counts[Outcome.PROVED],
            seconds=seconds[strategy],
            outcomes=MappingProxyType(dict(counts)),
        )
        for strategy, counts in outcomes.items()
    }


def _count(database: Database, connection: Connection, attempts: Iterable[tuple[str, str, str, str, float]]) -> None:
    """Add (hash, text, strategy, outcome, seconds) to the counts."""
    by_goal: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    by_outcome: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0, 0.0])
    texts: dict[str, str] = {}
    for hashed, text, strategy, outcome, seconds in attempts:
        text = plain(text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        texts[digest] = text
        by_goal[hashed, digest][outcome == Outcome.PROVED] += 1
        counted = by_outcome[strategy, str(outcome)]
        counted[0] += 1
        counted[1] += seconds
    # Sorted, so that two processes never wait for one another's rows crosswise.
    goals = database.insert(ATTEMPTED_GOALS)
    if by_goal:
        connection.execute(
            goals.on_conflict_do_update(
                index_elements=["goal_hash", "text_digest"],
                set_={
                    "failures": ATTEMPTED_GOALS.c.failures + goals.excluded.failures,
                    "successes": ATTEMPTED_GOALS.c.successes + goals.excluded.successes,
                },
            ),
            [
                {
                    "goal_hash": goal_hash,
                    "text_digest": digest,
                    "goal_text": texts[digest],
                    "failures": failures,
                    "successes": successes,
                }
                for (goal_hash, digest), (failures, successes) in sorted(by_goal.items())
            ],
        )
    outcomes = database.insert(ATTEMPT_TOTALS)
    if by_outcome:
        connection.execute(
            outcomes.on_conflict_do_update(
                index_elements=["strategy", "outcome"],
                set_={
                    "attempts": ATTEMPT_TOTALS.c.attempts + outcomes.excluded.attempts,
                    "seconds": ATTEMPT_TOTALS.c.seconds + outcomes.excluded.seconds,
                },
            ),
            [
                {"strategy": strategy, "outcome": outcome, "attempts": count, "seconds": seconds}
                for (strategy, outcome), (count, seconds) in sorted(by_outcome.items())
            ],
        )


def _row(record: AttemptRecord) -> dict[str, Any]:
    return {
        "goal_hash": record.goal_hash,
        "goal_text": plain(record.goal_text),
        "strategy": str(record.strategy),
        "success": record.success,
        "time_seconds": record.time_seconds,
        "tactics": plain(record.tactics),
        "error": plain(record.error),
        "timestamp": record.timestamp,
        "run_id": record.run_id,
        "goal_id": plain(record.goal_id),
        "repo": plain(record.repo),
        "commit": record.commit,
        "configuration": record.configuration,
        "environment": record.environment,
        "budget_seconds": record.budget_seconds,
        "outcome": str(record.outcome),
        "metadata": plain(record.metadata),
        "identity": record.identity,
    }


def attempt_record(row: Row[Any]) -> AttemptRecord:
    """A row of `attempts` as a value."""
    values = dict(row._mapping)
    success = values.pop("success")
    values["outcome"] = Outcome.PROVED if success else Outcome(values["outcome"])
    values["metadata"] = MappingProxyType(values["metadata"])
    return AttemptRecord(**values)
