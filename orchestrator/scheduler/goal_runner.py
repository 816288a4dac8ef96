"""One goal: what was proved before, then the strategies in a race, slice by slice, with one result for each slice."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property

from orchestrator.goals.features import GoalFeatures, features_of
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result, StrategyType
from orchestrator.scheduler.admission import Admission
from orchestrator.scheduler.attempts import Attempts
from orchestrator.scheduler.middleware import CANCELLED, Attempt
from orchestrator.scheduler.plan import Plan
from orchestrator.scheduler.slots import Weight
from orchestrator.scheduler.subgoals import through_subgoals
from orchestrator.scheduler.time_limits import NO_MORE

TRUSTED_RATE = 0.7
REPEATED = "tried before with no less time; nothing changed"

# The recorded chance of a second try is that of eight times the first one's seconds, three doublings; a further try is
# one doubling, with (1 - (1 - c)^(1/3)) / c of that chance: 0.39 at the recorded c = 0.38, and little else elsewhere.
_FURTHER_DOUBLING = 0.4

ASKED_FOR = frozenset({StrategyType.AGENT})
"""What works only where somebody names it for a run: tried once on each goal that is left, whatever it promises."""

_FAILURES = (Outcome.NOT_PROVED, Outcome.TIMEOUT, Outcome.REFUSED, Outcome.ERROR)


class GoalRunner:
    """Works on one goal, whenever it holds a slot.

    Args:
        plan: how much time there is.
        tries: how often a strategy may be tried that runs out of time, each time with more.
        hedged: another strategy joins only when the last to join has passed its expected time.
    """

    def __init__(
        self,
        goal: Goal,
        weight: Weight,
        attempts: Attempts,
        admission: Admission,
        plan: Plan,
        *,
        tries: int = 1,
        width: int = 1,
        hedged: bool = False,
    ) -> None:
        self._goal = goal
        self._weight = weight
        self._attempts = attempts
        self._admission = admission
        self._plan = plan
        self._tries = tries
        self._width = max(2, width) if hedged else width
        self._hedged = hedged
        self._memory = attempts.context.memory
        self._limits = attempts.context.limits
        self._clock = attempts.context.clock
        self._cached: tuple[str, ...] = ()
        self._begun = False
        kinds, self._reasons = attempts.available(goal)
        self._left = list(kinds)
        self._without: frozenset[StrategyType] = frozenset()
        self._tried: Counter[StrategyType] = Counter()
        self._spent: dict[StrategyType, float] = {}
        self._duplicates: dict[tuple[StrategyType, float], bool] = {}
        self._failed: list[StrategyType] = []
        self._lost: list[StrategyType] = []
        self._repeated = self._plan.limited and self._memory.given_up.known(goal)
        self._repaired = False
        if self._repeated:
            self._left = []
        self._running: dict[asyncio.Task[Result], Attempt] = {}
        self._won = False

    @cached_property
    def _features(self) -> GoalFeatures:
        # Not before a strategy is chosen: many a goal is known, or has no time left.
        return features_of(self._goal)

    async def run(self, better: Callable[[float], bool] = lambda gain: False) -> Result:
        """What came of the goal in this slice, which ends when nothing is left to try or something else is `better`.

        Args:
            better: whether somebody waits who has more than this many proofs per second to expect.

        Raises LedgerError: an attempt could not be kept.
        """
        return await self._attempts.held(self._run(better))

    async def _run(self, better: Callable[[float], bool] = lambda gain: False) -> Result:
        known = self._memory.known_proof(self._goal)
        if known is not None:
            return replace(known, known=True)
        cached = None if self._begun else self._memory.cached_tactics(self._goal)
        if cached is not None and cached.success_rate > TRUSTED_RATE and self._attempts.scripts is not None:
            left, self._left, self._cached = self._left, [cached.strategy], cached.tactics
            results = await self._race(1)
            if self._won:
                return results[0]
            self._left, self._cached = left, ()
        self._begun = True
        results = await self._with_subgoals(await self._race(self._width, better))
        self._left += self._lost
        self._lost = []
        return self._summary(results)

    def gain(self) -> float | None:
        """Proofs per second to be expected of the next attempt; None when nothing is left to try, or no time for it."""
        strategy = self._choose()
        if strategy is None:
            return None
        gain = self._gain_of(strategy)
        return max(gain, self._plan.least_gain) if self._is_asked_for(strategy) else gain

    def _gain_of(self, strategy: StrategyType) -> float:
        tried = self._tried[strategy]
        most = self._limits(self._goal, strategy, tried)
        spent = min(most, self._spent.get(strategy, 0.0))
        gain = self._attempts.gain(self._features, strategy, self._failed, between=(spent, most))
        return gain * (_FURTHER_DOUBLING if tried > 1 else 1.0)

    def _is_asked_for(self, strategy: StrategyType) -> bool:
        return strategy in ASKED_FOR and not self._tried[strategy]

    def given_up(self) -> bool:
        """Whether strategies are left that it does not pay to try."""
        return bool(self._left) and not self._attempts.stopping

    def preferred(self, n: int) -> tuple[StrategyType, ...]:
        """The first `n` strategies that would be tried if each of them failed."""
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
            without = result.strategy

            async def prove(goal: Goal, without: StrategyType = without) -> Result:
                return await self._nested(goal, without)._run()

            done[index] = await through_subgoals(self._goal, result, self._attempts.scripts, prove)
            if done[index].success:
                self._attempts.keep(self._goal, done[index])
                break
        return tuple(done)

    def _nested(self, goal: Goal, without: StrategyType) -> GoalRunner:
        nested = GoalRunner(
            goal,
            self._weight,
            self._attempts,
            self._admission,
            self._plan,
            width=self._width,
            hedged=self._hedged,
        )
        nested._without = self._without | {without}
        nested._left = [kind for kind in nested._left if kind not in nested._without]
        return nested

    async def _race(self, width: int, better: Callable[[float], bool] = lambda gain: False) -> tuple[Result, ...]:
        """Run strategies, `width` at once, until one succeeds, none is left or others are `better`.

        When one succeeds, the others are stopped for good.

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
                self._admission.release(self._weight)
            results.append(self._finish(attempt, task))

        try:
            join_at = 0.0
            while not any(result.success for result in results):
                if not running:
                    gain = self.gain()
                    tried = results or self._failed
                    if gain is None or (results and better(gain)) or (tried and not self._plan.worth(gain)):
                        break
                    await self._admission.wait()
                while len(running) < width and (not running or loop.time() >= join_at):
                    strategy = self._choose()
                    if strategy is None or (running and not self._admission.widen(self._weight)):
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
            order = self._attempts.order(self._features, in_time, [*self._failed, *under_way])
            # Once something has failed, tries differ in their length too; of equal ones the first in the order.
            best = max(order, key=self._gain_of) if self._failed else order[0]
            asked = next(filter(self._is_asked_for, in_time), None)
            if asked is not None and self._gain_of(best) < self._plan.least_gain:
                best = asked
            enough = self._limits.enough(self._goal, best, self._tried[best])
            if not self._made_before(best, NO_MORE * min(self._seconds_for(best), enough)):
                return best
            self._spent[best] = self._seconds_for(best)
            # What an earlier run gave its usual time is left in peace until something changes.
            self._give_up(best, final=self._spent[best] >= NO_MORE * self._limits.enough(self._goal, best))
            self._repeated = True
        return None

    def _give_up(self, strategy: StrategyType, *, final: bool = False) -> None:
        """It has failed with this much time: unless that is final, it may try with more if that could help."""
        if strategy not in self._failed:
            self._failed.append(strategy)
        self._tried[strategy] += 1
        if final or self._tried[strategy] >= self._tries or self._made_before(strategy, math.inf):
            self._left = [other for other in self._left if other != strategy]
        elif strategy not in self._left:
            self._left.append(strategy)

    def _made_before(self, strategy: StrategyType, seconds: float) -> bool:
        """What the memory says, asked once for each attempt of ours: those of others it is asked for by the claim."""
        asked = (strategy, seconds)
        if asked not in self._duplicates:
            self._duplicates[asked] = self._memory.check_duplicate(self._goal, strategy, seconds)
        return self._duplicates[asked]

    def _seconds_for(self, strategy: StrategyType) -> float:
        """What a strategy gets if it starts now; 0 when too little is left to be worth it."""
        first = not self._begun or not (self._failed or self._running)
        nominal, before = self._limits(self._goal, strategy, self._tried[strategy]), self._spent.get(strategy, 0.0)
        return self._plan.seconds_for(nominal, first=first, tried_with=before)

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
        self._duplicates.clear()
        if result.success:
            self._plan.proved()
        if attempt.cached:
            return result
        if result.broken and not self._repaired:
            self._repaired = True
            self._lost.append(attempt.strategy)
        elif result.outcome is Outcome.TIMEOUT:
            self._spent[attempt.strategy] = result.time_seconds
            self._give_up(attempt.strategy)
        elif result.outcome in _FAILURES and attempt.strategy not in self._failed:
            self._failed.append(attempt.strategy)
        return result

    def _patience(self, strategy: StrategyType) -> float:
        """Seconds that a strategy runs alone before another may join it."""
        if not self._hedged:
            return 0.0
        nominal = self._limits(self._goal, strategy, self._tried[strategy])
        expected = self._attempts.statistics.of(strategy).expected_seconds
        return nominal / 2 if expected is None else min(expected, nominal)

    def _summary(self, results: Sequence[Result]) -> Result:
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
        why = "; ".join(f"{strategy}: {reason}" for strategy, reason in self._reasons.items())
        return Result(success=False, outcome=Outcome.UNAVAILABLE, error=why)
