"""Stage: what the gate said goes into the ledger, in one place."""

from __future__ import annotations

from collections.abc import Mapping

from prefect import task
from prefect.cache_policies import NO_CACHE

from orchestrator.ledger.records import GoalRecord
from orchestrator.result import Result
from orchestrator.run_ledger import RunLedger
from orchestrator.selection import GateReport
from orchestrator.summary import GoalReport


@task(name="record goals", cache_policy=NO_CACHE, persist_result=False)
def record_goals(ledger: RunLedger, reports: tuple[GoalReport, ...]) -> None:
    """Keep every goal with its status."""
    ledger.store.record_goals(
        [
            GoalRecord(
                goal=report.goal,
                repo=ledger.repo,
                commit=ledger.commit,
                environment=ledger.environment(report.goal),
                status=report.status,
                last_seen_run=ledger.run_id,
            )
            for report in reports
        ]
    )


@task(name="record proofs", cache_policy=NO_CACHE, persist_result=False)
def record_proofs(ledger: RunLedger, gate: GateReport, results: Mapping[str, Result]) -> None:
    """Keep every proof with its verdict, and what worked for goals that read the same."""
    ledger.record_gate(gate, results)
