"""A watch on the ledger that sees a change when it is told to."""

from __future__ import annotations

import threading


class ScriptedChanges:
    def __init__(self) -> None:
        self._told = threading.Event()

    def tell(self) -> None:
        self._told.set()

    def wait(self, seconds: float) -> bool:
        happened = self._told.wait(seconds)
        self._told.clear()
        return happened

    def close(self) -> None:
        pass
