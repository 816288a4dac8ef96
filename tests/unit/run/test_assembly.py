"""How a run is put together from its settings."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from orchestrator.config import Settings
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import StrategyType
from orchestrator.run.assembly import night_limits
from orchestrator.scheduler.time_limits import ASKED_PATIENCE, USUAL_PATIENCE

HAMMER, REPROVER = StrategyType.HAMMER, StrategyType.REPROVER


def run_with(settings: Settings) -> Any:
    """As much of a run as its limits are read from; half an hour is its usual time."""
    return SimpleNamespace(settings=settings, request=SimpleNamespace(more_time=False, usual_budget=1800.0))


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
    limits = night_limits(run_with(settings))
    goal, usual = Goal(id="g", text="⊢ x"), settings.timeouts
    assert tuple(limits(goal, HAMMER, tried) / usual[HAMMER] for tried in range(3)) == shares
    assert limits(goal, REPROVER) == usual[REPROVER]  # what a model computes is not thrown away


def test_a_run_is_more_patient_where_somebody_said_how_long_it_may_take() -> None:
    assert night_limits(run_with(Settings(timeout=1800.0))).patience == USUAL_PATIENCE
    assert night_limits(run_with(Settings(timeout=900.0))).patience == ASKED_PATIENCE
