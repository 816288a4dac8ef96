"""Attempts with more time than the ones before them: a view of the ledger and of how attempts are made."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result, StrategyType
from orchestrator.ledger.store import Ledger
from orchestrator.scheduler.memory import AttemptLedger, KnownTactics, RunAttempt
from orchestrator.source.owner_rules import Rules
from orchestrator.strategies.policy.bandit import ArmStatistics

ENOUGH_SUCCESSES = 20
_QUANTILE = 0.95
_MARGIN = 1.25
_FACTORS = (0.5, 1.0, 2.0)


def adjusted_timeouts(
    defaults: Mapping[StrategyType, float], success_seconds: Callable[[StrategyType], Sequence[float]]
) -> Mapping[StrategyType, float]:
    """What each strategy is given, from the seconds that its newest successes took.

    With at least 20 successes it is the smallest of half, once and twice the default that leaves a quarter of room
    above the time within which 95 % of them came. Steps that wide, so that what was recorded stays comparable from one
    run to the next; what timed out under the limit as set is not tried again because the limit has grown.
    """
    return {kind: _adjusted(seconds, success_seconds(kind)) for kind, seconds in defaults.items()}


def _adjusted(default: float, successes: Sequence[float]) -> float:
    if len(successes) < ENOUGH_SUCCESSES:
        return default
    wanted = _MARGIN * sorted(successes)[math.ceil(_QUANTILE * len(successes)) - 1]
    return next((factor * default for factor in _FACTORS if factor * default >= wanted), _FACTORS[-1] * default)


def fair_share(run_seconds: float, goals: int, lanes: int, timeouts: Collection[float]) -> float:
    """What a goal may take in its first round, so that one goal cannot eat the night.

    A third of what it would get if `lanes` goals at a time shared the run's seconds evenly, since the rounds behind
    give out twice and four times as much; but never less than the quickest strategy is made for.
    """
    if not goals or not timeouts:
        return math.inf
    return max(min(timeouts), run_seconds * lanes / goals / 3)


MOST_GROWTH = 16.0


def growth(spent: float | None, usual: float) -> float:
    """What an attempt's seconds are multiplied by, so that it has twice what it had in vain; 1 for a new one.

    Args:
        spent: the most seconds that an attempt on the goal had and used up; None for a goal that has seen none.
        usual: seconds of a first attempt.
    """
    if not spent or usual <= 0:
        return 1.0
    return min(MOST_GROWTH, max(1.0, 2.0 * spent / usual))


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

    def cached_tactics(self, goal: Goal) -> KnownTactics | None:
        """As the ledger says."""
        return self._ledger.cached_tactics(goal)

    def record(self, goal: Goal, result: Result) -> None:
        """Keep the attempt with the seconds it really had."""
        if result.strategy is not None and result.timeout is not None:
            result = replace(result, timeout=result.timeout * self._factor(goal, result.strategy))
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
        return replace(result, success=False, error=refusal, outcome=Outcome.ERROR) if refusal else result

    return attempt
