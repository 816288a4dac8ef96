"""The dependency graph of a blueprint, from `\\uses` in statements and proofs. Pure.

Nodes go by their keys. An edge goes from what is used to what uses it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from orchestrator.blueprint.nodes import Blueprint, Part
from orchestrator.blueprint.status import BlueprintStatus, Truth


@dataclass(frozen=True)
class DependencyGraph:
    """Who uses whom. `uses`: for every node the nodes its statement or a proof of it uses, in the order written."""

    uses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, blueprint: Blueprint) -> DependencyGraph:
        """The graph of a blueprint. Labels that name no node, such as those of sections, make no edge."""
        return cls({node.key: keys_used(blueprint, (node.statement, *node.proofs)) for node in blueprint.nodes})

    @cached_property
    def used_by(self) -> Mapping[str, tuple[str, ...]]:
        """For every node the nodes that use it directly."""
        result: dict[str, list[str]] = {key: [] for key in self.uses}
        for key, used in self.uses.items():
            for below in used:
                result[below].append(key)
        return {key: tuple(users) for key, users in result.items()}

    def ancestors(self, key: str) -> frozenset[str]:
        """Everything the node uses, directly or not. The node itself is among them only when it lies on a cycle."""
        return _reach(self.uses, key)

    def descendants(self, key: str) -> frozenset[str]:
        """Everything that uses the node, directly or not."""
        return _reach(self.used_by, key)

    def unblocks(self, key: str, status: BlueprintStatus | None = None) -> int:
        """How many nodes wait on this one, directly or not: all that use it, or with a status only the unproved."""
        done = {node.key for node in status.nodes if node.done} if status else set()
        return len(self.descendants(key) - done - {key})

    def ready(self, status: BlueprintStatus) -> tuple[str, ...]:
        """Nodes whose statement is formalised, whose proof is not, and all of whose ancestors are proved.

        In the blueprint's order. A node on which nobody could decide is not ready, nor is one that is false.
        """
        done = {node.key for node in status.nodes if node.done}
        stated = (node for node in status.nodes if node.stated and not node.done and not node.refuted)
        wanted = (node.key for node in stated if node.proved is Truth.FALSE)
        return tuple(key for key in wanted if self.ancestors(key) <= done)

    def reduced(self) -> DependencyGraph:
        """The same without the edges that longer ways imply: what a node uses by way of something else it uses.

        The edges of a circle stay: none of them is implied more than the others.
        """
        above = {key: self.ancestors(key) for key in self.uses}
        return DependencyGraph(
            {
                key: tuple(u for u in used if not any(u in above[other] and other not in above[u] for other in used))
                for key, used in self.uses.items()
            }
        )

    def cycles(self) -> tuple[tuple[str, ...], ...]:
        """The circles in the graph, one for every knot of nodes that use one another: each node uses the next."""
        found = []
        seen: set[str] = set()
        for key in self.uses:
            if key not in seen and key in (knot := self.ancestors(key) & self.descendants(key)):
                seen |= knot
                found.append(self._circle(key, knot))
        return tuple(found)

    def _circle(self, key: str, knot: Iterable[str]) -> tuple[str, ...]:
        """A shortest way from `key` back to itself."""
        inside = set(knot)
        came_from: dict[str, str] = {}
        todo = [key]
        for current in todo:
            for below in self.uses[current]:
                if below == key:
                    way = [current]
                    while way[-1] != key:
                        way.append(came_from[way[-1]])
                    return tuple(reversed(way))
                if below in inside and below not in came_from:
                    came_from[below] = current
                    todo.append(below)
        return ()


def keys_used(blueprint: Blueprint, parts: Iterable[Part]) -> tuple[str, ...]:
    """The keys of the nodes that these statements and proofs use, in the order written."""
    labels = (label for part in parts for label in part.uses)
    nodes = blueprint.by_label
    return tuple(dict.fromkeys(nodes[label].key for label in labels if label in nodes))


def _reach(edges: Mapping[str, tuple[str, ...]], key: str) -> frozenset[str]:
    reached: set[str] = set()
    todo = list(edges[key])
    while todo:
        current = todo.pop()
        if current not in reached:
            reached.add(current)
            todo.extend(edges[current])
    return frozenset(reached)


READY = 1000
"""A node whose ancestors are all done goes before all that are not."""


def worth(blueprint: Blueprint, status: BlueprintStatus) -> dict[str, int]:
    """By declaration: the number of nodes that wait for its node, and `READY` on top when nothing holds it up.

    A sorried declaration below a node is worth as much as the node.
    """
    graph = DependencyGraph.of(blueprint)
    ready = set(graph.ready(status))
    found: dict[str, int] = {}
    for node in status.nodes:
        if node.done:
            continue
        value = 1 + graph.unblocks(node.key, status) + (READY if node.key in ready else 0)
        for name in (*node.declarations, *node.rests_on):
            found[name] = max(found.get(name, 0), value)
    return found
