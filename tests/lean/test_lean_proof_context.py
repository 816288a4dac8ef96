"""One goal on the real Lean: what a tactic may use, what counts as a proof, and what a check refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest
from real_lean import Goals

from orchestrator.goals.goal import Context, SorryKind
from orchestrator.lean.embedded.session import EmbeddedSession
from orchestrator.lean.protocol import TacticReply
from orchestrator.strategies.micro.library_tactics import HeaderTactics

CIRCULAR = {
    "a tactic proof": "@[simp] theorem t (n : Nat) : P n := by sorry",
    "a term": "@[simp] theorem t : ∀ n, P n := sorry",
    "arms": "@[simp] theorem t : ∀ n, P n\n  | 0 => trivial_zero\n  | n + 1 => by sorry",
    "an auxiliary theorem": "theorem t (n : Nat) : P n := go n\nwhere go (n : Nat) : P n := by sorry",
    "a definition": "@[simp] def t (n : Nat) : PLift (P n) := ⟨by sorry⟩",
    "in a namespace": "namespace N\n@[simp] theorem t (n : Nat) : P n := by sorry\nend N",
    "an instance": "class C (n : Nat) : Prop where\n  out : P n\ninstance t (n : Nat) : C n := ⟨by sorry⟩",
}
BY_NAME = (
    *("exact t n", "exact t _", "exact @t _", "intros; exact t _", "exact t", "have := t; exact this _", "apply t"),
    *("exact (t n).down", "exact (t n).out", "exact N.t n", "exact _root_.t n", "exact _root_.N.t n", "exact C.out"),
    *("rw [show P = fun _ => True from funext fun m => eq_true (t m)]; trivial", "simpa using t n", "grind [t]"),
)
BY_SEARCH = ("exact?", "simp", "simp_all", "simp [*]", "grind", "assumption", "solve_by_elim", "infer_instance")


@pytest.mark.parametrize("text", CIRCULAR.values(), ids=CIRCULAR.keys())
async def test_a_declaration_with_a_sorry_does_not_prove_itself(lean: EmbeddedSession, text: str) -> None:
    goals = await Goals.of(lean, f"opaque P : Nat → Prop\naxiom trivial_zero : P 0\n{text}\n")
    (place,) = goals.all
    async with goals.open(place) as goal:
        found = await goal.tactics(BY_SEARCH, stop_on_success=False)
        assert [reply.tactic for reply in found] == list(BY_SEARCH)
        assert [reply.tactic for reply in found if reply.completed] == []
        for tactic in (*BY_SEARCH[1:], *BY_NAME):
            assert not (await goal.check(tactic)).accepted, tactic


async def test_a_goal_that_speaks_of_what_its_declaration_made_is_proved_without_it(lean: EmbeddedSession) -> None:
    """Such a state has to see the whole declaration, because of the matcher in the goal."""
    text = """@[simp] theorem t (n : Nat) : (match n with | 0 => 0 | k + 1 => k) = n - 1 := by sorry
"""
    goals = await Goals.of(lean, text)
    async with goals.open(goals["t"]) as goal:
        for reply in await goal.tactics(["simp", "exact?", "exact _root_.t n"], stop_on_success=False):
            assert not reply.completed, reply.tactic
            assert not (await goal.check(reply.tactic)).accepted, reply.tactic
        assert not (await goal.check("exact t n")).accepted
        (honest,) = await goal.tactics(["cases n <;> rfl"])
        assert honest.completed
        assert (await goal.check("cases n <;> rfl")).axioms == ()


async def test_another_theorem_with_a_sorry_may_be_used(lean: EmbeddedSession) -> None:
    text = "opaque P : Nat → Prop\n@[simp] theorem s (n : Nat) : P n := sorry\ntheorem t (n : Nat) : P n := by sorry\n"
    goals = await Goals.of(lean, text)
    async with goals.open(goals["t"]) as goal:
        for tactic in ("simp", "exact s n"):
            (reply,) = await goal.tactics([tactic])
            assert (reply.completed, reply.axioms) == (True, ("sorryAx",))
            checked = await goal.check(tactic)
            assert (checked.accepted, checked.axioms) == (True, ("sorryAx",))


async def test_real_recursion_is_allowed(lean: EmbeddedSession) -> None:
    text = """theorem grows : (n m : Nat) → m ≤ m + n
  | 0, m => by sorry
  | n + 1, m => by sorry
