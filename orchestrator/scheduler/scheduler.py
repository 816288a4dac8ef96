"""The scheduler: gives goals to strategies under the light and heavy limits, and learns which to try first."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sized
from dataclasses import replace
from typing import Any

from orchestrator.config import SchedulerSettings
from orchestrator.goals.events import GoalDone, GoalStarted, OnEvent
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result, StrategyType
from orchestrator.scheduler.attempts import Attempts
from orchestrator.scheduler.goal_runner import GoalRun
from orchestrator.scheduler.memory import AttemptLedger, MemoryLedger, Replay, RunAttempt
from orchestrator.scheduler.queue import Waiting, back_off
from orchestrator.scheduler.queue_runner import QueueRun, Workshop
from orchestrator.scheduler.slots import LocalSlots, Slots, Weight
from orchestrator.scheduler.subgoals import Splitter
from orchestrator.scheduler.throttle import IdleMachine, Throttle
from orchestrator.scheduler.time_limits import adjusted_timeouts, fair_share
from orchestrator.strategies.base import Strategy
from orchestrator.strategies.policy.bandit import Policy, SeedUcb
from orchestrator.strategies.stub import stub_strategies

_MEMORY_PAUSE = 1.0
_ROUNDS_IN_LIMITED_TIME = 3


class Scheduler:
    """Runs goals. With no arguments: stub strategies, nothing kept, nothing held back.

    Args:
        settings: limits, timeouts and weights.
        strategies: what can be tried.
        ledger: what is remembered; the scheduler's success rates start from it.
        policy: ranks the strategies; by UCB unless given.
        throttle: holds work back while the machine is busy.
        slots: the light and heavy limits; those of `settings`, in this process, unless given.
        run_attempt: makes one attempt; the strategy's own `run` unless given.
        replay: tries cached tactics on a goal; they are left out unless given.
        splitter: what Lean says of sketches; unless given, subgoals that a strategy leaves are not worked on.
        session_retries: how often an attempt on a broken session is made again; 0 when `run_attempt` sees to it.
        grace_seconds: how long after its time an attempt is cancelled. Strategies watch their own time, from when the
            goal is open on a session; so this leaves room for opening one, and for a proof found at the last moment.
        lanes: goals that can be worked on at once, by which a run's time is shared out; max_light + max_heavy unless
            given.
        on_event: told of every goal and attempt that begins or ends.
        clock: seconds, monotonic.
        sleep: waits that many seconds.
    """

    def __init__(
        self,
        *,
        settings: SchedulerSettings | None = None,
        strategies: Mapping[StrategyType, Strategy] | None = None,
        ledger: AttemptLedger | None = None,
        policy: Policy | None = None,
        throttle: Throttle | None = None,
        slots: Slots | None = None,
        run_attempt: RunAttempt | None = None,
        replay: Replay | None = None,
        splitter: Splitter | None = None,
        session_retries: int = 2,
        grace_seconds: float = 60.0,
        lanes: int | None = None,
        on_event: OnEvent = lambda event: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._settings = settings or SchedulerSettings()
        self._strategies: Mapping[StrategyType, Strategy] = stub_strategies() if strategies is None else strategies
        self._ucb = SeedUcb(self._settings.exploration)
        self._throttle = throttle or IdleMachine()
        self._slots = slots or LocalSlots(
            {Weight.LIGHT: self._settings.max_light, Weight.HEAVY: self._settings.max_heavy}
        )
        self._replay = replay
        self._lanes = lanes or self._settings.max_light + self._settings.max_heavy
        limited = self._settings.timeout is not None
        self._rounds = self._settings.rounds or (_ROUNDS_IN_LIMITED_TIME if limited else 1)
        self._goal_seconds = self._settings.goal_seconds or math.inf
        self._timeouts = self._settings.timeouts
        self._splitter = splitter
        self._on_event = on_event
        self._clock = clock
        self._sleep = sleep
        self._hurry = False
        self._goal_tasks: set[asyncio.Task[Any]] = set()
        self._queue_runs: set[QueueRun] = set()
        self._attempts = Attempts(
            strategies=self._strategies,
            ledger=MemoryLedger(ema_alpha=self._settings.ema_alpha) if ledger is None else ledger,
            policy=policy or self._ucb,
            ema_alpha=self._settings.ema_alpha,
            run_attempt=run_attempt or self._run_strategy,
            session_retries=session_retries,
            grace_seconds=grace_seconds,
            emit=on_event,
            clock=clock,
            sleep=sleep,
        )

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
        return Weight.LIGHT if goal.estimated_difficulty < self._settings.light_threshold else Weight.HEAVY

    def select_strategies(self, goal: Goal, n: int = 3) -> tuple[StrategyType, ...]:
        """The first `n` strategies worth trying on a goal: available, and not tried on it in vain before."""
        return self._goal_run(Waiting(0, 0, goal, self.weight(goal)), math.inf, n).preferred(n)

    async def throttle(self) -> None:
        """Sleep while the machine is too busy for another attempt.

        Short memory holds back as long as other attempts run: with none, waiting would free nothing.
        """
        pause = self._throttle.pause()
        if pause > 0:
            await self._sleep(pause)
        while self._attempts.under_way and not self._attempts.stopping and self._throttle.memory_short():
            await self._sleep(_MEMORY_PAUSE)

    async def run_goal(self, goal: Goal, *, n: int | None = None) -> Result:
        """Try strategies on one goal until one succeeds: `n` at once, 1 being one after the other.

        Losers are cancelled and awaited before this returns. A goal that is not proved is a result, not an error.

        Args:
            goal: the goal.
            n: strategies at once, when not the settings' own number.

        Raises:
            LedgerError: an attempt could not be kept.
        """
        if self._attempts.stopping:
            return _cancelled()
        self._on_event(GoalStarted(goal))
        weight, refusals = self.weight(goal), 0
        while not self._slots.acquire(weight):
            refusals += 1
            await self._sleep(back_off(refusals))
            if self._attempts.stopping:
                return _cancelled()
        try:
            result = await self._run_held(Waiting(0, 0, goal, weight), math.inf, n)
        finally:
            self._release(weight)
        self._on_event(GoalDone(goal, result))
        return result

    async def process_queue(self, goals: Iterable[Goal] | asyncio.Queue[Goal]) -> dict[str, Result]:
        """Work goals off until none is left: a bounded number at once, every goal answered for exactly once.

        Goals that ran out of time come round again after all others, with more of it, while rounds and the run's own
        time last. From a queue, goals are taken as they come, until it is empty and nothing runs any more. A goal
        whose id came before is left out.

        Returns:
            A result for every goal taken, by its id. What was not reached has the error "timeout" (the run's time
            ran out) or "cancelled" (`shutdown`).

        Raises:
            LedgerError: an attempt could not be kept; everything under way was stopped.
        """
        self._attempts.refresh()
        seconds = self._settings.timeout
        deadline = math.inf if seconds is None else self._clock() + seconds
        self._timeouts = adjusted_timeouts(self._settings.timeouts, self._attempts.ledger.success_seconds)
        if seconds is not None and self._settings.goal_seconds is None and isinstance(goals, Sized):
            self._goal_seconds = fair_share(
                seconds, len(goals), self._lanes, [self._timeouts[kind] for kind in self._strategies]
            )
        run = QueueRun(
            goals,
            Workshop(
                weigh=self.weight,
                acquire=self._slots.acquire,
                release=self._release,
                start=lambda waiting: self._run_held(waiting, deadline, None),
                again=self._again,
                stopping=lambda: self._attempts.stopping,
                hurry=lambda: self._hurry,
                emit=self._on_event,
                clock=self._clock,
                deadline=deadline,
            ),
        )
        self._queue_runs.add(run)
        try:
            return await run.run()
        finally:
            self._queue_runs.discard(run)

    def shutdown(self) -> None:
        """Stop: begin nothing more, cancel what runs and wait for it to end. Called again: do not even wait.

        For the event loop's own thread, such as a signal handler of the loop. It is for good: afterwards goals are
        answered with "cancelled".
        """
        if self._attempts.stopping:
            self._hurry = True
            for task in self._goal_tasks:
                task.cancel()
        self._attempts.stop()
        for run in self._queue_runs:
            run.wake()

    async def _run_strategy(self, goal: Goal, strategy: StrategyType, timeout: float) -> Result:
        return await self._strategies[strategy].run(goal, timeout)

    async def _run_held(self, waiting: Waiting, deadline: float, n: int | None) -> Result:
        task = asyncio.current_task()
        assert task is not None
        self._goal_tasks.add(task)
        try:
            return await self._goal_run(waiting, deadline, n or self._settings.speculation).run()
        except asyncio.CancelledError:
            # The second shutdown() cancels this task; anybody else's cancellation goes on.
            if self._hurry and task.uncancel() == 0:
                return _cancelled()
            raise
        finally:
            self._goal_tasks.discard(task)

    def _goal_run(
        self, waiting: Waiting, deadline: float, n: int, without: frozenset[StrategyType] = frozenset()
    ) -> GoalRun:
        scale = 2.0**waiting.round
        timeouts = {strategy: scale * seconds for strategy, seconds in self._timeouts.items()}
        return GoalRun(
            waiting.goal,
            attempts=self._attempts,
            timeouts=timeouts,
            # A limit that grew by what was observed is for new goals: an unchanged repository is left in peace.
            enough=timeouts if waiting.round else self._settings.timeouts,
            budget=scale * self._goal_seconds,
            run_deadline=deadline,
            width=max(2, n) if self._settings.hedged else n,
            hedged=self._settings.hedged,
            throttle=self.throttle,
            widen=lambda: self._widen(waiting.weight),
            narrow=lambda: self._release(waiting.weight),
            replay=self._replay,
            hurry=lambda: self._hurry,
            splitter=self._splitter,
            nested=lambda goal, without: self._goal_run(replace(waiting, goal=goal), deadline, n, without),
            without=without,
        )

    def _again(self, waiting: Waiting) -> bool:
        if waiting.round + 1 >= self._rounds:
            return False
        return not self._goal_run(waiting, math.inf, 1).exhausted()

    def _widen(self, weight: Weight) -> bool:
        # Trying several strategies at once is a luxury: other goals come first, and a busy machine does without.
        if any(run.waits(weight) for run in self._queue_runs):
            return False
        if self._throttle.memory_short() or self._throttle.pause() > 0:
            return False
        return self._slots.acquire(weight)

    def _release(self, weight: Weight) -> None:
        self._slots.release(weight)
        for run in self._queue_runs:
            run.freed()


def _cancelled() -> Result:
    return Result(success=False, outcome=Outcome.CANCELLED)
