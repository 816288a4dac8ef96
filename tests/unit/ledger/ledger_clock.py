"""A clock for ledger tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.time = datetime(2025, 9, 30, 21, 45, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def move(self, *, seconds: float) -> None:
        """Go on by so many seconds."""
        self.time += timedelta(seconds=seconds)
