"""How long strategies may work on a goal, by what their successes took and what was not enough before; and how long a
run goes on without a proof."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache

from orchestrator.config import SchedulerSettings
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, StrategyType
from orchestrator.ledger.store import Ledger

ENOUGH_SUCCESSES = 20
MOST_GROWTH = 16.0
# More time than before by so little is no reason to try again: what is left of a budget is never twice the same.
NO_MORE = 0.9
"""An attempt with this share of the time has been tried with all of it."""
USUAL_PATIENCE, ASKED_PATIENCE = 1 / 30, 1 / 3
"""For what share of its time a run goes on without a new proof, where nobody said how long it may take, and where
somebody did."""
_QUANTILE = 0.95
_MARGIN = 1.25
_QUICK_SHARE = 0.125
_FACTORS = (0.5, 1.0, 2.0)

Growth = Callable[[Goal, StrategyType], float]


class TimeLimits:
    """Seconds for a strategy on a goal; each try has more than the one before.

    Args:
        growth: how many times as long a strategy may work on a goal as on a new one.
        quick: strategies that begin with an eighth of their time, in which most of their proofs come.
        patience: for what share of its time a run goes on without a new proof, beyond the time that all proofs took.
    """

    def __init__(
        self,
        settings: SchedulerSettings,
        growth: Growth = lambda goal, strategy: 1.0,
        quick: Collection[StrategyType] = (),
        *,
        patience: float = USUAL_PATIENCE,
    ) -> None:
        self.patience = patience
        self._settings = settings
        self._growth = growth
        self._quick = frozenset(quick)
        self._seconds = settings.timeouts

    def __call__(self, goal: Goal, strategy: StrategyType, tried: int = 0) -> float:
        """What a strategy may take that was `tried` so often before."""
        return self._factor(goal, strategy, tried) * self._seconds[strategy]

    def enough(self, goal: Goal, strategy: StrategyType, tried: int | None = None) -> float:
        """With how many seconds a failure is final, although the strategy might have more now; usual ones if None.

        A limit that grew by what was observed is for new goals: an unchanged repository is left in peace.
        """
        if tried is None:
            return self._growth(goal, strategy) * self._settings.timeouts[strategy]
        seconds = self._seconds if tried else self._settings.timeouts
        return self._factor(goal, strategy, tried) * seconds[strategy]

    def learn(self, success_seconds: Callable[[StrategyType], Sequence[float]]) -> None:
        """Fit the limits to what the newest successes of each strategy took."""
        self._seconds = adjusted_timeouts(self._settings.timeouts, success_seconds)

    def _factor(self, goal: Goal, strategy: StrategyType, tried: int) -> float:
        growth = self._growth(goal, strategy)
        if strategy not in self._quick or growth > 1.0:  # that less is not enough is known already
            return growth * 2.0**tried
        return growth * (2.0 ** (tried - 1) if tried else _QUICK_SHARE)


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


def grown(spent: float | None, usual: float) -> float:
    """What an attempt's seconds are multiplied by, so that it has twice what was not enough; 1 for a new one.

    Args:
        spent: the most seconds that an attempt on the goal had and used up; None for a goal that has seen none.
        usual: seconds of a first attempt.
    """
    if not spent or usual <= 0:
        return 1.0
    return min(MOST_GROWTH, max(1.0, 2.0 * spent / usual))


def growth_from(store: Ledger, environment: Callable[[Goal], str], usual: Mapping[StrategyType, float]) -> Growth:
    """Growth by what the ledger says was not enough in the present environment; the same for the whole run."""

    @cache
    def growth(identity: str, text: str, digest: str, here: str, strategy: StrategyType) -> float:
        spent = [
            attempt.budget_seconds
            for attempt in store.attempts(goal_text=text, identity=digest)
            if attempt.strategy == strategy
            and attempt.outcome is Outcome.TIMEOUT
            and attempt.budget_seconds is not None
            and attempt.environment == here
        ]
        return grown(max(spent, default=None), usual[strategy])

    return lambda goal, strategy: growth(goal.id, goal.text, goal.digest, environment(goal), strategy)
