"""Stage: one strategy on one goal. Only broken infrastructure is tried again; a goal not proved is a result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import prefect.task_engine  # noqa: F401 - else threads import it at once, which breaks Python 3.11.7 now and then
from httpx import HTTPError
from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError
from prefect.exceptions import PrefectException
from prefect.tasks import exponential_backoff

from orchestrator.config import SchedulerSettings
from orchestrator.errors import SessionError
from orchestrator.goals.events import StageStarted, notify
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Result
from orchestrator.scheduler.middleware import Attempt, Handler, Middleware
from orchestrator.scheduler.scheduler import Scheduler
from orchestrator.scheduler.slots import Weight, weight_of
from orchestrator.text import counted
from tasks.artifacts import progress_artifact
from tasks.stage import whole

RETRIES = 2


async def is_infrastructure(_task: Any, _run: TaskRun, state: State[Any]) -> bool:
    """Whether a failed attempt is worth repeating: the Lean process broke, not the proof."""
    error = await state.aresult(raise_on_failure=False)
    return isinstance(error, SessionError)


@task(
    name="attempt",
    task_run_name="{attempt.strategy} on {attempt.goal.declaration}",
    retries=RETRIES,
    retry_delay_seconds=exponential_backoff(backoff_factor=2),
    retry_jitter_factor=0.5,
    retry_condition_fn=is_infrastructure,
    cache_policy=NO_CACHE,
    persist_result=False,
)
async def made(attempt: Attempt, run: Handler, begins: Callable[[], None]) -> Result:
    """Make one attempt, and say when it begins."""
    begins()
    return await run(attempt)


_TAGGED = {weight: made.with_options(tags=[weight.value]) for weight in Weight}


def prefect_task(settings: SchedulerSettings) -> Middleware:
    """Makes each attempt a task run, tagged `light` or `heavy`.

    A Prefect server that fails says nothing of the goal: what it did not even start is made without it, and an attempt
    that it loses is lost as on a broken session. Replaying cached tactics takes moments and is no task run.
    """

    async def tasked(attempt: Attempt, run: Handler) -> Result:
        if attempt.cached:
            return await run(attempt)
        begun: list[bool] = []
        try:
            tagged = _TAGGED[weight_of(attempt.goal, settings)]
            return await tagged(whole(attempt), whole(run), whole(lambda: begun.append(True)))
        except (PrefectException, ConcurrencySlotAcquisitionError, HTTPError) as error:
            if begun:
                raise SessionError(f"The Prefect server lost an attempt: {error}") from error
        return await run(attempt)

    return tasked


async def prove_goals(scheduler: Scheduler, goals: Sequence[Goal]) -> dict[str, Result]:
    """Work the goals off, with the share of those that are done in Prefect's pages."""
    notify(StageStarted("prove", counted(len(goals), "goal"), len(goals)))
    async with progress_artifact(len(goals)):
        return await scheduler.process_queue(goals)
