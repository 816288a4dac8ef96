"""The ledger's goals: every sorry seen in a repository, and where it stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, astuple
from typing import Any

from sqlalchemy import exists, func, select, union, update

from orchestrator.goals.goal import Context, Goal, Identity, Position, SorryKind, SourceSpan
from orchestrator.goals.normal_form import goal_hash
from orchestrator.goals.result import GoalStatus
from orchestrator.ledger.columns import row_of
from orchestrator.ledger.database import Section
from orchestrator.ledger.records import GoalRecord
from orchestrator.ledger.tables import ATTEMPTS, GOALS


class GoalSection(Section):
    """Goals by repository and id."""

    def record_goals(self, records: Iterable[GoalRecord]) -> None:
        """Add goals, or bring them up to date, status included; which run saw them first is kept. All or none.
        Raises LedgerError: a run they name was never started.
        """
        statement = self._database.insert(GOALS)
        changed: dict[str, Any] = {c.name: statement.excluded[c.name] for c in GOALS.c if not c.primary_key}
        changed["first_seen_run"] = func.coalesce(GOALS.c.first_seen_run, statement.excluded.first_seen_run)
        if rows := _rows(records):
            with self._database.write() as connection:
                connection.execute(statement.on_conflict_do_update(index_elements=["repo", "id"], set_=changed), rows)

    def add_goals(self, records: Iterable[GoalRecord]) -> None:
        """Add the goals that are not known yet, and leave the others as they are. All or none.
        Raises LedgerError: a run they name was never started.
        """
        if rows := _rows(records):
            with self._database.write() as connection:
                connection.execute(self._database.insert(GOALS).on_conflict_do_nothing(), rows)

    def goal(self, goal_id: str, *, repo: str = "") -> GoalRecord | None:
        """The goal of that id."""
        return self._first(goal_record, select(GOALS).where(GOALS.c.repo == repo, GOALS.c.id == goal_id))

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
        hashed = None if goal_text is None else goal_hash(goal_text)
        for column, value in {"repo": repo, "status": status, "last_seen_run": run_id, "goal_hash": hashed}.items():
            if value is not None:
                query = query.where(GOALS.c[column] == str(value))
        return self._all(goal_record, query)

    def mark_found(self, repo: str, goal_id: str) -> None:
        """Say of a goal, if it is there, that a proof of it awaits the gate."""
        here = (GOALS.c.repo == repo, GOALS.c.id == goal_id)
        with self._database.write() as connection:
            connection.execute(update(GOALS).where(*here).values(status=GoalStatus.FOUND))

    def goal_environments(self, repo: str) -> Mapping[str, str]:
        """Under which environment each goal of a repository was seen last, by id; those never tried are left out.

        One that the last run did not reach may have been tried before.
        """
        seen = select(GOALS.c.id, GOALS.c.environment).where(GOALS.c.repo == repo)
        same = (ATTEMPTS.c.goal_hash == GOALS.c.goal_hash, ATTEMPTS.c.environment == GOALS.c.environment)
        # Two queries in one, for with an "or" PostgreSQL reads all attempts.
        tried = seen.where(GOALS.c.status != GoalStatus.NOT_TRIED), seen.where(exists().where(*same))
        return self._pairs(union(*tried))


def _rows(records: Iterable[GoalRecord]) -> list[dict[str, Any]]:
    """Sorted, so that two processes never deadlock over the rows."""
    return sorted(map(_row, records), key=lambda row: (row["repo"], row["id"]))


def _row(record: GoalRecord) -> dict[str, Any]:
    goal = record.goal
    names = {"names": goal.identity.names} if goal.identity else {}
    return row_of(
        GOALS,
        record,
        id=goal.id,
        goal_hash=record.goal_hash,
        goal_text=goal.text,
        file=goal.file,
        module=goal.module,
        declaration=goal.declaration,
        span=_numbers(goal.span),
        command=_numbers(goal.command),
        kind=goal.kind,
        is_prop=goal.is_prop,
        context={**asdict(goal.context), **names},
        identity=goal.digest,
        difficulty=goal.estimated_difficulty,
        first_seen_run=record.first_seen_run or record.last_seen_run,
    )


def goal_record(**row: Any) -> GoalRecord:
    """A row of `goals` as a value."""
    context = row["context"]
    goal = Goal(
        id=row["id"],
        text=row["goal_text"],
        context=Context(
            namespace=context.get("namespace", ""),
            **{name: tuple(context.get(name, ())) for name in ("opens", "imports", "labels")},
        ),
        estimated_difficulty=row["difficulty"],
        kind=SorryKind(row["kind"]),
        span=_span(row["span"]),
        command=_span(row["command"]),
        identity=Identity(row["identity"], tuple(context.get("names", ()))) if row["identity"] else None,
        **{name: row[name] for name in ("file", "module", "declaration", "is_prop")},
    )
    return GoalRecord(goal=goal, **row)


def _numbers(span: SourceSpan | None) -> list[int] | None:
    return None if span is None else [*astuple(span.start), *astuple(span.end)]


def _span(numbers: list[int] | None) -> SourceSpan | None:
    return None if numbers is None else SourceSpan(Position(*numbers[:2]), Position(*numbers[2:]))
