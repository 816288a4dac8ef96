"""The in-memory session behaves as a session does."""

from __future__ import annotations

import asyncio

import pytest

from orchestrator.errors import MalformedReply, RequestRefused, SessionClosed, SessionDied, SessionTimeout
from orchestrator.lean.protocol import Command, CommandReply, Forget, ForgetReply, Tactics, TacticsReply
from orchestrator.lean.session import Session, ask
from orchestrator.lean.testing import ScriptedSession

FIRST, SECOND = CommandReply(env=0), CommandReply(env=1)
ONE, TWO = Command("one"), Command("two")


async def test_answers_come_in_order_and_requests_are_kept() -> None:
    session = ScriptedSession([FIRST, SECOND])
    seam: Session = session
    assert [await seam.exchange(request, timeout=1) for request in (ONE, TWO)] == [FIRST, SECOND]
    assert session.asked == [ONE, TWO]
    assert session.generation == 1


async def test_a_function_sees_the_request() -> None:
    session = ScriptedSession(lambda request: FIRST if request == ONE else SECOND)
    assert await session.exchange(TWO, timeout=1) == SECOND


async def test_a_session_error_costs_the_process_and_a_refusal_does_not() -> None:
    session = ScriptedSession([RequestRefused("no"), SessionDied("ended"), FIRST])
    with pytest.raises(RequestRefused):
        await session.exchange(ONE, timeout=1)
    assert session.generation == 1
    with pytest.raises(SessionDied):
        await session.exchange(ONE, timeout=1)
    assert session.generation == 2
    assert await session.exchange(ONE, timeout=1) == FIRST
    assert session.generation == 2


async def test_time_passes_without_waiting() -> None:
    session = ScriptedSession([0.5, 0.5, FIRST, 0.75, 0.75, FIRST])
    assert await session.exchange(ONE, timeout=1) == FIRST
    with pytest.raises(SessionTimeout):
        await session.exchange(TWO, timeout=1)
    assert session.asked == [ONE, TWO]
    assert session.generation == 2


async def test_being_cancelled_costs_the_process() -> None:
    session = ScriptedSession([FIRST])
    asked = asyncio.create_task(session.exchange(ONE, timeout=1))
    await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert session.generation == 2


async def test_a_process_can_be_lost_between_requests() -> None:
    session = ScriptedSession([FIRST])
    session.lose()
    assert session.generation == 2


async def test_a_closed_session_refuses() -> None:
    session = ScriptedSession([FIRST])
    await session.close()
    await session.close()
    with pytest.raises(SessionClosed):
        await session.exchange(ONE, timeout=1)
    assert session.asked == []


async def test_asking_gives_the_reply_that_belongs_to_the_request() -> None:
    session = ScriptedSession([FIRST, TacticsReply(()), ForgetReply(ok=True), FIRST])
    assert await ask(session, ONE, timeout=1) == FIRST
    assert await ask(session, Tactics((), 0), timeout=1) == TacticsReply(())
    assert await ask(session, Forget(), timeout=1) == ForgetReply(ok=True)
    with pytest.raises(MalformedReply, match="CommandReply in answer to Forget"):
        await ask(session, Forget(), timeout=1)
