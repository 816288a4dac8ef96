"""A server process, played by a small program: what it may print, how it breaks, and that nothing of it is left."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from waiting import until

from orchestrator.errors import LeanNotFound, MalformedReply, SessionDied, SessionError, SessionTimeout
from orchestrator.lean.embedded.process import Launch, ServerProcess

PROGRAM = Path(__file__).with_name("odd_server.py")
LONG = 120.0


def launch(start: str = "well", *, start_timeout: float = LONG) -> Launch:
    """How to start the small program."""
    return Launch(
        command=(sys.executable, "-I", "-S", str(PROGRAM), start),
        environment={"LC_ALL": "C.UTF-8"},
        folder=str(PROGRAM.parent),
        start_timeout=start_timeout,
    )


@pytest.fixture
async def server() -> AsyncIterator[ServerProcess]:
    """A server that is ready."""
    running = await ServerProcess.start(launch())
    yield running
    await running.kill()


def is_gone(pid: int) -> bool:
    """Whether a process has ended; its parent, perhaps not we, may not have taken notice."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def test_requests_are_answered_in_turn(server: ServerProcess) -> None:
    for argument in ("∀ x, x = x", {"a": [1, None]}, "line\nend", "\ud800"):
        reply = await server.request({"argument": argument}, timeout=LONG)
        assert reply == {"echo": "?" if argument == "\ud800" else argument}


async def test_a_reply_of_a_megabyte_is_one_line(server: ServerProcess) -> None:
    long = "x" * 1_000_000
    assert await server.request({"argument": long}, timeout=LONG) == {"echo": long}


@pytest.mark.parametrize("printed", ["hello\n", "[1]\n", '"{"\n', "\n\n", "no line end", '{"id":"', "{}{}"])
async def test_what_lean_code_prints_in_front_of_a_reply_is_passed_over(server: ServerProcess, printed: str) -> None:
    assert await server.request({"do": "print", "argument": printed}, timeout=LONG) == {"echo": printed}
    assert await server.request({"argument": 1}, timeout=LONG) == {"echo": 1}


@pytest.mark.parametrize(
    "printed",
    [
        '{"id":"0123456789abcdef","reply":{"env":0}}\n',
        '{"reply":{"env":0}}\n',
        '{"id":"","reply":{}}\n',
        "{oops\n",
        "{}\n",
        '{"a":' + "[" * 100_000 + "\n",
        '{"ready": true}\n',
    ],
)
async def test_what_looks_like_a_reply_and_is_none_ends_the_process(server: ServerProcess, printed: str) -> None:
    with pytest.raises(MalformedReply):
        await server.request({"do": "print", "argument": printed}, timeout=LONG)
    assert not server.alive


@pytest.mark.parametrize("value", [None, [], "env", 3])
async def test_a_reply_has_to_be_an_object(server: ServerProcess, value: object) -> None:
    with pytest.raises(MalformedReply, match="something else than was asked"):
        await server.request({"do": "reply", "argument": value}, timeout=LONG)
    assert not server.alive


async def test_a_process_that_ends_owes_a_reply(server: ServerProcess) -> None:
    with pytest.raises(SessionDied, match="ended") as caught:
        await server.request({"do": "die"}, timeout=LONG)
    assert "starts a new one" in caught.value.hint
    assert not server.alive
    assert server.resident_megabytes() == 0.0


async def test_a_process_killed_during_a_request(server: ServerProcess) -> None:
    asked = asyncio.create_task(server.request({"do": "hang"}, timeout=LONG))
    await asyncio.sleep(0.05)
    os.kill(server.pid, signal.SIGKILL)
    with pytest.raises(SessionDied):
        await asked


async def test_a_process_killed_between_requests(server: ServerProcess) -> None:
    os.kill(server.pid, signal.SIGKILL)
    for _ in range(2):
        with pytest.raises(SessionDied):
            await server.request({"argument": "x" * 1_000_000}, timeout=LONG)


async def test_no_reply_in_time_ends_the_process(server: ServerProcess) -> None:
    with pytest.raises(SessionTimeout, match=r"within 0\.1 s"):
        await server.request({"do": "hang"}, timeout=0.1)
    assert not server.alive


async def test_a_line_that_is_never_finished_is_no_reply(server: ServerProcess) -> None:
    with pytest.raises(SessionTimeout):
        await server.request({"do": "print only", "argument": '{"id"'}, timeout=0.1)
    assert not server.alive


async def test_being_cancelled_ends_the_process_and_its_children(server: ServerProcess) -> None:
    child = (await server.request({"do": "child"}, timeout=LONG))["child"]
    asked = asyncio.create_task(server.request({"do": "hang"}, timeout=LONG))
    await asyncio.sleep(0.05)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert not server.alive
    await until(lambda: is_gone(child))


async def test_a_process_that_listens_ends_by_itself() -> None:
    server = await ServerProcess.start(launch())
    await server.end(grace=LONG)
    assert not server.alive
    await server.kill()
    await server.end()


async def test_a_process_that_does_not_listen_is_killed() -> None:
    server = await ServerProcess.start(launch())
    await server.request({"do": "deaf"}, timeout=LONG)
    await server.end(grace=0.05)
    assert not server.alive


async def test_what_cannot_be_executed_is_said(tmp_path: Path) -> None:
    missing = Launch(command=(str(tmp_path / "no-node"),), environment={}, folder=str(tmp_path))
    with pytest.raises(LeanNotFound, match="cannot be started: No such file") as caught:
        await ServerProcess.start(missing)
    assert "orchestrator lean install" in caught.value.hint


@pytest.mark.parametrize(
    ("start", "seconds", "error"),
    [("dies at the start", LONG, SessionDied), ("hangs at the start", 0.2, SessionTimeout)],
)
async def test_a_start_that_fails_leaves_nothing(start: str, seconds: float, error: type[SessionError]) -> None:
    before = set(psutil.Process().children())
    with pytest.raises(error):
        await ServerProcess.start(launch(start, start_timeout=seconds))
    assert set(psutil.Process().children()) <= before


async def test_a_start_that_is_cancelled_leaves_nothing() -> None:
    before = set(psutil.Process().children())
    starting = asyncio.create_task(ServerProcess.start(launch("hangs at the start")))
    await until(lambda: not set(psutil.Process().children()) <= before)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert set(psutil.Process().children()) <= before
