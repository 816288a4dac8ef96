"""One attempt, and the layers around it: a list of middleware, the first outermost, with the strategy inside."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from orchestrator.errors import SessionError
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result, StrategyType
from orchestrator.source.owner_rules import Rules
from orchestrator.strategies.base import GoalOpener, guarded
from orchestrator.strategies.shorten import shortened

_RETRY_SECONDS = 0.5
CANCELLED = Result(success=False, outcome=Outcome.CANCELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An attempt under way.

    Attributes:
        timeout: seconds it may take.
        started: the clock when it began.
        failed_before: strategies known to have failed on the goal when it began.
        cached: tactics that worked before, which it replays; then it is no trial of the strategy.
    """

    goal: Goal
    strategy: StrategyType
    timeout: float
    started: float = 0.0
    failed_before: tuple[StrategyType, ...] = ()
    cached: tuple[str, ...] = ()


Handler = Callable[[Attempt], Awaitable[Result]]
Middleware = Callable[[Attempt, Handler], Awaitable[Result]]


def compose(middleware: Sequence[Middleware], work: Handler) -> Handler:
    """`work` with every layer around it; a layer decides whether, and with which attempt, to call what is inside."""
    for layer in reversed(middleware):
        work = partial(_through, layer, work)
    return work


async def _through(layer: Middleware, inside: Handler, attempt: Attempt) -> Result:
    return await layer(attempt, inside)


def time_limit(grace_seconds: float, clock: Callable[[], float]) -> Middleware:
    """Cancels an attempt so long after its time, and turns whatever it raises into a result.

    Strategies watch their own time, from when the goal is open on a session; so the grace leaves room for opening one,
    and for a proof found at the last moment.
    """

    async def limited(attempt: Attempt, run: Handler) -> Result:
        return await guarded(attempt.strategy, partial(run, attempt), attempt.timeout + grace_seconds, clock=clock)

    return limited


def retries(most: int, clock: Callable[[], float]) -> Middleware:
    """Makes an attempt whose session broke again, up to `most` times and within its own time."""

    async def retried(attempt: Attempt, run: Handler) -> Result:
        for number in range(most + 1):
            spent = clock() - attempt.started
            try:
                return await run(replace(attempt, timeout=attempt.timeout - spent))
            except SessionError:
                wait = _RETRY_SECONDS * 2**number
                if number == most or clock() - attempt.started + wait >= attempt.timeout:
                    raise
                await asyncio.sleep(wait)
        raise AssertionError

    return retried


def owner_rules(rules: Rules) -> Middleware:
    """Takes a proof that the project's owner refuses for none."""

    async def ruled(attempt: Attempt, run: Handler) -> Result:
        result = await run(attempt)
        refusal = rules.refuses("\n".join(result.tactics)) if result.success else ""
        return replace(result, success=False, outcome=Outcome.REFUSED, error=refusal) if refusal else result

    return ruled


def shortening(prover: GoalOpener) -> Middleware:
    """Makes a proof that was found shorter, in time of its own; what worked before was made so when it was found."""

    async def shorter(attempt: Attempt, run: Handler) -> Result:
        result = await run(attempt)
        if not result.success or attempt.cached or result.helpers:
            return result
        try:
            script = await shortened(prover, attempt.goal, "\n".join(result.tactics))
        except asyncio.CancelledError:  # a run that is stopped keeps what it has found
            return result
        if script == "\n".join(result.tactics):
            return result
        return replace(result, tactics=tuple(script.split("\n")), found_as=result.tactics)

    return shorter
