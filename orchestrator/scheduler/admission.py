"""Whether work may begin now: a slot of its weight, a machine that is not busy, no goal that waits."""

from __future__ import annotations

import asyncio

from orchestrator.scheduler.attempts import Attempts
from orchestrator.scheduler.queue import GoalQueue
from orchestrator.scheduler.slots import Weight

_MEMORY_PAUSE = 1.0


class Admission:
    """Gives out slots, and waits for the machine.

    Attributes:
        queues: goals that wait for a slot.
    """

    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts
        self._slots = attempts.context.slots
        self._throttle = attempts.context.throttle
        self.queues: set[GoalQueue] = set()

    def acquire(self, weight: Weight) -> bool:
        """Take a slot if one is free; never waits."""
        return self._slots.acquire(weight)

    def widen(self, weight: Weight) -> bool:
        """Take a further slot for a goal that has one.

        Trying several strategies at once is a luxury: other goals come first, and a busy machine does without.
        """
        if any(queue.waiting(weight) for queue in self.queues):
            return False
        if self._throttle.memory_short() or self._throttle.pause() > 0:
            return False
        return self._slots.acquire(weight)

    def release(self, weight: Weight) -> None:
        """Give a slot back."""
        self._slots.release(weight)
        for queue in self.queues:
            queue.freed()

    async def wait(self) -> None:
        """Sleep while the machine is too busy for another attempt.

        Short memory holds back as long as other attempts run: with none, waiting would free nothing.
        """
        pause = self._throttle.pause()
        if pause > 0:
            await asyncio.sleep(pause)
        attempts = self._attempts
        while attempts.under_way and not attempts.stopping and self._throttle.memory_short():  # noqa: ASYNC110 - no event
            await asyncio.sleep(_MEMORY_PAUSE)
