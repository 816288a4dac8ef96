"""Attempts on goals that no other worker is at: workers that share a ledger never work on one goal at the same time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result, StrategyType
from orchestrator.ledger.store import Ledger
from orchestrator.ledger.workers import is_gone
from orchestrator.scheduler.middleware import Attempt, Handler, Middleware

TAKEN = "another worker is at it"
MADE = "another worker has just tried it"
# What an attempt may take beyond its time: opening the goal on a server that has just started.
SLACK_SECONDS = 900.0


def release_left_over(store: Ledger, *, repo: str, gone: Callable[[str], bool] = is_gone) -> None:
    """Clear away what workers hold that are gone, and claims that have run out."""
    store.release_expired()
    for goal, worker in store.holders(repo=repo).items():
        if gone(worker):
            store.release_goal(goal, worker, repo=repo)


def claims(
    store: Ledger,
    *,
    repo: str,
    worker: str,
    made: Callable[[Goal, StrategyType, float], bool] = lambda _goal, _strategy, _seconds: False,
    gone: Callable[[str], bool] = is_gone,
) -> Middleware:
    """Attempts are made only while the goal is `worker`'s; one on a goal of another worker is no trial.

    A worker that dies holds a goal until its lease has run out, or until somebody sees that it is `gone`. What another
    has `made` while this one waited for the goal is not made again.
    """
    at_once: Counter[str] = Counter()

    def claimed(goal: Goal, seconds: float) -> bool:
        if store.claim_goal(goal.id, worker, lease_seconds=seconds, repo=repo):
            return True
        holder = store.holder(goal.id, repo=repo)
        if holder is not None and gone(holder):
            store.release_goal(goal.id, holder, repo=repo)
        elif holder is not None:
            return False
        return store.claim_goal(goal.id, worker, lease_seconds=seconds, repo=repo)

    def refused(strategy: StrategyType, why: str) -> Result:
        return Result(False, strategy, outcome=Outcome.UNAVAILABLE, error=why)

    async def claiming(attempt: Attempt, run: Handler) -> Result:
        goal, strategy = attempt.goal, attempt.strategy
        if attempt.cached:  # takes moments, and what comes of it is the same for everybody
            return await run(attempt)
        if not claimed(goal, attempt.timeout + SLACK_SECONDS):
            return refused(strategy, TAKEN)
        at_once[goal.id] += 1
        try:
            return refused(strategy, MADE) if made(goal, strategy, attempt.timeout) else await run(attempt)
        finally:
            at_once[goal.id] -= 1
            if not at_once[goal.id]:
                store.release_goal(goal.id, worker, repo=repo)

    return claiming
