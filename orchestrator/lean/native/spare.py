"""A second process with the same imports: an import of Mathlib takes seconds, and a broken process another one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from orchestrator.errors import OrchestratorError
from orchestrator.lean.native.repl import Json, Repl

_IMPORT_SECONDS = 600.0


class Spare:
    """At most one process that has imported a header and waits to be taken.

    Args:
        start: starts a process.
        has_room: whether memory is left for one more.
    """

    def __init__(self, start: Callable[[], Awaitable[Repl]], has_room: Callable[[], bool]) -> None:
        self._start = start
        self._has_room = has_room
        self._header = ""
        self._importing: asyncio.Task[tuple[Repl, Json]] | None = None

    def prepare(self, header: str) -> None:
        """Begin one in the background, if there is room."""
        if self._importing is None and self._has_room():
            self._header = header
            self._importing = asyncio.create_task(self._imported(header))

    async def take(self, header: str, *, deadline: float) -> tuple[Repl, Json] | None:
        """The process and its reply to `header`, once it has imported it; None when there is none for this header."""
        importing = self._importing
        if importing is None or header != self._header:
            return None
        await asyncio.wait({importing}, timeout=max(0.0, deadline - asyncio.get_running_loop().time()))
        if not importing.done():
            return None
        self._importing = None
        with contextlib.suppress(OrchestratorError):
            repl, reply = importing.result()
            if repl.alive:
                return repl, reply
            await repl.kill()
        return None

    async def drop(self) -> None:
        """End it."""
        importing, self._importing = self._importing, None
        if importing is None:
            return
        importing.cancel()
        with contextlib.suppress(OrchestratorError, asyncio.CancelledError):
            repl, _ = await importing
            await repl.kill()

    async def _imported(self, header: str) -> tuple[Repl, Json]:
        repl = await self._start()
        try:
            return repl, await repl.request({"cmd": header}, timeout=_IMPORT_SECONDS)
        except BaseException:
            await repl.kill()
            raise
