"""Turns: bounded, fair, and given back however a client leaves."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from orchestrator.errors import BusyError
from orchestrator.run.service.turns import Turns


async def test_clients_take_turns_however_many_one_of_them_sends() -> None:
    turns, order = Turns(at_once=1), list[str]()
    gate = asyncio.Event()

    async def work(client: str) -> None:
        async with turns.taken(client):
            order.append(client)
            await gate.wait()

    tasks = [asyncio.create_task(work(client)) for client in ("flood",) * 5 + ("quiet",)]
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(*tasks)
    assert order == ["flood", "flood", "quiet", "flood", "flood", "flood"]
    assert turns.waiting == 0


async def test_no_line_grows_without_end() -> None:
    turns = Turns(at_once=1, a_client=2, waiting=3)
    hold = asyncio.Event()

    async def work(client: str) -> str:
        try:
            async with turns.taken(client):
                await hold.wait()
        except BusyError as error:
            return str(error)
        return "done"

    tasks = [asyncio.create_task(work(client)) for client in ("a", "a", "a", "b", "b", "c")]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    hold.set()
    answers = await asyncio.gather(*tasks)
    assert answers[:2] == ["done", "done"]
    assert "the most that one client may have" in answers[2]
    assert "3 requests wait already" in answers[5]


@pytest.mark.parametrize("leaver", [0, 1, 2])
async def test_who_leaves_gives_the_turn_to_the_next(leaver: int) -> None:
    turns = Turns(at_once=1)
    hold, done = asyncio.Event(), list[int]()

    async def work(number: int) -> None:
        async with turns.taken(f"client {number}"):
            await hold.wait()
            done.append(number)

    tasks = [asyncio.create_task(work(number)) for number in range(3)]
    await asyncio.sleep(0)
    tasks[leaver].cancel()
    hold.set()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task
    assert done == [number for number in range(3) if number != leaver]
    async with turns.taken("after"):
        assert turns.waiting == 0
