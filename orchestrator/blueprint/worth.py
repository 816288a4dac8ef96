"""How much each declaration holds up, by the blueprint's graph. Pure."""

from __future__ import annotations

from orchestrator.blueprint.graph import DependencyGraph
from orchestrator.blueprint.nodes import Blueprint
from orchestrator.blueprint.status import BlueprintStatus

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
