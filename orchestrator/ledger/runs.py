"""The ledger's runs, and the proofs that went through the gate in them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC
from types import MappingProxyType
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.engine import Connection

from orchestrator.errors import LedgerError
from orchestrator.goals.normal_form import goal_hash
from orchestrator.ledger.database import Section
from orchestrator.ledger.records import ProofRecord, ProofVerdict, RunRecord, RunStatus, plain
from orchestrator.ledger.tables import GOALS, PROOFS, RUN_PROGRESS, RUNS


class Runs(Section):
    """Runs and their proofs."""

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
        """Add a run; its id sorts by time unless one is given.

        Raises:
            LedgerError: there is a run of that id.
        """
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
        values = {
            "id": run.id,
            "repo": plain(repo),
            "ref": plain(ref),
            "commit": commit,
            "profile": profile,
            "configuration": plain(run.configuration),
            "started_at": now,
            "status": run.status.value,
        }
        with self._database.write() as connection:
            connection.execute(insert(RUNS).values(values))
        return run

    def finish_run(
        self, run_id: str, status: RunStatus = RunStatus.FINISHED, *, totals: Mapping[str, Any] | None = None
    ) -> None:
        """Close a run.

        Raises:
            LedgerError: no such run.
        """
        values = {"status": status.value, "totals": plain(totals or {}), "finished_at": self._now()}
        with self._database.write() as connection:
            found = connection.execute(update(RUNS).where(RUNS.c.id == run_id).values(values)).rowcount
        if not found:
            raise LedgerError(f"there is no run {run_id}", where=self._database.where)

    def drop_run(self, run_id: str) -> None:
        """Remove a run that has done nothing but begin."""
        with self._database.write() as connection:
            for column in (GOALS.c.first_seen_run, GOALS.c.last_seen_run):
                connection.execute(update(GOALS).where(column == run_id).values({column.name: None}))
            connection.execute(delete(RUN_PROGRESS).where(RUN_PROGRESS.c.run_id == run_id))
            connection.execute(delete(RUNS).where(RUNS.c.id == run_id))

    def run(self, run_id: str) -> RunRecord | None:
        """The run of that id."""
        with self._database.read() as connection:
            row = connection.execute(select(RUNS).where(RUNS.c.id == run_id)).first()
            return None if row is None else _run(row)

    def runs(self, *, limit: int | None = None) -> tuple[RunRecord, ...]:
        """Runs, the newest first."""
        with self._database.read() as connection:
            return newest_runs(connection, limit)

    def record_proof(self, proof: ProofRecord) -> int:
        """Add a proof with its verdict; the answer is its id.

        Raises:
            LedgerError: its run was never started.
        """
        values = {
            "goal_hash": proof.goal_hash,
            "goal_id": plain(proof.goal_id),
            "repo": plain(proof.repo),
            "commit": proof.commit,
            "file": plain(proof.file),
            "declaration": plain(proof.declaration),
            "strategy": str(proof.strategy),
            "script": plain(proof.script),
            "verdict": proof.verdict.value,
            "checks": plain(proof.checks),
            "patch": plain(proof.patch),
            "helpers": plain(proof.helpers),
            "environment": proof.environment,
            "run_id": proof.run_id,
            "timestamp": proof.timestamp or self._now(),
        }
        with self._database.write() as connection:
            return int(connection.execute(insert(PROOFS).values(values).returning(PROOFS.c.id)).scalar_one())

    def proofs(
        self,
        run_id: str | None = None,
        *,
        goal_text: str | None = None,
        verdict: ProofVerdict | None = None,
        limit: int | None = None,
    ) -> tuple[ProofRecord, ...]:
        """Proofs in the order they were recorded; `goal_text` matches up to names."""
        query = select(PROOFS).order_by(PROOFS.c.id).limit(limit)
        if run_id is not None:
            query = query.where(PROOFS.c.run_id == run_id)
        if goal_text is not None:
            query = query.where(PROOFS.c.goal_hash == goal_hash(goal_text))
        if verdict is not None:
            query = query.where(PROOFS.c.verdict == verdict.value)
        with self._database.read() as connection:
            return tuple(proof_record(row) for row in connection.execute(query))


def newest_runs(connection: Connection, limit: int | None) -> tuple[RunRecord, ...]:
    """Runs, the newest first."""
    query = select(RUNS).order_by(RUNS.c.started_at.desc(), RUNS.c.id.desc()).limit(limit)
    return tuple(_run(row) for row in connection.execute(query))


def count_runs(connection: Connection) -> int:
    """All runs."""
    return connection.execute(select(func.count()).select_from(RUNS)).scalar_one()


def count_proofs(connection: Connection) -> Mapping[str, int]:
    """Proofs by verdict."""
    query = select(PROOFS.c.verdict, func.count()).group_by(PROOFS.c.verdict).order_by(PROOFS.c.verdict)
    return {row[0]: row[1] for row in connection.execute(query)}


def _run(row: Row[Any]) -> RunRecord:
    values = dict(row._mapping)
    values["status"] = RunStatus(values["status"])
    values["configuration"] = MappingProxyType(values["configuration"])
    values["totals"] = MappingProxyType(values["totals"])
    return RunRecord(**values)


def proof_record(row: Row[Any]) -> ProofRecord:
    """A row of `proofs` as a value."""
    values = dict(row._mapping)
    values["verdict"] = ProofVerdict(values["verdict"])
    values["checks"] = MappingProxyType(values["checks"])
    values["helpers"] = tuple(values["helpers"])
    return ProofRecord(**values)
