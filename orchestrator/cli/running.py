"""Runs a flow from the command line, on the Prefect server there is or on a temporary one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from orchestrator.config import child_environment, set_prefect_defaults, set_torch_folder
from orchestrator.errors import ConfigError, OrchestratorError
from orchestrator.local_server import LocalServer
from orchestrator.observer import Notice, RunEvent, RunFinished, StageStarted, notify, observed_by
from orchestrator.paths import Paths
from orchestrator.scheduling.signals import interruption_held


@contextmanager
def prefect_server(paths: Paths) -> Iterator[None]:
    """Inside the block, Prefect has a server: the one it is set up with, else a temporary one.

    Raises:
        ConfigError: the server it is set up with does not answer.
        OrchestratorError: a temporary one cannot be started.
    """
    with starting_prefect_server(paths) as server:
        server.wait()
        yield


@dataclass(frozen=True)
class StartingServer:
    """A Prefect server: `temporary` when it is ours, `wait` returns when it answers and Prefect knows of it.

    `wait` raises what `prefect_server` does.
    """

    temporary: bool
    wait: Callable[[], None]


@contextmanager
def starting_prefect_server(paths: Paths) -> Iterator[StartingServer]:
    """As `prefect_server`, but while a temporary server starts something else can be done.

    Prefect would start a temporary server by itself, but one that Ctrl-C ends before us and that outlives a crash.

    Raises:
        ConfigError: the server it is set up with does not answer.
        OrchestratorError: a temporary one cannot be started.
    """
    set_prefect_defaults()
    set_torch_folder(paths.cache / "torch")
    with interruption_held():
        from prefect.client.orchestration import get_client
        from prefect.logging.handlers import APILogHandler
        from prefect.settings import (
            PREFECT_API_URL,
            PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS,
            PREFECT_SERVER_UI_ENABLED,
            temporary_settings,
        )

        url = PREFECT_API_URL.value()
    if url:
        with get_client(sync_client=True) as client:
            problem = client.api_healthcheck()
        if problem is not None:
            raise ConfigError(
                f"The Prefect server does not answer: {problem}",
                where=f"PREFECT_API_URL={url}",
                hint="Start it with `prefect server start`, or unset PREFECT_API_URL to work without one.",
            )
        yield StartingServer(temporary=False, wait=lambda: None)
        return
    notify(StageStarted("prefect", "starting a temporary server, since PREFECT_API_URL is not set"))
    extra = {
        "PREFECT__SERVER_EPHEMERAL": "1",
        "PREFECT__SERVER_FINAL": "1",
        "PREFECT_UI_ENABLED": "0",
        "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "WARNING",
    }
    with LocalServer(
        "prefect.server.api.server:create_app",
        environment=child_environment(["*"], extra=extra),
        log=paths.logs / "prefect-server.log",
    ) as server:
        known = ExitStack()

        def wait() -> None:
            server.wait_until_ready("/api/health", seconds=PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS.value())
            known.enter_context(
                temporary_settings({PREFECT_API_URL: f"{server.url}/api", PREFECT_SERVER_UI_ENABLED: False})
            )
            known.callback(lambda: APILogHandler().flush())  # while there is somebody to send the last logs to

        with known:
            yield StartingServer(temporary=True, wait=wait)


def run_flow(flow: Callable[[], Coroutine[Any, Any, Mapping[str, Any]]]) -> Mapping[str, Any]:
    """Run a flow in this process. When its work is done, it does not matter that Prefect cannot be told of it.

    Raises:
        OrchestratorError: what the flow raised, or the Prefect server went away.
        KeyboardInterrupt: a signal came before the flow or after it.
    """
    from httpx import HTTPError
    from prefect.exceptions import TerminationSignal

    finished: list[Mapping[str, Any]] = []

    def remember(event: RunEvent) -> None:
        if isinstance(event, RunFinished):
            finished.append(event.summary)

    try:
        with observed_by(remember):
            return asyncio.run(flow())
    except TerminationSignal as error:
        raise KeyboardInterrupt from error
    except HTTPError as error:
        what = f"The Prefect server does not answer any more: {error}"
        if not finished:
            raise OrchestratorError(
                what, hint="What was tried is in the ledger: the next run goes on there."
            ) from error
        notify(Notice(what))
        return finished[0]
