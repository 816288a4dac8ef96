"""Stage: one strategy on one goal. Only broken infrastructure is tried again; a goal not proved is a result."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import prefect.task_engine  # noqa: F401 - else threads import it at once, which breaks Python 3.11.7 now and then
from httpx import HTTPError
from prefect import tags, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError
from prefect.exceptions import PrefectException
from prefect.states import Completed
from prefect.tasks import exponential_backoff

from orchestrator.config import RunnerChoice, SchedulerSettings
from orchestrator.errors import ConfigError, SessionError
from orchestrator.goals.events import Notice, StageStarted, notify
from orchestrator.goals.goal import Goal
from orchestrator.goals.result import Outcome, Result
from orchestrator.machine import missing
from orchestrator.run.run import Run
from orchestrator.scheduler.middleware import CANCELLED, Attempt, Handler, Middleware
from orchestrator.scheduler.scheduler import Scheduler
from orchestrator.scheduler.slots import Weight, weight_of
from orchestrator.text import counted, one_line
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
async def made(attempt: Attempt, run: Handler, begins: Callable[[], None]) -> State[Result]:
    """Make one attempt, and say when it begins; the state's name is how it ended."""
    begins()
    return ended(attempt, await run(attempt))


def ended(attempt: Attempt, result: Result, data: Any = None) -> State[Any]:
    """An attempt's end in Prefect's words, with `data`, the result unless given.

    None is a failure there: what is not proved tonight is no fault.
    """
    out_of_time = result.outcome is Outcome.TIMEOUT
    name = "Out of time" if out_of_time else result.outcome.words.capitalize()
    said = result.tactics[0] if result.success and result.tactics else result.error
    first = one_line(said.partition("\n")[0])
    message = f"{attempt.strategy.value}, {result.time_seconds:.1f} s: {first}"
    return Completed(name=name, message=message, data=data or result)


_TAGGED = {weight: made.with_options(tags=[weight.value]) for weight in Weight}


def prefect_task(settings: SchedulerSettings) -> Middleware:
    """Makes each attempt a task run, tagged `light` or `heavy`, and with its strategy and its file.

    A Prefect server that fails says nothing of the goal: what it did not even start is made without it, and an attempt
    that it loses is lost as on a broken session. Replaying cached tactics takes moments and is no task run.
    """

    async def tasked(attempt: Attempt, run: Handler) -> Result:
        if attempt.cached:
            return await run(attempt)
        begun: list[bool] = []
        called_off: list[asyncio.CancelledError] = []

        async def calm(attempt: Attempt) -> Result:
            # Prefect would call it crashed when another strategy was faster.
            try:
                return await run(attempt)
            except asyncio.CancelledError as error:
                called_off.append(error)
                return CANCELLED

        try:
            tagged = _TAGGED[weight_of(attempt.goal, settings)]
            with tags(*filter(None, (attempt.strategy.value, attempt.goal.file))):
                state = await tagged(whole(attempt), whole(calm), whole(lambda: begun.append(True)))
            if called_off:
                raise called_off[0]
            result: Result = await state.aresult()
            return result
        except (PrefectException, ConcurrencySlotAcquisitionError, HTTPError) as error:
            if begun:
                raise SessionError(f"The Prefect server lost an attempt: {error}") from error
        return await run(attempt)

    return tasked


@dataclass(frozen=True, slots=True)
class AttemptMakers:
    """Who makes a night's attempts, and how many at once."""

    middleware: Middleware
    at_once: int


@asynccontextmanager
async def attempt_makers(run: Run, goals: Sequence[Goal]) -> AsyncIterator[AttemptMakers]:
    """This process or, as the setting `runner` says, the workers of a Dask cluster, until the block ends.
    Raises ConfigError: Dask is not installed, or no worker is there.
    """
    if run.settings.runner is RunnerChoice.LOCAL or not goals:
        yield AttemptMakers(prefect_task(run.settings), run.servers.count)
        return
    if why := missing("dask"):
        raise ConfigError(why, where="ORCH_RUNNER=dask", hint="Install it, or leave ORCH_RUNNER at local")
    from tasks.cluster import cluster

    async with cluster(run) as workers:
        notify(Notice(f"attempts are made by {counted(workers.at_once, 'worker')}"))
        yield AttemptMakers(workers.make, workers.at_once)


async def prove_goals(scheduler: Scheduler, goals: Sequence[Goal]) -> dict[str, Result]:
    """Work the goals off, with the share of those that are done in Prefect's pages; say what will be done, and why no
    more was.
    """
    notify(StageStarted("prove", scheduler.plan.words(len(goals)), len(goals)))
    async with progress_artifact(len(goals)):
        results = await scheduler.process_queue(goals)
    why = scheduler.why_it_ended(results)
    if why and scheduler.plan.limited:
        notify(Notice(f"the search has ended: {why}"))
    return results
