"""Works a queue of goals off: each one held by one task at a time, and answered for exactly once."""

from __future__ import annotations

import asyncio
import math
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial

from orchestrator.config import SchedulerSettings
from orchestrator.goals.events import GoalDone, GoalStarted, Progress
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result
from orchestrator.scheduler.admission import Admission
from orchestrator.scheduler.attempts import Attempts
from orchestrator.scheduler.goal_runner import GoalRunner
from orchestrator.scheduler.middleware import CANCELLED
from orchestrator.scheduler.plan import Plan
from orchestrator.scheduler.queue import GoalQueue, Source, Waiting
from orchestrator.scheduler.slots import Weight, weight_of


class QueueRunner:
    """One run over a queue.

    Args:
        runner: what works on a goal.
        plan: how much time there is, and what it is spent on.
    """

    def __init__(
        self,
        goals: Iterable[Goal] | asyncio.Queue[Goal],
        settings: SchedulerSettings,
        attempts: Attempts,
        admission: Admission,
        runner: Callable[[Goal], GoalRunner],
        plan: Plan,
    ) -> None:
        self._settings = settings
        self._attempts = attempts
        self._admission = admission
        self._runner = runner
        self._plan = plan
        self._clock, self._emit = attempts.context.clock, attempts.context.emit
        self._distance = attempts.context.slots.distance
        self._line = GoalQueue()
        self._source = Source(goals, self._line.wake.set)
        self._running: dict[asyncio.Task[Result], Waiting] = {}
        self._seen: set[str] = set()
        self._before: dict[str, Result] = {}
        self._runners: dict[str, GoalRunner] = {}
        self._solved = 0
        self.results: dict[str, Result] = {}
        plan.goals_left = lambda: len(self._line) + len(self._running)

    async def run(self) -> dict[str, Result]:
        """One result for every goal taken, by its id.

        When this returns or raises, nothing runs any more, save what was left behind in a hurry.

        Raises LedgerError: an attempt could not be kept.
        """
        self._admission.queues.add(self._line)
        try:
            while True:
                self._line.wake.clear()
                self._settle()
                if not self._over:
                    self._begin()
                if not self._running and (self._over or not self._line):
                    last = await self._source.close()
                    if last is None:
                        break
                    self._accept(last)
                    continue
                await self._nap()
        finally:
            await self._close()
        return self.results

    @property
    def _over(self) -> bool:
        return self._attempts.stopping or self._clock() >= self._plan.deadline

    def _settle(self) -> None:
        for task in [task for task in self._running if task.done()]:
            result = CANCELLED if task.cancelled() else task.result()
            waiting = self._running.pop(task)
            self._admission.release(waiting.weight)
            self._judge(waiting, result)

    def _judge(self, waiting: Waiting, result: Result) -> None:
        result = _together(self._before.get(waiting.goal.id), result)
        gain = None if result.success or self._over else self._runners[waiting.goal.id].gain()
        if gain is None or not self._plan.worth(gain):
            self._end(waiting.goal, result)
        else:
            self._before[waiting.goal.id] = result
            self._line.add(waiting.goal, waiting.weight, gain=gain)

    def _end(self, goal: Goal, result: Result) -> None:
        """Nothing more is tried on a goal that holds no slot."""
        if not (result.success or result.broken or self._over) and self._runners[goal.id].given_up():
            self._attempts.context.memory.given_up.note(goal)
        self._done(goal, result)

    def _done(self, goal: Goal, result: Result) -> None:
        self.results[goal.id] = result
        self._runners.pop(goal.id, None)
        self._solved += result.success
        self._source.done()
        self._emit(GoalDone(goal, result))
        self._emit(Progress(len(self.results), self._solved, len(self._running), len(self._line), self._seconds_left()))

    def _begin(self) -> None:
        now, started = self._clock(), True
        while started:
            started = False
            self._take(now)
            for weight in self._line.weights(self._distance):
                waiting = self._next(weight, now)
                if waiting is None:
                    continue
                if self._admission.acquire(weight):
                    self._start(waiting)
                    started = True
                else:
                    self._line.refused(waiting, now)

    def _next(self, weight: Weight, now: float) -> Waiting | None:
        """The first of a line that is still worth it: while it waited, the others have taught us more."""
        while (waiting := self._line.next(weight, now, self._distance)) is not None and not waiting.untried:
            gain = self._runners[waiting.goal.id].gain()
            if gain is None or not self._plan.worth(gain):
                self._end(waiting.goal, self._before[waiting.goal.id])
                continue
            best = self._line.best()
            if -gain <= waiting.rank or best is None or -gain <= best:
                break
            self._line.add(waiting.goal, weight, gain=gain)
        return waiting

    def _start(self, waiting: Waiting) -> None:
        goal = waiting.goal
        if goal.id not in self._runners:
            self._emit(GoalStarted(goal))
            self._runners[goal.id] = self._runner(goal)
        task = asyncio.get_running_loop().create_task(self._runners[goal.id].run(self._better))
        task.add_done_callback(lambda _: self._line.wake.set())
        self._running[task] = waiting

    def _better(self, gain: float) -> bool:
        """Whether somebody in line has more to expect; of those with as much, whoever waits comes first."""
        best = self._line.best()
        return best is not None and best <= -min(gain, sys.float_info.max)

    def _seconds_left(self) -> float | None:
        return None if math.isinf(self._plan.seconds) else max(0.0, self._plan.deadline - self._clock())

    def _take(self, now: float) -> None:
        # Whoever chooses by distance chooses among all.
        while self._line.wants(now) or self._distance is not None:
            goal = self._source.take()
            if goal is None:
                self._source.listen()
                return
            self._accept(goal)

    def _accept(self, goal: Goal) -> None:
        if goal.id in self._seen:
            self._source.done()
            return
        self._seen.add(goal.id)
        if not self._known(goal):
            self._line.add(goal, weight_of(goal, self._settings))

    def _known(self, goal: Goal) -> bool:
        """Answer for a goal whose proof is known, which takes neither a slot nor the run's time."""
        known = self._attempts.context.memory.known_proof(goal)
        if known is not None:
            self._emit(GoalStarted(goal))
            self._done(goal, replace(known, known=True))
        return known is not None

    async def _nap(self) -> None:
        now = self._clock()
        waits = [self._line.seconds_to_next(now), self._plan.deadline - now]
        delay = None if self._over else min(wait for wait in waits if wait is not None)
        with suppress(TimeoutError):
            async with asyncio.timeout(delay):
                await self._line.wake.wait()

    async def _close(self) -> None:
        self._admission.queues.discard(self._line)
        for task in self._running:
            task.cancel()
        try:
            while not self._attempts.hurry and any(not task.done() for task in self._running):
                await asyncio.wait(self._running)
            last = await self._source.close()
            if last is not None:
                self._accept(last)
        finally:
            for task, waiting in list(self._running.items()):
                del self._running[task]
                # Of a task left behind in a hurry the slot comes back when it ends.
                task.add_done_callback(partial(self._let_go, waiting.weight))
                ended = task.done() and not task.cancelled() and task.exception() is None
                result = task.result() if ended else CANCELLED
                self._done(waiting.goal, _together(self._before.get(waiting.goal.id), result))
            for goal in self._unfinished():
                if goal.id in self._before or not self._known(goal):
                    self._done(goal, self._before.get(goal.id) or self._not_reached())

    def _let_go(self, weight: Weight, _: asyncio.Task[Result]) -> None:
        self._admission.release(weight)

    def _unfinished(self) -> Iterator[Goal]:
        yield from (waiting.goal for waiting in self._line.drain())
        for goal in self._source.rest():
            if goal.id not in self._seen:
                self._seen.add(goal.id)
                yield goal

    def _not_reached(self) -> Result:
        out_of_time = not self._attempts.stopping and self._clock() >= self._plan.deadline
        return Result(success=False, outcome=Outcome.TIMEOUT if out_of_time else Outcome.CANCELLED)


def _together(before: Result | None, now: Result) -> Result:
    """The result over all slices so far: one in which nothing was tried says nothing new."""
    if before is None:
        return now
    telling = now if now.success or now.attempts else before
    return replace(
        telling,
        time_seconds=before.time_seconds + now.time_seconds,
        subgoals=telling.subgoals or before.subgoals,
        attempts=(*before.attempts, *now.attempts),
    )
