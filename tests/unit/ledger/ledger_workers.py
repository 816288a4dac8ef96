"""What the processes of the concurrency tests do."""

from __future__ import annotations

from typing import Protocol

from orchestrator.goals.goal import Goal
from orchestrator.goals.result import GoalStatus, Outcome
from orchestrator.ledger.records import AttemptRecord, GoalRecord
from orchestrator.ledger.store import Ledger
from orchestrator.ledger.summaries import StrategyTrial


class Barrier(Protocol):
    """Lets all go at once."""

    def wait(self) -> int: ...


def prove_goals(url: str, worker: str, goals: int, barrier: Barrier) -> None:
    """Open the ledger together with the others, prove whatever nobody else has, and count each look as a trial."""
    barrier.wait()
    with Ledger.open(url) as ledger:
        for number in range(goals):
            if ledger.claim_goal(f"goal {number}", worker, lease_seconds=600):
                ledger.record_attempt(AttemptRecord(goal_text=f"⊢ p {number}", strategy="a", outcome=Outcome.PROVED))
                ledger.record_goals([GoalRecord(goal=Goal(id=f"{number}", text=f"⊢ q {number}"))])
            ledger.update_strategy_statistics([StrategyTrial(strategy="a", success=True, seconds=1.0)])
        barrier.wait()
        for record in ledger.goals(status=GoalStatus.OPEN):
            if ledger.claim_goal(record.goal.id, worker, lease_seconds=600):
                ledger.record_attempt(AttemptRecord(goal_text=record.goal.text, strategy="b", outcome=Outcome.PROVED))
                ledger.record_goals([record.model_copy(update={"status": GoalStatus.SOLVED})])


def record_many(url: str, worker: str, attempts: int, barrier: Barrier) -> None:
    """Record one attempt for each number; a goal that nobody had is marked as claimed."""
    barrier.wait()
    with Ledger.open(url) as ledger:
        for number in range(attempts):
            mine = ledger.claim_goal(f"goal {number}", worker, lease_seconds=3600)
            ledger.record_attempt(
                AttemptRecord(
                    goal_text="⊢ p",
                    goal_hash=f"{number:064d}",
                    goal_id=f"goal {number}",
                    strategy="claimed" if mine else "other",
                    outcome=Outcome.NOT_PROVED,
                )
            )
