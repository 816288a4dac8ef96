"""How much time an attempt and a goal get. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence

from orchestrator.result import StrategyType

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
