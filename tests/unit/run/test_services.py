"""Services stay open while somebody uses them, and the longest unused goes first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from orchestrator.errors import RepositoryError
from orchestrator.run.service.opening import Services


class Opener:
    """Opens a name as its own service. `open`: those that are open now; `slow` ones wait for `go`."""

    def __init__(self) -> None:
        self.open: list[str] = []
        self.slow: set[str] = set()
        self.broken: set[str] = set()
        self.asked, self.go = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def __call__(self, repo: str, *_: object) -> AsyncIterator[str]:
        if repo in self.slow:
            self.asked.set()
            await self.go.wait()
        if repo in self.broken:
            raise RepositoryError("it is gone", where=repo)
        self.open.append(repo)
        yield repo
        self.open.remove(repo)


@pytest.fixture
def opener(monkeypatch: pytest.MonkeyPatch) -> Opener:
    opener = Opener()
    monkeypatch.setattr("orchestrator.run.service.opening.open_service", opener)
    return opener


def services(most: int = 1) -> Services:
    store = SimpleNamespace(repositories=lambda: ["a", "b", "c"])
    return Services(cast(Any, None), cast(Any, store), most=most)


async def test_what_is_in_use_stays_open_and_is_closed_once_it_is_not(opener: Opener) -> None:
    held = services()
    async with held.of("a"):
        async with held.of("b"):
            assert opener.open == ["a", "b"]
        assert opener.open == ["a"]
    assert opener.open == ["a"]
    async with held.of("b"):
        assert opener.open == ["b"]
    await held.close()
    assert opener.open == []


async def test_the_one_that_was_not_used_for_longest_is_closed(opener: Opener) -> None:
    held = services(most=2)
    for name in ("a", "b", "a", "c"):
        async with held.of(name) as service:
            assert cast(Any, service) == name
    assert opener.open == ["a", "c"]
    await held.close()


async def test_one_that_is_still_opening_is_not_called_off_by_another(opener: Opener) -> None:
    held, opener.slow = services(), {"a"}
    async with AsyncExitStack() as stack:
        first = asyncio.create_task(stack.enter_async_context(held.of("a")))
        await opener.asked.wait()
        async with held.of("b"):
            assert not first.done()
        opener.go.set()
        assert cast(Any, await first) == "a"
        assert opener.open == ["a"]
    await held.close()


async def test_what_could_not_be_opened_is_tried_again(opener: Opener) -> None:
    held, opener.broken = services(), {"a"}
    with pytest.raises(RepositoryError, match="it is gone"):
        async with held.of("a"):
            pass
    opener.broken.clear()
    async with held.of("a"):
        assert opener.open == ["a"]
    await held.close()
