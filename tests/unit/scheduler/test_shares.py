"""How much time an attempt and a goal get."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.config import STRATEGY_SECONDS, SchedulerSettings
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import StrategyType
from orchestrator.scheduler.time_limits import ENOUGH_SUCCESSES, TimeLimits, adjusted_timeouts, fair_share

MICRO = StrategyType.MICRO


@pytest.mark.parametrize(
    ("successes", "seconds"),
    [
        ([], 8.0),
        ([0.1] * (ENOUGH_SUCCESSES - 1), 8.0),
        ([0.1] * ENOUGH_SUCCESSES, 4.0),
        ([0.1] * 95 + [7.9] * 5, 4.0),
        ([0.1] * 90 + [3.3] * 10, 8.0),
        ([0.1] * 90 + [7.9] * 10, 16.0),
        ([50.0] * 100, 16.0),
    ],
)
def test_an_attempt_gets_room_for_nearly_all_successes_seen(successes: list[float], seconds: float) -> None:
    assert adjusted_timeouts({MICRO: 8.0}, lambda kind: successes) == {MICRO: seconds}


@given(st.lists(st.floats(0, 1000), max_size=60))
def test_no_strategy_gets_less_than_half_or_more_than_twice_its_default(successes: list[float]) -> None:
    adjusted = adjusted_timeouts(STRATEGY_SECONDS, lambda kind: successes)
    assert all(adjusted[kind] in (seconds / 2, seconds, 2 * seconds) for kind, seconds in STRATEGY_SECONDS.items())


@given(st.floats(1, 1e5), st.integers(1, 500), st.integers(1, 16), st.lists(st.floats(1, 60), min_size=1, max_size=5))
def test_the_first_round_fits_into_the_night_unless_goals_are_very_many(
    run_seconds: float, goals: int, lanes: int, timeouts: list[float]
) -> None:
    share = fair_share(run_seconds, goals, lanes, timeouts)
    assert share >= min(timeouts)
    if share > min(timeouts):
        assert share * goals <= run_seconds * lanes


def test_without_goals_or_strategies_there_is_nothing_to_share() -> None:
    assert fair_share(60.0, 0, 2, [8.0]) == math.inf
    assert fair_share(60.0, 3, 2, []) == math.inf


def test_each_round_and_what_was_not_enough_before_give_more_time() -> None:
    goal = Goal(id="g", text="⊢ x")
    settings = SchedulerSettings(goal_seconds=10.0)
    limits = TimeLimits(settings, lambda _goal, strategy: 4.0 if strategy is MICRO else 1.0)
    usual = settings.timeouts[MICRO]
    assert [limits(goal, MICRO, number) for number in range(3)] == [4 * usual, 8 * usual, 16 * usual]
    assert limits.for_goal(goal, 1) == 80.0
    limits.learn(lambda kind: [0.1] * ENOUGH_SUCCESSES)
    assert (limits(goal, MICRO), limits.enough(goal, MICRO)) == (2 * usual, 4 * usual)
