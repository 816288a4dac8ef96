"""Several ways at the same aim, a few at a time, until one succeeds; the others are stopped for good."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from orchestrator.goals.result import Result

Racer = TypeVar("Racer")


@dataclass(frozen=True, kw_only=True)
class Course(Generic[Racer]):
    """What a race needs to know.

    Attributes:
        choose: the next racer, or None when nobody is left; asked again it may answer otherwise.
        ready: waits until the machine can take the first, or the next of a sequence.
        start: makes the coroutine of a racer; from then on `choose` leaves it out.
        finish: called once for every racer that was started, when it has ended (or was given up), in that order.
        widen: asks for room to run one more beside those that run; `narrow` gives that room back.
        width: how many may run at once.
        patience: seconds that a racer runs alone before another may join it; 0 means none.
        hurry: whether to leave racers behind that do not stop when told to.
    """

    choose: Callable[[], Racer | None]
    ready: Callable[[], Awaitable[None]]
    start: Callable[[Racer], Coroutine[Any, Any, Result]]
    finish: Callable[[Racer, asyncio.Task[Result]], Result]
    widen: Callable[[], bool]
    narrow: Callable[[], None]
    width: int = 1
    patience: Callable[[Racer], float] = lambda racer: 0.0
    hurry: Callable[[], bool] = lambda: False


async def race(course: Course[Racer]) -> tuple[Result, ...]:
    """Run racers until one succeeds or nobody is left.

    When this returns or raises, no racer runs any more, save those left behind in a hurry.

    Returns:
        The results in the order of their ends; cancelled losers come after the winner.

    Raises:
        BaseException: what a racer, or `finish`, raised.
    """
    running: dict[asyncio.Task[Result], Racer] = {}
    results: list[Result] = []
    loop = asyncio.get_running_loop()

    def finish(task: asyncio.Task[Result]) -> None:
        racer = running.pop(task)
        if running:
            course.narrow()
        results.append(course.finish(racer, task))

    try:
        join_at = 0.0
        while not any(result.success for result in results):
            if not running and course.choose() is not None:
                await course.ready()
            while len(running) < course.width and (not running or loop.time() >= join_at):
                racer = course.choose()
                if racer is None or (running and not course.widen()):
                    break
                running[loop.create_task(course.start(racer))] = racer
                join_at = loop.time() + course.patience(racer)
            if not running:
                break
            wait = join_at - loop.time()
            more = len(running) < course.width and wait > 0
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED, timeout=wait if more else None)
            for task in [task for task in running if task in done]:
                finish(task)
    finally:
        for task in running:
            task.cancel()
        try:
            while not course.hurry() and any(not task.done() for task in running):
                await asyncio.wait(running)
        finally:
            with ExitStack() as stack:
                for task in reversed(running):
                    stack.callback(finish, task)
    return tuple(results)
