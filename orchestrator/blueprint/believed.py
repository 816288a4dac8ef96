"""What to go by where Lean was not asked: the marks, and what the Lean files show as text. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from orchestrator.blueprint.nodes import Blueprint, Node
from orchestrator.blueprint.status import SORRY_AXIOM, BlueprintStatus, DeclarationTruth, NodeStatus, Truth

DATA_KEYWORDS = frozenset({"def", "abbrev", "instance", "structure", "class", "inductive", "opaque"})


@dataclass(frozen=True, slots=True)
class Shown:
    """A declaration as the text shows it: its name, its keyword, and whether a sorry stands in it."""

    name: str
    keyword: str
    is_open: bool


def facts_shown(shown: Iterable[Shown]) -> dict[str, DeclarationTruth]:
    """What the text alone proves: a declaration with a sorry in it is not proved, data with one is not even stated.

    Of all others nothing is said: what they rest on, only Lean knows.
    """
    return {
        each.name: DeclarationTruth(
            exists=True,
            axioms=(SORRY_AXIOM,),
            sorry_free=False,
            rests_on=(each.name,),
            is_data=each.keyword in DATA_KEYWORDS,
            body_has_sorry=True,
        )
        for each in shown
        if each.is_open
    }


def believed(blueprint: Blueprint, status: BlueprintStatus) -> BlueprintStatus:
    """The status with the marks believed wherever nothing is decided."""
    nodes: Mapping[str, Node] = {node.key: node for node in blueprint.nodes}
    return replace(status, nodes=tuple(_believe(nodes[each.key], each) for each in status.nodes))


def _believe(node: Node, status: NodeStatus) -> NodeStatus:
    proof_marked = node.proof_leanok or (node.proof is None and node.statement_leanok)
    return replace(
        status,
        statement=_or(status.statement, node.statement_leanok),
        proof=_or(status.proof, proof_marked),
        proved=_or(status.proved, proof_marked),
    )


def _or(truth: Truth, marked: bool) -> Truth:
    if truth is not Truth.UNDECIDED:
        return truth
    return Truth.TRUE if marked else Truth.FALSE
