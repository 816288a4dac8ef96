"""Runs a flow from the command line, on the Prefect server there is or on a temporary one."""

from __future__ import annotations

import asyncio
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Any, Self

from orchestrator.config import Paths, child_environment, set_prefect_defaults, set_torch_folder
from orchestrator.errors import ConfigError, OrchestratorError
from orchestrator.goals.events import Notice, RunEvent, RunFinished, StageStarted, notify, observed_by
from orchestrator.run.stop import interruption_held

_THIS_MODULE = "orchestrator.cli.prefect_server"
_GRACE_SECONDS = 5.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM)


Flow = Callable[..., Coroutine[Any, Any, Mapping[str, Any]]]


class LocalServer:
    """The application `module:factory`, served inside a `with` block.

    It runs in a session of its own, so that a Ctrl-C in the terminal does not reach it, and takes no signal that asks
    it to end: service managers send SIGTERM to all that we have started, and a run needs its server to end in order.

    Args:
        application: what to serve, as uvicorn takes it.
        environment: its whole environment.
        log: file that takes its output; an old one is replaced.
        port: where it listens; 0 for a free one.
    """

    def __init__(self, application: str, *, environment: Mapping[str, str], log: Path, port: int = 0) -> None:
        self._application = application
        self._environment = environment
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._port = port
        self._used = False

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def alive(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and self._process.poll() is None

    def __enter__(self) -> Self:
        """Begin to start it. Raises OrchestratorError: the log cannot be written, or another program has the port."""
        with self._listen() as listener, self._open_log() as log:
            self._port = listener.getsockname()[1]
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", _THIS_MODULE, self._application, str(listener.fileno())],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(self._environment),
                pass_fds=[listener.fileno()],
                start_new_session=True,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._process
        if process is None or process.stdin is None:
            return
        process.stdin.close()
        if not self._used:  # nobody has asked it for anything, so there is nothing that it should finish
            process.kill()
        try:
            process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def wait_until_ready(self, path: str, *, seconds: float) -> None:
        """Wait until it answers a GET of `path`.
        Raises OrchestratorError: it ended, or did not answer within that time.
        """
        self._used = True
        # The socket listens from the start, so the first request waits for the application, and fails if it dies.
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=seconds)
        try:
            connection.request("GET", path)
            status = connection.getresponse().status
        except TimeoutError as error:
            raise self._not_ready(f"did not answer within {seconds:g} s") from error
        except (OSError, http.client.HTTPException) as error:
            raise self._not_ready("ended while it was starting") from error
        finally:
            connection.close()
        if status != http.HTTPStatus.OK:
            raise self._not_ready(f"answered with status {status}")

    def _listen(self) -> socket.socket:
        try:
            return socket.create_server(("127.0.0.1", self._port))
        except OSError as error:
            raise OrchestratorError(
                f"Port {self._port} cannot be listened on: {error.strerror}",
                where=self._application,
                hint="Set PREFECT_SERVER_API_PORT to another one.",
            ) from error

    def _open_log(self) -> IO[bytes]:
        try:
            self._log.parent.mkdir(parents=True, exist_ok=True)
            self._log.unlink(missing_ok=True)
            return self._log.open("xb")
        except OSError as error:
            what = f"The log of a local server cannot be written: {error.strerror or error}"
            raise OrchestratorError(what, where=str(self._log), hint="Set ORCH_STATE_DIR to another folder.") from error

    def _not_ready(self, what: str) -> OrchestratorError:
        return OrchestratorError(f"The local server {what}", where=self._application, hint=f"Look into {self._log}.")


def serve(application: str, descriptor: int) -> None:
    """Serve `application` on an inherited listening socket until standard input ends."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    import uvicorn  # only this process needs it

    class Server(uvicorn.Server):
        """Ends when it is told to by `should_exit`, and by no signal."""

        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            """Nothing: uvicorn installs this for its signals, whoever ignored them before."""

    configuration = uvicorn.Config(
        application, factory=True, lifespan="on", log_level="error", timeout_graceful_shutdown=2
    )
    server = Server(configuration)

    def end() -> None:
        server.should_exit = True

    threading.Thread(target=_end_with_parent, args=(end,), daemon=True).start()
    listener = socket.socket(fileno=descriptor)  # open until the very end: once it closes, nobody waits for the log
    server.run(sockets=[listener])


def _end_with_parent(end: Callable[[], None]) -> None:
    while sys.stdin.buffer.read(1):
        pass
    end()
    threading.Event().wait(_GRACE_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class StartingServer:
    """A Prefect server: `temporary` when it is ours; `wait` returns when it answers and Prefect knows of it."""

    temporary: bool
    wait: Callable[[], None]


@contextmanager
def prefect_server(paths: Paths) -> Iterator[StartingServer]:
    """Inside the block Prefect has a server, the one it is set up with or a temporary one, which may still be starting.

    Prefect would start a temporary server by itself, but one that Ctrl-C ends before us and that outlives a crash.

    Raises:
        ConfigError: the server it is set up with does not answer.
        OrchestratorError: a temporary one cannot be started (from `wait`, too).
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


def load_flow(name: str) -> Flow:
    """The flow `flows.NAME.NAME`; importing it takes a second, in which Ctrl-C is only noted."""
    with interruption_held():
        flow: Flow = getattr(import_module(f"flows.{name}"), name)
        return flow


def run_flow(server: StartingServer, flow: Flow, *arguments: Any, **options: Any) -> Mapping[str, Any]:
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

    server.wait()
    try:
        with observed_by(remember):
            return asyncio.run(flow(*arguments, **options))
    except TerminationSignal as error:
        raise KeyboardInterrupt from error
    except HTTPError as error:
        what = f"The Prefect server no longer answers: {error}"
        if not finished:
            hint = "What was tried is in the ledger: the next run goes on from there."
            raise OrchestratorError(what, hint=hint) from error
        notify(Notice(what))
        return finished[0]


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