theorem down (n : Nat) : 0 ≤ n := by sorry
"""
    goals = await Goals.of(lean, text)
    base, again = [goal for goal in goals.all if goal.declaration == "grows"]
    async with goals.open(again) as goal:
        assert (await goal.check("exact Nat.le_succ_of_le (grows n m)")).accepted
        assert not (await goal.check("exact grows (n + 1) m")).accepted
    async with goals.open(base) as goal:
        assert (await goal.check("simp")).accepted
    async with goals.open(goals["down"]) as goal:
        assert (await goal.check("cases n with\n| zero => simp\n| succ n => exact Nat.le_succ_of_le (down n)")).accepted
        assert not (await goal.check("exact down n")).accepted


HIDING = """macro "trust_me" : tactic => `(tactic| sorry)
macro "trusted" : term => `(sorry)
theorem lemma (p : Prop) : p := sorry
axiom easy (p : Prop) : p
theorem one (p : Prop) : p → p := by sorry
theorem two (p q : Prop) (hp : p) (hq : q) : p ∧ q := ⟨by sorry, by sorry⟩
"""


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("trust_me", "a sorry that its text does not show"),
        ("exact trusted", "a sorry that its text does not show"),
        ("sorry", "as many sorries as before"),
        ("intro h\nexact sorry", "as many sorries as before"),
        ("exact sorryAx _ true", "as many sorries as before"),
        ("admit", "as many sorries as before"),
        ("have h : p → p := by sorry\nexact h", "as many sorries as before"),
        ("intro h", "unsolved goals"),
        ("omega", "omega"),
        ("exact foo", "foo"),
        ("stop", ""),
        ("exact by", ""),
        ("-- nothing", ""),
        ("fail", ""),
    ],
)
async def test_what_is_no_proof_is_refused_with_the_reason(lean: EmbeddedSession, script: str, words: str) -> None:
    goals = await Goals.of(lean, HIDING)
    async with goals.open(goals["one"]) as goal:
        reply = await goal.check(script)
    assert not reply.accepted
    assert words in "\n".join(reply.errors), reply.errors


async def test_a_proof_is_accepted_with_what_it_rests_on(lean: EmbeddedSession) -> None:
    goals = await Goals.of(lean, HIDING)
    async with goals.open(goals["one"]) as goal:
        assert (await goal.check("exact id")).axioms == ()
        assert (await goal.check("exact easy _")).axioms == ("easy",)
        assert (await goal.check("exact lemma _")).axioms == ("sorryAx",)
        classical = await goal.check("exact fun h => Classical.byContradiction fun g => g h")
        assert classical.accepted
        assert "Classical.choice" in classical.axioms or classical.axioms == ()


async def test_one_of_two_places_can_be_closed(lean: EmbeddedSession) -> None:
    goals = await Goals.of(lean, HIDING)
    first, second = [goal for goal in goals.all if goal.declaration == "two"]
    for goal, script in ((first, "exact hp"), (second, "exact hq")):
        async with goals.open(goal) as opened:
            reply = await opened.check(script)
            assert (reply.accepted, reply.other_sorries) == (True, 1)
            assert not (await opened.check("exact easy")).accepted


PLACES = """theorem both (p q : Prop) (hp : p) (hq : q) : p ∧ q := by
  constructor <;> sorry
theorem rest (p q : Prop) (hp : p) (hq : q) : p ∧ q ∧ p := by
  refine ⟨?_, ?_, ?_⟩
  stop
  exact hp
theorem sums (n : Nat) : n = 0 ∨ 0 < n := by
  cases n <;> (first | skip | rfl); all_goals sorry
"""


async def test_a_place_reached_by_several_states_has_to_be_closed_in_all_of_them(lean: EmbeddedSession) -> None:
    goals = await Goals.of(lean, PLACES)
    async with goals.open(goals["both"]) as goal:
        replies = await goal.tactics(["exact hp", "exact hq", "assumption", "trivial"])
        assert [reply.completed for reply in replies] == [False, False, True]
        assert (await goal.check("assumption")).accepted
        assert not (await goal.check("exact hp")).accepted
    async with goals.open(goals["sums"]) as goal:
        (reply,) = await goal.tactics(["simp"])
        assert reply.completed
        assert (await goal.check("simp")).accepted


async def test_several_goals_behind_a_stop_are_closed_together(lean: EmbeddedSession) -> None:
    goals = await Goals.of(lean, PLACES)
    assert goals["rest"].kind is SorryKind.STOP
    async with goals.open(goals["rest"]) as goal:
        assert goal.goals == 3
        one, two = await goal.tactics(["exact hp", "all_goals assumption"])
        assert (one.completed, len(one.goals), two.completed) == (False, 2, True)
        assert (await goal.check("all_goals assumption")).accepted
        assert (await goal.check("· exact hp\n· exact hq\n· exact hp")).accepted
        assert not (await goal.check("· exact hp\n· exact hq")).accepted


UNUSUAL = """universe u v
variable {α : Type u} {β : Type v}
structure Pair (α : Type u) (β : Type v) : Type (max u v) where
  left : α
  right : β
