"""Slots of light and heavy work, never more than there are Lean servers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from enum import StrEnum

from orchestrator.config import SchedulerSettings
from orchestrator.goals.goal import Goal


class Weight(StrEnum):
    """The two classes of work, each with its own limit, so that neither starves the other."""

    LIGHT = "light"
    HEAVY = "heavy"


def weight_of(goal: Goal, settings: SchedulerSettings) -> Weight:
    """Light below the threshold of difficulty, else heavy."""
    return Weight.LIGHT if goal.estimated_difficulty < settings.light_threshold else Weight.HEAVY


class Slots:
    """The light and heavy limits of this process; with `servers`, one attempt a server at most.

    Heavy work never takes the last server: light goals go on beside it.

    Args:
        light, heavy: the most goals of each weight at once.
        servers: how many Lean servers there are; None for no limit.
        distance: how much a free server would have to do before it can begin on a goal, the least for nothing; None
            where that is not worth choosing by.
    """

    def __init__(
        self, light: int, heavy: int, servers: int | None = None, distance: Callable[[Goal], int] | None = None
    ) -> None:
        self.distance = distance
        self.lanes = light + heavy if servers is None else servers
        if servers is not None:
            light, heavy = min(light, servers), min(heavy, max(1, servers - 1))
        self.limits = {Weight.LIGHT: light, Weight.HEAVY: heavy}
        self.used: Counter[Weight] = Counter()

    def acquire(self, weight: Weight) -> bool:
        """Take a slot if one is free; never waits."""
        if self.used[weight] >= self.limits[weight] or self.used.total() >= self.lanes:
            return False
        self.used[weight] += 1
        return True

    def release(self, weight: Weight) -> None:
        """Give one back."""
        self.used[weight] -= 1
