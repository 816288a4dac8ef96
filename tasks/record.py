"""Stage: what the gate said goes into the ledger, in one place."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.blueprint.sync import BlueprintUpdate
from orchestrator.run.ledger import RunLedger
from orchestrator.run.report.summary import GoalReport
from tasks.stage import stage


@stage("record")
def record(ledger: RunLedger, reports: Sequence[GoalReport], update: BlueprintUpdate) -> None:
    """Keep every goal with its status, every proof with its verdict, what worked for goals that read the same, and
    what is true of the blueprint."""
    ledger.record_goals(reports)
    ledger.record_gate(reports)
    ledger.record_blueprint(update)
