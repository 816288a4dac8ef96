"""The ledger: the record of every run, goal, attempt and proof, and what is learned from them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import ColumnElement, Table, select

from orchestrator.ledger.attempts import AttemptSection, count_attempted_goals, count_attempts
from orchestrator.ledger.changes import Changes, PostgresChanges, SqliteChanges
from orchestrator.ledger.claims import ClaimSection
from orchestrator.ledger.database import Database, count_by, count_rows
from orchestrator.ledger.export import ExportSection
from orchestrator.ledger.goals import GoalSection
from orchestrator.ledger.pages import PageSection
from orchestrator.ledger.records import ProofVerdict, RunRecord
from orchestrator.ledger.runs import NEWEST_RUNS, RunSection
from orchestrator.ledger.statistics import StatisticsSection
from orchestrator.ledger.summaries import LedgerStatistics
from orchestrator.ledger.tables import GOALS, PROOFS, RUNS, TACTIC_CACHE
from orchestrator.ledger.tickets import TicketSection

DEFAULT_PATH = Path("orchestrator/cache/ledger.db")


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Ledger(
    AttemptSection,
    GoalSection,
    ClaimSection,
    RunSection,
    StatisticsSection,
    TicketSection,
    PageSection,
    ExportSection,
):
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
        return SqliteChanges(self._database) if self._database.is_sqlite else PostgresChanges(self._database)

    def statistics(self, repo: str | None = None) -> LedgerStatistics:
        """The ledger at a glance, all of one moment; or what it holds of one repository.

        What belongs to no repository, the goals attempted and tactics cached, is always counted over all.
        """

        def mine(table: Table) -> list[ColumnElement[bool]]:
            return [] if repo is None else [table.c.repo == repo]

        with self._database.read() as connection:
            strategies = count_attempts(connection, repo)
            passed = select(PROOFS.c.goal_hash).distinct().where(PROOFS.c.verdict == ProofVerdict.PASSED, *mine(PROOFS))
            last_run = connection.execute(NEWEST_RUNS.where(*mine(RUNS)).limit(1)).first()
            return LedgerStatistics(
                runs=count_rows(connection, RUNS, *mine(RUNS)),
                goals=count_by(connection, GOALS.c.status, *mine(GOALS)),
                goals_attempted=count_attempted_goals(connection),
                goals_solved=count_rows(connection, passed.subquery()),
                attempts=sum(totals.attempts for totals in strategies.values()),
                successes=sum(totals.successes for totals in strategies.values()),
                strategies=strategies,
                proofs=count_by(connection, PROOFS.c.verdict, *mine(PROOFS)),
                cached_tactics=count_rows(connection, TACTIC_CACHE),
                last_run=None if last_run is None else RunRecord(**last_run._mapping),
            )
