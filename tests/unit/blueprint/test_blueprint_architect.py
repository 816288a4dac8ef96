"""Nodes kept in Lean attributes."""

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.blueprint.architect import ArchitectNode, AttributeTokenKind, collect, tokens, with_lean_nodes
from orchestrator.blueprint.graph import DependencyGraph
from orchestrator.blueprint.nodes import Blueprint, ProblemKind
from orchestrator.blueprint.status import DeclarationTruth, Truth, evaluate
from orchestrator.blueprint.sync import plan
from orchestrator.blueprint.tex.parser import parse

FILE = """
import Architect
-- @[blueprint "commented"] theorem no : True
/- /- nested -/ @[blueprint] theorem no' : True -/
def text := "@[blueprint] def no"

namespace Foo.Bar
/-- Doc @[blueprint]. -/
@[simp, blueprint
  -- the label
  "thm:a" (statement := /-- For $a$, "b" (c) ]. -/)
  (title := "T \\"q\\"") (uses := [x, "lab", -y.z, -"w"]) (proofUses := [p])
  (notReady := true) (discussion := 12) (latexEnv := "lemma")]
@[inline] private noncomputable theorem a.{u} (h : x) : True := by
  /-- Step. -/
  trivial
section
@[blueprint]
lemma _root_.b : True := trivial
end
@[blueprint? (proof := /-- P -/) (hasProof := false)] def c' := 'a'
end Foo.Bar

noncomputable section Named
@[to_additive (attr := simp, blueprint "thm:mul")] theorem mul : True := trivial
@[blueprint] instance (priority := low) : Inhabited Nat := inferInstance
@[blueprint (latexLabel := "ex")] scoped instance named : Inhabited Nat := inferInstance
@[blueprint "cls"] class inductive C | x
end Named
attribute [blueprint "out:side" (statement := /-- S -/)] Some.one Other.one
theorem after : True := trivial
@[simp] theorem plain : True := trivial
"""


def test_everything_an_attribute_can_say() -> None:
    nodes = collect({"F.lean": FILE})
    assert [(node.label, node.declaration, node.has_proof) for node in nodes] == [
        ("thm:a", "Foo.Bar.a", True),
        ("b", "b", True),
        ("Foo.Bar.c'", "Foo.Bar.c'", False),
        ("thm:mul", "mul", True),
        ("", "", False),
        ("ex", "named", False),
        ("cls", "C", False),
        ("out:side", "Some.one", False),
        ("out:side", "Other.one", False),
    ]
    assert nodes[0] == ArchitectNode(
        label="thm:a",
        declaration="Foo.Bar.a",
        file="F.lean",
        line=9,
        uses=("x", "lab", "p"),
        not_ready=True,
        has_proof=True,
    )


def test_files_come_by_path_and_without_attributes_there_is_nothing() -> None:
    texts = {"B.lean": "@[blueprint] def b := 1", "A.lean": "@[blueprint] def a := 1", "C.lean": "def blueprint := 1"}
    assert [node.declaration for node in collect(texts)] == ["a", "b"]


def test_truth_by_label() -> None:
    nodes = collect(
        {"A.lean": '@[blueprint "l"] theorem a : x\n@[blueprint "l"] theorem b : x\n@[blueprint] def c := 1'}
    )
    open_one = DeclarationTruth(exists=True, axioms=("sorryAx",), sorry_free=False, body_has_sorry=True)
    blueprint = with_lean_nodes(Blueprint(), nodes)
    status = evaluate(blueprint, {"a": DeclarationTruth(exists=True), "b": open_one})
    assert (blueprint.root, blueprint.editable, plan(blueprint, status)) == ("Lean files", False, ())
    one, other = status.nodes
    assert (one.key, one.declarations, one.statement, one.proof) == ("l", ("a", "b"), Truth.TRUE, Truth.FALSE)
    assert (other.key, other.proved) == ("c", Truth.UNDECIDED)


def test_nodes_in_tex_and_in_lean_files_are_one_graph() -> None:
    tex = (
        r"\inputleannode{def:a}\begin{theorem}\label{thm:c}\uses{def:a}\lean{c}\end{theorem}"
        r"\begin{lemma}\label{twice}\lean{t}\end{lemma}"
    )
    lean = (
        '@[blueprint "def:a"] def a := 1\n@[blueprint "thm:b" (uses := [a, "thm:c"])] theorem b : x := y\n'
        '@[blueprint "twice"] theorem t : x := y'
    )
    read = parse({"web.tex": tex}.get, "web.tex")
    blueprint = with_lean_nodes(read, collect({"A.lean": lean}))
    assert [(node.key, node.generated) for node in blueprint.nodes] == [
        ("thm:c", False),
        ("twice", False),
        ("def:a", True),
        ("thm:b", True),
    ]
    assert blueprint.names == ("c", "t", "a", "b")
    assert (blueprint.editable, blueprint.root) == (True, "web.tex")
    assert DependencyGraph.of(blueprint).uses == {
        "thm:c": ("def:a",),
        "twice": (),
        "def:a": (),
        "thm:b": ("def:a", "thm:c"),
    }
    assert [(problem.kind, problem.file, problem.line) for problem in blueprint.problems] == [
        (ProblemKind.DUPLICATE_LABEL, "A.lean", 3)
    ]
    assert with_lean_nodes(read, ()) == read


def test_tokens() -> None:
    text = 'a.b\' «c d».e r#"x"y"# "\\u03b1\\x41\\n" \'"\' 12 /-! m -/ /-- d -/ := @['
    assert [(token.kind, token.text) for token in tokens(text)] == [
        (AttributeTokenKind.NAME, "a.b'"),
        (AttributeTokenKind.NAME, "«c d».e"),
        (AttributeTokenKind.STRING, 'x"y'),
        (AttributeTokenKind.STRING, "αA\n"),
        (AttributeTokenKind.NUMBER, "12"),
        (AttributeTokenKind.DOC, "d"),
        (AttributeTokenKind.SYMBOL, ":="),
        (AttributeTokenKind.SYMBOL, "@["),
    ]


WORDS = """@[ blueprint "l" ( ) [ ] := /-- -/ /- -- theorem x , namespace end section attribute statement uses - " '
    \\ « r#" """


@settings(deadline=None)
@given(st.lists(st.sampled_from([*WORDS.split(), " ", "\n"]), max_size=30).map("".join))
def test_broken_files_are_survived(text: str) -> None:
    for node in collect({"F.lean": text}):
        assert 1 <= node.line <= text.count("\n") + 1
