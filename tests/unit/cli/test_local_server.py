"""A local server: ready when it answers, out of Ctrl-C's reach, and gone with whoever started it."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from orchestrator.cli.prefect_server import LocalServer
from orchestrator.errors import OrchestratorError

APPLICATION = """
async def answer(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    status = 200 if scope["path"] == "/health" else 404
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": b"well"})

def make():
    return answer

def fail():
    raise RuntimeError("no database")
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "small_application.py").write_text(APPLICATION)
    return {**os.environ, "PYTHONPATH": str(tmp_path)}


def server(factory: str, environment: dict[str, str], tmp_path: Path) -> LocalServer:
    return LocalServer(f"small_application:{factory}", environment=environment, log=tmp_path / "log/server.log")


def ask(url: str) -> bytes:
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().read()
    finally:
        connection.close()


def test_it_answers_inside_the_block_only(environment: dict[str, str], tmp_path: Path) -> None:
    with server("make", environment, tmp_path) as running:
        running.wait_until_ready("/health", seconds=60)
        assert ask(running.url) == b"well"
    with pytest.raises(ConnectionRefusedError):
        ask(running.url)


def test_ctrl_c_does_not_reach_it(environment: dict[str, str], tmp_path: Path) -> None:
    with server("make", environment, tmp_path) as running:
        running.wait_until_ready("/health", seconds=60)
        (child,) = [c for c in psutil.Process().children() if "orchestrator.cli.prefect_server" in c.cmdline()]
        assert os.getpgid(child.pid) != os.getpgid(0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_no_signal_that_asks_it_to_end_takes_it_from_whoever_started_it(
    environment: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    with server("make", environment, tmp_path) as running:
        running.wait_until_ready("/health", seconds=60)
        (child,) = [c for c in psutil.Process().children() if "orchestrator.cli.prefect_server" in c.cmdline()]
        child.send_signal(number)
        for _ in range(5):
            assert ask(running.url) == b"well"
            time.sleep(0.2)  # as often as uvicorn looks whether it should end, and more
    assert not child.is_running()


@pytest.mark.parametrize(("factory", "path"), [("fail", "/health"), ("missing", "/health"), ("make", "/nothing")])
def test_a_server_that_does_not_get_ready_is_an_error_with_a_log(
    environment: dict[str, str], tmp_path: Path, factory: str, path: str
) -> None:
    with server(factory, environment, tmp_path) as running, pytest.raises(OrchestratorError) as refused:
        running.wait_until_ready(path, seconds=60)
    assert str(tmp_path / "log/server.log") in refused.value.hint
    if factory == "fail":
        assert "no database" in (tmp_path / "log/server.log").read_text()


def test_a_log_that_cannot_be_written_is_an_error(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "log").touch()
    with pytest.raises(OrchestratorError, match="log of a local server"):
        server("make", environment, tmp_path).__enter__()


def test_it_ends_with_whoever_started_it_however_that_ends(environment: dict[str, str], tmp_path: Path) -> None:
    script = f"""
from pathlib import Path
import os
from orchestrator.cli.prefect_server import LocalServer
with LocalServer("small_application:make", environment=dict(os.environ), log=Path({str(tmp_path)!r}, "log")) as running:
    running.wait_until_ready("/health", seconds=60)
    print("ready", flush=True)
    input()
"""
    with subprocess.Popen(
        [sys.executable, "-c", script], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == b"ready\n"
        (child,) = psutil.Process(starter.pid).children()
        starter.send_signal(signal.SIGKILL)
    assert psutil.wait_procs([child], timeout=20)[1] == []
