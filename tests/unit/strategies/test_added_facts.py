"""Closers that put facts beside the goal, whole proofs in one line, and library lemmas."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.strategies.hammer.added_facts import BY_NUMBERS, Automation, added_facts, witnesses
from orchestrator.strategies.hammer.closers import Effort, Lemmas, closers
from orchestrator.strategies.hammer.goal_facts import GoalFacts
from orchestrator.strategies.hammer.inductions import inductions
from orchestrator.strategies.hammer.library_lemmas import library_lemmas, unknown_names
from orchestrator.strategies.hammer.moves import moves
from orchestrator.strategies.local_context import LocalContext

PLAIN = Automation()
TREES = LocalContext(
    definitions=("size",),
    recursions=frozenset({"size"}),
    types=("Tree", "Pair"),
    predicates=("Mem",),
    theorems=("Grp.assoc", "Grp.inv_op"),
    constructors={"Mem": ("Mem.here",), "Tree": ("Tree.leaf", "Tree.node"), "Pair": ("Pair.mk",)},
)


def hints_of(text: str, local: LocalContext = TREES) -> list[str]:
    return list(added_facts(GoalFacts(text, local), PLAIN))


def witnesses_of(text: str) -> list[str]:
    return list(witnesses(GoalFacts(text, TREES), PLAIN))


def shots_of(text: str) -> list[str]:
    return list(inductions(GoalFacts(text, TREES), PLAIN, text))


def test_hypotheses_are_taken_at_every_variable_of_their_type() -> None:
    found = hints_of("α : Type\nR : α → α → Prop\na b : α\nh : ∀ (x y : α), R x y\n⊢ R a b")
    haves = "; ".join(f"have := h {x} {y}" for x in "ab" for y in "ab")
    assert found == [f"({haves}; grind)", f"({haves}; simp_all)"]
    assert hints_of("a : Nat\nh : ∀ (x : Int), 0 ≤ x * x\n⊢ a = a") == []


def test_the_laws_of_a_structure_are_taken_at_its_elements() -> None:
    found = hints_of("G : Type\ng : Grp G\na : G\n⊢ g.op a a = a")
    assert found[0] == "(try have := Grp.assoc g a; try have := Grp.inv_op g a; grind)"


def test_of_two_numbers_one_is_the_other_and_something_more() -> None:
    natural = hints_of("a b : Nat\n⊢ 4 * (a * b) ≤ (a + b) * (a + b)")
    assert "obtain ⟨x2, rfl⟩ := Nat.exists_eq_add_of_le x1 <;> grind" in natural[0]


def test_functions_on_truth_values_are_gone_through() -> None:
    (found,) = hints_of("f : Bool → Bool\nb : Bool\n⊢ f (f (f b)) = f b")
    assert found == "(cases x1 : f true <;> cases x2 : f false <;> cases b <;> simp_all)"


def test_witnesses_are_guessed() -> None:
    found = witnesses_of("n : Nat\nh : n % 6 = 4\n⊢ ∃ a b, n = 2 * a ∧ n = 3 * b + 1")
    assert f"exact ⟨(n / 2), (n / 3){BY_NUMBERS}" in found
    assert len(found) < 130
    assert witnesses_of("xs : List α\nn : Nat\n⊢ ∃ ys zs, xs = ys ++ zs")[0] == (
        "exact ⟨xs.take n, xs.drop n, by simp_all⟩"
    )
    assert "exact ⟨fun x => (h x).choose, by grind⟩" in witnesses_of("h : ∀ (x : α), ∃ y, R x y\n⊢ ∃ f, ∀ x, R x (f x)")
    assert witnesses_of("n : Nat\n⊢ n = n") == []


def test_whole_proofs_run_over_what_the_goal_recurses_on() -> None:
    found = shots_of("t : Tree\nn : Nat\n⊢ size t = n")
    assert found[0] == "fun_induction size <;> simp_all"
    assert "induction t generalizing n <;> simp_all" in found
    assert found.index("induction n generalizing t <;> simp_all") < found.index("induction t generalizing n <;> grind")
    assert "fun_induction size <;> grind" in found
    assert "induction t <;> cases h <;> grind" in shots_of("t : Tree\nh : Mem t\n⊢ size t = 0")
    assert not [tactic for tactic in shots_of("p : Pair\n⊢ size p = 0") if tactic.startswith("induction")]
    assert "cases a <;> cases b <;> simp_all" in shots_of("a b : Option Nat\n⊢ f a b = f b a")


def test_the_first_inductions_are_few_and_need_no_library() -> None:
    facts = GoalFacts("n : Nat\nt : Tree\nh : Mem t\n⊢ size t = n", TREES)
    lemmas = Lemmas(TREES, premises=("Nat.add_comm",), equations=("Nat.add_comm",))
    found = closers(facts, lemmas, Effort.FIRST_INDUCTIONS, root=True, plain=facts.text)
    assert found[0] == "induction h <;> grind [size, Mem, Grp.assoc, Grp.inv_op]"
    assert "fun_induction size <;> grind" in found
    assert len(found) <= 8
    assert not any("Nat." in tactic for tactic in found)


def test_a_hypothesis_in_field_notation_is_known_for_what_it_is() -> None:
    facts = GoalFacts("t : Tree\nh : t.Mem\n⊢ size t = 0", TREES)
    plain = "t : Tree\nh : Mem t\n⊢ size t = 0"
    assert next(iter(inductions(facts, PLAIN, plain))) == "induction h <;> simp_all"
    assert "induction h" in [move.tactic for move in moves(facts, plain)]
    assert "cases h" in [move.tactic for move in moves(facts, plain)]


def test_library_lemmas_follow_the_domain() -> None:
    assert "Nat.succ_add" in library_lemmas("n : Nat\n⊢ n = n").rewriting
    assert "Nat.dvd_add" in library_lemmas("a b : Nat\n⊢ a ∣ b").facts
    assert "Nat.dvd_add" not in library_lemmas("a b : Nat\n⊢ a = b").facts
    assert library_lemmas("p : Prop\n⊢ p") == library_lemmas("")
    assert library_lemmas("n : Nat").without(frozenset({"Nat.succ_add"})).rewriting[0] == "Nat.add_assoc"


def test_names_that_this_lean_does_not_have_are_left_out() -> None:
    assert unknown_names("Unknown constant `Nat.foo`") == {"Nat.foo"}
    assert unknown_names("unknown identifier 'Nat.foo'\nunknown constant 'Nat.bar'") == {"Nat.foo", "Nat.bar"}
    assert unknown_names("omega could not prove the goal") == frozenset()
    missing = Lemmas(missing=frozenset({"Nat.succ_add"}))
    for effort in (Effort.LIBRARY, Effort.FULL, Effort.INDUCTIONS):
        found = closers(GoalFacts("n : Nat\n⊢ n = n", TREES), missing, effort, root=True)
        assert found
        assert not any("Nat.succ_add" in tactic for tactic in found)


@given(st.text(alphabet="ab ()∀∃,:→=⊢\nNatInt%∣*3", max_size=80))
def test_any_text_can_be_read(text: str) -> None:
    facts = GoalFacts(text, TREES)
    for tactics in (added_facts(facts, PLAIN), witnesses(facts, PLAIN), inductions(facts, PLAIN, text)):
        assert all(tactic.strip() for tactic in tactics)
