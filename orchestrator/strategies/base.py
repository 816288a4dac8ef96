"""What a strategy is, what it may ask of Lean, and the one guard that turns its failures into results.

Every strategy file exposes `async run_<strategy>(goal, timeout, ...) -> Result`, and a `Strategy` around it. What asks
Lean raises `SessionError` when the session broke, and `RequestRefused` when the goal is not where its file had it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Protocol

from orchestrator.errors import LedgerError, OrchestratorError, SessionError, StoppedError
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result, StrategyType
from orchestrator.lean.protocol import CheckReply, Limits, SplitReply, TacticReply

_logger = logging.getLogger(__name__)
_CHECK_SECONDS = 30.0
_LATE_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How a strategy tells the time.

    Attributes:
        clock: seconds, by which it keeps to its timeout.
        grace_seconds: by how much it may overrun before it is cancelled, which costs the Lean process.
    """

    clock: Callable[[], float] = time.monotonic
    grace_seconds: float = 20.0


class ProofContext(Protocol):
    """One goal, opened on a Lean session."""

    @property
    def goal(self) -> Goal:
        """The goal that was opened."""

    @property
    def goals(self) -> int:
        """How many goals there are at once (more than one after `stop`)."""

    async def tactics(
        self,
        tactics: Sequence[str],
        *,
        proof_state: int | None = None,
        limits: Limits | None = None,
        stop_on_success: bool = True,
        budget_seconds: float = 0.0,
        only: int | None = None,
    ) -> tuple[TacticReply, ...]:
        """Try each tactic on one proof state, the goal's own when it is None.

        `limits` hold for each tactic, `budget_seconds` for all together; 0 means no such limit. With `only`, the
        tactics see that goal of `proof_state` alone (counted from 0), and "completed" means that it is closed.

        Returns:
            Replies in the order of the tactics; fewer when it stopped at the first that closes the state.
        """

    async def mentions(self) -> tuple[str, ...]:
        """Full names of the constants that the goal speaks of, without repetition."""

    async def check(self, script: str, *, seconds: float = 30.0) -> CheckReply:
        """Put the script in place of the sorry and elaborate the declaration again: the truth for this goal."""

    async def split(self, script: str, *, seconds: float = 30.0) -> SplitReply:
        """Put a sketch (a script with sorries) in place of the sorry; its sorries as goals, or the errors of Lean."""


class GoalOpener(Protocol):
    """Opens goals on Lean sessions."""

    def open(self, goal: Goal) -> AbstractAsyncContextManager[ProofContext]:
        """A session that stands in front of the goal; leaving the block gives it back, however it is left."""


class Strategy(Protocol):
    """One way of attacking a goal."""

    @property
    def type(self) -> StrategyType:
        """Which one."""

    def available(self, goal: Goal) -> str:
        """ "" when it can be tried on the goal, else the reason in one line. Unavailable is never a trial."""

    async def run(self, goal: Goal, timeout: float) -> Result:
        """Try for `timeout` seconds, from when the goal is open on a session.

        `Outcome.TIMEOUT` says that more time might help, `Outcome.NOT_PROVED` that it would not: only the former is
        tried again with more. On cancellation it stops its Lean work before it lets the cancellation go on.

        Raises SessionError: the session broke; the attempt is lost and may be made again.
        """


def needs_proposition(goal: Goal) -> str:
    """Why a strategy that proves propositions cannot be tried on the goal; "" when it can."""
    return "" if goal.is_prop else "the goal asks for data, not for a proof"


@dataclass(frozen=True, slots=True)
class BoundStrategy:
    """A strategy made of its coroutine, bound to what that needs."""

    type: StrategyType
    work: Callable[[Goal, float], Awaitable[Result]]
    why_not: Callable[[Goal], str] = needs_proposition

    def available(self, goal: Goal) -> str:
        """What `why_not` says."""
        return self.why_not(goal)

    async def run(self, goal: Goal, timeout: float) -> Result:
        """What `work` comes to."""
        return await self.work(goal, timeout)


async def attack(
    strategy: StrategyType,
    prover: GoalOpener,
    goal: Goal,
    timeout: float,
    work: Callable[[ProofContext, float], Awaitable[Result]],
    timing: Timing = Timing(),
) -> Result:
    """Open the goal and work on it until a deadline, which `work` keeps by itself and is told by the clock.

    Being cancelled would cost the Lean process, so that only happens when it overruns the deadline by the grace.
    """
    async with prover.open(goal) as context:
        started = timing.clock()
        try:
            async with asyncio.timeout(timeout + timing.grace_seconds):
                result = await work(context, started + timeout)
        except TimeoutError:
            result = Result(success=False, outcome=Outcome.TIMEOUT)
        return replace(result, strategy=strategy, time_seconds=max(0.0, timing.clock() - started))


async def guarded(
    strategy: StrategyType,
    work: Callable[[], Awaitable[Result]],
    timeout: float,
    *,
    clock: Callable[[], float] = time.monotonic,
) -> Result:
    """Run `work` for at most `timeout` seconds and answer with a result whatever happens inside.

    The result carries the strategy and the seconds spent. An exception becomes its text in `error`, running out of
    time becomes `Outcome.TIMEOUT`.

    Raises:
        SessionError: infrastructure, for the caller to try again.
        LedgerError: what was learned cannot be kept.
        StoppedError: the run was asked to stop.
    """
    start = clock()
    try:
        async with asyncio.timeout(timeout):
            result = await work()
    except (SessionError, LedgerError, StoppedError):
        raise
    except TimeoutError:
        result = Result(success=False, outcome=Outcome.TIMEOUT)
    except OrchestratorError as error:
        result = Result(success=False, error=str(error))
    except Exception as error:  # the one place where a bug in a strategy is kept from ending the run
        _logger.exception("%s failed", strategy)
        result = Result(success=False, error=str(error) or type(error).__name__)
    return replace(
        result,
        strategy=result.strategy or strategy,
        time_seconds=result.time_seconds or max(0.0, clock() - start),
    )


async def accepts(context: ProofContext, script: str, left: float) -> bool:
    """Whether the declaration takes the script; what was found right before the end is still looked at."""
    seconds = min(_CHECK_SECONDS, left + _LATE_SECONDS)
    return seconds > 0 and (await context.check(script, seconds=seconds)).accepted


async def replay(prover: GoalOpener, goal: Goal, tactics: Sequence[str]) -> Result:
    """Check tactics that have worked before: all of them as one script, then each alone."""
    scripts = dict.fromkeys((tuple(tactics), *((tactic,) for tactic in tactics)))
    async with prover.open(goal) as context:
        for script in scripts:
            if script and (await context.check("\n".join(script))).accepted:
                return Result(success=True, tactics=script)
    return Result(success=False, outcome=Outcome.NOT_PROVED)
