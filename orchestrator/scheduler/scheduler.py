"""The scheduler: gives goals to strategies under the light and heavy limits, and learns which to try first."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Mapping, Sequence
from functools import partial

from orchestrator.config import SchedulerSettings
from orchestrator.goals.events import GoalDone, GoalStarted
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Result, StrategyType
from orchestrator.scheduler.admission import Admission
from orchestrator.scheduler.attempts import Attempts
from orchestrator.scheduler.context import SchedulerContext
from orchestrator.scheduler.goal_runner import ASKED_FOR, GoalRunner
from orchestrator.scheduler.middleware import CANCELLED, Middleware, retries, time_limit
from orchestrator.scheduler.plan import Plan
from orchestrator.scheduler.queue import back_off
from orchestrator.scheduler.queue_runner import QueueRunner
from orchestrator.scheduler.slots import Weight, weight_of
from orchestrator.scheduler.subgoals import Scripts
from orchestrator.strategies.policy.bandit import SeedUcb

_MOST_TRIES = 8
_GRACE_SECONDS = 60.0
_SESSION_RETRIES = 2


class Scheduler:
    """Runs goals. With no arguments: stub strategies, nothing kept, nothing held back.

    Args:
        context: what it works with; that of `settings` unless given.
        middleware: what every attempt goes through, the first outermost; a time limit and a few retries on broken
            sessions unless given.
        scripts: what Lean says of scripts; without it cached tactics are left out, and so are the subgoals that a
            strategy leaves.

    Attributes:
        plan: of the queue that is worked off, or that was last.
    """

    def __init__(
        self,
        context: SchedulerContext | None = None,
        *,
        settings: SchedulerSettings | None = None,
        middleware: Sequence[Middleware] | None = None,
        scripts: Scripts | None = None,
    ) -> None:
        self._settings = settings or SchedulerSettings()
        self._context = context or SchedulerContext.of(self._settings)
        if middleware is None:
            clock = self._context.clock
            middleware = (time_limit(_GRACE_SECONDS, clock), retries(_SESSION_RETRIES, clock))
        self._attempts = Attempts(self._context, middleware, scripts, ema_alpha=self._settings.ema_alpha)
        self._admission = Admission(self._attempts)
        self._ucb = SeedUcb(self._settings.exploration)
        self.plan = self._plan_for(self._budget)

    @property
    def trials(self) -> Mapping[StrategyType, int]:
        """Finished attempts by strategy."""
        return {strategy: self._attempts.statistics.of(strategy).trials for strategy in StrategyType}

    @property
    def success_rate(self) -> Mapping[StrategyType, float]:
        """Moving average of success by strategy, 0 to 1."""
        return {strategy: self._attempts.statistics.of(strategy).success_rate for strategy in StrategyType}

    def ucb_score(self, strategy: StrategyType) -> float:
        """The upper confidence index of a strategy, whatever policy is in use."""
        return self._ucb.score(strategy, self._attempts.statistics)

    def weight(self, goal: Goal) -> Weight:
        """Light below the threshold of difficulty, else heavy."""
        return weight_of(goal, self._settings)

    def select_strategies(self, goal: Goal, n: int = 3) -> tuple[StrategyType, ...]:
        """The first `n` strategies worth trying on a goal: available, and not tried on it without success before."""
        return self._runner(self._plan_for(math.inf), goal, n).preferred(n)

    def worth_trying(self, goal: Goal) -> bool:
        """Whether an attempt on a goal could come to anything new, and is worth its time."""
        plan = self._plan_for(self._budget)
        gain = self._runner(plan, goal).gain()
        return gain is not None and plan.worth(gain)

    async def throttle(self) -> None:
        """Sleep while the machine is too busy for another attempt."""
        await self._admission.wait()

    async def run_goal(self, goal: Goal, *, n: int | None = None) -> Result:
        """Try strategies on one goal until one succeeds: `n` at once, 1 being one after the other.

        Losers are cancelled and awaited before this returns. A goal that is not proved is a result, not an error.

        Args:
            n: strategies at once, when not the settings' own number.

        Raises:
            LedgerError: an attempt could not be kept.
        """
        if self._attempts.stopping:
            return CANCELLED
        self._context.emit(GoalStarted(goal))
        weight, refusals = self.weight(goal), 0
        while not self._admission.acquire(weight):
            refusals += 1
            await asyncio.sleep(back_off(refusals))
            if self._attempts.stopping:
                return CANCELLED
        try:
            result = await self._runner(self._plan_for(math.inf), goal, n).run()
        finally:
            self._admission.release(weight)
        self._context.emit(GoalDone(goal, result))
        return result

    async def process_queue(
        self, goals: Iterable[Goal] | asyncio.Queue[Goal], *, seconds: float | None = None
    ) -> dict[str, Result]:
        """Work goals off until none is left: a bounded number at once, every goal answered for exactly once.

        With a budget, which is that of the settings or `seconds`, this follows a `Plan`; afterwards `plan` says how it
        went. From a queue, goals are taken as they come, until it is empty and nothing runs any more. A goal whose id
        came before is left out.

        Returns:
            A result for every goal taken, by its id. What was not reached has the outcome "timeout" (the run's time
            ran out) or "cancelled" (`shutdown`).

        Raises:
            LedgerError: an attempt could not be kept; everything under way was stopped.
        """
        self._attempts.refresh()
        self._context.limits.learn(self._context.memory.success_seconds)
        plan = self.plan = self._plan_for(self._budget if seconds is None else seconds)
        queue = QueueRunner(
            goals,
            self._settings,
            self._attempts,
            self._admission,
            partial(self._runner, plan),
            plan,
        )
        return await queue.run()

    def why_it_ended(self, results: Mapping[str, Result]) -> str:
        """Why the search ended before everything was proved, "" where it was, or where somebody stopped it."""
        left = sum(not result.success for result in results.values())
        return "" if self._attempts.stopping else self.plan.why_it_ended(left)

    @property
    def _budget(self) -> float:
        return math.inf if self._settings.timeout is None else self._settings.timeout

    def _plan_for(self, seconds: float) -> Plan:
        timeouts = self._settings.timeouts
        longest = max((timeouts[kind] for kind in ASKED_FOR.intersection(self._context.strategies)), default=0.0)
        patience = self._context.limits.patience
        return Plan(seconds, self._context.slots.lanes, self._context.clock, longest=longest, patience=patience)

    def shutdown(self) -> None:
        """Stop: begin nothing more, cancel what runs and wait for it to end. Called again: do not even wait.

        For the event loop's own thread, such as a signal handler of the loop. It is for good: afterwards goals are
        answered with "cancelled".
        """
        self._attempts.stop()
        for queue in self._admission.queues:
            queue.wake.set()

    def _runner(self, plan: Plan, goal: Goal, n: int | None = None) -> GoalRunner:
        return GoalRunner(
            goal,
            self.weight(goal),
            self._attempts,
            self._admission,
            plan,
            tries=self._settings.rounds or (1 if math.isinf(plan.seconds) else _MOST_TRIES),
            width=n or self._settings.speculation,
            hedged=self._settings.hedged,
        )
