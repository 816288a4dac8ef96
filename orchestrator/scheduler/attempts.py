"""Attempts: which strategy comes next on a goal, making the attempt, and keeping what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import Any

from orchestrator.errors import SessionError
from orchestrator.goals.events import AttemptFinished, AttemptStarted
from orchestrator.goals.features import GoalFeatures
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result, StrategyType
from orchestrator.scheduler.context import SchedulerContext
from orchestrator.scheduler.memory import trial_of
from orchestrator.scheduler.middleware import CANCELLED, Attempt, Middleware, compose
from orchestrator.scheduler.subgoals import Scripts
from orchestrator.strategies.policy.bandit import Statistics

_REFRESH_SECONDS = 30.0


class Attempts:
    """Makes attempts and learns from them. The one place where the memory hears of them.

    Args:
        scripts: what Lean says of scripts; None where there is no Lean.

    Attributes:
        stopping: nothing is begun any more.
        hurry: what does not stop is left behind.
        under_way: attempts that have begun and not ended.
    """

    def __init__(
        self, context: SchedulerContext, middleware: Sequence[Middleware], scripts: Scripts | None, *, ema_alpha: float
    ) -> None:
        self.context = context
        self.scripts = scripts
        self.stopping = self.hurry = False
        self.under_way = 0
        self.statistics = Statistics[StrategyType]()
        self._run = compose(middleware, self._work)
        self._ema_alpha = ema_alpha
        self._tasks: set[asyncio.Task[Result]] = set()
        self._goal_tasks: set[asyncio.Task[Any]] = set()
        self.refresh()

    def refresh(self) -> None:
        """Learn from the memory again, other machines' attempts included."""
        self._refreshed = self.context.clock()
        self.statistics = Statistics[StrategyType](self._ema_alpha, self.context.memory.statistics())

    def available(self, goal: Goal) -> tuple[tuple[StrategyType, ...], Mapping[StrategyType, str]]:
        """The strategies that can be tried on a goal, and why the others cannot."""
        reasons = {kind: strategy.available(goal) for kind, strategy in self.context.strategies.items()}
        return tuple(kind for kind, why in reasons.items() if not why), {k: why for k, why in reasons.items() if why}

    def order(
        self, features: GoalFeatures, kinds: Sequence[StrategyType], failed: Collection[StrategyType]
    ) -> tuple[StrategyType, ...]:
        """`kinds`, best first."""
        return self.context.policy.order(features, kinds, self.statistics, failed=failed)

    def gain(
        self,
        features: GoalFeatures,
        strategy: StrategyType,
        failed: Collection[StrategyType],
        *,
        between: tuple[float, float],
    ) -> float:
        """Proofs per second to be expected of an attempt that takes seconds between these."""
        return self.context.policy.gain(features, strategy, self.statistics, failed=failed, between=between)

    def start(self, attempt: Attempt) -> Coroutine[Any, Any, Result]:
        """Count the attempt as under way and return the coroutine that makes it; `finish` must follow."""
        self.context.emit(AttemptStarted(attempt.goal, attempt.strategy, attempt.timeout))
        self.under_way += 1
        return self.make(attempt)

    async def make(self, attempt: Attempt) -> Result:
        """One attempt, through every layer of middleware."""
        task = asyncio.current_task()
        if self.stopping or task is None:
            return CANCELLED
        self._tasks.add(task)
        try:
            return await self._run(attempt)
        except SessionError as error:
            return Result(success=False, error=str(error), broken=True)

    def finish(self, attempt: Attempt, task: asyncio.Task[Result], *, beaten: bool = False) -> Result:
        """Keep what came of an attempt that has ended, or that is given up.

        Raises:
            LedgerError: it could not be kept.
            BaseException: what the attempt itself raised.
        """
        self.under_way -= 1
        self._tasks.discard(task)
        seconds = max(0.0, self.context.clock() - attempt.started)
        given_up = not task.done() or task.cancelled()
        made = Result(success=False, outcome=Outcome.CANCELLED, time_seconds=seconds) if given_up else task.result()
        result = replace(
            made,
            strategy=attempt.strategy,
            timeout=attempt.timeout,
            failed_before=attempt.failed_before,
            beaten=beaten and made.success,
            cached=bool(attempt.cached),
        )
        if attempt.cached and result.outcome in (Outcome.PROVED, Outcome.NOT_PROVED):
            self.context.memory.record_replay(attempt.goal, result.success, result.time_seconds)
        # Cached tactics that fail say nothing about the strategy that once found them.
        if result.success or not attempt.cached:
            self.context.memory.record(attempt.goal, result)
        self._learn(attempt.goal, result)
        self.context.emit(AttemptFinished(attempt.goal, result))
        return result

    def keep(self, goal: Goal, result: Result) -> None:
        """Keep a proof that was put together from attempts that are kept already, and learn from it.
        Raises LedgerError: it could not be kept.
        """
        self.context.memory.record(goal, result)
        self._learn(goal, result)

    def stop(self) -> None:
        """Begin no more, and cancel those under way; called again, also whoever waits for them."""
        if self.stopping:
            self.hurry = True
            for task in self._goal_tasks:
                task.cancel()
        self.stopping = True
        for task in self._tasks:
            task.cancel()

    async def held(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do what a goal needs; when called off in a hurry, it counts as cancelled."""
        task = asyncio.current_task()
        assert task is not None
        self._goal_tasks.add(task)
        try:
            return await work
        except asyncio.CancelledError:
            # The second `stop` cancels this task; anybody else's cancellation goes on.
            if self.hurry and task.uncancel() == 0:
                return CANCELLED
            raise
        finally:
            self._goal_tasks.discard(task)

    async def _work(self, attempt: Attempt) -> Result:
        if attempt.cached and self.scripts is not None:
            return await self.scripts.replay(attempt.goal, attempt.cached)
        return await self.context.strategies[attempt.strategy].run(attempt.goal, attempt.timeout)

    def _learn(self, goal: Goal, result: Result) -> None:
        """Count what the memory has counted already; and now and then what other workers have told it."""
        if self.context.clock() - self._refreshed >= _REFRESH_SECONDS:
            self.refresh()
        elif (trial := trial_of(goal, result)) is not None:
            self.statistics = self.statistics.updated((trial,))
