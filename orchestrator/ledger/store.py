"""The ledger: the record of every run, goal, attempt and proof, and what is learnt from them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from orchestrator.ledger.attempts import AttemptQueries, count_attempted_goals, count_attempts
from orchestrator.ledger.changes import Changes, watch
from orchestrator.ledger.claims import Claims
from orchestrator.ledger.database import Database
from orchestrator.ledger.export import Transfer
from orchestrator.ledger.goals import Goals, count_goals
from orchestrator.ledger.pages import Browsing
from orchestrator.ledger.progress import Monitoring
from orchestrator.ledger.pruning import Pruning
from orchestrator.ledger.runs import Runs, count_proofs, count_runs, newest_runs
from orchestrator.ledger.statistics import Learning, count_cached
from orchestrator.ledger.summaries import LedgerStatistics
from orchestrator.ledger.tickets import Tickets

DEFAULT_PATH = Path("orchestrator/cache/ledger.db")


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Ledger(AttemptQueries, Goals, Claims, Runs, Learning, Tickets, Monitoring, Browsing, Pruning, Transfer):
    """One ledger, shared by any number of threads and processes. Each method is one short transaction.

    A `Ledger` must not cross a fork: open the same URL again in the other process.

    Args:
        url: a file's path (made with its folder if missing), or any SQLAlchemy URL: `sqlite://` lives in memory,
            `postgresql+psycopg://user@host/name` is shared by several machines, whose clocks should agree to within
            a claim's lease.
        clock: tells the time, with a time zone.

    Raises:
        LedgerUnavailable: cannot be opened. Every method raises it too when the ledger is locked for more than 30 s,
            read-only, or out of disk space; what was recorded before is safe.
        LedgerCorrupt: the file is damaged; it is left as it is.
        LedgerSchemaError: written by a newer version of this program.
    """

    def __init__(self, url: str | Path = DEFAULT_PATH, *, clock: Callable[[], datetime] = _utc_now) -> None:
        self._database = Database(url)
        self._now = clock

    @classmethod
    def open(cls, url: str | Path = DEFAULT_PATH, *, clock: Callable[[], datetime] = _utc_now) -> Self:
        """The constructor under a name that says what happens."""
        return cls(url, clock=clock)

    def close(self) -> None:
        """Give the connections back; what was in memory is gone."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def where(self) -> str:
        """The file, or the URL without its password."""
        return self._database.where

    def changes(self) -> Changes:
        """A watch on the ledger that sees what any process changes; to be closed."""
        return watch(self._database)

    def statistics(self) -> LedgerStatistics:
        """The ledger at a glance, all of one moment."""
        with self._database.read() as connection:
            attempted, solved = count_attempted_goals(connection)
            return LedgerStatistics(
                runs=count_runs(connection),
                goals=count_goals(connection),
                goals_attempted=attempted,
                goals_solved=solved,
                strategies=count_attempts(connection),
                proofs=count_proofs(connection),
                cached_tactics=count_cached(connection),
                last_run=next(iter(newest_runs(connection, 1)), None),
            )
