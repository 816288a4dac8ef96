"""What people look at in the ledger: pages of goals, a goal's history, what strategies contribute, solved over time.

Every query stays fast with 100,000 goals and 1,000,000 attempts: it walks an index, or one narrow pass over the goals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, Connection, String, and_, case, func, or_, select

from orchestrator.goals.result import GoalStatus, Outcome
from orchestrator.ledger.attempts import attempt_record
from orchestrator.ledger.database import Section
from orchestrator.ledger.goals import goal_record
from orchestrator.ledger.records import AttemptRecord, GoalRecord, ProofRecord, ProofVerdict
from orchestrator.ledger.runs import proof_record
from orchestrator.ledger.summaries import (
    Contribution,
    GoalFilter,
    GoalLine,
    GoalPage,
    GoalSort,
    SolvedOn,
    StrategyTotals,
)
from orchestrator.ledger.tables import ATTEMPTED_GOALS, ATTEMPTS, GOALS, PROOFS

_SORTED = {
    GoalSort.WHERE: (GOALS.c.file, GOALS.c.source_line, GOALS.c.repo, GOALS.c.id),
    GoalSort.DECLARATION: (GOALS.c.declaration, GOALS.c.repo, GOALS.c.id),
    GoalSort.DIFFICULTY: (GOALS.c.difficulty, GOALS.c.repo, GOALS.c.id),
}


@dataclass(frozen=True, slots=True)
class _Step:
    """A stretch of time: how much of a time written down says which one, and in the databases' words."""

    characters: int
    postgres: str
    python: str


_HOUR = _Step(13, "YYYY-MM-DD HH24", "%Y-%m-%d %H")
_MINUTE = _Step(16, "YYYY-MM-DD HH24:MI", "%Y-%m-%d %H:%M")


