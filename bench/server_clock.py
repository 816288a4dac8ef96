"""Time as a Lean server spends it: processor seconds, which other work on the machine does not stretch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic

import psutil

from orchestrator.goals.goal import Goal
from orchestrator.lean.embedded.session import EmbeddedSession
from orchestrator.lean.open_goal import OpenGoal
from orchestrator.lean.pool import Pool
from orchestrator.lean.protocol import CheckReply, Limits, SplitReply, TacticReply

_POLL_SECONDS = 0.25
STRETCH = 12.0
"""How much longer than processor time the clock on the wall may take at the most before a limit ends a request."""
_NEWEST = 0.3
_FIRST_RATIO = 1.5
_LEAST_SPENT = 0.1


class Pace:
    """Wall seconds for each processor second of a server, from what its latest requests took.

    Lean ends a tactic by the clock on the wall. On a busy machine that clock has to be stretched, and no further than
    needed: what is not ended by Lean in time costs the process.
    """

    def __init__(self) -> None:
        self._ratio = _FIRST_RATIO

    @property
    def stretch(self) -> float:
        """By how much a limit in processor seconds is to be stretched; 1.1 to `STRETCH`."""
        return min(STRETCH, max(1.1, 1.15 * self._ratio))

    def learn(self, wall: float, spent: float) -> None:
        """Note what a request took by both clocks, in seconds; very short ones tell nothing."""
        if spent >= _LEAST_SPENT:
            self._ratio += _NEWEST * (wall / spent - self._ratio)


class ServerClock:
    """Processor seconds of a session's server, summed over the servers it has had."""

    def __init__(self, session: EmbeddedSession) -> None:
        self._session = session
        self._process: psutil.Process | None = None
        self._before = 0.0
        self._latest = 0.0

    def __call__(self) -> float:
        """Seconds so far; they never go back."""
        pid = self._session.pid
        if pid is not None:
            if self._process is None or self._process.pid != pid:
                self._before += self._latest
                self._latest = 0.0
                with suppress(psutil.NoSuchProcess):
                    self._process = psutil.Process(pid)
            with suppress(psutil.NoSuchProcess):
                if self._process is not None:
                    times = self._process.cpu_times()
                    self._latest = max(self._latest, times.user + times.system)
        return self._before + self._latest


@dataclass
class Timed:
    """A proof context whose limits are processor seconds. What overruns twice its time by much is killed.

    `deadline` is a moment of `clock`.
    """

    inner: OpenGoal
    session: EmbeddedSession
    clock: ServerClock
    pace: Pace = field(default_factory=Pace)

    @property
    def goal(self) -> Goal:
        """See `ProofContext.goal`."""
        return self.inner.goal

    @property
    def goals(self) -> int:
        """See `ProofContext.goals`."""
        return self.inner.goals

    async def mentions(self) -> tuple[str, ...]:
        """See `ProofContext.mentions`."""
        return await self.inner.mentions()

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
        """See `ProofContext.tactics`."""
        limits = limits or Limits()
        # Each tactic is a request, so that the time is looked at between any two of them.
        replies: list[TacticReply] = []
        start = self.clock()
        for tactic in tactics:
            left = budget_seconds - (self.clock() - start) if budget_seconds else 0.0
            if budget_seconds and left <= 0:
                break
            seconds = limits.milliseconds / 1000
            if left and seconds:
                seconds = min(seconds, left)
            loose = Limits(heartbeats=limits.heartbeats, milliseconds=int(seconds * self.pace.stretch * 1000))
            async with self._watched(seconds):
                replies += await self.inner.tactics([tactic], proof_state=proof_state, limits=loose, only=only)
            if stop_on_success and replies and replies[-1].completed:
                break
        return tuple(replies)

    async def check(self, script: str, *, seconds: float = 30.0) -> CheckReply:
        """See `ProofContext.check`."""
        async with self._watched(seconds):
            return await self.inner.check(script, seconds=seconds * STRETCH)

    async def split(self, script: str, *, seconds: float = 30.0) -> SplitReply:
        """See `ProofContext.split`."""
        async with self._watched(seconds):
            return await self.inner.split(script, seconds=seconds * STRETCH)

    @asynccontextmanager
    async def _watched(self, seconds: float) -> AsyncIterator[None]:
        watcher = asyncio.create_task(self._kill_after(seconds * 2 + 1.0)) if seconds else None
        wall, spent = monotonic(), self.clock()
        try:
            yield
        finally:
            self.pace.learn(monotonic() - wall, self.clock() - spent)
            if watcher is not None:
                watcher.cancel()
                with suppress(asyncio.CancelledError):
                    await watcher

    async def _kill_after(self, seconds: float) -> None:
        end = self.clock() + seconds
        # Nobody tells when a process has used up its time.
        while self.clock() < end:  # noqa: ASYNC110
            await asyncio.sleep(_POLL_SECONDS)
        await self.session.kill()


class TimedProver:
    """A prover on one session of its own, with processor time for its clock."""

    def __init__(self, session: EmbeddedSession, pool: Pool) -> None:
        self.session = session
        self.pool = pool
        self.clock = ServerClock(session)
        self.pace = Pace()

    @asynccontextmanager
    async def open(self, goal: Goal) -> AsyncIterator[Timed]:
        """See `GoalOpener.open`."""
        async with self.pool.open(goal) as inner:
            yield Timed(inner, self.session, self.clock, self.pace)
