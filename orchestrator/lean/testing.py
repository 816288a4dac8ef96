"""The in-memory session: replies come from a function, nothing is started."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from orchestrator.errors import SessionClosed, SessionError, SessionTimeout
from orchestrator.lean.protocol import Reply, Request

Answer = Reply | BaseException | float
"""What a script gives back: a reply, an error to raise, or seconds that pass before it is asked again."""


class ScriptedSession:
    """A `Session` that answers from a script: a function of the request, or answers in their order.

    Attributes:
        asked: every request so far, in order.
        generation: grows with every session error.
    """

    compiled = None

    generation = 1

    def __init__(self, script: Callable[[Request], Answer] | Iterable[Answer]) -> None:
        if callable(script):
            self._script = script
        else:
            answers = iter(script)
            self._script = lambda _request: next(answers)
        self.asked: list[Request] = []
        self.closed = False

    async def exchange(self, request: Request, *, timeout: float) -> Reply:
        """Answer from the script.

        Raises:
            SessionClosed: after close().
            SessionTimeout: the script waits longer than `timeout`.
        """
        if self.closed:
            raise SessionClosed("The session is closed")
        self.asked.append(request)
        answer = self._script(request)
        while isinstance(answer, float):
            timeout -= answer
            answer = SessionTimeout("No reply in time") if timeout < 0 else self._script(request)
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            self.lose()
            raise
        if isinstance(answer, SessionError):
            self.lose()
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def lose(self) -> None:
        """Behave as if the process had ended between two requests."""
        self.generation += 1

    async def recycle_if_grown(self) -> bool:
        """It never grows."""
        return False

    async def close(self) -> None:
        """Refuse everything from now on."""
        self.closed = True
