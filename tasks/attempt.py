"""Stage: one strategy on one goal. Only broken infrastructure is tried again; a goal not proved is a result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import exponential_backoff

from orchestrator.errors import SessionError
from orchestrator.goal import Goal
from orchestrator.result import Result, StrategyType
from orchestrator.strategies.base import Strategy


async def is_infrastructure(_task: Any, _run: TaskRun, state: State[Any]) -> bool:
    """Whether a failed attempt is worth repeating: the Lean process broke, not the proof."""
    error = await state.aresult(raise_on_failure=False)
    return isinstance(error, SessionError)


@task(
    name="attempt",
    task_run_name="{strategy} on {goal.declaration}",
    retries=2,
    retry_delay_seconds=exponential_backoff(backoff_factor=2),
    retry_jitter_factor=0.5,
    retry_condition_fn=is_infrastructure,
    cache_policy=NO_CACHE,
    persist_result=False,
)
async def attempt(
    goal: Goal, strategy: StrategyType, timeout: float, strategies: Mapping[StrategyType, Strategy]
) -> Result:
    """Run `strategy` on `goal` for at most `timeout` seconds."""
    return await strategies[strategy].run(goal, timeout)
