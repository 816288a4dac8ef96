"""The ledger's claims: who works on which goal, so that processes sharing a ledger never prove one twice."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import and_, delete, or_, select
from sqlalchemy.engine import Connection

from orchestrator.goals.result import GoalStatus
from orchestrator.ledger.database import Database, Section
from orchestrator.ledger.goals import goal_record
from orchestrator.ledger.records import GoalRecord
from orchestrator.ledger.tables import CLAIMS, GOALS


class ClaimSection(Section):
    """Goals taken by workers, each until its lease runs out: a worker that died holds nothing up."""

    def claim_goal(self, goal: str, worker: str, *, lease_seconds: float, repo: str = "") -> bool:
        """Take a goal (its id, or its hash); true when it is this worker's now, for `lease_seconds` from now on.

        A worker that already has it gets a new lease.
        """
        now = self._now()
        with self._database.write() as connection:
            return _claim(self._database, connection, repo, goal, worker, now, now + timedelta(seconds=lease_seconds))

    def claim_open_goals(
        self, worker: str, *, lease_seconds: float, limit: int = 1, repo: str | None = None
    ) -> tuple[GoalRecord, ...]:
        """Take up to `limit` open goals that nobody has, easiest first, each by its id as `claim_goal` does."""
        now = self._now()
        until = now + timedelta(seconds=lease_seconds)
        taken = and_(CLAIMS.c.repo == GOALS.c.repo, CLAIMS.c.goal == GOALS.c.id, CLAIMS.c.expires_at > now)
        query = (
            select(GOALS)
            .where(GOALS.c.status == GoalStatus.OPEN, ~select(CLAIMS.c.goal).where(taken).exists())
            .order_by(GOALS.c.difficulty, GOALS.c.repo, GOALS.c.id)
            .limit(limit)
            .with_for_update(skip_locked=True)  # left out on SQLite, where a write transaction shuts out others anyway
        )
        if repo is not None:
            query = query.where(GOALS.c.repo == repo)
        with self._database.write() as connection:
            found = [goal_record(**row._mapping) for row in connection.execute(query)]
            return tuple(
                record
                for record in found
                if _claim(self._database, connection, record.repo, record.goal.id, worker, now, until)
            )

    def release_goal(self, goal: str, worker: str, *, repo: str = "") -> bool:
        """Give a goal back; false when this worker does not have it any more."""
        mine = and_(CLAIMS.c.repo == repo, CLAIMS.c.goal == goal, CLAIMS.c.worker == worker)
        with self._database.write() as connection:
            return connection.execute(delete(CLAIMS).where(mine)).rowcount > 0

    def holder(self, goal: str, *, repo: str = "") -> str | None:
        """The worker that has a goal now."""
        mine = and_(CLAIMS.c.repo == repo, CLAIMS.c.goal == goal, CLAIMS.c.expires_at > self._now())
        with self._database.read() as connection:
            return connection.execute(select(CLAIMS.c.worker).where(mine)).scalar_one_or_none()

    def holders(self, *, repo: str = "") -> Mapping[str, str]:
        """Who has which goal of a repository, by goal; claims that have run out are not looked at."""
        mine = and_(CLAIMS.c.repo == repo, CLAIMS.c.expires_at > self._now())
        return self._pairs(select(CLAIMS.c.goal, CLAIMS.c.worker).where(mine))

    def release_expired(self) -> int:
        """Clear away claims whose lease has run out, and say how many. They have no effect anyway."""
        with self._database.write() as connection:
            return connection.execute(delete(CLAIMS).where(CLAIMS.c.expires_at <= self._now())).rowcount


def _claim(
    database: Database, connection: Connection, repo: str, goal: str, worker: str, now: datetime, until: datetime
) -> bool:
    """Take a goal unless another worker has it: one statement, so that no other process can intervene."""
    values = {"worker": worker, "claimed_at": now, "expires_at": until}
    free = or_(CLAIMS.c.expires_at <= now, CLAIMS.c.worker == worker)
    statement = database.insert(CLAIMS).values(repo=repo, goal=goal, **values)
    taken = statement.on_conflict_do_update(index_elements=["repo", "goal"], set_=values, where=free)
    return connection.execute(taken.returning(CLAIMS.c.goal)).first() is not None
