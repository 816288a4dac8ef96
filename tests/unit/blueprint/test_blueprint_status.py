"""What is true of a node, for every kind of fact."""

import pytest

from orchestrator.blueprint.nodes import Blueprint, MarkPosition
from orchestrator.blueprint.status import DeclarationTruth, NodeStatus, Truth, evaluate, judge
from orchestrator.blueprint.tex.parser import parse

PROVED = DeclarationTruth(exists=True, axioms=("propext",))
MISSING = DeclarationTruth(exists=False)
OPEN = DeclarationTruth(exists=True, axioms=("sorryAx",), sorry_free=False, body_has_sorry=True)
CONDITIONAL = DeclarationTruth(exists=True, axioms=("sorryAx", "propext"), sorry_free=False, rests_on=("Below.x",))
NATIVE = DeclarationTruth(exists=True, axioms=("A._native.native_decide.ax_1",))
SORRIED_TYPE = DeclarationTruth(exists=True, statement_has_sorry=True, axioms=("sorryAx",), sorry_free=False)


def data(fact: DeclarationTruth) -> DeclarationTruth:
    return DeclarationTruth(
        exists=fact.exists,
        statement_has_sorry=fact.statement_has_sorry,
        axioms=fact.axioms,
        sorry_free=fact.sorry_free,
        rests_on=fact.rests_on,
        is_data=True,
        body_has_sorry=fact.body_has_sorry,
    )


@pytest.mark.parametrize(
    ("fact", "statement", "proof", "closed"),
    [
        (PROVED, Truth.TRUE, Truth.TRUE, Truth.TRUE),
        (MISSING, Truth.FALSE, Truth.FALSE, Truth.FALSE),
        (OPEN, Truth.TRUE, Truth.FALSE, Truth.FALSE),
        (CONDITIONAL, Truth.TRUE, Truth.FALSE, Truth.TRUE),
        (NATIVE, Truth.TRUE, Truth.FALSE, Truth.FALSE),
        (SORRIED_TYPE, Truth.FALSE, Truth.FALSE, Truth.FALSE),
        (data(PROVED), Truth.TRUE, Truth.TRUE, Truth.TRUE),
        (data(OPEN), Truth.FALSE, Truth.FALSE, Truth.FALSE),
        (data(CONDITIONAL), Truth.TRUE, Truth.FALSE, Truth.TRUE),
        (data(SORRIED_TYPE), Truth.FALSE, Truth.FALSE, Truth.FALSE),
        (None, Truth.UNDECIDED, Truth.UNDECIDED, Truth.UNDECIDED),
    ],
)
def test_one_declaration(fact: DeclarationTruth | None, statement: Truth, proof: Truth, closed: Truth) -> None:
    facts = {} if fact is None else {"A": fact}
    with_proof = judge("k", ["A"], facts, has_proof=True)
    assert (with_proof.statement, with_proof.proof, with_proof.proved) == (statement, proof, proof)
    without_proof = judge("k", ["A"], facts, has_proof=False)
    assert (without_proof.statement, without_proof.proved) == (statement, closed)


def test_names_are_given_for_everything_that_is_wrong() -> None:
    facts = {"A": MISSING, "B": CONDITIONAL, "C": NATIVE, "D": OPEN, "F": PROVED}
    status = judge("k", ["A", "B", "C", "D", "E"], facts, proof_names=["F"], has_proof=True)
    assert status.missing == ("A",)
    assert status.rests_on == ("Below.x",)
    assert status.forbidden_axioms == ("A._native.native_decide.ax_1",)
    assert status.open_here == ("D",)
    assert status.declarations == ("A", "B", "C", "D", "E", "F")


def test_conditional_means_that_only_others_are_open() -> None:
    assert judge("k", ["A"], {"A": CONDITIONAL}, has_proof=True).conditional
    assert not judge("k", ["A", "B"], {"A": CONDITIONAL, "B": OPEN}, has_proof=True).conditional
    own = DeclarationTruth(exists=True, sorry_free=False, rests_on=("A", "B"))
    status = judge("k", ["A"], {"A": own}, has_proof=True)
    assert (status.open_here, status.rests_on, status.conditional) == (("A",), ("B",), False)


def test_a_sorry_that_is_nowhere_else_is_the_declarations_own() -> None:
    vague = DeclarationTruth(exists=True, sorry_free=False, is_data=True)
    assert judge("k", ["A"], {"A": vague}, has_proof=False).statement is Truth.FALSE


