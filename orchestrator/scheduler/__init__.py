"""Which goal and which strategy next, for how long, how many at once."""

from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Result, StrategyType
from orchestrator.scheduler.scheduler import Scheduler

__all__ = ["Goal", "Result", "Scheduler", "StrategyType"]
