"""Making the ledger smaller: removing old attempts that no decision depends on any more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, delete, not_

from orchestrator.ledger.attempts import rebuild_counts
from orchestrator.ledger.database import Section, count_rows
from orchestrator.ledger.tables import ATTEMPTS, STRATEGY_HISTORY


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was (or would be) removed: failed attempts, and entries of the strategies' history."""

    attempts: int
    history: int


class PruningSection(Section):
    """Removing what is old."""

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
