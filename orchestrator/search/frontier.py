"""States that wait for expansion, the likeliest first."""

from __future__ import annotations

import heapq
from itertools import count

from orchestrator.search.tree import Node


class Frontier:
    """A queue by cumulative log-probability; among equals the first come is the first served."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, float, Node]] = []
        self._arrivals = count()

    def push(self, node: Node) -> None:
        """Let a node wait. One that waits already gets its new place; the old entry is passed over."""
        entry = (-node.log_probability, next(self._arrivals), node.log_probability, node)
        heapq.heappush(self._heap, entry)

    def pop(self) -> Node | None:
        """Take the likeliest node; None when none waits."""
        while self._heap:
            _, _, log_probability, node = heapq.heappop(self._heap)
            if not node.expanded and node.log_probability == log_probability:
                return node
        return None
