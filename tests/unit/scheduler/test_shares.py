"""How much time an attempt and a goal get."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.config import STRATEGY_SECONDS, SchedulerSettings
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import StrategyType
from orchestrator.scheduler.time_limits import ENOUGH_SUCCESSES, TimeLimits, adjusted_timeouts

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


def test_each_try_and_what_was_not_enough_before_give_more_time() -> None:
    goal = Goal(id="g", text="⊢ x")
    settings = SchedulerSettings()
    limits = TimeLimits(settings, lambda _goal, strategy: 4.0 if strategy is MICRO else 1.0, quick=StrategyType)
    usual = settings.timeouts[MICRO]
    assert [limits(goal, MICRO, number) for number in range(3)] == [4 * usual, 8 * usual, 16 * usual]
    limits.learn(lambda kind: [0.1] * ENOUGH_SUCCESSES)
    assert (limits(goal, MICRO), limits.enough(goal, MICRO, 0), limits.enough(goal, MICRO)) == (
        2 * usual,
        4 * usual,
        4 * usual,
    )


def test_a_quick_strategy_begins_with_an_eighth_of_its_time() -> None:
    goal = Goal(id="g", text="⊢ x")
    limits = TimeLimits(SchedulerSettings(), quick=[MICRO])
    assert [limits(goal, MICRO, number) for number in range(4)] == [1.0, 8.0, 16.0, 32.0]
    assert [limits(goal, StrategyType.REPROVER, number) for number in range(2)] == [60.0, 120.0]
    assert limits.enough(goal, MICRO) == 8.0
