"""The ledger's claims: who works on which goal, so that processes sharing a ledger never prove one twice."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import Insert, and_, delete, or_, select

from orchestrator.ledger.database import Section
from orchestrator.ledger.tables import CLAIMS


class ClaimSection(Section):
    """Goals taken by workers, each until its lease runs out: a worker that died holds nothing up."""

    def claim_goal(self, goal: str, worker: str, *, lease_seconds: float, repo: str = "") -> bool:
        """Take a goal (its id, or its hash); true when it is this worker's now, for `lease_seconds` from now on.

        A worker that already has it gets a new lease.
        """
        now = self._now()
        values = {"worker": worker, "claimed_at": now, "expires_at": now + timedelta(seconds=lease_seconds)}
        taking = self._database.prepared("claim", self._taking)
        with self._database.write() as connection:  # one statement, so that no other process can intervene
            return connection.execute(taking, {"repo": repo, "goal": goal, **values}).first() is not None

    def _taking(self) -> Insert:
        statement = self._database.insert(CLAIMS)
        old, new = CLAIMS.c, statement.excluded
        taken = statement.on_conflict_do_update(
            index_elements=["repo", "goal"],
            set_={name: new[name] for name in ("worker", "claimed_at", "expires_at")},
            where=or_(old.expires_at <= new.claimed_at, old.worker == new.worker),
        )
        return taken.returning(old.goal)

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
