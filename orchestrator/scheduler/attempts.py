"""Attempts: which strategy comes next on a goal, making the attempt, and keeping what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from orchestrator.errors import SessionError
from orchestrator.goals.events import AttemptFinished, AttemptStarted, OnEvent
from orchestrator.goals.features import GoalFeatures
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result, StrategyType
from orchestrator.scheduler.memory import AttemptLedger, RunAttempt, trial_of
from orchestrator.strategies.base import Strategy, guarded
from orchestrator.strategies.policy.bandit import Policy, Statistics

_RETRY_SECONDS = 0.5
_REFRESH_SECONDS = 30.0

Work = Callable[[], Awaitable[Result]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An attempt under way.

    Attributes:
        goal: what is to be proved.
        strategy: who tries.
        timeout: seconds it may take.
        started: the clock when it began.
        failed_before: strategies known to have failed on the goal when it began.
        cached: it replays tactics that worked before, and is no trial of the strategy.
    """

    goal: Goal
    strategy: StrategyType
    timeout: float
    started: float
    failed_before: tuple[StrategyType, ...] = ()
    cached: bool = False


class Attempts:
    """Makes attempts and learns from them. The one place where the ledger hears of them.

    Args:
        strategies: what can be tried.
        ledger: what is remembered.
        policy: ranks strategies.
        ema_alpha: weight of the newest trial in a success rate.
        run_attempt: makes one attempt.
        session_retries: how often an attempt whose session broke is made again, within its own time; 0 means never.
        grace_seconds: how long after its time an attempt is cancelled.
        emit: told of every beginning and end.
        clock: seconds, monotonic.
        sleep: waits that many seconds.
    """

    def __init__(
        self,
        *,
        strategies: Mapping[StrategyType, Strategy],
        ledger: AttemptLedger,
        policy: Policy,
        ema_alpha: float,
        run_attempt: RunAttempt,
        session_retries: int,
        grace_seconds: float,
        emit: OnEvent,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self.strategies = strategies
        self.ledger = ledger
        self.policy = policy
        self.emit = emit
        self.clock = clock
        self.sleep = sleep
        self.stopping = False
        self.under_way = 0
        self.statistics = Statistics[StrategyType]()
        self._ema_alpha = ema_alpha
        self._run_attempt = run_attempt
        self._session_retries = session_retries
        self._grace_seconds = grace_seconds
        self._tasks: set[asyncio.Task[Result]] = set()
        self.refresh()

    def refresh(self) -> None:
        """Learn from the ledger anew, other machines' attempts included."""
        self._refreshed = self.clock()
        self.statistics = Statistics[StrategyType](self._ema_alpha, self.ledger.statistics())

    def available(self, goal: Goal) -> tuple[tuple[StrategyType, ...], Mapping[StrategyType, str]]:
        """The strategies that can be tried on a goal, and why the others cannot."""
        reasons = {kind: strategy.available(goal) for kind, strategy in self.strategies.items()}
        return tuple(kind for kind, why in reasons.items() if not why), {k: why for k, why in reasons.items() if why}

    def order(
        self, features: GoalFeatures, kinds: Sequence[StrategyType], failed: Collection[StrategyType]
    ) -> tuple[StrategyType, ...]:
        """`kinds`, best first."""
        return self.policy.order(features, kinds, self.statistics, failed=failed)

    def start(self, attempt: Attempt, work: Work | None = None) -> Coroutine[Any, Any, Result]:
        """Count the attempt as under way and return the coroutine that makes it; `finish` must follow."""
        self.emit(AttemptStarted(attempt.goal, attempt.strategy, attempt.timeout))
        self.under_way += 1
        return self._make(attempt, work)

    def finish(self, attempt: Attempt, task: asyncio.Task[Result], *, beaten: bool = False) -> Result:
        """Keep what came of an attempt that has ended, or that is given up.

        Raises:
            LedgerError: it could not be kept.
            BaseException: what the attempt itself raised.
        """
        self.under_way -= 1
        self._tasks.discard(task)
        seconds = max(0.0, self.clock() - attempt.started)
        given_up = not task.done() or task.cancelled()
        result = Result(success=False, outcome=Outcome.CANCELLED, time_seconds=seconds) if given_up else task.result()
        result = replace(
            result,
            strategy=attempt.strategy,
            timeout=attempt.timeout,
            failed_before=attempt.failed_before,
            beaten=beaten and result.success,
            cached=attempt.cached,
        )
        if attempt.cached and result.outcome in (Outcome.PROVED, Outcome.NOT_PROVED):
            self.ledger.record_replay(attempt.goal, result.success, result.time_seconds)
        # Cached tactics that fail say nothing about the strategy that once found them.
        if result.success or not attempt.cached:
            self.ledger.record(attempt.goal, result)
        self._learn(attempt.goal, result)
        self.emit(AttemptFinished(attempt.goal, result))
        return result

    def keep(self, goal: Goal, result: Result) -> None:
        """Keep a proof that was put together from attempts that are kept already, and learn from it.

        Raises:
            LedgerError: it could not be kept.
        """
        self.ledger.record(goal, result)
        self._learn(goal, result)

    def _learn(self, goal: Goal, result: Result) -> None:
        """Count what the ledger has counted already; and now and then what other workers have told it."""
        if self.clock() - self._refreshed >= _REFRESH_SECONDS:
            self.refresh()
        elif (trial := trial_of(goal, result)) is not None:
            self.statistics = self.policy.update(self.statistics, trial)

    def stop(self) -> None:
        """Begin no more, and cancel those under way."""
        self.stopping = True
        for task in self._tasks:
            task.cancel()

    async def _make(self, attempt: Attempt, work: Work | None) -> Result:
        task = asyncio.current_task()
        if self.stopping or task is None:
            return Result(success=False, outcome=Outcome.CANCELLED)
        self._tasks.add(task)
        retries = 0
        while True:
            left = attempt.timeout - (self.clock() - attempt.started)
            run = work or partial(self._run_attempt, attempt.goal, attempt.strategy, left)
            try:
                return await guarded(attempt.strategy, run, left + self._grace_seconds, clock=self.clock)
            except SessionError as error:
                wait = _RETRY_SECONDS * 2**retries
                if retries == self._session_retries or self.clock() - attempt.started + wait >= attempt.timeout:
                    return Result(success=False, error=str(error), broken=True)
            retries += 1
            await self.sleep(wait)
