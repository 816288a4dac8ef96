"""What people look at in the ledger: pages of goals, a goal's history, what strategies contribute, solved over time.

Every query stays fast with 100,000 goals and 1,000,000 attempts: it walks an index, or one narrow pass over the goals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import ColumnElement, Connection, String, and_, func, or_, select, union_all

from orchestrator.goals.result import GoalStatus
from orchestrator.ledger.attempts import OUTCOME, totals_of
from orchestrator.ledger.database import Section, count_rows, pairs
from orchestrator.ledger.goals import goal_record
from orchestrator.ledger.records import GoalRecord, ProofVerdict
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
    GoalSort.STATUS: (GOALS.c.status, GOALS.c.file, GOALS.c.source_line, GOALS.c.repo, GOALS.c.id),
    GoalSort.DIFFICULTY: (GOALS.c.difficulty, GOALS.c.repo, GOALS.c.id),
}


FACETED = 20_000
"""Of more goals not all facets are counted."""


@dataclass(frozen=True, slots=True)
class _Step:
    """A stretch of time: how much of a time written down says which one, and in the databases' words."""

    characters: int
    postgres: str
    python: str


_HOUR = _Step(13, "YYYY-MM-DD HH24", "%Y-%m-%d %H")
_MINUTE = _Step(16, "YYYY-MM-DD HH24:MI", "%Y-%m-%d %H:%M")


