"""One goal in one round: what was proved before, then the strategies in a race, then one result for all of it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace

from orchestrator.goals.features import features_of
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result, StrategyType
from orchestrator.scheduler.admission import Admission
from orchestrator.scheduler.attempts import Attempts
from orchestrator.scheduler.middleware import CANCELLED, Attempt
from orchestrator.scheduler.queue import Waiting
from orchestrator.scheduler.subgoals import through_subgoals
from orchestrator.scheduler.time_limits import NO_MORE

TRUSTED_RATE = 0.7
REPEATED = "tried before with no less time; nothing changed"

# With a smaller share of its time than this a strategy would only have to be tried again.
_LEAST_SHARE = 0.1
_FAILURES = (Outcome.NOT_PROVED, Outcome.TIMEOUT, Outcome.REFUSED, Outcome.ERROR)


class GoalRunner:
    """Works on one goal while its slot is held.

    Args:
        deadline: the clock when the whole run ends.
        hedged: another strategy joins only when the last to join has passed its expected time.
    """

    def __init__(
        self,
        waiting: Waiting,
        attempts: Attempts,
        admission: Admission,
        *,
        deadline: float = math.inf,
        width: int = 1,
        hedged: bool = False,
        without: frozenset[StrategyType] = frozenset(),
    ) -> None:
        self._waiting = waiting
        self._goal = waiting.goal
        self._attempts = attempts
        self._admission = admission
        self._run_deadline = deadline
        self._width = max(2, width) if hedged else width
        self._hedged = hedged
        self._without = without
        self._memory = attempts.context.memory
        self._limits = attempts.context.limits
        self._clock = attempts.context.clock
        # Waiting for the machine does not count, and moves it.
        self._deadline = self._clock() + self._limits.for_goal(waiting.goal, waiting.round)
        self._features = features_of(waiting.goal)
        self._cached: tuple[str, ...] = ()
        self._left: list[StrategyType] = []
        self._failed: list[StrategyType] = []
        self._repeated = False
        self._running: dict[asyncio.Task[Result], Attempt] = {}
        self._won = False

    async def run(self) -> Result:
        """The goal's result in this round. Raises LedgerError: an attempt could not be kept."""
        return await self._attempts.held(self._run())

    async def _run(self) -> Result:
        known = self._memory.known_proof(self._goal)
        if known is not None:
            return replace(known, known=True)
        available, reasons = self._attempts.available(self._goal)
        cached = self._memory.cached_tactics(self._goal)
        if cached is not None and cached.success_rate > TRUSTED_RATE and self._attempts.scripts is not None:
            self._left, self._cached = [cached.strategy], cached.tactics
            results = await self._race(1)
            if self._won:
                return results[0]
            self._cached = ()
        self._left = [strategy for strategy in available if strategy not in self._without]
        return self._summary(await self._with_subgoals(await self._race(self._width)), reasons)

    def exhausted(self) -> bool:
        """Whether no available strategy could do better with more time."""
        available, _ = self._attempts.available(self._goal)
        return all(self._memory.check_duplicate(self._goal, strategy, math.inf) for strategy in available)

    def preferred(self, n: int) -> tuple[StrategyType, ...]:
        """The first `n` strategies that would be tried if each of them failed."""
        self._left = list(self._attempts.available(self._goal)[0])
        chosen: list[StrategyType] = []
        while len(chosen) < n and (strategy := self._choose()) is not None:
            chosen.append(strategy)
            self._left.remove(strategy)
            self._failed.append(strategy)
        return tuple(chosen)

    async def _with_subgoals(self, results: tuple[Result, ...]) -> tuple[Result, ...]:
        """The results, with those that left subgoals replaced by what came of them, until one is a proof.

        A strategy is not used on the subgoals that it leaves: each level of sketches has one strategy less.
        """
        if self._attempts.scripts is None or any(result.success for result in results):
            return results
        done = list(results)
        for index, result in enumerate(results):
            if not (result.subgoals and result.tactics and result.strategy) or self._attempts.stopping:
                continue
            without = self._without | {result.strategy}

            async def prove(goal: Goal, without: frozenset[StrategyType] = without) -> Result:
                return await self._nested(goal, without)._run()

            done[index] = await through_subgoals(self._goal, result, self._attempts.scripts, prove)
            if done[index].success:
                self._attempts.keep(self._goal, done[index])
                break
        return tuple(done)

    def _nested(self, goal: Goal, without: frozenset[StrategyType]) -> GoalRunner:
        return GoalRunner(
            replace(self._waiting, goal=goal),
            self._attempts,
            self._admission,
            deadline=self._run_deadline,
            width=self._width,
            hedged=self._hedged,
            without=without,
        )

    async def _race(self, width: int) -> tuple[Result, ...]:
        """Run strategies, `width` at once, until one succeeds or none is left; the others are stopped for good.

        When this returns or raises, none runs any more, save those left behind in a hurry.

        Returns:
            The results in the order of their ends; cancelled losers come after the winner.

        Raises:
            BaseException: what an attempt, or keeping it, raised.
        """
        results: list[Result] = []
        running = self._running
        loop = asyncio.get_running_loop()

        def finish(task: asyncio.Task[Result]) -> None:
            attempt = running.pop(task)
            if running:
                self._admission.release(self._waiting.weight)
            results.append(self._finish(attempt, task))

        try:
            join_at = 0.0
            while not any(result.success for result in results):
                if not running and self._choose() is not None:
                    await self._wait_for_machine()
                while len(running) < width and (not running or loop.time() >= join_at):
                    strategy = self._choose()
                    if strategy is None or (running and not self._admission.widen(self._waiting.weight)):
                        break
                    attempt = self._attempt(strategy)
                    running[loop.create_task(self._attempts.start(attempt))] = attempt
                    join_at = loop.time() + self._patience(strategy)
                if not running:
                    break
                wait = join_at - loop.time()
                more = len(running) < width and wait > 0
                done, _ = await asyncio.wait(
                    running, return_when=asyncio.FIRST_COMPLETED, timeout=wait if more else None
                )
                for task in [task for task in running if task in done]:
                    finish(task)
        finally:
            for task in running:
                task.cancel()
            try:
                while not self._attempts.hurry and any(not task.done() for task in running):
                    await asyncio.wait(running)
            finally:
                with ExitStack() as stack:
                    for task in reversed(running):
                        stack.callback(finish, task)
        return tuple(results)

    def _choose(self) -> StrategyType | None:
        while not self._attempts.stopping and not self._won:
            in_time = [strategy for strategy in self._left if self._seconds_for(strategy) > 0]
            if not in_time or self._cached:
                return next(iter(in_time), None)
            under_way = [attempt.strategy for attempt in self._running.values()]
            best = self._attempts.order(self._features, in_time, [*self._failed, *under_way])[0]
            enough = self._limits.enough(self._goal, best, self._waiting.round)
            if not self._memory.check_duplicate(self._goal, best, NO_MORE * min(self._seconds_for(best), enough)):
                return best
            self._left.remove(best)
            self._failed.append(best)
            self._repeated = True
        return None

    def _seconds_for(self, strategy: StrategyType) -> float:
        """What a strategy gets if it starts now; 0 when too little is left to be worth it."""
        nominal = self._limits(self._goal, strategy, self._waiting.round)
        left = min(self._deadline, self._run_deadline) - self._clock()
        return 0.0 if left < _LEAST_SHARE * nominal else min(nominal, left)

    async def _wait_for_machine(self) -> None:
        before = self._clock()
        await self._admission.wait()
        self._deadline += self._clock() - before

    def _attempt(self, strategy: StrategyType) -> Attempt:
        self._left.remove(strategy)
        return Attempt(
            goal=self._goal,
            strategy=strategy,
            timeout=self._seconds_for(strategy),
            started=self._clock(),
            failed_before=tuple(self._failed),
            cached=self._cached,
        )

    def _finish(self, attempt: Attempt, task: asyncio.Task[Result]) -> Result:
        result = self._attempts.finish(attempt, task, beaten=self._won)
        self._won = self._won or result.success
        if result.outcome in _FAILURES and not attempt.cached:
            self._failed.append(attempt.strategy)
        return result

    def _patience(self, strategy: StrategyType) -> float:
        """Seconds that a strategy runs alone before another may join it."""
        if not self._hedged:
            return 0.0
        nominal = self._limits(self._goal, strategy, self._waiting.round)
        expected = self._attempts.statistics.of(strategy).expected_seconds
        return nominal / 2 if expected is None else min(expected, nominal)

    def _summary(self, results: Sequence[Result], reasons: Mapping[StrategyType, str]) -> Result:
        winner = next((result for result in results if result.success), None)
        if winner is not None:
            return winner
        if results:
            ended = [result for result in results if result.outcome is not Outcome.CANCELLED] or results
            telling = next((result for result in reversed(ended) if result.subgoals), ended[-1])
            seconds, broken = sum(r.time_seconds for r in results), any(r.broken for r in results)
            return replace(telling, time_seconds=seconds, broken=broken, attempts=tuple(results))
        if self._attempts.stopping:
            return CANCELLED
        if self._repeated:
            return Result(success=False, outcome=Outcome.NOT_PROVED, error=REPEATED)
        if self._left:
            return Result(success=False, outcome=Outcome.TIMEOUT)
        why = "; ".join(f"{strategy}: {reason}" for strategy, reason in reasons.items())
        return Result(success=False, outcome=Outcome.UNAVAILABLE, error=why)