class Browsing(Section):
    """Reading only."""

    def goal(self, goal_id: str, *, repo: str = "") -> GoalRecord | None:
        """The goal of that id."""
        with self._database.read() as connection:
            row = connection.execute(select(GOALS).where(GOALS.c.repo == repo, GOALS.c.id == goal_id)).first()
            return None if row is None else goal_record(row)

    def goal_page(self, wanted: GoalFilter, *, offset: int = 0, limit: int = 50) -> GoalPage:
        """Goals from the `offset`-th on that the filter lets through."""
        conditions = _conditions(wanted, sqlite=self._database.is_sqlite)
        order = [column.desc() if wanted.descending else column for column in _SORTED[wanted.sort]]
        # Found by an index alone; the long texts are fetched for one page only.
        keys = select(GOALS.c.repo, GOALS.c.id).where(*conditions).order_by(*order).offset(offset).limit(limit)
        page = keys.subquery()
        rows_of = select(GOALS).join(page, and_(GOALS.c.repo == page.c.repo, GOALS.c.id == page.c.id)).order_by(*order)
        with self._database.read() as connection:
            total = connection.execute(select(func.count()).select_from(GOALS).where(*conditions)).scalar_one()
            rows = connection.execute(rows_of).all() if offset < total else []
            counts = _tried(connection, (row.goal_hash for row in rows))
        lines = (_line(goal_record(row), *counts.get(row.goal_hash, (0, 0))) for row in rows)
        return GoalPage(total=total, goals=tuple(lines))

    def declarations(self, goals: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
        """The declarations in which these goals (repository and id) stand."""
        by_repo: dict[str, set[str]] = {}
        for repo, goal_id in goals:
            by_repo.setdefault(repo, set()).add(goal_id)
        found = {}
        with self._database.read() as connection:
            for repo, ids in by_repo.items():
                wanted = and_(GOALS.c.repo == repo, GOALS.c.id.in_(sorted(ids)))
                for row in connection.execute(select(GOALS.c.id, GOALS.c.declaration).where(wanted)):
                    found[repo, row[0]] = row[1]
        return found

    def repositories(self) -> tuple[str, ...]:
        """Every repository that has a goal."""
        with self._database.read() as connection:
            query = select(GOALS.c.repo).distinct().order_by(GOALS.c.repo)
            return tuple(connection.execute(query).scalars())

    def tried_on(self, goal_hash: str, *, limit: int = 200) -> tuple[AttemptRecord, ...]:
        """Attempts on goals of that hash, the newest first."""
        query = select(ATTEMPTS).where(ATTEMPTS.c.goal_hash == goal_hash).order_by(ATTEMPTS.c.id.desc()).limit(limit)
        with self._database.read() as connection:
            return tuple(attempt_record(row) for row in connection.execute(query))

    def proofs_of(self, goal_hash: str, *, limit: int = 50) -> tuple[ProofRecord, ...]:
        """Proofs of goals of that hash that went through the gate, the newest first."""
        query = select(PROOFS).where(PROOFS.c.goal_hash == goal_hash).order_by(PROOFS.c.id.desc()).limit(limit)
        with self._database.read() as connection:
            return tuple(proof_record(row) for row in connection.execute(query))

    def found_lately(self, *, limit: int = 10) -> tuple[AttemptRecord, ...]:
        """Attempts that found a proof, the newest first; the gate may not have seen it yet."""
        query = select(ATTEMPTS).where(ATTEMPTS.c.success).order_by(ATTEMPTS.c.timestamp.desc()).limit(limit)
        with self._database.read() as connection:
            return tuple(attempt_record(row) for row in connection.execute(query))

    def tried_lately(self, *, limit: int = 10) -> tuple[AttemptRecord, ...]:
        """Attempts, the newest first."""
        query = select(ATTEMPTS).order_by(ATTEMPTS.c.timestamp.desc()).limit(limit)
        with self._database.read() as connection:
            return tuple(attempt_record(row) for row in connection.execute(query))

    def contributions(self) -> tuple[Contribution, ...]:
        """What each strategy has proved, and what it alone has."""
        provers = (
            select(
                func.min(ATTEMPTS.c.strategy).label("one"),
                func.count(ATTEMPTS.c.strategy.distinct()).label("provers"),
            )
            .where(ATTEMPTS.c.success)
            .group_by(ATTEMPTS.c.goal_hash)
            .subquery()
        )
        alone = select(provers.c.one, func.count()).where(provers.c.provers == 1).group_by(provers.c.one)
        pairs = select(ATTEMPTS.c.goal_hash, ATTEMPTS.c.strategy).where(ATTEMPTS.c.success).distinct().subquery()
        proved = select(pairs.c.strategy, func.count()).group_by(pairs.c.strategy).order_by(pairs.c.strategy)
        with self._database.read() as connection:
            only = {row[0]: row[1] for row in connection.execute(alone)}
            return tuple(
                Contribution(strategy=row[0], proved=row[1], alone=only.get(row[0], 0))
                for row in connection.execute(proved)
            )

    def solved_over_time(self) -> tuple[SolvedOn, ...]:
        """When goals were first proved, gate included.

        By day; by hour if all of it lies within three days, by minute if within three hours.
        """
        hours = self._first_proofs(_HOUR)
        if not hours:
            return ()
        whole = hours[-1].start - hours[0].start
        if whole < timedelta(hours=3):
            return self._first_proofs(_MINUTE)
        if whole <= timedelta(days=3):
            return hours
        days = Counter[datetime]()
        for entry in hours:
            days[entry.start.replace(hour=0)] += entry.count
        return tuple(SolvedOn(start=start, count=count) for start, count in sorted(days.items()))

    def _first_proofs(self, step: _Step) -> tuple[SolvedOn, ...]:
        """Counted by the database, which need not hand over a row for each goal."""
        first = (
            select(func.min(PROOFS.c.timestamp).label("at"))
            .where(PROOFS.c.verdict == ProofVerdict.PASSED.value)
            .group_by(PROOFS.c.goal_hash)
            .subquery()
        )
        if self._database.is_sqlite:  # keeps times as text, the year first
            start = func.substr(first.c.at, 1, step.characters, type_=String)
        else:
            start = func.to_char(func.timezone("UTC", first.c.at), step.postgres, type_=String)
        query = select(start.label("start"), func.count().label("count")).group_by("start").order_by("start")
        with self._database.read() as connection:
            return tuple(
                SolvedOn(start=datetime.strptime(row[0], step.python).replace(tzinfo=UTC), count=row[1])
                for row in connection.execute(query)
            )

    def run_totals(self, run_id: str) -> Mapping[str, StrategyTotals]:
        """A run's attempts by strategy."""
        outcome = case((ATTEMPTS.c.success, Outcome.PROVED.value), else_=ATTEMPTS.c.outcome)
        attempts = (
            select(ATTEMPTS.c.strategy, outcome.label("ended"), ATTEMPTS.c.time_seconds)
            .where(ATTEMPTS.c.run_id == run_id)
            .subquery()
        )
        query = (
            select(
                attempts.c.strategy,
                attempts.c.ended,
                func.count().label("attempts"),
                func.sum(attempts.c.time_seconds).label("seconds"),
            )
            .group_by(attempts.c.strategy, attempts.c.ended)
            .order_by(attempts.c.strategy, attempts.c.ended)
        )
        outcomes: dict[str, dict[str, int]] = {}
        seconds: Counter[str] = Counter()
        with self._database.read() as connection:
            for row in connection.execute(query):
                outcomes.setdefault(row.strategy, {})[row.ended] = row.attempts
                seconds[row.strategy] += row.seconds
        return {
            name: StrategyTotals(
                attempts=sum(counts.values()),
                successes=counts.get(Outcome.PROVED.value, 0),
                seconds=seconds[name],
                outcomes=counts,
            )
            for name, counts in outcomes.items()
        }

    def run_proofs(self, run_id: str, *, limit: int = 500) -> tuple[ProofRecord, ...]:
        """A run's proofs, the first first."""
        query = select(PROOFS).where(PROOFS.c.run_id == run_id).order_by(PROOFS.c.id).limit(limit)
        with self._database.read() as connection:
            return tuple(proof_record(row) for row in connection.execute(query))

    def run_attempts(self, run_id: str, *, limit: int = 100) -> tuple[AttemptRecord, ...]:
        """A run's attempts, the newest first."""
        query = select(ATTEMPTS).where(ATTEMPTS.c.run_id == run_id).order_by(ATTEMPTS.c.id.desc()).limit(limit)
        with self._database.read() as connection:
            return tuple(attempt_record(row) for row in connection.execute(query))

    def passed_in(self, run_id: str) -> Mapping[str, str]:
        """The goals (by id) that a run proved, gate included, with their declarations."""
        query = select(PROOFS.c.goal_id, PROOFS.c.declaration).where(
            PROOFS.c.run_id == run_id, PROOFS.c.verdict == ProofVerdict.PASSED.value
        )
        with self._database.read() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def goals_of_declarations(self, repo: str, declarations: Iterable[str]) -> Mapping[str, str]:
        """The id of a goal for each of these declarations that has one."""
        query = select(GOALS.c.declaration, func.min(GOALS.c.id)).where(
            GOALS.c.repo == repo, GOALS.c.declaration.in_(sorted(declarations))
        )
        with self._database.read() as connection:
            return {row[0]: row[1] for row in connection.execute(query.group_by(GOALS.c.declaration))}


def _conditions(wanted: GoalFilter, *, sqlite: bool) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.repo is not None:
        conditions.append(GOALS.c.repo == wanted.repo)
    if wanted.status is not None:
        conditions.append(GOALS.c.status == wanted.status.value)
    if wanted.text:
        columns = (GOALS.c.declaration, GOALS.c.file, GOALS.c.goal_text)
        # SQLite's LIKE takes no notice of case by itself; asking for it takes twice as long.
        alike = [
            column.contains(wanted.text, autoescape=True) if sqlite else column.icontains(wanted.text, autoescape=True)
            for column in columns
        ]
        conditions.append(or_(*alike))
    return conditions


def _tried(connection: Connection, hashes: Iterable[str]) -> Mapping[str, tuple[int, int]]:
    """Attempts, and successes among them, by goal hash."""
    goals = ATTEMPTED_GOALS.c
    query = (
        select(goals.goal_hash, func.sum(goals.failures + goals.successes), func.sum(goals.successes))
        .where(goals.goal_hash.in_(sorted(set(hashes))))
        .group_by(goals.goal_hash)
    )
    return {row[0]: (row[1], row[2]) for row in connection.execute(query)}


def _line(record: GoalRecord, attempts: int, found: int) -> GoalLine:
    goal = record.goal
    return GoalLine(
        repo=record.repo,
        id=goal.id,
        declaration=goal.declaration,
        file=goal.file,
        line=goal.span.start.line if goal.span else 0,
        kind=goal.kind.value,
        status=GoalStatus(record.status),
        difficulty=goal.estimated_difficulty,
        target=goal.target,
        attempts=attempts,
        found=found,
    )
