"""The ledger's goals: every sorry seen in a repository, and where it stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Row, and_, func, select, update
from sqlalchemy.engine import Connection

from orchestrator.errors import LedgerError
from orchestrator.goals.goal import Context, Goal, Identity, Position, SorryKind, SourceSpan
from orchestrator.goals.normal_form import goal_hash
from orchestrator.goals.result import GoalStatus
from orchestrator.ledger.database import Section
from orchestrator.ledger.records import GoalRecord, plain
from orchestrator.ledger.tables import GOALS


class Goals(Section):
    """Goals by repository and id."""

    def record_goals(self, records: Iterable[GoalRecord]) -> None:
        """Add goals, or bring them up to date, status included; which run saw them first is kept. All or none.

        Raises:
            LedgerError: a run they name was never started.
        """
        rows = [_row(record) for record in records]
        if not rows:
            return
        statement = self._database.insert(GOALS)
        kept = ("repo", "id", "first_seen_run")
        changed: dict[str, Any] = {c.name: statement.excluded[c.name] for c in GOALS.c if c.name not in kept}
        changed["first_seen_run"] = func.coalesce(GOALS.c.first_seen_run, statement.excluded.first_seen_run)
        with self._database.write() as connection:
            connection.execute(
                statement.on_conflict_do_update(index_elements=["repo", "id"], set_=changed),
                # Sorted, so that two processes never wait for one another's rows crosswise.
                sorted(rows, key=lambda row: (row["repo"], row["id"])),
            )

    def add_goals(self, records: Iterable[GoalRecord]) -> None:
        """Add the goals that are not known yet, and leave the others as they are. All or none.

        Raises:
            LedgerError: a run they name was never started.
        """
        rows = sorted(map(_row, records), key=lambda row: (row["repo"], row["id"]))
        if rows:
            with self._database.write() as connection:
                connection.execute(self._database.insert(GOALS).on_conflict_do_nothing(), rows)

    def set_goal_status(self, goal_id: str, status: GoalStatus, *, repo: str = "") -> None:
        """Change where a goal stands.

        Raises:
            LedgerError: no such goal.
        """
        mine = and_(GOALS.c.repo == repo, GOALS.c.id == goal_id)
        with self._database.write() as connection:
            found = connection.execute(update(GOALS).where(mine).values(status=status.value)).rowcount
        if not found:
            raise LedgerError(f"there is no goal {goal_id} of {repo or 'no repository'}", where=self._database.where)

    def goals(
        self,
        *,
        repo: str | None = None,
        status: GoalStatus | None = None,
        run_id: str | None = None,
        goal_text: str | None = None,
        limit: int | None = None,
    ) -> tuple[GoalRecord, ...]:
        """Goals by repository and id; `run_id` is the run that saw them last, `goal_text` matches up to names."""
        query = select(GOALS).order_by(GOALS.c.repo, GOALS.c.id).limit(limit)
        wanted = {
            "repo": repo,
            "status": status,
            "last_seen_run": run_id,
            "goal_hash": None if goal_text is None else goal_hash(goal_text),
        }
        for column, value in wanted.items():
            if value is not None:
                query = query.where(GOALS.c[column] == str(value))
        with self._database.read() as connection:
            return tuple(goal_record(row) for row in connection.execute(query))

    def goal_environments(self, repo: str) -> Mapping[str, str]:
        """Under which environment each goal of a repository was seen last, by id."""
        query = select(GOALS.c.id, GOALS.c.environment).where(GOALS.c.repo == repo)
        with self._database.read() as connection:
            return {row.id: row.environment for row in connection.execute(query)}


def count_goals(connection: Connection) -> Mapping[str, int]:
    """Goals by status."""
    query = select(GOALS.c.status, func.count()).group_by(GOALS.c.status).order_by(GOALS.c.status)
    return {row[0]: row[1] for row in connection.execute(query)}


def _row(record: GoalRecord) -> dict[str, Any]:
    goal = record.goal
    return {
        "repo": plain(record.repo),
        "id": plain(goal.id),
        "goal_hash": record.goal_hash,
        "goal_text": plain(goal.text),
        "commit": record.commit,
        "file": plain(goal.file),
        "module": plain(goal.module),
        "declaration": plain(goal.declaration),
        "span": _numbers(goal.span),
        "command": _numbers(goal.command),
        "kind": goal.kind.value,
        "is_prop": goal.is_prop,
        "context": {
            "namespace": plain(goal.context.namespace),
            "opens": plain(goal.context.opens),
            "imports": plain(goal.context.imports),
            "labels": plain(goal.context.labels),
            **({"names": plain(goal.identity.names)} if goal.identity else {}),
        },
        "identity": goal.digest,
        "difficulty": goal.estimated_difficulty,
        "status": record.status.value,
        "environment": record.environment,
        "source": plain(record.source),
        "source_line": record.source_line,
        "first_seen_run": record.first_seen_run or record.last_seen_run,
        "last_seen_run": record.last_seen_run,
    }


def goal_record(row: Row[Any]) -> GoalRecord:
    """A row of `goals` as a value."""
    context = row.context
    goal = Goal(
        id=row.id,
        text=row.goal_text,
        context=Context(
            namespace=context.get("namespace", ""),
            **{name: tuple(context.get(name, ())) for name in ("opens", "imports", "labels")},
        ),
        estimated_difficulty=row.difficulty,
        file=row.file,
        module=row.module,
        declaration=row.declaration,
        kind=SorryKind(row.kind),
        span=_span(row.span),
        command=_span(row.command),
        is_prop=row.is_prop,
        identity=Identity(row.identity, tuple(context.get("names", ()))) if row.identity else None,
    )
    return GoalRecord(
        goal=goal,
        repo=row.repo,
        commit=row.commit,
        environment=row.environment,
        source=row.source,
        source_line=row.source_line,
        status=GoalStatus(row.status),
        first_seen_run=row.first_seen_run,
        last_seen_run=row.last_seen_run,
    )


def _numbers(span: SourceSpan | None) -> list[int] | None:
    return None if span is None else [span.start.line, span.start.column, span.end.line, span.end.column]


def _span(numbers: list[int] | None) -> SourceSpan | None:
    if numbers is None:
        return None
    line, column, end_line, end_column = numbers
    return SourceSpan(Position(line, column), Position(end_line, end_column))
