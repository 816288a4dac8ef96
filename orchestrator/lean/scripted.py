"""The in-memory twin of a session: replies come from a function, nothing is started."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from orchestrator.errors import SessionClosed, SessionError, SessionTimeout
from orchestrator.lean.protocol import Reply, Request

Answer = Reply | BaseException | float
"""What a script gives back: a reply, an error to raise, or seconds to wait before the caller's timeout is checked."""


class ScriptedSession:
    """A `Session` that answers from a script and remembers what it was asked.

    Args:
        script: called with each request; or an iterable of answers given in order.

    Attributes:
        asked: every request so far, in order.
    """

    def __init__(self, script: Callable[[Request], Answer] | Iterable[Answer]) -> None:
        if callable(script):
            self._script = script
        else:
            answers = iter(script)
            self._script = lambda _request: next(answers)
        self.asked: list[Request] = []
        self.closed = False
        self._generation = 0
        self._alive = False

    @property
    def generation(self) -> int:
        """Grows with the first request and with the first one after every session error."""
        return self._generation

    async def exchange(self, request: Request, *, timeout: float) -> Reply:
        """Answer from the script.

        Raises:
            SessionClosed: after close().
            SessionTimeout: the script waits longer than `timeout`.
        """
        if self.closed:
            raise SessionClosed("The session is closed")
        if not self._alive:
            self._generation += 1
            self._alive = True
        self.asked.append(request)
        answer = self._script(request)
        if isinstance(answer, SessionError):
            self._alive = False
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(answer, float):
            if answer > timeout:
                self._alive = False
                raise SessionTimeout(f"No reply within {timeout:g} s")
            await asyncio.sleep(0)
            return await self.exchange(request, timeout=timeout - answer)
        await asyncio.sleep(0)
        return answer

    async def close(self) -> None:
        """Refuse everything from now on."""
        self.closed = True
