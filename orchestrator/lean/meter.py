"""How much Lean a run has used."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class LeanMeter:
    """Adds up over all sessions that share it.

    `seconds`: wall time in which servers were starting or had a request to answer, summed over servers.
    """

    seconds: float = 0.0
    processes: int = 0

    def count_start(self) -> None:
        """Count a server that is about to start."""
        self.processes += 1

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the time inside the block."""
        start = time.monotonic()
        try:
            yield
        finally:
            self.seconds += time.monotonic() - start
