"""Attempts with more time than the ones before them: a view of the ledger and of how attempts are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from orchestrator.bandit import ArmStatistics
from orchestrator.goal import Goal
from orchestrator.ledger.store import Ledger
from orchestrator.priority import growth
from orchestrator.result import Outcome, Result, StrategyType
from orchestrator.rules import Rules
from orchestrator.scheduling.ports import AttemptLedger, CachedTactics, RunAttempt

Factor = Callable[[Goal, StrategyType], float]


def same_time(_goal: Goal, _strategy: StrategyType) -> float:
    """No more time than before: what ran out of time is not tried again."""
    return 1.0


def factor_of(store: Ledger, environment: Callable[[Goal], str], usual: Mapping[StrategyType, float]) -> Factor:
    """How much more time an attempt gets than a first one, from what the ledger says was not enough.

    The answer stays the same for the whole run.
    """
    known: dict[tuple[str, StrategyType], float] = {}

    def factor(goal: Goal, strategy: StrategyType) -> float:
        key = (goal.id, strategy)
        if key not in known:
            spent = [
                attempt.budget_seconds
                for attempt in store.attempts(goal_text=goal.text, identity=goal.digest)
                if attempt.strategy == strategy
                and attempt.outcome is Outcome.TIMEOUT
                and attempt.budget_seconds is not None
                and attempt.environment == environment(goal)
            ]
            known[key] = growth(max(spent, default=None), usual[strategy])
        return known[key]

    return factor


class GrowingLedger:
    """An `AttemptLedger` to which every attempt had `factor` times the seconds that the scheduler speaks of."""

    def __init__(self, ledger: AttemptLedger, factor: Factor) -> None:
        self._ledger = ledger
        self._factor = factor

    def check_duplicate(self, goal: Goal, strategy: StrategyType, timeout: float) -> bool:
        """Whether the attempt was made before, with no less time than it would have now."""
        return self._ledger.check_duplicate(goal, strategy, timeout * self._factor(goal, strategy))

    def known_proof(self, goal: Goal) -> Result | None:
        """As the ledger says."""
        return self._ledger.known_proof(goal)

    def cached_tactics(self, goal: Goal) -> CachedTactics | None:
        """As the ledger says."""
        return self._ledger.cached_tactics(goal)

    def record(self, goal: Goal, result: Result) -> None:
        """Keep the attempt with the seconds it really had."""
        timeout = result.metadata.get("timeout")
        if result.strategy is not None and isinstance(timeout, int | float):
            grown = timeout * self._factor(goal, result.strategy)
            result = replace(result, metadata={**result.metadata, "timeout": grown})
        self._ledger.record(goal, result)

    def record_replay(self, goal: Goal, success: bool, seconds: float) -> None:
        """As the ledger does."""
        self._ledger.record_replay(goal, success, seconds)

    def success_seconds(self, strategy: StrategyType) -> Sequence[float]:
        """As the ledger says."""
        return self._ledger.success_seconds(strategy)

    def statistics(self) -> Mapping[tuple[str, StrategyType], ArmStatistics]:
        """As the ledger says."""
        return self._ledger.statistics()


def growing_attempts(run: RunAttempt, factor: Factor, rules: Rules) -> RunAttempt:
    """Attempts with `factor` times the seconds; a proof that the project's rules refuse is none."""

    async def attempt(goal: Goal, strategy: StrategyType, timeout: float) -> Result:
        result = await run(goal, strategy, timeout * factor(goal, strategy))
        refusal = rules.refuses("\n".join(result.tactics)) if result.success else ""
        return replace(result, success=False, error=refusal) if refusal else result

    return attempt
