"""The progress of runs, and blueprints as they were last seen."""

from __future__ import annotations

from sqlalchemy import Table, select

from orchestrator.ledger.columns import Record, row_of
from orchestrator.ledger.database import Section
from orchestrator.ledger.records import BlueprintRecord, ProgressRecord
from orchestrator.ledger.tables import BLUEPRINTS, RUN_PROGRESS


class ProgressSection(Section):
    """Progress and blueprints; each is overwritten by the next."""

    def set_progress(self, progress: ProgressRecord) -> None:
        """Say how far a run has come. Raises LedgerError: the run was never started."""
        self._replace(RUN_PROGRESS, progress)

    def progress(self, run_id: str) -> ProgressRecord | None:
        """How far a run has come, None when it never said."""
        return self._first(ProgressRecord, select(RUN_PROGRESS).where(RUN_PROGRESS.c.run_id == run_id))

    def record_blueprint(self, blueprint: BlueprintRecord) -> None:
        """Keep a repository's blueprint in place of the one before. Raises LedgerError: its run was never started."""
        self._replace(BLUEPRINTS, blueprint)

    def blueprints(self) -> tuple[BlueprintRecord, ...]:
        """The blueprints of all repositories, the newest first."""
        query = select(BLUEPRINTS).order_by(BLUEPRINTS.c.updated_at.desc(), BLUEPRINTS.c.repo)
        return self._all(BlueprintRecord, query)

    def _replace(self, table: Table, record: Record) -> None:
        with self._database.write() as connection:
            connection.execute(self._database.upsert(table), row_of(table, record, updated_at=self._now()))
