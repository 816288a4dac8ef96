"""What is read off a goal's text, and the moves and closers that follow from it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.strategies.hammer.closers import Effort, Lemmas, closers
from orchestrator.strategies.hammer.goal_facts import GoalFacts, applications
from orchestrator.strategies.hammer.moves import Apart, moves
from orchestrator.strategies.local_context import DeclarationRole, LocalContext, LocalDeclaration, VisibleDeclarations

LOCAL = LocalContext(
    definitions=("size", "rev"),
    predicates=("Star",),
    types=("Tree",),
    constructors={"Star": ("Star.refl", "Star.step"), "Tree": ("Tree.leaf", "Tree.node")},
)
TEXT = """α : Type
R : α → α → Prop
t u : Tree
n : Nat
a b : α
f : Nat → Nat
h✝ : n = 3
hab : Star R a b
hp : ∀ x, R x x
hx : R a b
⊢ size (rev t) = n"""
FACTS = GoalFacts(TEXT, LOCAL)


def tactics_of(text: str, local: LocalContext = LOCAL, plain: str = "") -> list[str]:
    return [move.tactic for move in moves(GoalFacts(text, local), plain or text)]


def test_variables_facts_and_types_are_told_apart() -> None:
    assert [h.name for h in FACTS.data] == ["t", "u", "n"]
    assert [h.name for h in FACTS.facts] == ["hab", "hp", "hx"]
    assert FACTS.sorts == {"α"}
    assert FACTS.hidden == 1
    assert FACTS.target == "size (rev t) = n"


def test_fresh_names_are_nobodys() -> None:
    facts = GoalFacts("x1 : Nat\nx3 : Nat\n⊢ x1 = x3", LOCAL)
    assert facts.fresh(3) == ["x2", "x4", "x5"]


def test_what_a_target_introduces() -> None:
    def introduces(target: str) -> bool:
        return GoalFacts(f"⊢ {target}", LOCAL).introduces

    assert introduces("∀ (x : Nat), x = x")
    assert introduces("p → q")
    assert introduces("(a = b) → q")
    assert not introduces("p ∧ (p → q)")
    assert not introduces("∃ x, p x → q")
    assert not introduces("f = fun x => x → y")


def test_arguments_are_found_as_they_stand() -> None:
    text = "foo n (x :: xs) = foo [] 0 + foo.bar 1 + xfoo 2 + foo"
    assert applications(text, "foo") == ("n (x :: xs)", "[] 0")
    assert applications("foo (a b", "foo") == ()


@given(st.text(alphabet="foo ()[]⟨⟩.x=\n⊢:∀→", max_size=60))
def test_any_text_can_be_read(text: str) -> None:
    facts = GoalFacts(text, LOCAL)
    listed = moves(facts, text)
    assert len({move.tactic for move in listed}) == len(listed)
    for effort in Effort:
        found = closers(facts, Lemmas(LOCAL), effort, root=False)
        assert len(set(found)) == len(found)


def test_induction_is_on_own_types_first_and_generalises_the_others() -> None:
    found = [tactic for tactic in tactics_of(TEXT) if tactic.startswith("induction")]
    assert found[0] == "induction hab"
    assert found.index("induction t") < found.index("induction n")
    assert "induction t generalizing u n" in found
    assert "fun_induction size (rev t)" in tactics_of(TEXT)


def test_an_accumulator_that_starts_with_nothing_is_generalised() -> None:
    found = tactics_of("xs : List Nat\n⊢ revOnto xs [] = rev xs")
    assert "have key : ∀ acc, revOnto xs acc = (rev xs) ++ acc := ?_" in found
    twice = [tactic for tactic in tactics_of("n : Nat\n⊢ f n [] = g [] []") if "key" in tactic]
    assert twice == [
        f"have key : ∀ acc, f n acc = {joined} := ?_"
        for joined in ("(g [] []) ++ acc", "acc ++ (g [] [])", "acc.reverse ++ (g [] [])")
    ]
    both = tactics_of("x : Nat\n⊢ horner x (rev cs) 0 = horner x cs 0 * x")
    assert "have key : ∀ acc, horner x (rev cs) acc = horner x cs acc * x := ?_" in both
    assert any("(pushAll xs acc).toList = acc.toList ++ xs" in t for t in tactics_of("⊢ (pushAll xs #[]).toList = xs"))


def test_the_hypothesis_of_an_induction_is_used_and_thrown_away() -> None:
    found = tactics_of("n m : Nat\nih : f n = g n\n⊢ h (f n) = m")
    assert "(rw [ih]; clear ih)" in found
    assert "(conv => rhs; rw [← ih])" in tactics_of("n m : Nat\nih : f n = g n\n⊢ h m = k (g n)")
    assert "clear ih" in tactics_of("n m : Nat\nih : f n = g n\n⊢ m = m")


def test_a_term_that_occurs_twice_is_made_a_variable() -> None:
    state = "t : Tree\nih : size (rev t) = size t\n⊢ size (rev (rev t)) = size (rev t)"
    assert "generalize rev t = x1 at *" in tactics_of(state)
    assert "generalize size t = x1" in tactics_of("t : Tree\n⊢ f (size t) = g (size t)")
    assert not [tactic for tactic in tactics_of("t : Tree\n⊢ f (size t) = g t") if tactic.startswith("generalize")]


def test_what_a_definition_says_of_a_term_is_kept_when_the_term_is_made_a_variable() -> None:
    local = LocalContext(definitions=("sorted", "put", "sort"))
    state = "x : Nat\nxs : List Nat\nih : sorted (sort xs)\n⊢ sorted (put x (sort xs))"
    assert "generalize sort xs = x1 at *" in tactics_of(state, local)


def test_what_an_induction_leaves_is_first_made_a_lemma() -> None:
    state = "t : Tree\nih : size (rev t) = size t\n⊢ size (rev (rev t)) = size (rev t)"
    found = [move.tactic for move in moves(GoalFacts(state, LOCAL), state, Apart.RESTATED)]
    assert {"generalize rev t = x1 at *", "(rw [ih]; clear ih)", "simp_all [size, rev]"} <= set(found)
    assert not [tactic for tactic in found if tactic.startswith(("induction", "cases", "fun_"))]
    assert set(found) < set(tactics_of(state))


def test_a_rule_is_applied_to_hypotheses_and_an_index_that_computes_becomes_a_variable() -> None:
    found = tactics_of("a b : α\nh : Star R (f a) b\n⊢ Star R a b")
    assert "exact Star.step (by constructor) h" in found
    assert "exact Star.step h h" in found
    assert "generalize x1 : (f a) = x2 at h" in found


def test_hypotheses_are_taken_apart() -> None:
    assert "obtain ⟨x1, h⟩ := h" in tactics_of("h : ∃ n, ∀ m, m ≤ n\n⊢ False")
    found = tactics_of("p q : Prop\nh : p ∨ q\nk : p ∧ q\n⊢ q ∨ p")
    assert "rcases h with h | h" in found
    assert "cases k" in found
    assert {"left", "right"} <= set(found)


def test_closers_know_definitions_rules_and_premises() -> None:
    lemmas = Lemmas.of(LOCAL, (("Nat.foo", "∀ n, foo n = n"), ("Nat.bar", "a ∣ b → c ∣ d")))
    assert lemmas.equations == ("Nat.foo",)
    quick = closers(FACTS, lemmas, Effort.QUICK, root=True)
    assert "grind [size, rev]" in quick
    assert "solve_by_elim [Star.refl, Star.step]" in quick
    assert "grind [size, rev, Nat.foo, Nat.bar]" in closers(FACTS, lemmas, Effort.PREMISES, root=False)
    assert closers(FACTS, lemmas, Effort.SEARCH, root=True) == ("try?",)


def test_an_induction_goes_by_what_the_project_has_as_a_principle() -> None:
    local = LocalContext(principles=("N.ind",))
    text = "N : Type\nn m k : N\nh : k = n\n⊢ op n m = op m n"
    found = tactics_of(text, local)
    assert {"induction n using N.ind", "induction m using N.ind generalizing n"} <= set(found)
    assert not any("induction k using" in tactic or "induction h using" in tactic for tactic in found)
    one_line = closers(GoalFacts(text, local), Lemmas.of(local, ()), Effort.FIRST_INDUCTIONS, root=True)
    assert one_line[0] == "induction n using N.ind <;> grind"


def test_steps_go_by_what_the_project_has_proved() -> None:
    local = LocalContext(proved=frozenset({"T.far", "T.comm"}))
    stated = {"Nat.foo": "∀ n, foo n = n", "T.comm": "∀ a b, op a b = op b a", "T.far": "p → q a"}
    lemmas = Lemmas.of(local, tuple(stated.items()))
    found = {move.tactic: move.cost for move in moves(GoalFacts("⊢ op a b = c", local), "⊢ op a b = c", lemmas=lemmas)}
    assert {"apply T.comm", "rw [T.comm]", "rw [← T.comm]", "apply T.far"} <= set(found)
    assert not any("Nat.foo" in tactic or "rw [T.far]" in tactic for tactic in found)
    assert found["apply T.comm"] < found["apply T.far"]


def test_the_local_context_follows_definitions() -> None:
    everything = VisibleDeclarations(
        (
            LocalDeclaration("T", DeclarationRole.TYPE),
            LocalDeclaration("T.a", DeclarationRole.CONSTRUCTOR, ("T",)),
            LocalDeclaration("f", DeclarationRole.DEFINITION, ("g", "T")),
            LocalDeclaration("g", DeclarationRole.DEFINITION),
            LocalDeclaration("far", DeclarationRole.DEFINITION),
            LocalDeclaration("f_g", DeclarationRole.THEOREM, ("f", "g")),
            LocalDeclaration("far_eq", DeclarationRole.THEOREM, ("far",)),
            LocalDeclaration("T.ind", DeclarationRole.THEOREM, ("T",), eliminates=True),
            LocalDeclaration("Far.ind", DeclarationRole.AUXILIARY, ("far",), eliminates=True),
        )
    )
    local = everything.around(["f", "Nat.add"])
    assert local.definitions == ("f", "g")
    assert local.theorems == ("f_g", "T.ind")
    assert local.principles == ("T.ind",)
    assert local.constructors == {"T": ("T.a",)}
    assert everything.around(["Nat"]).definitions == ()