theorem eta (p : Pair α β) : Pair.mk p.left p.right = p := by sorry
theorem lifted (f : α → β) (x : α) : (ULift.up.{max u v} (f x)).down = f x := by sorry
theorem small.{w} (γ : Sort w) (x : γ) : ∃ y : γ, y = x := by sorry
theorem exists_list (x : α) : ∃ l : List α, l ≠ [] := by sorry
theorem sumTo (n : Nat) : ∃ m, m = n * (n + 1) / 2 := by sorry
theorem matched (n : Nat) : (match n with | 0 => 0 | k + 1 => k) ≤ n := by sorry
def clamp (n : Nat) : { m : Nat // m ≤ 10 } := ⟨min n 10, sorry⟩
theorem approx (p : Nat → Prop) (h : ∃ f : Nat → Nat, ∀ x, p (f x)) : ∃ x, p x := by sorry
theorem infer [Inhabited α] : ∃ x : α, x = default := by sorry
theorem unify {f : Nat → Nat} (hf : ∀ x y, f x = f y → x = y) : Function.Injective f := by sorry
"""
PROOFS = (
    ("eta", "cases p; rfl"),
    ("eta", "rfl"),
    ("lifted", "rfl"),
    ("small", "exact ⟨x, rfl⟩"),
    ("small", "exact Exists.intro x (Eq.refl.{w} x)"),
    ("exists_list", "exact ⟨[x], fun h => nomatch h⟩"),
    ("exists_list", "refine ⟨x :: ?_, ?_⟩\nexact []\nsimp"),
    ("sumTo", "let rec go (k : Nat) : ∃ m : Nat, m = k := ⟨k, rfl⟩\nexact go _"),
    ("sumTo", "exact ⟨_, rfl⟩"),
    (
        "sumTo",
        "have h (k : Nat) : ∃ m, m = k := by\n  cases k with\n  | zero => simp\n  | succ k => simp\nexact h _",
    ),
    ("matched", "cases n <;> simp"),
    ("matched", "split <;> omega"),
    ("clamp", "exact Nat.min_le_right n 10"),
    ("clamp", "omega"),
    ("approx", "let ⟨f, hf⟩ := h\nexact ⟨f 0, hf 0⟩"),
    ("approx", "obtain ⟨f, hf⟩ := h\nexact ⟨_, hf 0⟩"),
    ("infer", "exact ⟨_, rfl⟩"),
    ("unify", "intro x y\nexact hf x y"),
    ("unify", "exact @hf"),
)


async def test_valid_proofs_are_taken_by_the_declaration_and_nearly_always_by_the_state(lean: EmbeddedSession) -> None:
    goals = await Goals.of(lean, UNUSUAL)
    refused_by_state = set()
    for declaration, script in PROOFS:
        async with goals.open(goals[declaration]) as goal:
            checked = await goal.check(script)
            assert checked.accepted, (declaration, script, checked.errors)
            (reply,) = await goal.tactics([script])
            if not reply.completed:
                refused_by_state.add(script)
    # What makes declarations of its own, or names the declaration's own universe, is for the declaration to say.
    assert all(script.startswith("let rec") or "{w}" in script for script in refused_by_state), refused_by_state


async def test_an_unknown_lemma_in_a_simp_set_is_an_error_even_if_the_goal_closes(lean: EmbeddedSession) -> None:
    goals = await Goals.of(lean, "theorem t (n : Nat) : n + 0 = n := by sorry\n")
    async with goals.open(goals["t"]) as goal:
        replies = await goal.tactics(
            ["simp [no_such_lemma]", "first | rfl | exact no_such_lemma"], stop_on_success=False
        )
        assert [reply.completed for reply in replies] == [False, True]
        assert not (await goal.check("simp [no_such_lemma]")).accepted


async def test_a_tactic_goes_on_where_another_stopped(lean: EmbeddedSession) -> None:
    goals = await Goals.of(lean, "theorem t (p q : Prop) (hp : p) (hq : q) : p ∧ q := by sorry\n")
    async with goals.open(goals["t"]) as goal:
        (first,) = await goal.tactics(["constructor"])
        assert first.goals == (
            "case left\np q : Prop\nhp : p\nhq : q\n⊢ p",
            "case right\np q : Prop\nhp : p\nhq : q\n⊢ q",
        )
        (second,) = await goal.tactics(["exact hp"], proof_state=first.proof_state)
        assert second.goals == first.goals[1:]
        last: TacticReply
        (last,) = await goal.tactics(["exact hq"], proof_state=second.proof_state)
        assert last.completed


async def test_the_state_sees_what_stands_in_front_of_its_declaration_and_nothing_behind(lean: EmbeddedSession) -> None:
    text = """namespace N
theorem before : 1 = 1 := rfl
section
open Nat in
theorem t : 1 = 1 ∧ 0 < succ 0 := by sorry
end
theorem behind : 1 = 1 := rfl
end N
"""
    goals = await Goals.of(lean, text)
    async with goals.open(goals["N.t"]) as goal:
        scripts = ["exact ⟨behind, succ_pos 0⟩", "exact ⟨N.behind, succ_pos 0⟩", "exact ⟨before, succ_pos 0⟩"]
        replies = await goal.tactics(scripts)
        assert [reply.completed for reply in replies] == [False, False, True]
        assert [(await goal.check(script)).accepted for script in scripts] == [False, False, True]


async def test_windows_line_ends_and_wide_characters_do_not_move_the_proof(lean: EmbeddedSession) -> None:
    text = "theorem a (𝔸 : Prop) (h : 𝔸) : 𝔸 ∧ 𝔸 := by\r\n  /- é𝔸 -/ exact ⟨sorry, by sorry⟩\r\n"
    goals = await Goals.of(lean, text)
    for goal in goals.all:
        async with goals.open(goal) as opened:
            reply = await opened.check("exact h")
            assert (reply.accepted, reply.other_sorries) == (True, 1), reply.errors


async def test_a_header_is_asked_which_tactics_it_brings(lean: EmbeddedSession) -> None:
    """What a file declares itself stands for what an import brings: Lean does not tell them apart."""
    text = (
        'macro "ring" : tactic => `(tactic| fail "runs")\n'
        'syntax "interval_cases" ident : tactic\n'
        "theorem t (n : Nat) : n = n := by sorry\n"
    )
    goals = await Goals.of(lean, text)
    place = replace(goals["t"], context=Context(imports=("Own",)))
    async with goals.open(goals["t"]) as goal:
        brought = await HeaderTactics().brought(place, goal, seconds=60.0)
    assert {"ring", "interval_cases", "push_cast", "apply?"} <= brought
    assert brought.isdisjoint({"norm_num", "ring_nf", "linarith", "hammer", "fin_cases", "convert"})


HIDDEN = (
    *("grind => sorry", "as_aux_lemma => sorry", "exact (by as_aux_lemma => exact sorry)", "exact (by nonsense)"),
    *("have h : 0 = 1 := by as_aux_lemma => sorry\nexact absurd h (by decide)", "simp [show p ↔ q from sorry, *]"),
    *("all_goals admit", "case' _ => sorry", "decreasing_tactic; sorry", "first | done | sorry", "exact?%; stop"),
)


async def test_a_tactic_that_hides_a_sorry_completes_nothing(lean: EmbeddedSession) -> None:
    goals = await Goals.of(lean, "theorem t (p q : Prop) (h : p) : p ∧ q := by sorry\n")
    async with goals.open(goals["t"]) as goal:
        for reply in await goal.tactics(HIDDEN, stop_on_success=False):
            assert not reply.completed, reply
        (first,) = await goal.tactics(["refine ⟨h, ?_⟩"])
        (second,) = await goal.tactics(["as_aux_lemma => sorry"], proof_state=first.proof_state)
        assert not second.completed
        (step,) = await goal.tactics(["have k : q := by as_aux_lemma => sorry"])
        (last,) = await goal.tactics(["exact ⟨h, k⟩"], proof_state=step.proof_state)
        assert not last.completed
