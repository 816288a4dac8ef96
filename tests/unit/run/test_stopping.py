"""Requests to stop: what the first one does, what the second, and what blocking work has to do with it."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from contextlib import suppress

import pytest

from orchestrator.errors import CheckoutError, StoppedError
from orchestrator.goals.events import RunEvent, StopRequested, observed_by
from orchestrator.run.stop import ASKED, Stop, in_background, stoppable


class Counter:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> None:
        self.calls += 1


def test_a_request_ends_the_run_at_once_while_there_is_nothing_to_lose() -> None:
    cancel, heard = Counter(), list[RunEvent]()
    stop = Stop(cancel)
    assert stop.reason == ""
    with observed_by(heard.append):
        stop.request()
    assert (cancel.calls, stop.reason) == (1, ASKED)
    assert heard == [StopRequested(at_once=True)]


def test_then_the_first_request_ends_it_in_order_and_the_second_at_once() -> None:
    cancel, end, heard = Counter(), Counter(), list[RunEvent]()
    stop = Stop(cancel)
    stop.ends_with(end)
    with observed_by(heard.append):
        stop.request()
        assert (cancel.calls, end.calls) == (0, 1)
        stop.request()
    assert (cancel.calls, end.calls) == (1, 2)
    assert heard == [StopRequested(), StopRequested(at_once=True)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_requests_inside_the_block_only(number: signal.Signals) -> None:
    async def main() -> None:
        ended = asyncio.Event()
        async with stoppable() as stop:
            stop.ends_with(ended.set)
            os.kill(os.getpid(), number)
            await ended.wait()
            assert stop.requests == 1

    before = signal.getsignal(number)
    asyncio.run(main())
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_that_comes_while_nothing_is_awaited_is_not_lost(number: signal.Signals) -> None:
    async def main() -> str:
        async with stoppable():
            os.kill(os.getpid(), number)
            return "as if nothing had been said"

    with pytest.raises(StoppedError):
        asyncio.run(main())


def test_a_run_ended_at_once_is_a_stopped_one_and_its_task_goes_on_unharmed() -> None:
    async def work() -> None:
        async with stoppable():
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(60)

    async def main() -> None:
        with pytest.raises(StoppedError):
            await work()
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        await asyncio.sleep(0)

    asyncio.run(main())


def test_an_error_that_the_signal_caused_is_no_error_of_its_own() -> None:
    async def work() -> None:
        async with stoppable() as stop:
            stop.request()
            raise CheckoutError("git was killed by the same Ctrl-C")

    async def main() -> None:
        with pytest.raises(StoppedError) as stopped:
            await work()
        assert isinstance(stopped.value.__cause__, CheckoutError)
        await asyncio.sleep(0)

    asyncio.run(main())


def test_errors_without_a_request_stay_what_they_are() -> None:
    async def main() -> None:
        async with stoppable():
            raise CheckoutError("no such folder")

    with pytest.raises(CheckoutError):
        asyncio.run(main())


def test_a_cancellation_by_somebody_else_stays_one() -> None:
    async def work() -> None:
        async with stoppable():
            await asyncio.sleep(60)

    async def main() -> None:
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


def test_blocking_work_answers_or_raises() -> None:
    def fail() -> None:
        raise CheckoutError("refused")

    async def main() -> None:
        assert await in_background(lambda: 42) == 42
        with pytest.raises(CheckoutError, match="refused"):
            await in_background(fail)

    asyncio.run(main())


def test_nobody_waits_for_blocking_work_that_is_not_wanted_any_more() -> None:
    release, done = threading.Event(), threading.Event()

    def work() -> None:
        release.wait()
        done.set()

    async def main() -> None:
        task = asyncio.create_task(in_background(work))
        await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert not done.is_set()
    release.set()
    assert done.wait(10)
