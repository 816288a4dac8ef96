"""Whose turn it is: clients wait in lines of their own, which are served in turn, and no line grows without end."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from orchestrator.errors import BusyError


class Turns:
    """Lets a few pieces of work go on at once.

    Args:
        at_once: how many.
        a_client: how many of one client may be waiting or going on.
        waiting: how many of all clients together may be waiting.
    """

    def __init__(self, *, at_once: int, a_client: int = 8, waiting: int = 64) -> None:
        self._free = at_once
        self._a_client, self._most = a_client, waiting
        self._held: dict[str, int] = {}
        self._lines: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(map(len, self._lines.values()))

    @asynccontextmanager
    async def taken(self, client: str) -> AsyncIterator[None]:
        """A turn for a client, until the block ends. Raises BusyError: too much waits already."""
        held = self._held.get(client, 0)
        if held >= self._a_client:
            hint = "Wait for their answers, and ask again then"
            raise BusyError(f"{client} has {held} requests under way, the most that one client may have", hint=hint)
        if self.waiting >= self._most:
            raise BusyError(f"{self.waiting} requests wait already", hint="Ask again in a minute")
        self._held[client] = held + 1
        try:
            await self._turn(client)
            try:
                yield
            finally:
                self._free += 1
                self._next()
        finally:
            self._held[client] -= 1
            if not self._held[client]:
                del self._held[client]

    async def _turn(self, client: str) -> None:
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lines.setdefault(client, deque()).append(mine)
        self._next()
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():  # it was given the turn just before it left
                self._free += 1
                self._next()
            raise

    def _next(self) -> None:
        """Give free turns to those who wait, client by client."""
        while self._free and self._lines:
            client, line = self._lines.popitem(last=False)
            future = line.popleft()
            if line:
                self._lines[client] = line  # behind the others
            if not future.done():
                self._free -= 1
                future.set_result(None)
