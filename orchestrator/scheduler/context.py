"""What the scheduler and its parts work with, as one value."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from orchestrator.config import SchedulerSettings
from orchestrator.goals.events import OnEvent
from orchestrator.goals.result import StrategyType
from orchestrator.scheduler.memory import AttemptLedger, MemoryLedger
from orchestrator.scheduler.slots import Slots
from orchestrator.scheduler.throttle import Throttle
from orchestrator.scheduler.time_limits import TimeLimits
from orchestrator.strategies.base import Strategy
from orchestrator.strategies.policy.bandit import GainPolicy, SeedUcb
from orchestrator.strategies.stub import stub_strategies


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulerContext:
    """What the scheduler works with.

    Attributes:
        memory: what is remembered; success rates start from it.
        clock: seconds, monotonic.
        emit: told of every goal and attempt that begins or ends.
    """

    strategies: Mapping[StrategyType, Strategy]
    memory: AttemptLedger
    policy: GainPolicy
    slots: Slots
    throttle: Throttle
    limits: TimeLimits
    clock: Callable[[], float]
    emit: OnEvent

    @classmethod
    def of(cls, settings: SchedulerSettings) -> SchedulerContext:
        """Stub strategies, nothing kept, nothing held back but by the limits of `settings`, in this process."""
        return cls(
            strategies=stub_strategies(),
            memory=MemoryLedger(ema_alpha=settings.ema_alpha),
            policy=SeedUcb(settings.exploration),
            slots=Slots(settings.max_light, settings.max_heavy),
            throttle=Throttle(),
            limits=TimeLimits(settings),
            clock=time.monotonic,
            emit=lambda event: None,
        )
