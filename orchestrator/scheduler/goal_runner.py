"""One goal in one round: what was proved before, then the strategies in a race, then one result for all of it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from orchestrator.goals.features import features_of
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result, StrategyType
from orchestrator.scheduler.attempts import Attempt, Attempts, Work
from orchestrator.scheduler.memory import KnownTactics, Replay
from orchestrator.scheduler.race import Course, race
from orchestrator.scheduler.subgoals import Splitter, through_subgoals

TRUSTED_RATE = 0.7
REPEATED = "tried before with no less time; nothing changed"

# With a smaller share of its time than this a strategy would only have to be tried again.
_LEAST_SHARE = 0.1
# More time than before by so little is no reason to try again: what is left of a budget is never twice the same.
NO_MORE = 0.9
"""An attempt with this share of the time has been tried with all of it."""
_FAILURES = (Outcome.NOT_PROVED, Outcome.TIMEOUT, Outcome.ERROR)


class GoalRun:
    """Works on one goal while its slot is held.

    Args:
        goal: the goal.
        attempts: makes and keeps attempts.
        timeouts: seconds by strategy, in this round.
        enough: seconds by strategy: what failed with as many is not tried again, although it might have more now.
        budget: seconds for the goal in this round; waiting for the machine does not count.
        run_deadline: the clock when the whole run ends.
        width: how many strategies at once.
        hedged: another strategy joins only when the last to join has passed its expected time.
        throttle: waits until the machine can take more work.
        widen: asks for a further slot; `narrow` gives it back.
        replay: tries tactics that worked before, when there is a way to.
        hurry: whether to leave attempts behind that do not stop.
        splitter: what Lean says of sketches; without it subgoals are left open.
        nested: makes the run on a subgoal, in which the strategies given are left out.
        without: strategies that are left out.
    """

    def __init__(
        self,
        goal: Goal,
        *,
        attempts: Attempts,
        timeouts: Mapping[StrategyType, float],
        enough: Mapping[StrategyType, float],
        budget: float,
        run_deadline: float,
        width: int,
        hedged: bool,
        throttle: Callable[[], Awaitable[None]],
        widen: Callable[[], bool],
        narrow: Callable[[], None],
        replay: Replay | None,
        hurry: Callable[[], bool],
        splitter: Splitter | None = None,
        nested: Callable[[Goal, frozenset[StrategyType]], GoalRun] | None = None,
        without: frozenset[StrategyType] = frozenset(),
    ) -> None:
        self._splitter = splitter
        self._nested = nested
        self._without = without
        self._goal = goal
        self._attempts = attempts
        self._timeouts = timeouts
        self._enough = enough
        self._deadline = attempts.clock() + budget
        self._run_deadline = run_deadline
        self._width = width
        self._hedged = hedged
        self._throttle = throttle
        self._widen = widen
        self._narrow = narrow
        self._replay = replay
        self._hurry = hurry
        self._features = features_of(goal)
        self._left: list[StrategyType] = []
        self._failed: list[StrategyType] = []
        self._repeats: list[StrategyType] = []
        self._under_way: dict[StrategyType, Attempt] = {}
        self._won = False

    async def run(self) -> Result:
        """The goal's result in this round.

        Raises:
            LedgerError: an attempt could not be kept.
        """
        known = self._attempts.ledger.known_proof(self._goal)
        if known is not None:
            return replace(known, known=True)
        available, reasons = self._available()
        cached = self._attempts.ledger.cached_tactics(self._goal)
        if cached is not None and cached.success_rate > TRUSTED_RATE and self._replay is not None:
            results = await self._race_cached(cached, self._replay)
            if self._won:
                return results[0]
        self._left = list(available)
        return self._summary(await self._with_subgoals(await self._race()), reasons)

    def exhausted(self) -> bool:
        """Whether no available strategy could do better with more time."""
        ledger = self._attempts.ledger
        available, _ = self._attempts.available(self._goal)
        return all(ledger.check_duplicate(self._goal, strategy, math.inf) for strategy in available)

    def preferred(self, n: int) -> tuple[StrategyType, ...]:
        """The first `n` strategies that would be tried if each of them failed."""
        self._left = list(self._attempts.available(self._goal)[0])
        chosen: list[StrategyType] = []
        while len(chosen) < n and (strategy := self._choose()) is not None:
            chosen.append(strategy)
            self._left.remove(strategy)
            self._failed.append(strategy)
        return tuple(chosen)

    def _available(self) -> tuple[tuple[StrategyType, ...], Mapping[StrategyType, str]]:
        available, reasons = self._attempts.available(self._goal)
        return tuple(strategy for strategy in available if strategy not in self._without), reasons

    async def _with_subgoals(self, results: tuple[Result, ...]) -> tuple[Result, ...]:
        """The results, with those that left subgoals replaced by what came of them, until one is a proof.

        A strategy is not used on the subgoals that it leaves: each level of sketches has one strategy less.
        """
        if self._splitter is None or self._nested is None or any(result.success for result in results):
            return results
        nested, done = self._nested, list(results)
        for place, result in enumerate(results):
            if not (result.subgoals and result.tactics and result.strategy) or self._attempts.stopping:
                continue
            prove = partial(_run_nested, nested, self._without | {result.strategy})
            done[place] = await through_subgoals(self._goal, result, self._splitter, prove)
            if done[place].success:
                self._attempts.keep(self._goal, done[place])
                break
        return tuple(done)

    async def _race(self) -> tuple[Result, ...]:
        return await race(
            Course(
                choose=self._choose,
                ready=self._ready,
                start=self._start,
                finish=self._finish,
                widen=self._widen,
                narrow=self._narrow,
                width=self._width,
                patience=self._patience if self._hedged else lambda strategy: 0.0,
                hurry=self._hurry,
            )
        )

    async def _race_cached(self, cached: KnownTactics, replay: Replay) -> tuple[Result, ...]:
        self._left = [cached.strategy]

        def start(strategy: StrategyType) -> Coroutine[Any, Any, Result]:
            return self._begin(strategy, cached=True, work=lambda: replay(self._goal, cached.tactics))

        def choose() -> StrategyType | None:
            in_time = (strategy for strategy in self._left if self._seconds_for(strategy) > 0)
            return None if self._attempts.stopping else next(in_time, None)

        return await race(
            Course(
                choose=choose,
                ready=self._ready,
                start=start,
                finish=self._finish,
                widen=lambda: False,
                narrow=lambda: None,
                hurry=self._hurry,
            )
        )

    def _choose(self) -> StrategyType | None:
        while not self._attempts.stopping and not self._won:
            in_time = [strategy for strategy in self._left if self._seconds_for(strategy) > 0]
            if not in_time:
                return None
            best = self._attempts.order(self._features, in_time, [*self._failed, *self._under_way])[0]
            seconds = min(self._seconds_for(best), self._enough[best])
            if not self._attempts.ledger.check_duplicate(self._goal, best, NO_MORE * seconds):
                return best
            self._left.remove(best)
            self._repeats.append(best)
            self._failed.append(best)
        return None

    def _seconds_for(self, strategy: StrategyType) -> float:
        """What a strategy gets if it starts now; 0 when too little is left to be worth it."""
        nominal = self._timeouts[strategy]
        left = min(self._deadline, self._run_deadline) - self._attempts.clock()
        return 0.0 if left < _LEAST_SHARE * nominal else min(nominal, left)

    async def _ready(self) -> None:
        before = self._attempts.clock()
        await self._throttle()
        self._deadline += self._attempts.clock() - before

    def _start(self, strategy: StrategyType) -> Coroutine[Any, Any, Result]:
        return self._begin(strategy, cached=False, work=None)

    def _begin(self, strategy: StrategyType, *, cached: bool, work: Work | None) -> Coroutine[Any, Any, Result]:
        self._left.remove(strategy)
        attempt = Attempt(
            goal=self._goal,
            strategy=strategy,
            timeout=self._seconds_for(strategy),
            started=self._attempts.clock(),
            failed_before=tuple(self._failed),
            cached=cached,
        )
        coroutine = self._attempts.start(attempt, work)
        self._under_way[strategy] = attempt
        return coroutine

    def _finish(self, strategy: StrategyType, task: asyncio.Task[Result]) -> Result:
        attempt = self._under_way.pop(strategy)
        result = self._attempts.finish(attempt, task, beaten=self._won)
        self._won = self._won or result.success
        if result.outcome in _FAILURES and not attempt.cached:
            self._failed.append(strategy)
        return result

    def _patience(self, strategy: StrategyType) -> float:
        expected = self._attempts.statistics.of(strategy).expected_seconds
        return self._timeouts[strategy] / 2 if expected is None else min(expected, self._timeouts[strategy])

    def _summary(self, results: Sequence[Result], reasons: Mapping[StrategyType, str]) -> Result:
        winner = next((result for result in results if result.success), None)
        if winner is not None:
            return winner
        if results:
            ended = [result for result in results if result.outcome is not Outcome.CANCELLED] or results
            telling = next((result for result in reversed(ended) if result.subgoals), ended[-1])
            seconds = sum(result.time_seconds for result in results)
            return replace(
                telling, time_seconds=seconds, broken=any(r.broken for r in results), attempts=tuple(results)
            )
        if self._attempts.stopping:
            return Result(success=False, outcome=Outcome.CANCELLED)
        if self._repeats:
            return Result(success=False, outcome=Outcome.NOT_PROVED, error=REPEATED)
        if self._left:
            return Result(success=False, outcome=Outcome.TIMEOUT)
        why = "; ".join(f"{strategy}: {reason}" for strategy, reason in reasons.items())
        return Result(success=False, outcome=Outcome.UNAVAILABLE, error=why)


async def _run_nested(
    nested: Callable[[Goal, frozenset[StrategyType]], GoalRun], without: frozenset[StrategyType], goal: Goal
) -> Result:
    return await nested(goal, without).run()
