"""Attempts on goals that no other worker is at: workers that share a ledger never work on one goal at the same time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from orchestrator.goal import Goal
from orchestrator.ledger.store import Ledger
from orchestrator.result import Result, StrategyType
from orchestrator.scheduling.ports import RunAttempt

TAKEN = "another worker is at it"
MADE = "another worker has just tried it"
# What an attempt may take beyond its time: opening the goal on a server that has just started.
SLACK_SECONDS = 900.0


def claimed_attempts(
    run: RunAttempt,
    store: Ledger,
    *,
    repo: str,
    worker: str,
    made: Callable[[Goal, StrategyType, float], bool] = lambda _goal, _strategy, _seconds: False,
) -> RunAttempt:
    """Attempts that are made only while the goal is `worker`'s; one on a goal of another worker is no trial.

    A worker that dies holds a goal until its lease has run out. What another has `made` while this one waited for the
    goal is not made again.
    """
    at_once: Counter[str] = Counter()

    def refused(strategy: StrategyType, why: str) -> Result:
        return Result(False, strategy, error="unavailable", metadata={"unavailable": {strategy.value: why}})

    async def attempt(goal: Goal, strategy: StrategyType, timeout: float) -> Result:
        if not store.claim_goal(goal.id, worker, lease_seconds=timeout + SLACK_SECONDS, repo=repo):
            return refused(strategy, TAKEN)
        at_once[goal.id] += 1
        try:
            return refused(strategy, MADE) if made(goal, strategy, timeout) else await run(goal, strategy, timeout)
        finally:
            at_once[goal.id] -= 1
            if not at_once[goal.id]:
                store.release_goal(goal.id, worker, repo=repo)

    return attempt
