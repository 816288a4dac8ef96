"""What a quantified goal suggests: cases, contradiction, choice, instances, a diagonal."""

from __future__ import annotations

from orchestrator.strategies.hammer.classical import classical
from orchestrator.strategies.hammer.goal_facts import GoalFacts
from orchestrator.strategies.local_context import LocalContext


def closers_of(text: str, *definitions: str) -> list[str]:
    return list(classical(GoalFacts(text, LocalContext(definitions=definitions))))


def test_cases_on_a_quantified_statement_give_a_witness() -> None:
    found = closers_of("α : Type\na : α\nP : α → Prop\n⊢ ∃ x, P x → ∀ (y : α), P y")
    (cases,) = [text for text in found if "Classical.em (∀ (y : α), P y)" in text]
    assert "(obtain ⟨w, hw⟩ := Classical.not_forall.mp q; exact ⟨w, by grind⟩)" in cases


def test_a_statement_with_variables_bound_around_it_is_no_case() -> None:
    found = closers_of("α : Type\nR : α → α → Prop\nh : ∀ (x : α), (∃ y, R x y) → R x x\n⊢ True")
    assert not any("Classical.em (∃ y, R x y)" in text for text in found)


def test_a_function_is_chosen() -> None:
    choice = "(obtain ⟨c, hc⟩ := Classical.axiomOfChoice h; first | exact ⟨c, hc⟩ | exact ⟨c, by grind⟩)"
    assert (
        closers_of("α β : Type\nR : α → β → Prop\nh : ∀ (x : α), ∃ y, R x y\n⊢ ∃ f, ∀ (x : α), R x (f x)")[0] == choice
    )
    assert closers_of("α β : Type\nf : α → β\nh : Surj f\n⊢ ∃ g, ∀ (y : β), f (g y) = y", "Surj")[0] == choice


def test_a_hypothesis_about_every_predicate_is_taken_at_those_of_the_goal() -> None:
    found = closers_of("α : Type\nwf : ∀ (P : α → Prop), (∃ x, P x) → ∃ m, P m\nQ : α → Prop\nx : α\n⊢ ∃ m, Q m")
    assert "(have := wf (fun x => ¬ Q x); grind)" in found
    assert "(have := wf Q; grind)" in found


def test_the_diagonal_is_not_in_the_table() -> None:
    found = closers_of("α : Type\nf : α → α → Prop\n⊢ ∃ S, ∀ (x : α), f x ≠ S")
    assert any(text.startswith("(refine ⟨fun x => ¬ f x x, ") for text in found)


def test_an_equivalence_brings_its_laws() -> None:
    assert "Equivalence.symm _ _ e" in closers_of("α : Type\nE : α → α → Prop\ne : Equivalence E\n⊢ E x x")[-1]


def test_a_goal_without_quantifiers_is_left() -> None:
    assert closers_of("n : Nat\n⊢ n + 0 = n") == []
