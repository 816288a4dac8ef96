"""Stages behind the strategies: the gate, the blueprint's marks, the ledger, and what is published."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial

from orchestrator.gate.selection import GateReport
from orchestrator.goals.events import StageStarted, notify
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Result
from orchestrator.run.conclude import Conclusion, conclude, published
from orchestrator.run.ledger import RunLedger
from orchestrator.run.marks import synced
from orchestrator.run.outcomes import goal_reports, proofs_of, turned_down
from orchestrator.run.run import Run
from orchestrator.run.stop import in_background
from orchestrator.run.triage.triage import triage
from orchestrator.run.verify import verify
from orchestrator.text import counted
from tasks.stage import stage

Prove = Callable[[Sequence[Goal]], Awaitable[Mapping[str, Result]]]
Judge = Callable[[Mapping[str, Result]], Awaitable[GateReport]]

sort_goals = stage("triage")(triage)
verify_proofs = stage("verify")(verify)
sync_blueprint = stage("sync blueprint")(synced)
record = stage("record")(RunLedger.record_end)
make_patch = stage("publish")(conclude)


async def judged(run: Run, goals: Sequence[Goal], results: Mapping[str, Result]) -> GateReport:
    """What the gate says of the proofs among the results."""
    return await verify_proofs(run, proofs_of(goals, results))


async def judged_as_found(
    goals: Sequence[Goal], results: dict[str, Result], gate: GateReport, *, judge: Judge, ledger: RunLedger
) -> tuple[dict[str, Result], GateReport]:
    """Results and verdicts once the refused proofs that had been made shorter are judged as they were found.
    Raises LedgerError: the verdicts could not be kept.
    """
    refused = [goal for goal in turned_down(goals, results, gate) if results[goal.id].found_as]
    if not refused:
        return results, gate
    ledger.record_gate(goal_reports(refused, results, gate))
    found = {key: replace(results[key], tactics=results[key].found_as, found_as=()) for key in (g.id for g in refused)}
    return await _judged_again(results, gate, found, judge=judge, without=found)


async def _judged_again(
    results: dict[str, Result], gate: GateReport, found: Mapping[str, Result], *, judge: Judge, without: Collection[str]
) -> tuple[dict[str, Result], GateReport]:
    """What the gate says once `found` takes the place of what it refused of the goals `without`."""
    second = await judge({**{key: result for key, result in results.items() if key not in without}, **found})
    return {**results, **found}, replace(second, verdicts={**gate.verdicts, **second.verdicts})


@stage("push")
async def publish_proofs(run: Run, end: Conclusion) -> Conclusion:
    """Push the branch, open or update the request, comment on the push."""
    return await in_background(partial(published, run, end))


async def retry_refused(
    goals: Sequence[Goal],
    results: dict[str, Result],
    gate: GateReport,
    *,
    prove: Prove,
    judge: Judge,
    ledger: RunLedger,
) -> tuple[dict[str, Result], GateReport]:
    """Results and verdicts after a second try at the refused goals; the given ones when nothing was refused or found.

    Which strategy wins is a matter of moments: what the others have to say must not wait for the next run.

    Raises LedgerError: the verdicts could not be kept.
    """
    refused = turned_down(goals, results, gate)
    if not refused:
        return results, gate
    ledger.record_gate(goal_reports(refused, results, gate))  # so that what was refused is not tried again
    notify(StageStarted("prove", f"{counted(len(refused), 'goal')} once more", len(refused)))
    found = {key: result for key, result in (await prove(refused)).items() if result.success}
    if not found:
        return results, gate
    return await _judged_again(results, gate, found, judge=judge, without={goal.id for goal in refused})
