"""Stub workers for profile 0: they try nothing, and answer the same for the same goal every time.

What they call a proof is not one, and no gate lets it pass; they are there to exercise everything around a strategy.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result, StrategyType
from orchestrator.strategies.base import BoundStrategy

STUB_TACTIC = "stub_proof"

# How far each one reaches (difficulty at which half the goals resist it), and its seconds when it fails.
_REACH: Mapping[StrategyType, tuple[float, float]] = MappingProxyType(
    {
        StrategyType.MICRO: (0.3, 0.01),
        StrategyType.HAMMER: (0.4, 0.02),
        StrategyType.COPILOT: (0.5, 0.02),
        StrategyType.REPROVER: (0.7, 0.05),
        StrategyType.SKETCH: (0.2, 0.01),
        StrategyType.AGENT: (0.2, 0.05),
    }
)
_OTHERS = (0.3, 0.01)


async def _run(strategy: StrategyType, goal: Goal, timeout: float) -> Result:
    reach, seconds = _REACH.get(strategy, _OTHERS)
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


def _worker(strategy: StrategyType) -> Callable[[Goal, float], Awaitable[Result]]:
    async def run(goal: Goal, timeout: float) -> Result:
        """Answer from the goal's text and difficulty alone."""
        return await _run(strategy, goal, timeout)

    return run


run_micro, run_hammer, run_copilot, run_reprover, run_sketch, run_agent = map(_worker, _REACH)


def stub_strategies() -> Mapping[StrategyType, BoundStrategy]:
    """A stub worker for every strategy; always available."""
    return {kind: BoundStrategy(kind, _worker(kind), lambda _goal: "") for kind in StrategyType}
