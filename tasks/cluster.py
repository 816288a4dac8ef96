"""Attempts on the workers of a Dask cluster: each a Prefect task there, while this process schedules and records."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from typing import Any

import dask
from distributed import Client, Future, Worker, WorkerPlugin, get_worker
from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect_dask.task_runners import DaskTaskRunner

from orchestrator.config import SchedulerSettings
from orchestrator.errors import ConfigError, SessionError
from orchestrator.goals.result import Result, StrategyType
from orchestrator.run.request import RunRequest
from orchestrator.run.run import Run
from orchestrator.run.worker import ATTEMPTS, RESULTS, AttemptWorker, request_for_workers
from orchestrator.scheduler.middleware import Attempt, Handler
from orchestrator.scheduler.slots import weight_of
from tasks.attempt import ended

_HERE = {StrategyType.AGENT}
"""Strategies that work with what the run's own process offers."""


class WorkerLean(WorkerPlugin):  # type: ignore[misc]
    """What a worker process keeps open for one run, from its start, or the worker's, to its end."""

    def __init__(self, name: str, request: RunRequest) -> None:
        self.name = name
        self._request = request
        self.attempts: AttemptWorker | None = None

    async def setup(self, worker: Worker) -> None:
        """Open it. Raises OrchestratorError: the worker can be of no use."""
        self.attempts = AttemptWorker(self._request, servers=worker.state.nthreads)
        await asyncio.to_thread(self.attempts.wait_until_open)

    async def teardown(self, worker: Worker) -> None:
        """Close it."""
        if self.attempts is not None:
            await asyncio.to_thread(self.attempts.close)


def _attempts(name: str, worker: Worker) -> AttemptWorker | None:
    plugin = worker.plugins.get(name)
    return plugin.attempts if isinstance(plugin, WorkerLean) else None


@task(
    name="attempt",
    task_run_name="{strategy} on {declaration}",
    cache_policy=NO_CACHE,
    persist_result=False,
)
def made_by_worker(strategy: str, declaration: str, run: str, key: str, attempt: str) -> State[str]:
    """Make one attempt in this worker process; the state's name is how it ended, and its data the result as text."""
    read, attempts = ATTEMPTS.validate_json(attempt), _attempts(run, get_worker())
    if attempts is None:
        result = Result(success=False, error="the worker has nothing open for the run", broken=True)
    else:
        result = attempts.make(key, read)
    return ended(read, result, RESULTS.dump_json(result).decode())


def _call_off(run: str, key: str, dask_worker: Worker) -> None:
    attempts = _attempts(run, dask_worker)
    if attempts is not None:
        attempts.call_off(key)


