"""A blueprint as the ledger keeps it: each node with what it uses and where it stands. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from orchestrator.blueprint.graph import DependencyGraph, keys_used
from orchestrator.blueprint.nodes import Node
from orchestrator.blueprint.status import DeclarationTruth, NodeStatus, Truth, with_counterexamples
from orchestrator.blueprint.sync import BlueprintUpdate
from orchestrator.errors import RequestRefused
from orchestrator.gate.differences import sorried_below
from orchestrator.goals.declaration import Fingerprint
from orchestrator.lean.workspace import Workspace
from orchestrator.ledger.records import BlueprintNode, NodeState, ProofStage, StatementStage


def blueprint_nodes(update: BlueprintUpdate, refuted: Collection[str] = ()) -> tuple[BlueprintNode, ...]:
    """The nodes of a blueprint, in its order; goals of the declarations `refuted` have a counterexample."""
    graph = DependencyGraph.of(update.blueprint)
    current = with_counterexamples(update.status, refuted)
    ready = frozenset(graph.ready(current))
    nodes = {node.key: node for node in update.blueprint.nodes}
    by_key = {status.key: status for status in current.nodes}
    done = {status.key for status in current.nodes if status.done}
    stated = {status.key for status in current.nodes if status.stated}
    statement_uses = {key: keys_used(update.blueprint, [node.statement]) for key, node in nodes.items()}

    def border(key: str) -> StatementStage:
        if by_key[key].mathlib:
            return StatementStage.MATHLIB
        if key in stated:
            return StatementStage.STATED
        if nodes[key].statement.notready:
            return StatementStage.NOT_READY
        return StatementStage.CAN_STATE if stated.issuperset(statement_uses[key]) else StatementStage.WAITING

    def fill(key: str) -> ProofStage:
        if key in done:
            if done.issuperset(graph.ancestors(key)):
                return ProofStage.FULLY_PROVED
            return ProofStage.DEFINED if nodes[key].proof is None else ProofStage.PROVED
        can = stated.issuperset(graph.uses[key]) and not nodes[key].statement.notready
        return ProofStage.CAN_PROVE if can and key in stated else ProofStage.WAITING

    return tuple(
        BlueprintNode(
            key=status.key,
            title=nodes[status.key].statement.title,
            kind=nodes[status.key].statement.environment,
            declarations=status.declarations,
            uses=graph.uses[status.key],
            statement_uses=statement_uses[status.key],
            state=_state(status, ready),
            statement=border(status.key),
            proof=fill(status.key),
            refuted=status.refuted,
            false_marks=tuple(mark.value for mark in status.false_marks),
            unblocks=graph.unblocks(status.key, update.status),
            note="; ".join(_notes(nodes[status.key], status)),
        )
        for status in current.nodes
        if status.key in nodes
    )


def _state(status: NodeStatus, ready: frozenset[str]) -> NodeState:
    if status.done:
        return NodeState.PROVED
    if status.conditional:
        return NodeState.CONDITIONAL
    if status.key in ready:
        return NodeState.READY
    if status.stated:
        return NodeState.STATED
    return NodeState.UNDECIDED if status.statement is Truth.UNDECIDED and status.declarations else NodeState.NOT_READY


def _notes(node: Node, status: NodeStatus) -> Iterator[str]:
    if status.refuted:
        yield f"counterexample to a goal of {', '.join(status.refuted)}"
    if status.missing:
        yield f"not in Lean: {', '.join(status.missing)}"
    if status.rests_on:
        yield f"rests on {', '.join(status.rests_on)}"
    if status.forbidden_axioms:
        yield f"axioms: {', '.join(status.forbidden_axioms)}"
    if status.false_marks:
        yield f"marked though not true: {', '.join(mark.value for mark in status.false_marks)}"
    if node.statement.notready:
        yield "marked as not ready"


async def compiled_truths(workspace: Workspace, names: Sequence[str]) -> dict[str, DeclarationTruth] | None:
    """What is true of some names in a project that Lake compiles; None where a module of it is not compiled.

    Raises:
        SessionError: Lean broke.
    """
    try:
        there = blueprint_facts({"": await workspace.compiled_facts(names)})
    except RequestRefused:
        return None
    return {name: there.get(name, DeclarationTruth(exists=False)) for name in names}


def blueprint_facts(declarations: Mapping[str, Mapping[str, Fingerprint]]) -> dict[str, DeclarationTruth]:
    """What Lean says of each declaration of the project. Private ones are left out: no blueprint can name them."""
    everything = {name: fact for module in declarations.values() for name, fact in module.items()}
    return {
        fact.user_name: DeclarationTruth(
            exists=True,
            statement_has_sorry=fact.type_has_sorry,
            axioms=fact.axioms,
            sorry_free=not fact.has_sorry,
            rests_on=sorried_below(name, everything) if fact.has_sorry else (),
            is_data=fact.kind not in ("theorem", "axiom"),
            body_has_sorry=fact.own_sorry,
        )
        for name, fact in everything.items()
        if not fact.auxiliary and name == fact.user_name
    }