class PageSection(Section):
    """Reading only."""

    def goal_page(self, wanted: GoalFilter, *, offset: int = 0, limit: int = 50) -> GoalPage:
        """Goals from the `offset`-th on that the filter lets through."""
        conditions = _conditions(wanted, sqlite=self._database.is_sqlite)
        order = [column.desc() if wanted.descending else column for column in _SORTED[wanted.sort]]
        # Found by an index alone; the long texts are fetched for one page only.
        keys = select(GOALS.c.repo, GOALS.c.id).where(*conditions).order_by(*order).offset(offset).limit(limit)
        page = keys.subquery()
        rows_of = select(GOALS).join(page, and_(GOALS.c.repo == page.c.repo, GOALS.c.id == page.c.id)).order_by(*order)
        with self._database.read() as connection:
            total = count_rows(connection, GOALS, *conditions)
            rows = connection.execute(rows_of).all() if offset < total else []
            counts = _tried(connection, (row.goal_hash for row in rows))
        lines = (_line(goal_record(**row._mapping), *counts.get(row.goal_hash, (0, 0))) for row in rows)
        return GoalPage(total=total, goals=tuple(lines))

    def declarations(self, goals: Iterable[tuple[str, str]]) -> Mapping[tuple[str, str], str]:
        """The declarations in which these goals (repository and id) stand."""
        by_repo: dict[str, set[str]] = {}
        for repo, goal_id in goals:
            by_repo.setdefault(repo, set()).add(goal_id)
        found: dict[tuple[str, str], str] = {}
        columns = select(GOALS.c.id, GOALS.c.declaration)
        with self._database.read() as connection:
            for repo, ids in by_repo.items():
                query = columns.where(GOALS.c.repo == repo, GOALS.c.id.in_(sorted(ids)))
                found |= {(repo, goal_id): name for goal_id, name in pairs(connection, query).items()}
        return found

    def repositories(self) -> tuple[str, ...]:
        """Every repository that has a goal."""
        with self._database.read() as connection:
            query = select(GOALS.c.repo).distinct().order_by(GOALS.c.repo)
            return tuple(connection.execute(query).scalars())

    def goal_facets(self, wanted: GoalFilter) -> Mapping[str, Mapping[str, int]]:
        """How many goals there are of each status, kind, file and strategy, the most first: for each of these with the
        rest of the filter alone. Strategies are those that have found a proof.

        Of more than `FACETED` goals only the status is counted, for it alone needs no pass over all of them.
        """
        by_status = select(GOALS.c.status, func.count()).group_by(GOALS.c.status)
        all_goals = self._pairs(by_status if wanted.repo is None else by_status.where(GOALS.c.repo == wanted.repo))
        if sum(all_goals.values()) > FACETED:
            return {"status": dict(Counter(all_goals).most_common())}
        others = replace(wanted, status=None, kind=None, file=None, strategy=None)
        columns = (GOALS.c.status, GOALS.c.kind, GOALS.c.file)
        proved = select(ATTEMPTS.c.goal_hash, ATTEMPTS.c.strategy).where(ATTEMPTS.c.success).distinct().subquery()
        of_proved = select(proved.c.strategy, func.count()).join(GOALS, GOALS.c.goal_hash == proved.c.goal_hash)
        conditions = partial(_conditions, sqlite=self._database.is_sqlite)
        groups = select(*columns, func.count()).where(*conditions(replace(others, strategy=wanted.strategy)))
        with self._database.read() as connection:
            strategies = pairs(
                connection,
                of_proved.where(*conditions(replace(wanted, strategy=None))).group_by(proved.c.strategy),
            )
            rows = connection.execute(groups.group_by(*columns)).all()
        chosen = (wanted.status, wanted.kind, wanted.file)
        found: dict[str, Counter[str]] = {"status": Counter(), "kind": Counter(), "file": Counter()}
        for *values, count in rows:
            off = [n for n, (value, only) in enumerate(zip(values, chosen, strict=True)) if only not in (None, value)]
            for number, name in enumerate(found):
                if not set(off) - {number}:
                    found[name][values[number]] += count
        found["strategy"] = Counter(strategies)
        return {name: dict(counts.most_common()) for name, counts in found.items()}

    def contributions(self, repo: str | None = None) -> tuple[Contribution, ...]:
        """What each strategy has proved, and what it alone has; in one repository, or in all."""
        mine = [ATTEMPTS.c.success, *([] if repo is None else [ATTEMPTS.c.repo == repo])]
        provers = (
            select(
                func.min(ATTEMPTS.c.strategy).label("one"),
                func.count(ATTEMPTS.c.strategy.distinct()).label("provers"),
            )
            .where(*mine)
            .group_by(ATTEMPTS.c.goal_hash)
            .subquery()
        )
        alone = select(provers.c.one, func.count()).where(provers.c.provers == 1).group_by(provers.c.one)
        distinct = select(ATTEMPTS.c.goal_hash, ATTEMPTS.c.strategy).where(*mine).distinct().subquery()
        proved = select(distinct.c.strategy, func.count()).group_by(distinct.c.strategy).order_by(distinct.c.strategy)
        with self._database.read() as connection:
            only = pairs(connection, alone)
            return tuple(
                Contribution(strategy=strategy, proved=count, alone=only.get(strategy, 0))
                for strategy, count in pairs(connection, proved).items()
            )

    def solved_over_time(self, repo: str | None = None) -> tuple[SolvedOn, ...]:
        """When the proofs were found that have passed the gate or await it, the first of each goal; not of conditional
        ones.

        By day; by hour if all of it lies within three days, by minute if within three hours.
        """
        hours = self._first_proofs(_HOUR, repo)
        if not hours:
            return ()
        whole = hours[-1].start - hours[0].start
        if whole < timedelta(hours=3):
            return self._first_proofs(_MINUTE, repo)
        if whole <= timedelta(days=3):
            return hours
        days = Counter[datetime]()
        for entry in hours:
            days[entry.start.replace(hour=0)] += entry.count
        return tuple(SolvedOn(start=start, count=count) for start, count in sorted(days.items()))

    def _first_proofs(self, step: _Step, repo: str | None) -> tuple[SolvedOn, ...]:
        """Counted by the database, which need not hand over a row for each goal."""
        conditional = select(GOALS.c.goal_hash).where(GOALS.c.status == GoalStatus.CONDITIONAL)
        passed = select(PROOFS.c.goal_hash, PROOFS.c.timestamp).where(
            PROOFS.c.verdict == ProofVerdict.PASSED, PROOFS.c.goal_hash.not_in(conditional)
        )
        waiting = (
            select(ATTEMPTS.c.goal_hash, ATTEMPTS.c.timestamp)
            .join(GOALS, GOALS.c.goal_hash == ATTEMPTS.c.goal_hash)
            .where(GOALS.c.status == GoalStatus.FOUND, ATTEMPTS.c.success)
        )
        if repo is not None:
            passed, waiting = passed.where(PROOFS.c.repo == repo), waiting.where(GOALS.c.repo == repo)
        found = union_all(passed, waiting).subquery()
        first = select(func.min(found.c.timestamp).label("at")).group_by(found.c.goal_hash).subquery()
        if self._database.is_sqlite:  # keeps times as text, the year first
            start = func.substr(first.c.at, 1, step.characters, type_=String)
        else:
            start = func.to_char(func.timezone("UTC", first.c.at), step.postgres, type_=String)
        query = select(start.label("start"), func.count()).group_by("start").order_by("start")
        return tuple(
            SolvedOn(start=datetime.strptime(begins, step.python).replace(tzinfo=UTC), count=count)
            for begins, count in self._pairs(query).items()
        )

    def run_totals(self, run_id: str) -> Mapping[str, StrategyTotals]:
        """A run's attempts by strategy."""
        attempts = (
            select(ATTEMPTS.c.strategy, OUTCOME.label("outcome"), ATTEMPTS.c.time_seconds)
            .where(ATTEMPTS.c.run_id == run_id)
            .subquery()
        )
        key = (attempts.c.strategy, attempts.c.outcome)
        query = select(*key, func.count(), func.sum(attempts.c.time_seconds)).group_by(*key).order_by(*key)
        with self._database.read() as connection:
            return totals_of(connection, query)

    def goals_of_declarations(self, repo: str, declarations: Iterable[str]) -> Mapping[str, str]:
        """The id of a goal for each of these declarations that has one."""
        query = select(GOALS.c.declaration, func.min(GOALS.c.id)).where(
            GOALS.c.repo == repo, GOALS.c.declaration.in_(sorted(declarations))
        )
        return self._pairs(query.group_by(GOALS.c.declaration))


def _conditions(wanted: GoalFilter, *, sqlite: bool) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.repo is not None:
        conditions.append(GOALS.c.repo == wanted.repo)
    for column, value in ((GOALS.c.status, wanted.status), (GOALS.c.file, wanted.file), (GOALS.c.kind, wanted.kind)):
        if value is not None:
            conditions.append(column == value)
    if wanted.declarations is not None:
        conditions.append(GOALS.c.declaration.in_(wanted.declarations))
    if wanted.strategy is not None:
        here = (ATTEMPTS.c.goal_hash == GOALS.c.goal_hash, ATTEMPTS.c.strategy == wanted.strategy, ATTEMPTS.c.success)
        conditions.append(select(ATTEMPTS.c.id).where(*here).exists())
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
        status=record.status,
        difficulty=goal.estimated_difficulty,
        target=goal.target,
        attempts=attempts,
        found=found,
    )
