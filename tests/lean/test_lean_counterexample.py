"""Counterexamples on real Lean: found where a statement is false, with values, and never where it is true."""

from __future__ import annotations

import pytest
from real_lean import Goals

from orchestrator.lean.embedded.session import EmbeddedSession
from orchestrator.strategies.refute.counterexample import attempts_on, find_counterexample
from orchestrator.strategies.refute.values import declared

pytestmark = [pytest.mark.lean, pytest.mark.timeout(600)]

TEXT = """\
inductive Shape where
  | dot
  | line (n : Nat)

def Shape.size : Shape → Nat
  | .dot => 0
  | .line n => n

theorem off_by_one (n : Nat) (h : 2 ≤ n) : n < n - 1 + 1 := by sorry
theorem of_all : ∀ n : Nat, n * n ≠ 4 := by sorry
theorem of_lists {α : Type u} (l : List α) : l.length < 1 := by sorry
theorem of_shapes (s : Shape) : s.size = 0 := by sorry
theorem of_functions (f : Nat → Nat) (n : Nat) : f n = n := by sorry
theorem fine (n m : Nat) (h : n < m) : n + 1 ≤ m := by sorry
theorem vacuous (n : Nat) (h : n < 0) : n = 7 := by sorry
theorem large (n : Nat) (h : 100 < n) : n < 200 := by sorry
"""
FALSE = {
    "off_by_one": "n = 2",
    "of_all": "n = 2",
    "of_shapes": "s = .line 1",
    "of_lists": "α = PUnit, l = [⟨⟩]",
    "large": "n = 200",
    "of_functions": "f = fun _ => 0, n = 1",
}


async def test_values_are_found_exactly_where_small_ones_refute(lean: EmbeddedSession) -> None:
    goals = await Goals.of(lean, TEXT)
    told = {}
    for goal in goals.all:
        async with goals.open(goal) as opened:
            told[goal.declaration] = await find_counterexample(
                attempts_on(opened), goal.text, declared([TEXT]), seconds=240
            )
    assert {name: words for name, words in told.items() if words} == FALSE
