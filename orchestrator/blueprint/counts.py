"""What a blueprint's source holds, in numbers. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from orchestrator.blueprint.architect import ArchitectNode
from orchestrator.blueprint.nodes import Blueprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How often each thing is said, over all statements and proofs of nodes.

    Attributes:
        nodes: statements that are nodes, or labels tagged in Lean files.
        proofs: proofs that belong to them.
        declarations: names in `\\lean`.
        statement_marks: `\\leanok` in statements.
        proof_marks: `\\leanok` in proofs.
        not_ready: nodes marked `\\notready`.
        mathlib: `\\mathlibok`.
        uses: labels in `\\uses`.
    """

    nodes: int = 0
    proofs: int = 0
    declarations: int = 0
    statement_marks: int = 0
    proof_marks: int = 0
    not_ready: int = 0
    mathlib: int = 0
    uses: int = 0


def count(blueprint: Blueprint) -> Counts:
    """The numbers of a blueprint in TeX."""
    parts = [part for node in blueprint.nodes for part in (node.statement, *node.proofs)]
    return Counts(
        nodes=len(blueprint.nodes),
        proofs=sum(len(node.proofs) for node in blueprint.nodes),
        declarations=sum(len(part.lean) for part in parts),
        statement_marks=sum(len(node.statement.marks) for node in blueprint.nodes),
        proof_marks=sum(len(proof.marks) for node in blueprint.nodes for proof in node.proofs),
        not_ready=sum(node.notready for node in blueprint.nodes),
        mathlib=sum(len(part.mathlib_marks) for part in parts),
        uses=sum(len(part.uses) for part in parts),
    )


def count_architect(nodes: Iterable[ArchitectNode]) -> Counts:
    """The numbers of a blueprint kept in Lean files, where marks are not written by hand."""
    nodes = tuple(nodes)
    return Counts(
        nodes=len({node.label for node in nodes}),
        proofs=sum(node.has_proof for node in nodes),
        declarations=sum(bool(node.declaration) for node in nodes),
        not_ready=sum(node.not_ready for node in nodes),
        uses=sum(len(node.uses) + len(node.proof_uses) for node in nodes),
    )