def test_a_falsehood_outweighs_what_is_undecided() -> None:
    assert judge("k", ["A", "B"], {"A": MISSING}, has_proof=True).statement is Truth.FALSE
    assert judge("k", ["A", "B"], {"A": PROVED}, has_proof=True).statement is Truth.UNDECIDED


def test_a_node_that_names_nothing_is_undecided() -> None:
    assert judge("k", [], {}, has_proof=True).statement is Truth.UNDECIDED


def test_axioms_can_be_allowed_but_sorry_cannot() -> None:
    facts = {"A": DeclarationTruth(exists=True, axioms=("my.axiom",)), "B": OPEN}
    allowed = {"my.axiom", "sorryAx"}
    assert judge("k", ["A"], facts, has_proof=True, allowed_axioms=allowed).proof is Truth.TRUE
    assert judge("k", ["A"], facts, has_proof=True).proof is Truth.FALSE
    assert judge("k", ["B"], facts, has_proof=True, allowed_axioms=allowed).proof is Truth.FALSE
    only_axiom = {"A": DeclarationTruth(exists=True, axioms=("sorryAx",))}
    assert judge("k", ["A"], only_axiom, has_proof=True, allowed_axioms=allowed).proof is Truth.FALSE


def blueprint(text: str) -> Blueprint:
    return parse({"web.tex": text}.get, "web.tex")


def status_of(text: str, fact: DeclarationTruth) -> NodeStatus:
    return evaluate(blueprint(text), {"A": fact}).nodes[0]


def test_marks_are_compared() -> None:
    both = r"\begin{lemma}\lean{A}\leanok\end{lemma}\begin{proof}\leanok\end{proof}"
    neither = r"\begin{lemma}\lean{A}\end{lemma}\begin{proof}\end{proof}"
    assert status_of(both, PROVED).false_marks == status_of(both, PROVED).unmarked == ()
    assert status_of(both, OPEN).false_marks == (MarkPosition.PROOF,)
    assert status_of(both, MISSING).false_marks == (MarkPosition.STATEMENT, MarkPosition.PROOF)
    assert status_of(neither, PROVED).unmarked == (MarkPosition.STATEMENT, MarkPosition.PROOF)
    assert status_of(neither, OPEN).unmarked == (MarkPosition.STATEMENT,)
    assert status_of(neither, MISSING).false_marks == status_of(neither, MISSING).unmarked == ()
    counted = evaluate(blueprint(both + both), {"A": MISSING})
    assert [(len(node.false_marks), len(node.unmarked)) for node in counted.nodes] == [(2, 0), (2, 0)]


def test_a_node_without_a_proof_has_no_place_for_its_mark() -> None:
    assert status_of(r"\begin{definition}\lean{A}\leanok\end{definition}", PROVED).unmarked == ()


def test_the_mark_of_a_proof_that_is_not_read_counts_only_when_false() -> None:
    text = r"\begin{lemma}\lean{A}\leanok\end{lemma}\begin{proof}\leanok\end{proof}\begin{proof}\end{proof}"
    assert status_of(text, PROVED).unmarked == (MarkPosition.PROOF,)
    assert status_of(text, OPEN).false_marks == (MarkPosition.PROOF,)


def test_mathlib_nodes_are_left_alone_and_count_as_proved() -> None:
    status = status_of(r"\begin{lemma}\lean{A}\mathlibok\leanok\end{lemma}\begin{proof}\leanok\end{proof}", MISSING)
    assert (status.mathlib, status.done, status.stated) == (True, True, True)
    assert status.false_marks == status.unmarked == ()
    assert status.missing == ("A",)


@pytest.mark.parametrize(
    ("names", "stale"), [("A\nB\nA", False), ("A\nB\nA\n", False), ("B\nA\nA", True), ("A", True), (None, False)]
)
def test_stale_list_of_declarations(names: str | None, stale: bool) -> None:
    text = r"\begin{lemma}\lean{A}\end{lemma}\begin{lemma}\lean{B, A}\end{lemma}"
    parsed = blueprint(text)
    with_names = Blueprint(
        nodes=parsed.nodes, files=parsed.files, root="web.tex", declarations=parsed.declarations, lean_decls=names
    )
    assert evaluate(with_names, {}).stale_lean_decls is stale


def test_a_name_outside_every_node_is_missing_as_well() -> None:
    assert evaluate(blueprint(r"\lean{A}{\lean{B, A}}"), {"A": MISSING, "B": PROVED}).missing == ("A",)
