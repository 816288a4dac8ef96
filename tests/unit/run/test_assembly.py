"""How a run is put together from its settings."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from orchestrator.config import Settings
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import StrategyType
from orchestrator.run.assembly import night_limits

HAMMER, REPROVER = StrategyType.HAMMER, StrategyType.REPROVER


@pytest.mark.parametrize(
    ("settings", "shares"),
    [
        (Settings(timeout=60.0), (0.125, 1.0, 2.0)),
        (Settings(timeout=60.0, rounds=1), (1.0, 2.0, 4.0)),
        (Settings(timeout=None), (1.0, 2.0, 4.0)),
    ],
)
def test_a_strategy_begins_with_little_of_its_time_only_where_it_may_come_back(
    settings: Settings, shares: tuple[float, ...]
) -> None:
    limits = night_limits(SimpleNamespace(settings=settings, request=SimpleNamespace(more_time=False)))
    goal, usual = Goal(id="g", text="⊢ x"), settings.timeouts
    assert tuple(limits(goal, HAMMER, tried) / usual[HAMMER] for tried in range(3)) == shares
    assert limits(goal, REPROVER) == usual[REPROVER]  # what a model computes is not thrown away
