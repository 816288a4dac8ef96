"""Whether a patched command is the original with its sorries filled, and whether the fillings are proofs."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import MalformedReply
from orchestrator.gate.fillings import Allowance, refusals
from orchestrator.gate.shape import shape_of
from orchestrator.gate.syntax import (
    Difference,
    Fillings,
    Identifier,
    Tree,
    TreeNode,
    fillings,
    has_sorry,
    text_of,
    tree_of,
)
from orchestrator.goals.goal import Position
from orchestrator.lean.protocol import CommandPair, ComparisonReply, Message, Severity
from orchestrator.source.owner_rules import read_rules

TERM, TACTIC, COMMAND = "Lean.Parser.Term.", "Lean.Parser.Tactic.", "Lean.Parser.Command."
SORRY = TreeNode(f"{TERM}sorry", ("sorry",))
SORRY_TACTIC = TreeNode(f"{TACTIC}tacticSorry", ("sorry",))
RFL = TreeNode(f"{TACTIC}tacticRfl", ("rfl",))
NOTHING = TreeNode("null", ())


def sequence(*tactics: Tree) -> TreeNode:
    return TreeNode(f"{TACTIC}tacticSeq", (TreeNode(f"{TACTIC}tacticSeq1Indented", (TreeNode("null", tactics),)),))


def by(*tactics: Tree) -> TreeNode:
    return TreeNode(f"{TERM}byTactic", ("by", sequence(*tactics)))


def body(value: Tree, where: Tree = NOTHING) -> TreeNode:
    return TreeNode(
        f"{COMMAND}declValSimple", (":=", value, TreeNode("Lean.Parser.Termination.suffix", (NOTHING,)), where)
    )


def theorem(value: Tree, name: str = "t", statement: Tree = "True", where: Tree = NOTHING) -> TreeNode:
    head = TreeNode(f"{COMMAND}declSig", (":", statement))
    return TreeNode(
        f"{COMMAND}declaration",
        (
            TreeNode(f"{COMMAND}declModifiers", (NOTHING,)),
            TreeNode(f"{COMMAND}theorem", ("theorem", Identifier(name), head, body(value, where))),
        ),
    )


leaves = st.one_of(st.none(), st.sampled_from(["(", "x", "+"]), st.builds(Identifier, st.sampled_from(["a", "b"])))
trees = st.recursive(
    leaves,
    lambda inner: st.builds(
        TreeNode, st.sampled_from(["k", "l", f"{TERM}app"]), st.lists(inner, max_size=3).map(tuple)
    ),
    max_leaves=12,
)


@given(trees)
def test_any_filling_is_found_as_it_is(filling: Tree) -> None:
    if filling is not None:
        assert fillings(theorem(SORRY), theorem(filling)) == Fillings((filling,))
        assert fillings(theorem(by(SORRY_TACTIC)), theorem(filling)) == Fillings((filling,))


def equations(value: Tree, where: Tree = NOTHING) -> TreeNode:
    hints = TreeNode("Lean.Parser.Termination.suffix", (NOTHING,))
    return TreeNode(f"{TERM}matchAltsWhereDecls", (TreeNode("alternatives", ("|", value)), hints, where))


def local(name: str, value: Tree, hints: Tree = NOTHING) -> TreeNode:
    declared = TreeNode(f"{TERM}letDecl", (Identifier(name), ":=", value))
    return TreeNode(f"{TERM}letRecDecl", (NOTHING, NOTHING, declared, hints))


def where(*lemmas: TreeNode) -> TreeNode:
    return TreeNode("null", (TreeNode(f"{TERM}whereDecls", ("where", TreeNode("null", lemmas))),))


@given(trees, trees)
def test_without_a_sorry_only_the_same_is_the_same(one: Tree, other: Tree) -> None:
    found = fillings(theorem("x", statement=one), theorem("x", statement=other))
    assert (found == Fillings(())) == (one == other)
    assert isinstance(found, Difference) == (one != other)


@given(trees)
def test_nothing_but_the_hole_may_change(filling: Tree) -> None:
    assert isinstance(fillings(theorem(SORRY), theorem(filling, name="u")), Difference)
    assert isinstance(fillings(theorem(SORRY), theorem(filling, statement="False")), Difference)


@pytest.mark.parametrize(
    ("original", "patched", "count"),
    [
        (theorem(by(RFL, NOTHING, SORRY_TACTIC)), theorem(by(RFL)), 1),
        (theorem(by(SORRY_TACTIC)), theorem("term"), 1),
        (theorem(SORRY, statement=SORRY), theorem("p", statement="q"), 2),
        (
            theorem(SORRY),
            theorem("go", where=TreeNode("null", (TreeNode(f"{TERM}whereDecls", ("where", "go")),))),
            2,
        ),
        (equations(SORRY), equations("go", where(local("go", "p"))), 2),
        (local("go", SORRY), local("go", "p", TreeNode("null", ("termination_by", "n"))), 2),
        (theorem(TreeNode("pair", (Identifier("f.x"), SORRY))), theorem(TreeNode("pair", (Identifier("f.x"), "p"))), 1),
        (theorem(TreeNode(f"{TERM}app", (Identifier("sorryAx"), "_"))), theorem("p"), 1),
        (theorem(TreeNode("pair", ("1", by(SORRY_TACTIC)))), theorem(TreeNode("pair", ("1", by(RFL)))), 1),
    ],
)
def test_what_people_write_into_holes(original: Tree, patched: Tree, count: int) -> None:
    found = fillings(original, patched)
    assert not isinstance(found, Difference)
    assert len(found.parts) == count


@pytest.mark.parametrize(
    ("original", "patched"),
    [
        (theorem(TreeNode("pair", ("1000", by(SORRY_TACTIC)))), theorem(TreeNode("pair", ("1", by(RFL))))),
        (theorem("whole"), theorem("another")),
        (theorem("whole"), theorem("whole", where=TreeNode("null", ("where",)))),
        (equations("whole"), equations("whole", where(local("go", "p")))),
        (local("go", "whole"), local("go", "whole", TreeNode("null", ("termination_by", "n")))),
        (
            theorem(by(TreeNode("alone", (sequence(RFL, NOTHING, SORRY_TACTIC),)))),
            theorem(by(TreeNode("alone", (RFL,)))),
        ),
        (theorem(SORRY), theorem(None)),
    ],
)
def test_what_is_more_than_a_filling(original: Tree, patched: Tree) -> None:
    assert isinstance(fillings(original, patched), Difference)


def option(name: str, value: Tree) -> TreeNode:
    return TreeNode(f"{TACTIC}set_option", ("set_option", Identifier(name), NOTHING, value, "in", sequence(RFL)))


def configured(value: Tree) -> TreeNode:
    item = TreeNode(f"{TACTIC}valConfigItem", ("(", Identifier("config"), ":=", value, ")"))
    return TreeNode(f"{TACTIC}simp", ("simp", TreeNode(f"{TACTIC}optConfig", (TreeNode("null", (item,)),))))


def structure(value: Tree) -> TreeNode:
    return TreeNode(f"{TERM}structInst", ("{", TreeNode(f"{TERM}structInstField", (Identifier("x"), ":=", value)), "}"))


def number(text: str) -> TreeNode:
    return TreeNode("num", (text,))


@pytest.mark.parametrize(
    ("filling", "why"),
    [
        (by(TreeNode(f"{TACTIC}nativeDecide", ("native_decide",))), "trusts the compiler"),
        (
            by(TreeNode(f"{TACTIC}decide", ("decide", TreeNode(f"{TACTIC}optConfig", (Identifier("native"),))))),
            "compiler",
        ),
        (TreeNode(f"{TERM}unsafe", ("unsafe", "x")), "not checked by the kernel"),
        (TreeNode("Lean.byElab", ("by_elab", "x")), "runs code"),
        (TreeNode("My.own", ("run_tac", "x")), "runs code"),
        (TreeNode(f"{TERM}attributes", ("@[", "simp", "]")), "attribute"),
        (TreeNode(f"{TACTIC}quot", ("`(tactic|", RFL, ")")), "quotation"),
        (TreeNode(f"{TERM}dynamicQuot", ("`(", "x", ")")), "quotation"),
        (TreeNode("antiquot", ("$", "x")), "quotation"),
        (by(option("debug.skipKernelTC", "true")), "debug.skipKernelTC"),
        (by(option("«debug».skipKernelTC", "true")), "debug.skipKernelTC"),
        (by(option("maxHeartbeats", number("0"))), "maxHeartbeats 0"),
        (by(option("maxHeartbeats", number("400_000"))), "maxHeartbeats 400000"),
        (by(option("«maxHeartbeats»", number("0x100000"))), "maxHeartbeats"),
        (by(option("synthInstance.maxHeartbeats", number("0"))), "synthInstance.maxHeartbeats 0"),
        (by(configured(TreeNode(f"{TERM}app", (Identifier("f"), number("5"))))), "computed"),
        (by(configured(TreeNode(f"{TERM}anonymousCtor", ("⟨", Identifier("true"), "⟩")))), "computed"),
        (by(configured(structure(TreeNode(f"{TERM}let", ("let", "x"))))), "computed"),
        (by(configured(by(RFL))), "computed"),
    ],
)
def test_what_no_proof_needs_is_refused(filling: Tree, why: str) -> None:
    assert any(why in words for words in refusals(filling))
    assert any(why in words for words in refusals(theorem(TreeNode("deep", (filling,)))))


@pytest.mark.parametrize(
    "filling",
    [
        by(RFL, NOTHING, SORRY_TACTIC),
        by(option("maxRecDepth", number("4000"))),
        by(option("pp.all", "true")),
        by(option("maxHeartbeats", number("100_000"))),
        by(configured(number("5"))),
        by(configured(structure(number("5")))),
        by(configured(TreeNode(f"{TERM}app", (TreeNode(f"{TERM}dotIdent", (".", Identifier("pos"))), number("1"))))),
        TreeNode("str", ('"unsafe"',)),
        TreeNode(f"{TERM}doubleQuotedName", ("`", "`", Identifier("Nat"))),
    ],
)
def test_what_proofs_are_made_of_passes(filling: Tree) -> None:
    assert refusals(filling) == ()


def test_an_owner_may_allow_more() -> None:
    native = by(TreeNode(f"{TACTIC}nativeDecide", ("native_decide",)))
    assert refusals(native, Allowance.of(read_rules({"native_decide": True}))) == ()
    assert refusals(by(option("maxHeartbeats", number("400000"))), Allowance(max_heartbeats=400_000)) == ()
    assert refusals(by(option("my.option", "true")), Allowance(options=("my.",))) == ()


def test_what_the_owner_allows_is_what_the_rules_say() -> None:
    rules = read_rules(
        {"allowed_axioms": ["Mine.ax"], "max_heartbeats": 400_000, "allowed_options": ["my."], "native_decide": True}
    )
    allowed = Allowance.of(rules, frozenset({"Yours.ax"}))
    assert allowed.axioms > {"Mine.ax", "Yours.ax", "propext", "Lean.ofReduceBool"}
    assert (allowed.max_heartbeats, allowed.options, allowed.native_decide) == (400_000, ("my.",), True)
    assert Allowance.of(read_rules({})) == Allowance()
    assert Allowance.of(read_rules({"max_heartbeats": 10})).max_heartbeats == 200_000


@pytest.mark.parametrize(
    "more",
    [
        replace(Allowance(), axioms=frozenset({"x"})),
        replace(Allowance(), max_heartbeats=300_000),
        replace(Allowance(), options=("x.y",)),
    ],
)
def test_whatever_else_is_allowed_is_another_question(more: Allowance) -> None:
    assert str(more) != str(Allowance())


def json_of(tree: Tree) -> object:
    if isinstance(tree, TreeNode):
        return [tree.kind, *map(json_of, tree.children)]
    return {"ident": tree.name} if isinstance(tree, Identifier) else tree


@given(trees)
def test_a_tree_is_read_as_it_was_written(tree: Tree) -> None:
    assert tree_of(json_of(tree)) == tree


@pytest.mark.parametrize("value", [1, [], [1], {"ident": 1}, {"name": "x"}, ["k", 1.5], True])
def test_what_is_no_tree_is_said(value: object) -> None:
    with pytest.raises(MalformedReply, match="syntax tree"):
        tree_of(value)


def test_a_tree_in_words() -> None:
    assert text_of(theorem(SORRY)) == "theorem t : True := sorry"
    assert text_of(TreeNode("k", ("(", Identifier("[anonymous]"), "x", ")"))) == "( x )"
    assert len(text_of(TreeNode("k", ("word",) * 50))) == 60
    assert has_sorry(theorem(by(TreeNode("deep", (SORRY_TACTIC,)))))
    assert not has_sorry(theorem(by(RFL)))


def reply(*pairs: tuple[Tree, Tree, str], messages: tuple[Message, ...] = ()) -> ComparisonReply:
    made = tuple(
        CommandPair(json_of(o) if o is not None else None, json_of(p), Position(7, 0), ("t",), name)
        for o, p, name in pairs
    )
    return ComparisonReply(1, made, messages, ())


def test_the_shape_of_a_file() -> None:
    helper, target = theorem(by(RFL), name="h"), theorem(by(Identifier("h")))
    shape = shape_of(reply((None, helper, "h"), (theorem(SORRY), target, "t")), frozenset({"h"}), Allowance())
    assert shape.problems == ()
    assert shape.added == ("h",)
    assert [command.made for command in shape.filled] == [("t",)]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (reply((None, theorem(by(RFL), name="h"), "h")), "Helper-lemma"),
        (reply((theorem("x"), theorem("y"), "t")), "line 7: `y` stands where the original has `x`"),
        (reply((theorem(SORRY), theorem(TreeNode("Lean.byElab", ("by_elab", "x"))), "t")), "runs code"),
        (reply(messages=(Message(Severity.ERROR, "unexpected token", Position(3, 1)),)), "line 3: unexpected token"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_line(found: ComparisonReply, words: str) -> None:
    shape = shape_of(found, frozenset(), Allowance())
    assert any(words in problem for problem in (*shape.problems, *shape.refused))
    assert not shape.is_clean


@pytest.mark.parametrize("name", ["f", "f.x"])
def test_no_local_lemma_has_a_name_that_the_original_speaks_of(name: str) -> None:
    original = theorem(TreeNode("pair", (Identifier("f.x.y"), SORRY)))
    patched = theorem(TreeNode("pair", (Identifier("f.x.y"), "p")), where=where(local("go", "p"), local(name, "p")))
    found = fillings(original, patched)
    assert isinstance(found, Difference)
    assert f"`{name}`" in found.words


def test_a_helper_is_a_theorem_and_nothing_else() -> None:
    changed = TreeNode(f"{COMMAND}declModifiers", (NOTHING, TreeNode(f"{TERM}attributes", ("@[", "simp", "]"))))
    tree = theorem(by(RFL), name="h")
    tree = TreeNode(tree.kind, (changed, tree.children[1]))
    (problem,) = shape_of(reply((None, tree, "h")), frozenset({"h"}), Allowance()).problems
    assert "more than a theorem" in problem
