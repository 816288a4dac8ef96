"""Goals whose proofs the gate refused are asked of the other strategies, in the same run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from orchestrator.gate.selection import GateReport
from orchestrator.goals.events import StageStarted, notify
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Result
from orchestrator.run.ledger import RunLedger
from orchestrator.run.outcomes import goal_reports, turned_down
from orchestrator.text import counted

Prove = Callable[[Sequence[Goal]], Awaitable[Mapping[str, Result]]]
Judge = Callable[[Mapping[str, Result]], Awaitable[GateReport]]


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

    Raises:
        LedgerError: the verdicts could not be kept.
    """
    refused = turned_down(goals, results, gate)
    if not refused:
        return results, gate
    ledger.record_gate(goal_reports(refused, results, gate))  # so that what was refused is not tried again
    notify(StageStarted("prove", f"{counted(len(refused), 'goal')} once more", len(refused)))
    found = {key: result for key, result in (await prove(refused)).items() if result.success}
    if not found:
        return results, gate
    again = {goal.id for goal in refused}
    second = await judge({**{key: result for key, result in results.items() if key not in again}, **found})
    return {**results, **found}, replace(second, verdicts={**gate.verdicts, **second.verdicts})
