"""Which goals are the same by Lean's own terms, whatever they look like, and which only look the same."""

from __future__ import annotations

import pytest
from real_lean import extracted

from orchestrator.goals.goal import Goal
from orchestrator.lean.embedded.session import EmbeddedSession

ALIKE = (
    "shadowed notation",
    "instances",
    "universes that are hidden",
    "coercions that are hidden",
    "implicit arguments",
    "constants of one short name",
)
"""Those of the goals below that Lean prints in the very same words."""

SAME = {
    "notation": """infixl:65 " ⊹ " => fun (a b : Nat) => a + b
theorem one (a b : Nat) : HAdd.hAdd a b = b := by sorry
theorem other (a b : Nat) : a + b = b := by sorry""",
    "a notation of one's own": """def plus (a b : Nat) : Nat := a + b
theorem one (a b : Nat) : plus a b = b := by sorry
infixl:65 " ⊹ " => plus
theorem other (a b : Nat) : a ⊹ b = b := by sorry""",
    "printer options": """theorem one (a b : Nat) : a + b = b := by sorry
set_option pp.all true
theorem other (a b : Nat) : a + b = b := by sorry""",
    "names": """theorem one (n m : Nat) (h : ∀ x, x < n → x = m) : ∃ y, y = n := by sorry
theorem other (k l : Nat) (g : ∀ z, z < k → z = l) : ∃ u, u = k := by sorry""",
    "inaccessible names": """theorem one (n m : Nat) : n < m → n ≤ m := by intro h; sorry
theorem other (n m : Nat) : n < m → n ≤ m := by intro; sorry""",
    "order of hypotheses": """theorem one (n : Nat) (p : Prop) (h : n = 1) (hp : p) : p ∧ n = 1 := by sorry
theorem other (p : Prop) (hp : p) (k : Nat) (h : k = 1) : p ∧ k = 1 := by sorry""",
    "opened namespaces": """namespace Farm
def cows : Nat := 3
theorem one : cows = 4 := by sorry
end Farm
theorem other : Farm.cows = 4 := by sorry""",
    "implicit or not": """theorem one {α : Type} (xs : List α) : xs = [] := by sorry
theorem other (α : Type) (ys : List α) : ys = [] := by sorry""",
    "universe names": """theorem one.{u} (α : Type u) (a b : α) : a = b := by sorry
theorem other.{v} (β : Type v) (a b : β) : a = b := by sorry""",
    "order of implicit binders": """
theorem one (h : ∀ {α : Type} [Inhabited α] {n : Nat} (x : α), x = x ∧ n = 0) : 1 = 2 := by sorry
theorem other (h : ∀ {n : Nat} {α : Type} [Inhabited α] (x : α), x = x ∧ n = 0) : 1 = 2 := by sorry""",
    "match": """theorem one (n : Nat) : (match n with | 0 => 1 | k + 1 => k) = n := by sorry
theorem other (m : Nat) : (match m with | 0 => 1 | j + 1 => j) = m := by sorry""",
    "term or tactic": """theorem one (n : Nat) : n = 0 := sorry
theorem other (n : Nat) : n = 0 := by sorry""",
    "local definitions": """theorem one (n : Nat) : n = 0 := by
  let x := n + 1
  have h : x = 2 := sorry
  exact sorry
theorem other (m : Nat) : m = 0 := by
  let y := m + 1
  have g : y = 2 := sorry
  exact sorry""",
}

DIFFERENT = {
    "shadowed notation": """theorem one (a b : Nat) : a + b = a := by sorry
local infixl:65 (priority := high) " + " => Nat.mul
theorem other (a b : Nat) : a + b = a := by sorry""",
    "instances": """theorem one (a b : Nat) : a + b = a := by sorry
local instance : Add Nat := ⟨Nat.mul⟩
theorem other (a b : Nat) : a + b = a := by sorry""",
    "universes": """theorem one.{u} (f : Type u → Type u) (α : Type u) : f α = α := by sorry
set_option pp.universes false
theorem other.{u, v} (f : Type u → Type u) (α : Type u) (β : Type v) : f α = α := by sorry""",
    "universes that are hidden": """def Same.{u} (α β : Type u) : Prop := Nonempty α ∧ Nonempty β
theorem one : Same PUnit.{1} PUnit.{1} := by sorry
theorem other : Same PUnit.{2} PUnit.{2} := by sorry""",
    "coercions that are hidden": """structure Box where
  n : Nat
@[coe] def up (n : Nat) : Box := ⟨n⟩
@[coe] def upper (n : Nat) : Box := ⟨n + 1⟩
theorem one (a : Nat) : up a = up 1 := by sorry
theorem other (a : Nat) : upper a = upper 1 := by sorry""",
    "implicit arguments": """def size {α : Type} [Inhabited α] : Nat := 1
theorem one : @size Nat _ = 1 := by sorry
theorem other : @size Bool _ = 1 := by sorry""",
    "constants of one short name": """namespace A
def c : Nat := 0
theorem one : c = 1 := by sorry
end A
namespace B
def c : Nat := 1
theorem other : c = 1 := by sorry
end B""",
    "roles": """theorem one (a b : Nat) (h : a < b) : a = 0 := by sorry
theorem other (a b : Nat) (h : b < a) : a = 0 := by sorry""",
    "a hypothesis more": """theorem one (p : Prop) : p := by sorry
theorem other (p : Prop) (h : p) : p := by sorry""",
    "the value of a local definition": """theorem one : False := by
  let x := 1
  sorry
theorem other : False := by
  let x := 3
  sorry""",
}


async def one_and_other(lean: EmbeddedSession, text: str) -> list[list[Goal]]:
    """The goals of the theorem `one` and those of `other`."""
    found = await extracted(lean, A=text)
    assert found.problems == ()
    goals = [[goal for goal in found.goals if goal.declaration.split(".")[-1] == name] for name in ("one", "other")]
    assert all(goals)
    assert all(goal.identity for goal in found.goals)
    return goals


@pytest.mark.parametrize("text", SAME.values(), ids=SAME.keys())
async def test_same_goal_in_other_words(lean: EmbeddedSession, text: str) -> None:
    one, other = await one_and_other(lean, text)
    assert [goal.digest for goal in one] == [goal.digest for goal in other]


@pytest.mark.parametrize("case", DIFFERENT)
async def test_other_goal_in_the_same_words(lean: EmbeddedSession, case: str) -> None:
    (one,), (other,) = await one_and_other(lean, DIFFERENT[case])
    assert one.digest != other.digest
    assert case not in ALIKE or one.text == other.text


async def test_names_stand_in_the_order_of_the_terms(lean: EmbeddedSession) -> None:
    text = SAME["order of hypotheses"]
    one, other = (await extracted(lean, A=text)).goals
    assert one.identity
    assert other.identity
    assert dict(zip(one.identity.names, other.identity.names, strict=True)) == {
        "n": "k",
        "p": "p",
        "h": "h",
        "hp": "hp",
    }
