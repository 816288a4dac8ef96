"""Several sessions on one project: who gets which, and that none is lost."""

from __future__ import annotations

import asyncio

import pytest
from small_lean import SmallLean, project

from orchestrator.errors import RequestRefused, SessionDied
from orchestrator.goals.goal import Goal, Position, SourceSpan
from orchestrator.lean.pool import Pool
from orchestrator.lean.protocol import Forget, Limits, Tactics

SPAN = SourceSpan(Position(1, 5), Position(1, 10))
GOAL = Goal("g", "⊢ 0", file="A.lean", module="A", span=SPAN, command=SPAN)
TEXTS = project(A="t := sorry", B="u := sorry")


def pool_of(*leans: SmallLean) -> Pool:
    """A pool over pretended processes."""
    return Pool([lean.session for lean in leans], TEXTS, limits=Limits(milliseconds=1))


async def test_a_session_that_has_the_file_is_preferred() -> None:
    pool = pool_of(SmallLean(), SmallLean())
    assert pool.size == 2
    async with pool.workspace("A") as first:
        await first.load("A")
        async with pool.workspace("B") as second:
            await second.load("B")
    assert first is not second
    for _ in range(2):
        async with pool.workspace("B") as again:
            assert again is second
    async with pool.workspace("A") as again:
        assert again is first
        async with pool.workspace("A") as other:
            assert other is second
    await pool.close()


async def test_a_session_is_held_by_one_at_a_time() -> None:
    pool = pool_of(SmallLean(), SmallLean())
    holding, most = 0, 0

    async def hold() -> None:
        nonlocal holding, most
        async with pool.workspace():
            holding += 1
            most = max(most, holding)
            await asyncio.sleep(0)
            holding -= 1

    await asyncio.gather(*(hold() for _ in range(20)))
    assert (holding, most) == (0, 2)


async def test_a_session_comes_back_whatever_happens_to_its_holder() -> None:
    pool = pool_of(SmallLean())
    with pytest.raises(ValueError, match="odd"):
        async with pool.workspace():
            raise ValueError("odd")

    async def hold() -> None:
        async with pool.workspace():
            await asyncio.sleep(600)

    for _ in range(3):
        holder = asyncio.create_task(hold())
        await asyncio.sleep(0)
        holder.cancel()
        await asyncio.gather(holder, return_exceptions=True)
    async with asyncio.timeout(60), pool.workspace():
        pass


@pytest.mark.parametrize("steps", range(8))
async def test_one_who_stops_waiting_does_not_keep_the_others_waiting(steps: int) -> None:
    pool = pool_of(SmallLean())
    got: list[str] = []
    enough = asyncio.Event()

    async def hold(name: str) -> None:
        async with pool.workspace():
            got.append(name)
            if name == "holder":
                await enough.wait()

    tasks = []
    for name in ("holder", "first", "second"):
        tasks.append(asyncio.create_task(hold(name)))
        await asyncio.sleep(0)
    enough.set()
    for _ in range(steps):
        await asyncio.sleep(0)
    tasks[1].cancel()
    async with asyncio.timeout(60):
        await asyncio.gather(*tasks, return_exceptions=True)
    assert got[-1] == "second"


async def test_an_opened_goal_stands_in_its_file_with_the_pools_limits() -> None:
    lean = SmallLean()
    pool = pool_of(lean)
    async with pool.open(GOAL) as opened:
        assert (opened.goal, opened.goals) == (GOAL, 1)
        assert (await opened.tactics(["closes"]))[0].completed
    batch, dropped = lean.session.asked[-2:]
    assert isinstance(batch, Tactics)
    assert batch.limits == Limits(milliseconds=1)
    assert isinstance(dropped, Forget)
    await pool.close()


async def test_a_goal_is_dropped_even_if_its_holder_fails() -> None:
    lean = SmallLean()
    pool = pool_of(lean)

    async def fail() -> None:
        async with pool.open(GOAL) as opened:
            await opened.tactics(["a"])
            raise ValueError("odd")

    with pytest.raises(ValueError, match="odd"):
        await fail()
    assert lean.forgotten == [((), 1)]


async def test_a_process_that_ends_while_a_goal_is_dropped_is_no_error() -> None:
    lean = SmallLean()
    pool = pool_of(lean)
    async with pool.open(GOAL) as opened:
        lean.end()
        assert not (await opened.tactics(["crash"]))[0].completed
    async with pool.open(GOAL) as opened:
        assert (await opened.check("closes")).accepted


async def test_a_file_that_does_not_open_gives_its_session_back() -> None:
    lean = SmallLean()
    pool = Pool([lean.session], project(A="t := crash sorry"))
    for _ in range(2):
        with pytest.raises(SessionDied):
            async with pool.open(GOAL):
                raise AssertionError("never reached")
    moved = Goal("g", "⊢ 0", file="A.lean", module="A", span=SourceSpan(Position(3, 0), Position(3, 5)))
    with pytest.raises(RequestRefused):
        async with pool_of(lean).open(moved):
            raise AssertionError("never reached")


async def test_leaving_the_pool_closes_every_session() -> None:
    leans = [SmallLean(), SmallLean()]
    async with pool_of(*leans) as pool, pool.workspace():
        await pool.close()
    assert [lean.session.closed for lean in leans] == [True, True]
