"""Slots that never outnumber the Lean servers, whatever the light and heavy limits say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol


class Weight(StrEnum):
    """The two classes of work, each with its own limit, so that neither starves the other."""

    LIGHT = "light"
    HEAVY = "heavy"


class Slots(Protocol):
    """Who may work now."""

    def acquire(self, weight: Weight) -> bool:
        """Take a slot if one is free; never waits."""

    def release(self, weight: Weight) -> None:
        """Give one back."""


class LocalSlots:
    """The limits of this process, by weight."""

    def __init__(self, limits: Mapping[Weight, int]) -> None:
        self.limits = dict(limits)
        self.used: Counter[Weight] = Counter()

    def acquire(self, weight: Weight) -> bool:
        """See `Slots.acquire`."""
        if self.used[weight] >= self.limits[weight]:
            return False
        self.used[weight] += 1
        return True

    def release(self, weight: Weight) -> None:
        """See `Slots.release`."""
        self.used[weight] -= 1


class ServerSlots:
    """The light and heavy limits of this process, with a common limit of one attempt a server.

    Heavy work never takes the last server: light goals go on beside it.

    Args:
        limits: the most attempts at once, by weight.
        servers: how many Lean servers there are.
    """

    def __init__(self, limits: Mapping[Weight, int], servers: int) -> None:
        heavy = min(limits[Weight.HEAVY], max(1, servers - 1))
        self.limits = {Weight.LIGHT: min(limits[Weight.LIGHT], servers), Weight.HEAVY: heavy}
        self.servers = servers
        self.used: Counter[Weight] = Counter()

    def acquire(self, weight: Weight) -> bool:
        """Take a slot if one is free; never waits."""
        if self.used[weight] >= self.limits[weight] or self.used.total() >= self.servers:
            return False
        self.used[weight] += 1
        return True

    def release(self, weight: Weight) -> None:
        """Give one back."""
        self.used[weight] -= 1
