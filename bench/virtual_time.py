"""An event loop whose clock jumps: waiting costs nothing, and waiting for nothing is an error instead of a hang."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class JumpingSelector(selectors.DefaultSelector):
    """Never sleeps: it moves the clock on by as long as it was asked to wait, or by what was `worked` meanwhile."""

    def __init__(self, worked: Callable[[], float]) -> None:
        super().__init__()
        self.now = 0.0
        self._worked = worked
        self._seen = worked()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """See `selectors.BaseSelector.select`."""
        ready = super().select(0)
        worked = self._worked()
        spent, self._seen = worked - self._seen, worked
        if not ready and timeout is None:
            raise RuntimeError("deadlock: everybody waits, and nothing is due")
        self.now += spent if ready or timeout is None else max(spent, timeout)
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A loop on virtual seconds, starting at 0; seconds of work, as `worked` counts them, come on top."""

    def __init__(self, worked: Callable[[], float] = lambda: 0.0) -> None:
        self._jumping = JumpingSelector(worked)
        super().__init__(self._jumping)

    def time(self) -> float:
        """Virtual seconds since the start."""
        return self._jumping.now


def now() -> float:
    """The running loop's clock."""
    return asyncio.get_running_loop().time()


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in virtual time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
