"""The session over a server process: a broken server is replaced, and one can tell."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import psutil
import pytest
from test_process import LONG, launch
from waiting import until

from orchestrator.errors import (
    LeanNotFound,
    MalformedReply,
    RequestRefused,
    SessionClosed,
    SessionDied,
    SessionError,
    SessionTimeout,
)
from orchestrator.lean.embedded.process import Launch
from orchestrator.lean.embedded.session import EmbeddedSession
from orchestrator.lean.protocol import Command, CommandReply

FINE = Command("echo")


@pytest.fixture
async def session() -> AsyncIterator[EmbeddedSession]:
    """A session over the small program; its replies say nothing of environments."""
    opened = EmbeddedSession(launch())
    yield opened
    await opened.close()


async def test_the_process_starts_with_the_first_request(session: EmbeddedSession) -> None:
    assert (session.pid, session.generation, session.resident_megabytes) == (None, 1, 0.0)
    assert await session.exchange(FINE, timeout=LONG) == CommandReply(env=None)
    assert session.pid is not None
    assert session.generation == 1
    assert session.resident_megabytes > 1


@pytest.mark.parametrize(
    ("request_", "timeout", "error"),
    [
        (Command("die"), LONG, SessionDied),
        (Command("hang"), 0.2, SessionTimeout),
        (Command("reply"), LONG, MalformedReply),
    ],
)
async def test_a_broken_process_is_replaced(
    session: EmbeddedSession, request_: Command, timeout: float, error: type[SessionError]
) -> None:
    await session.exchange(FINE, timeout=LONG)
    first = session.pid
    with pytest.raises(error):
        await session.exchange(request_, timeout=timeout)
    assert (session.pid, session.generation) == (None, 2)
    await session.exchange(FINE, timeout=LONG)
    assert session.pid not in (None, first)
    assert session.generation == 2


async def test_a_process_that_ends_between_requests_is_noticed_and_replaced(session: EmbeddedSession) -> None:
    await session.exchange(FINE, timeout=LONG)
    assert session.pid is not None
    os.kill(session.pid, signal.SIGKILL)
    await until(lambda: session.generation == 2)
    assert await session.exchange(FINE, timeout=LONG) == CommandReply(env=None)
    assert session.generation == 2


async def test_a_cancelled_request_costs_the_process(session: EmbeddedSession) -> None:
    await session.exchange(FINE, timeout=LONG)
    pid = session.pid
    assert pid is not None
    asked = asyncio.create_task(session.exchange(Command("hang"), timeout=LONG))
    await asyncio.sleep(0.05)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert session.generation == 2
    assert not psutil.pid_exists(pid)
    await session.exchange(FINE, timeout=LONG)
    assert session.generation == 2


async def test_a_refusal_leaves_the_process_alone(session: EmbeddedSession) -> None:
    with pytest.raises(RequestRefused, match="Unknown environment"):
        await session.exchange(Command("refuse"), timeout=LONG)
    pid = session.pid
    await session.exchange(FINE, timeout=LONG)
    assert (session.pid, session.generation) == (pid, 1)


async def test_a_process_that_has_grown_is_replaced_when_asked_to() -> None:
    session = EmbeddedSession(launch(), rss_limit_megabytes=1.0)
    assert not await session.recycle_if_grown()
    await session.exchange(FINE, timeout=LONG)
    assert session.generation == 1
    assert await session.recycle_if_grown()
    assert (session.pid, session.generation) == (None, 2)
    assert not await session.recycle_if_grown()
    await session.close()


async def test_a_closed_session_refuses_and_leaves_no_process(session: EmbeddedSession) -> None:
    await session.exchange(FINE, timeout=LONG)
    pid = session.pid
    assert pid is not None
    await session.close()
    await session.close()
    assert not psutil.pid_exists(pid)
    with pytest.raises(SessionClosed):
        await session.exchange(FINE, timeout=LONG)


async def test_closing_ends_a_request_under_way(session: EmbeddedSession) -> None:
    await session.exchange(FINE, timeout=LONG)
    asked = asyncio.create_task(session.exchange(Command("hang"), timeout=LONG))
    await asyncio.sleep(0.05)
    await session.close()
    with pytest.raises(SessionDied):
        await asked


async def test_a_program_that_is_missing_is_no_started_process() -> None:
    session = EmbeddedSession(Launch(command=("/no/such/program",), environment={}, folder="/"))
    with pytest.raises(LeanNotFound):
        await session.exchange(FINE, timeout=LONG)
    assert (session.pid, session.generation) == (None, 1)
    await session.close()
