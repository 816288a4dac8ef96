"""Attempts that another process makes for a run: what travels, and what that process has open meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from concurrent.futures import Future
from dataclasses import replace
from time import monotonic

from pydantic import TypeAdapter

from orchestrator.config import load_settings
from orchestrator.errors import LedgerError, SessionError
from orchestrator.goals.result import Result
from orchestrator.ledger.store import Ledger
from orchestrator.premises.library import Library
from orchestrator.premises.store import DEFAULT_IMPORTS, corpus_imports, is_known, known_library
from orchestrator.run.assembly import OPENING_SECONDS, kept_proofs, night_strategies
from orchestrator.run.opening import open_run
from orchestrator.run.request import RunRequest
from orchestrator.run.run import Run
from orchestrator.scheduler.middleware import CANCELLED, Attempt, Handler, compose, time_limit

ATTEMPTS = TypeAdapter(Attempt)
"""An attempt as text, on its way to a worker."""
RESULTS = TypeAdapter(Result)
"""Its result as text, on the way back."""


def request_for_workers(run: Run) -> RunRequest:
    """What a worker has to know of a run: the commit instead of a branch, and no right to publish."""
    return replace(run.request, ref=run.repository.checkout.commit, out="", host=None)


class AttemptWorker:
    """Makes attempts in this process, on an event loop of its own, which any thread may ask.

    The repository, its Lean servers and its premises are opened once, with this process's own settings and folders;
    what the run was asked to set goes before them.

    Args:
        servers: how many attempts are made at once, each on a Lean server.
    """

    def __init__(self, request: RunRequest, *, servers: int) -> None:
        self._request = request
        self._servers = servers
        self._loop = asyncio.new_event_loop()
        self._under_way: dict[str, asyncio.Task[Result]] = {}
        self._called_off: set[str] = set()
        self._handler: Future[Handler] = Future()
        self._closing = asyncio.Event()
        self._life = threading.Thread(target=self._live, daemon=True, name="attempts")
        self._life.start()

    def wait_until_open(self) -> None:
        """Wait until attempts can be made. Raises OrchestratorError: they never can."""
        self._handler.result()

    def make(self, key: str, attempt: Attempt) -> Result:
        """Make an attempt and wait for it; `key` is for calling it off.

        That the session or the ledger broke is told by a result that is `broken`.
        """
        return asyncio.run_coroutine_threadsafe(self._make(key, attempt), self._loop).result()

    def call_off(self, key: str) -> None:
        """Cancel an attempt, also one that has not arrived yet."""
        self._loop.call_soon_threadsafe(self._call_off, key)

    def close(self) -> None:
        """Cancel what is under way, end the Lean servers, and wait for that."""
        with contextlib.suppress(RuntimeError):  # the loop is closed already where it could not open
            self._loop.call_soon_threadsafe(self._closing.set)
        self._life.join()

    def _live(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            try:
                runner.run(self._open())
            except BaseException as error:
                if self._handler.done():
                    raise
                self._handler.set_exception(error)

    async def _open(self) -> None:
        settings = load_settings(**self._request.settings).model_copy(update={"servers": self._servers})
        with Ledger.open(settings.ledger) as store:
            async with open_run(self._request, settings, store) as run:
                strategies = night_strategies(run, await asyncio.to_thread(_library, run))

                async def work(attempt: Attempt) -> Result:
                    return await strategies[attempt.strategy].run(attempt.goal, attempt.timeout)

                self._handler.set_result(compose((time_limit(OPENING_SECONDS, monotonic), *kept_proofs(run)), work))
                await self._closing.wait()
                for task in self._under_way.values():
                    task.cancel()
                await asyncio.gather(*self._under_way.values(), return_exceptions=True)

    async def _make(self, key: str, attempt: Attempt) -> Result:
        task = asyncio.current_task()
        assert task is not None
        if key in self._called_off:
            self._called_off.discard(key)
            return CANCELLED
        self._under_way[key] = task
        try:
            handler = await asyncio.shield(asyncio.wrap_future(self._handler))
            return await handler(attempt)
        except asyncio.CancelledError:
            return CANCELLED
        except (SessionError, LedgerError) as error:
            return Result(success=False, error=str(error), broken=True)
        finally:
            del self._under_way[key]

    def _call_off(self, key: str) -> None:
        if key in self._under_way:
            self._under_way[key].cancel()
        else:
            self._called_off.add(key)


def _library(run: Run) -> Library | None:
    """The theorems that the run looks up, where this machine has them: a worker collects none."""
    paths, servers = run.settings.paths, run.servers
    for imports in (corpus_imports(servers, run.project), DEFAULT_IMPORTS):
        if is_known(paths, servers, imports):
            return known_library(paths, servers, imports)
    return None
