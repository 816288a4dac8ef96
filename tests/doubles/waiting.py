"""Waiting for what gives no sign of itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], bool]) -> None:
    """Return when `condition` holds; if it never does, the test runs into its time limit."""
    while not condition():  # noqa: ASYNC110 - another process sets no event of ours
        await asyncio.sleep(0.01)