class Workers:
    """The workers of a cluster, as somebody who makes attempts.

    A goal goes to an idle worker that has had its file, else to the one with the least to do. A worker that dies costs
    the attempts it was at: each is lost as on a broken session, which the scheduler makes up for once.

    Attributes:
        at_once: attempts that all workers together had room for at the start.
    """

    def __init__(self, run: str, settings: SchedulerSettings, runner: DaskTaskRunner) -> None:
        self._run, self._settings, self._runner = run, settings, runner
        self._client: Client = runner.client
        self._busy: Counter[str] = Counter()
        self._files: dict[str, set[str]] = {}
        self._calling_off: set[asyncio.Future[Any]] = set()
        self.at_once = sum(self._client.nthreads().values())

    async def make(self, attempt: Attempt, run: Handler) -> Result:
        """Let a worker make the attempt, as a middleware. What takes moments, or needs this process, is made here.
        Raises SessionError: the worker, its session or the Prefect server broke.
        """
        if attempt.cached or attempt.strategy in _HERE:
            return await run(attempt)
        worker = self._choice(attempt.goal.file)
        self._busy[worker] += 1
        key, loop = uuid.uuid4().hex, asyncio.get_running_loop()
        try:
            future, done = self._submit(attempt, key, worker), loop.create_future()
            future.add_done_callback(lambda _: loop.call_soon_threadsafe(_wake, done))
            try:
                await done
            except asyncio.CancelledError:
                self._in_thread(partial(self._client.run, _call_off, self._run, key, on_error="ignore"))
                raise
            result = await self._result(future)
        finally:
            self._busy[worker] -= 1
        if result.broken:
            raise SessionError(result.error)
        self._files.setdefault(worker, set()).add(attempt.goal.file)
        return result

    async def settle(self) -> None:
        """Wait until the workers know what is called off."""
        await asyncio.gather(*self._calling_off, return_exceptions=True)

    def _choice(self, file: str) -> str:
        room: Mapping[str, int] = self._client.nthreads()
        if not room:
            raise SessionError("No worker is left in the Dask cluster")
        return min(
            room,
            key=lambda worker: (
                self._busy[worker] >= room[worker],
                file not in self._files.get(worker, ()),
                self._busy[worker],
            ),
        )

    def _submit(self, attempt: Attempt, key: str, worker: str) -> Future:
        tagged = made_by_worker.with_options(
            tags=[
                weight_of(attempt.goal, self._settings).value,
                attempt.strategy.value,
                *filter(None, [attempt.goal.file]),
            ]
        )
        parameters = {
            "strategy": attempt.strategy.value,
            "declaration": attempt.goal.declaration,
            "run": self._run,
            "key": key,
            "attempt": ATTEMPTS.dump_json(attempt).decode(),
        }
        with dask.annotate(workers=[worker], allow_other_workers=True):
            return self._runner.submit(tagged, parameters).wrapped_future

    async def _result(self, future: Future) -> Result:
        try:
            state = await asyncio.to_thread(future.result)
            return RESULTS.validate_json(await state.aresult())
        except Exception as error:  # whatever a cluster raises for a worker that is gone
            raise SessionError(f"The worker lost the attempt: {error}") from error

    def _in_thread(self, work: Any) -> None:
        calling = asyncio.get_running_loop().run_in_executor(None, work)
        self._calling_off.add(calling)
        calling.add_done_callback(self._calling_off.discard)


def _wake(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)


@asynccontextmanager
async def cluster(run: Run) -> AsyncIterator[Workers]:
    """The workers that make a run's attempts: those of the scheduler whose address is set, else one on this machine for
    each Lean server, talking over TLS.

    Raises:
        ConfigError: the scheduler cannot be reached, or has no worker.
        OrchestratorError: a worker cannot open the repository.
    """
    name, address = f"lean-{run.ledger.run_id}", run.settings.dask_address
    here = {
        "n_workers": run.servers.count,
        "threads_per_worker": 1,
        "memory_limit": 0,  # of the Python process alone, which is not what grows
        "dashboard_address": None,
        "security": True,
    }
    runner = DaskTaskRunner(address=address) if address else DaskTaskRunner(cluster_kwargs=here)
    held = ExitStack()
    # Else Dask would make the attempt again on every other worker, and nobody would know of it.
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}):
        try:
            held.enter_context(runner)
            try:
                client = await asyncio.to_thread(lambda: runner.client)
            except (OSError, TimeoutError) as error:
                hint = "Start one with `dask scheduler` and `dask worker`, or leave ORCH_DASK_ADDRESS unset"
                raise ConfigError(f"No Dask scheduler: {error}", where=str(address), hint=hint) from error
            workers = Workers(name, run.settings, runner)
            if not workers.at_once:
                hint = "Start `dask worker` with the scheduler's address on some machine"
                raise ConfigError("The Dask cluster has no worker", where=str(address), hint=hint)
            await asyncio.to_thread(client.register_plugin, WorkerLean(name, request_for_workers(run)), name)
            try:
                yield workers
            finally:
                await workers.settle()
                await asyncio.to_thread(client.unregister_worker_plugin, name)
        finally:
            await asyncio.to_thread(held.close)
