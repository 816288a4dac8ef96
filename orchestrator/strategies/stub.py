"""Stub workers for profile 0: they try nothing, and answer the same for the same goal every time.

What they call a proof is not one, and no gate lets it pass; they are there to exercise everything around a strategy.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result, StrategyType

STUB_TACTIC = "stub_proof"

# How far each one reaches (difficulty at which half the goals resist it), and its seconds when it fails.
_REACH: Mapping[StrategyType, tuple[float, float]] = MappingProxyType(
    {
        StrategyType.MICRO: (0.3, 0.01),
        StrategyType.HAMMER: (0.4, 0.02),
        StrategyType.COPILOT: (0.5, 0.02),
        StrategyType.REPROVER: (0.7, 0.05),
        StrategyType.SKETCH: (0.2, 0.01),
    }
)


async def _run(strategy: StrategyType, goal: Goal, timeout: float) -> Result:
    reach, seconds = _REACH[strategy]
    digest = hashlib.sha256(f"{strategy.value}\x00{goal.text}".encode("utf-8", "surrogatepass")).digest()
    luck = int.from_bytes(digest[:4], "big") / 2**32
    success = luck < reach + 0.5 - goal.estimated_difficulty
    spent = seconds * luck if success else seconds
    metadata = {"stub": True}
    if spent > timeout:
        await asyncio.sleep(timeout)
        return Result(False, strategy, time_seconds=timeout, outcome=Outcome.TIMEOUT, metadata=metadata)
    await asyncio.sleep(spent)
    if success:
        return Result(True, strategy, (STUB_TACTIC,), time_seconds=spent, metadata=metadata)
    return Result(False, strategy, time_seconds=spent, outcome=Outcome.NOT_PROVED, metadata=metadata)


async def run_micro(goal: Goal, timeout: float) -> Result:
    """Answer for `micro` from the goal's text and difficulty alone."""
    return await _run(StrategyType.MICRO, goal, timeout)


async def run_hammer(goal: Goal, timeout: float) -> Result:
    """Answer for `hammer` from the goal's text and difficulty alone."""
    return await _run(StrategyType.HAMMER, goal, timeout)


async def run_copilot(goal: Goal, timeout: float) -> Result:
    """Answer for `copilot` from the goal's text and difficulty alone."""
    return await _run(StrategyType.COPILOT, goal, timeout)


async def run_reprover(goal: Goal, timeout: float) -> Result:
    """Answer for `reprover` from the goal's text and difficulty alone."""
    return await _run(StrategyType.REPROVER, goal, timeout)


async def run_sketch(goal: Goal, timeout: float) -> Result:
    """Answer for `sketch` from the goal's text and difficulty alone."""
    return await _run(StrategyType.SKETCH, goal, timeout)


@dataclass(frozen=True, slots=True)
class StubStrategy:
    """A stub worker as a strategy; always available."""

    type: StrategyType
    worker: Callable[[Goal, float], Awaitable[Result]]

    def available(self, goal: Goal) -> str:
        """See `Strategy.available`."""
        return ""

    async def run(self, goal: Goal, timeout: float) -> Result:
        """See `Strategy.run`."""
        return await self.worker(goal, timeout)


def stub_strategies() -> Mapping[StrategyType, StubStrategy]:
    """One stub worker for every strategy."""
    workers = {
        StrategyType.MICRO: run_micro,
        StrategyType.HAMMER: run_hammer,
        StrategyType.COPILOT: run_copilot,
        StrategyType.REPROVER: run_reprover,
        StrategyType.SKETCH: run_sketch,
    }
    return {strategy: StubStrategy(strategy, worker) for strategy, worker in workers.items()}
