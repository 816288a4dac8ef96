"""Who hears of what happens in a run."""

from __future__ import annotations

import asyncio
import threading
from contextvars import copy_context

from orchestrator.goals.events import Notice, RunEvent, StageStarted, notify, observed_by


def test_nobody_has_to_listen() -> None:
    notify(Notice("heard by none"))


def test_inner_and_outer_observers_hear_until_their_block_ends() -> None:
    outer: list[RunEvent] = []
    inner: list[RunEvent] = []
    with observed_by(outer.append):
        notify(Notice("1"))
        with observed_by(inner.append):
            notify(Notice("2"))
        notify(Notice("3"))
    notify(Notice("4"))
    assert outer == [Notice("1"), Notice("2"), Notice("3")]
    assert inner == [Notice("2")]


def test_tasks_and_threads_begun_inside_are_heard() -> None:
    heard: list[RunEvent] = []

    async def main() -> None:
        with observed_by(heard.append):
            task = asyncio.create_task(asyncio.to_thread(notify, StageStarted("thread")))
            thread = threading.Thread(target=copy_context().run, args=(notify, StageStarted("copied")))
        await task
        thread.start()
        thread.join()

    asyncio.run(main())
    assert heard == [StageStarted("thread"), StageStarted("copied")]
