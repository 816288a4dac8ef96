"""Pushing pages to those who look at them, when the ledger changes: one watcher, any number of clients, no polling.

Clients of the same page share one rendering. A client that reads slowly skips versions; it never holds others up.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from orchestrator.errors import OrchestratorError
from orchestrator.ledger.changes import Changes

Topic = tuple[str, tuple[tuple[str, str], ...]]
"""A page's name and its parameters."""
Render = Callable[[Topic], str | None]
WAIT_SECONDS = 1.0
PAUSE_SECONDS = 0.4
"""Between two renderings of what changes all the time, so that watching costs a bounded part of the machine."""


class _Client(asyncio.Queue[str | None]):
    """Holds the newest version only."""

    def give(self, html: str | None) -> None:
        while not self.empty():
            self.get_nowait()
        self.put_nowait(html)


class Hub:
    """Pushes renderings of topics to clients.

    Args:
        render: makes a topic's HTML, None when there is no such thing; called in threads.
    """

    def __init__(self, watch: Callable[[], Changes], render: Render) -> None:
        self._watch = watch
        self._render = render
        self._clients: dict[Topic, set[_Client]] = {}
        self._shown: dict[Topic, str] = {}
        self._making: dict[Topic, asyncio.Future[str | None]] = {}
        self._closed = False

    @property
    def clients(self) -> int:
        """How many look on."""
        return sum(map(len, self._clients.values()))

    async def run(self) -> None:
        """Push changes until closed. A ledger that cannot be read now is looked at again later."""
        changes: Changes | None = None
        try:
            while not self._closed:
                try:
                    if changes is None:
                        changes = await asyncio.to_thread(self._watch)
                    if await asyncio.to_thread(changes.wait, WAIT_SECONDS):
                        await self.push()
                        await asyncio.sleep(PAUSE_SECONDS)
                except OrchestratorError:
                    await asyncio.sleep(WAIT_SECONDS)
        finally:
            if changes is not None:
                await asyncio.to_thread(changes.close)

    async def push(self) -> None:
        """Render what somebody looks at, and give it to them where it is new."""
        for topic in list(self._clients):
            html = await asyncio.to_thread(self._render, topic)
            if html is not None and html != self._shown.get(topic) and topic in self._clients:
                self._shown[topic] = html
                for client in self._clients[topic]:
                    client.give(html)

    async def follow(self, topic: Topic) -> AsyncIterator[str]:
        """A topic's HTML now, and again at every change; ends when the hub closes or there is no such topic."""
        client = _Client()
        self._clients.setdefault(topic, set()).add(client)
        try:
            html = await self._current(topic)
            if html is None:
                return
            if html:
                yield html
            while not self._closed:
                following = await client.get()
                if following is None:
                    return
                if following != html:
                    html = following
                    yield html
        finally:
            self._clients[topic].discard(client)
            if not self._clients[topic]:
                del self._clients[topic]
                self._shown.pop(topic, None)

    async def _current(self, topic: Topic) -> str | None:
        """What is true now, "" when the ledger cannot be read.

        Clients that come at the same time, as after a restart, share one rendering.
        """
        making = self._making.get(topic)
        if making is None:
            making = asyncio.ensure_future(asyncio.to_thread(self._render, topic))
            self._making[topic] = making
            making.add_done_callback(lambda _: self._making.pop(topic, None))
        with contextlib.suppress(OrchestratorError):
            return await asyncio.shield(making)
        return ""

    def close(self) -> None:
        """End all streams, so that the server can stop."""
        self._closed = True
        for clients in self._clients.values():
            for client in clients:
                client.give(None)
