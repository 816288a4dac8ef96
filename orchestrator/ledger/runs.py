"""The ledger's runs: how far they have come, the proofs that went through the gate, and blueprints as last seen."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC
from typing import Any

from sqlalchemy import Table, insert, select, update

from orchestrator.errors import LedgerError
from orchestrator.goals.normal_form import goal_hash as hash_of
from orchestrator.ledger.columns import Record, row_of
from orchestrator.ledger.database import Section
from orchestrator.ledger.records import BlueprintRecord, ProgressRecord, ProofRecord, ProofVerdict, RunRecord, RunStatus
from orchestrator.ledger.tables import BLUEPRINTS, PROOFS, RUN_PROGRESS, RUNS

NEWEST_RUNS = select(RUNS).order_by(RUNS.c.started_at.desc(), RUNS.c.id.desc())


class RunSection(Section):
    """Runs, their progress and proofs, and blueprints; of progress and blueprints the newest is kept."""

    def start_run(
        self,
        *,
        repo: str = "",
        ref: str = "",
        commit: str = "",
        profile: int = 1,
        configuration: Mapping[str, Any] | None = None,
        run_id: str = "",
    ) -> RunRecord:
        """Add a run; its id sorts by time unless one is given. Raises LedgerError: there is a run of that id."""
        now = self._now()
        run = RunRecord(
            id=run_id or f"{now.astimezone(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(4)}",
            repo=repo,
            ref=ref,
            commit=commit,
            profile=profile,
            configuration=dict(configuration or {}),
            started_at=now,
        )
        with self._database.write() as connection:
            connection.execute(insert(RUNS).values(row_of(RUNS, run)))
        return run

    def finish_run(
        self, run_id: str, status: RunStatus = RunStatus.FINISHED, *, totals: Mapping[str, Any] | None = None
    ) -> None:
        """Close a run. Raises LedgerError: no such run."""
        values = {"status": status, "totals": totals or {}, "finished_at": self._now()}
        with self._database.write() as connection:
            found = connection.execute(update(RUNS).where(RUNS.c.id == run_id).values(values)).rowcount
        if not found:
            raise LedgerError(f"there is no run {run_id}", where=self._database.where)

    def run(self, run_id: str) -> RunRecord | None:
        """The run of that id."""
        return self._first(RunRecord, select(RUNS).where(RUNS.c.id == run_id))

    def runs(self, *, repo: str | None = None, limit: int | None = None) -> tuple[RunRecord, ...]:
        """Runs, the newest first; over one repository, or over all."""
        mine = NEWEST_RUNS if repo is None else NEWEST_RUNS.where(RUNS.c.repo == repo)
        return self._all(RunRecord, mine.limit(limit))

    def record_proof(self, proof: ProofRecord) -> int:
        """Add a proof with its verdict; the answer is its id. Raises LedgerError: its run was never started."""
        values = row_of(PROOFS, proof, timestamp=proof.timestamp or self._now())
        with self._database.write() as connection:
            return int(connection.execute(insert(PROOFS).values(values).returning(PROOFS.c.id)).scalar_one())

    def proofs(
        self,
        run_id: str | None = None,
        *,
        goal_text: str | None = None,
        goal_hash: str | None = None,
        limit: int | None = None,
        newest_first: bool = False,
    ) -> tuple[ProofRecord, ...]:
        """Proofs in the order they were recorded, or the newest first; `goal_text` matches up to names."""
        query = select(PROOFS).order_by(PROOFS.c.id.desc() if newest_first else PROOFS.c.id).limit(limit)
        hashed = goal_hash if goal_text is None else hash_of(goal_text)
        for column, value in {"run_id": run_id, "goal_hash": hashed}.items():
            if value is not None:
                query = query.where(PROOFS.c[column] == value)
        return self._all(ProofRecord, query)

    def passed_in(self, run_id: str) -> Mapping[str, str]:
        """The goals (by id) that a run proved, gate included, with their declarations."""
        query = select(PROOFS.c.goal_id, PROOFS.c.declaration).where(
            PROOFS.c.run_id == run_id, PROOFS.c.verdict == ProofVerdict.PASSED
        )
        return self._pairs(query)

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
