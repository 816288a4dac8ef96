"""Stages behind the strategies: the gate, the blueprint's marks, the ledger, and what is published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from orchestrator.gate.selection import GateReport
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Result
from orchestrator.run.conclude import Conclusion, conclude, published
from orchestrator.run.ledger import RunLedger
from orchestrator.run.marks import synced
from orchestrator.run.outcomes import proofs_of
from orchestrator.run.run import Run
from orchestrator.run.stop import in_background
from orchestrator.run.triage.triage import triage
from orchestrator.run.verify import verify
from tasks.stage import stage

sort_goals = stage("triage")(triage)
verify_proofs = stage("verify")(verify)
sync_blueprint = stage("sync blueprint")(synced)
record = stage("record")(RunLedger.record_end)
make_patch = stage("publish")(conclude)


async def judged(run: Run, goals: Sequence[Goal], results: Mapping[str, Result]) -> GateReport:
    """What the gate says of the proofs among the results."""
    return await verify_proofs(run, proofs_of(goals, results))


@stage("push")
async def publish_proofs(run: Run, end: Conclusion) -> Conclusion:
    """Push the branch, open or update the request, comment on the push."""
    return await in_background(partial(published, run, end))
