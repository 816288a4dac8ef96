"""What is true of each blueprint node, from what Lean says of the declarations it names. Pure.

The statement's mark is true iff every declaration in `\\lean` exists and its type is free of sorry, for definitions and
other data its body too. The proof's mark is true iff all axioms below the declarations are allowed. What nobody could
elaborate stays undecided, but for what the text shows to be false.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from orchestrator.blueprint.nodes import Blueprint, MarkPosition, Node
from orchestrator.goals.declaration import STANDARD_AXIOMS

SORRY_AXIOM = "sorryAx"


class Truth(StrEnum):
    """Whether a claim holds. Undecided: nothing names a declaration, or one could not be elaborated."""

    TRUE = "true"
    FALSE = "false"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class DeclarationTruth:
    """What Lean says of one declaration. A declaration nobody could elaborate has none of these.

    Attributes:
        rests_on: names of the declarations below it that hold a sorry themselves.
        is_data: it is a definition, a structure, an instance of data: its body belongs to the statement.
        by_text: only the text was seen: what looks false here is false, all else is undecided.
    """

    exists: bool
    statement_has_sorry: bool = False
    axioms: tuple[str, ...] = ()
    sorry_free: bool = True
    rests_on: tuple[str, ...] = ()
    is_data: bool = False
    body_has_sorry: bool = False
    by_text: bool = False


@dataclass(frozen=True, slots=True)
class NodeStatus:
    """What is true of one node.

    Attributes:
        proof: the proof is, with allowed axioms only; also given when the blueprint has no proof environment for it.
        proved: nothing is left to do for this node: `proof` where there is a proof environment; else the statement
            is formalised and the declarations' own bodies hold neither a sorry nor an axiom that is not allowed.
        open_here: its own declarations that hold a sorry themselves.
        rests_on: sorried declarations elsewhere, below its own.
        mathlib: marked as being in Mathlib: marks are left alone, and it counts as proved.
        unchecked: where there are marks on which nobody could decide; `marks` is the number of places with a mark.
        refuted: its declarations with a goal that an earlier run found a counterexample to.
        shown: Lean did not look, but the text shows every declaration.
    """

    key: str
    declarations: tuple[str, ...] = ()
    statement: Truth = Truth.UNDECIDED
    proof: Truth = Truth.UNDECIDED
    proved: Truth = Truth.UNDECIDED
    missing: tuple[str, ...] = ()
    open_here: tuple[str, ...] = ()
    rests_on: tuple[str, ...] = ()
    forbidden_axioms: tuple[str, ...] = ()
    false_marks: tuple[MarkPosition, ...] = ()
    unmarked: tuple[MarkPosition, ...] = ()
    mathlib: bool = False
    marks: int = 0
    unchecked: tuple[MarkPosition, ...] = ()
    shown: bool = False
    refuted: tuple[str, ...] = ()

    def truth(self, position: MarkPosition) -> Truth:
        """What a mark there claims."""
        return self.statement if position is MarkPosition.STATEMENT else self.proof

    @property
    def conditional(self) -> bool:
        """It has no sorry of its own left to fill, but rests on one elsewhere."""
        return bool(self.rests_on) and not self.open_here

    @property
    def written(self) -> bool:
        """The text shows a statement and a proof without a sorry, which Lean has not looked at."""
        return self.shown and self.statement is self.proof is Truth.UNDECIDED

    @property
    def done(self) -> bool:
        """Proved, or in Mathlib."""
        return self.mathlib or self.proved is Truth.TRUE

    @property
    def stated(self) -> bool:
        """The statement is formalised, or in Mathlib."""
        return self.mathlib or self.statement is Truth.TRUE


@dataclass(frozen=True, slots=True)
class BlueprintStatus:
    """What is true of a whole blueprint.

    `stale_lean_decls`: the generated list of names is there and differs from what the source says. False when parts of
    the source could not be read. `missing`: names in any `\\lean` that no declaration has.
    """

    nodes: tuple[NodeStatus, ...]
    stale_lean_decls: bool = False
    missing: tuple[str, ...] = ()


Facts = Mapping[str, DeclarationTruth]


def evaluate(
    blueprint: Blueprint, facts: Facts, *, allowed_axioms: Collection[str] = STANDARD_AXIOMS
) -> BlueprintStatus:
    """Compare a blueprint with the facts.

    Args:
        facts: by full declaration name; a name that is not in it is undecided.
        allowed_axioms: axioms a proof may rest on; sorry is never allowed.
    """
    stale = (
        blueprint.complete
        and blueprint.lean_decls is not None
        and tuple(blueprint.lean_decls.split()) != blueprint.declarations
    )
    nodes = tuple(_node_status(node, facts, allowed_axioms) for node in blueprint.nodes)
    missing = dict.fromkeys(name for name in blueprint.names if name in facts and not facts[name].exists)
    return BlueprintStatus(nodes, stale, tuple(missing))


def with_counterexamples(status: BlueprintStatus, refuted: Collection[str]) -> BlueprintStatus:
    """The status, told that a goal of each declaration in `refuted` has a counterexample."""
    nodes = (replace(node, refuted=tuple(n for n in node.declarations if n in refuted)) for node in status.nodes)
    return replace(status, nodes=tuple(nodes)) if refuted else status


def judge(
    key: str,
    statement_names: Iterable[str],
    facts: Facts,
    *,
    proof_names: Iterable[str] = (),
    has_proof: bool,
    allowed_axioms: Collection[str] = STANDARD_AXIOMS,
) -> NodeStatus:
    """What is true of a node that names these declarations, marks apart.

    Args:
        statement_names, proof_names: declarations that the statement names, and the proof beside those.
        has_proof: the blueprint keeps a proof apart from the statement.
    """
    names = tuple(dict.fromkeys(statement_names))
    all_names = tuple(dict.fromkeys((*names, *proof_names)))
    known = {name: facts[name] for name in all_names if name in facts}
    open_here = tuple(name for name, fact in known.items() if _holds_sorry(name, fact))
    axioms = dict.fromkeys(axiom for fact in known.values() for axiom in fact.axioms)
    forbidden = tuple(axiom for axiom in axioms if axiom not in allowed_axioms and axiom != SORRY_AXIOM)
    statement = _all(names, {name: _truth(fact, _is_stated(name, fact)) for name, fact in known.items()})
    proof = _all(all_names, {name: _truth(fact, _is_proved(fact, allowed_axioms)) for name, fact in known.items()})
    closed = Truth.FALSE if open_here or forbidden else statement
    return NodeStatus(
        key=key,
        declarations=all_names,
        statement=statement,
        proof=proof,
        proved=proof if has_proof else closed,
        missing=tuple(name for name, fact in known.items() if not fact.exists),
        open_here=open_here,
        rests_on=tuple(
            dict.fromkeys(below for fact in known.values() for below in fact.rests_on if below not in all_names)
        ),
        forbidden_axioms=forbidden,
        shown=len(known) == len(all_names) and any(fact.by_text for fact in known.values()),
    )


def _node_status(node: Node, facts: Facts, allowed_axioms: Collection[str]) -> NodeStatus:
    status = judge(
        node.key,
        node.statement.lean,
        facts,
        proof_names=(name for proof in node.proofs for name in proof.lean),
        has_proof=node.proof is not None,
        allowed_axioms=allowed_axioms,
    )
    if any(part.mathlibok for part in (node.statement, *node.proofs)):
        return replace(status, mathlib=True)
    if node.generated:
        return status
    marked = [position for position, parts in node.parts.items() if any(part.marks for part in parts)]
    return replace(
        status,
        marks=len(marked),
        false_marks=tuple(position for position in marked if status.truth(position) is Truth.FALSE),
        unchecked=tuple(position for position in marked if status.truth(position) is Truth.UNDECIDED),
        unmarked=tuple(
            position
            for position, parts in node.parts.items()
            if status.truth(position) is Truth.TRUE and parts and not parts[-1].marks
        ),
    )


def _all(names: tuple[str, ...], holds: Mapping[str, Truth]) -> Truth:
    """Whether it holds of every name; a name that `holds` lacks is undecided."""
    truths = [holds.get(name, Truth.UNDECIDED) for name in names]
    if Truth.FALSE in truths:
        return Truth.FALSE
    return Truth.TRUE if truths and Truth.UNDECIDED not in truths else Truth.UNDECIDED


def _truth(fact: DeclarationTruth, holds: bool) -> Truth:
    if not holds:
        return Truth.FALSE
    return Truth.UNDECIDED if fact.by_text else Truth.TRUE


def _is_stated(name: str, fact: DeclarationTruth) -> bool:
    return fact.exists and not fact.statement_has_sorry and not (fact.is_data and _holds_sorry(name, fact))


def _is_proved(fact: DeclarationTruth, allowed_axioms: Collection[str]) -> bool:
    return (
        fact.exists and fact.sorry_free and SORRY_AXIOM not in fact.axioms and set(fact.axioms) <= set(allowed_axioms)
    )


def _holds_sorry(name: str, fact: DeclarationTruth) -> bool:
    """The sorry is in the declaration itself; also when something is sorried and nothing below is named for it."""
    elsewhere = any(below != name for below in fact.rests_on)
    sorried = not fact.sorry_free or SORRY_AXIOM in fact.axioms
    return fact.statement_has_sorry or fact.body_has_sorry or name in fact.rests_on or (sorried and not elsewhere)


def believed(blueprint: Blueprint, status: BlueprintStatus) -> BlueprintStatus:
    """The status with the marks, and what the text shows no sorry in, believed wherever nothing is decided."""
    nodes: Mapping[str, Node] = {node.key: node for node in blueprint.nodes}
    return replace(status, nodes=tuple(_believe(nodes[each.key], each) for each in status.nodes))


def _believe(node: Node, status: NodeStatus) -> NodeStatus:
    proof_marked = node.proof_leanok or (node.proof is None and node.statement_leanok)
    return replace(
        status,
        statement=_or(status.statement, node.statement_leanok or status.shown),
        proof=_or(status.proof, proof_marked or status.written),
        proved=_or(status.proved, proof_marked or status.written),
    )


def _or(truth: Truth, marked: bool) -> Truth:
    if truth is not Truth.UNDECIDED:
        return truth
    return Truth.TRUE if marked else Truth.FALSE
