"""What the text decides about a declaration is what Lean says of it, and private declarations are none to name."""

from __future__ import annotations

from real_lean import extracted

from orchestrator.blueprint.status import Truth, judge
from orchestrator.blueprint.text_facts import facts_shown
from orchestrator.lean.embedded.session import EmbeddedSession
from orchestrator.run.blueprint import blueprint_facts

FIRST = """
import Lean
class Nice (n : Nat) : Prop where
  out : n = n
class Data (n : Nat) where
  value : Nat
  law : value = value
macro "problem " n:ident " : " t:term " := " v:term : command => `(theorem $n : $t := $v)

private theorem twin : 1 + 1 = 2 := by sorry
theorem complete (start stop : Nat) (h : start = stop) : stop = start := h.symm
theorem before : 1 = 1 := rfl

problem hard : 2 = 2 := by
  sorry
theorem left_open : 1 + 1 = 2 := by sorry
theorem given : 1 + 1 = 2 := by admit
theorem vague (n : Nat) : n = (sorry : Nat) := by sorry
theorem assumed (h : 1 = 2 := by sorry) : 1 = 2 := h
theorem first_is_enough : 1 = 1 := by first | rfl | sorry
theorem nothing_left : 1 = 1 ∧ 2 = 2 := by
  constructor
  all_goals rfl
  all_goals
    sorry
theorem after_all : 1 = 1 := by skip <;> first
  | rfl
  | sorry
theorem unused : 1 = 1 := rfl
  where aux : 1 = 2 := sorry
theorem arms : (n : Nat) → n = n
  | 0 => rfl
  | _ + 1 => sorry
theorem halfway : 1 = 1 ∧ 2 = 3 := ⟨rfl, sorry⟩
def number : Nat := sorry
def small : Fin 3 := ⟨1, by sorry⟩
def half (n : Nat) : Nat := if n ≤ 1 then 0 else half (n - 2) + 1
decreasing_by sorry
def outer (n : Nat) : Nat := inner n
  where inner (n : Nat) : Nat := sorry
def quoted : Lean.MacroM Lean.Syntax := `(sorry)
def claimed : 1 = 2 := by sorry
abbrev kind : Type := sorry
opaque hidden : Nat := sorry
instance nice : Nice 2 := by
  sorry
instance data : Data 2 := ⟨2, by sorry⟩
instance fields : Data 3 where
  value := 3
  law := sorry
axiom taken : 1 = 2
structure Pair where
  left : Nat := sorry
theorem conditional : 1 + 1 = 2 := left_open
"""
SECOND = "theorem twin : 2 + 2 = 4 := rfl\n"


async def test_the_text_decides_nothing_that_lean_sees_otherwise(lean: EmbeddedSession) -> None:
    texts = {"A": FIRST, "B": SECOND}
    found = await extracted(lean, **texts)
    assert not found.problems
    true = blueprint_facts(found.declarations)
    shown, names = facts_shown(texts.values())
    decided = set()
    for name in sorted(names & true.keys()):
        by_text = judge(name, [name], shown, has_proof=True)
        by_lean = judge(name, [name], true, has_proof=True)
        for text, lean_says in ((by_text.statement, by_lean.statement), (by_text.proof, by_lean.proof)):
            assert text in (Truth.UNDECIDED, lean_says), name
        if by_text.proof is Truth.FALSE:
            decided.add(name)
    assert decided >= {"left_open", "given", "vague", "arms", "halfway", "number", "claimed", "nice", "taken"}
    assert true["twin"].sorry_free
    alone = blueprint_facts({"A": found.declarations["A"]})
    assert "twin" not in alone
