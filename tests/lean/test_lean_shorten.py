"""Proofs made shorter on the real Lean."""

from __future__ import annotations

import pytest
from real_lean import Goals

from orchestrator.goals.goal import Goal
from orchestrator.lean.embedded.session import EmbeddedSession
from orchestrator.strategies.shorten import shortened

TEXT = """def Pile.height : List Nat → Nat
  | [] => 0
  | x :: xs => x + Pile.height xs
theorem Pile.height_nil : Pile.height [] = 0 := rfl
theorem Pile.height_cons (x : Nat) (xs : List Nat) : Pile.height (x :: xs) = x + Pile.height xs := rfl
namespace Pile
theorem two (x y : Nat) : height [x, y] = x + y := by sorry
theorem grown (xs : List Nat) (h : height xs = 3) : height (4 :: xs) = 7 := sorry
end Pile
open List in
theorem joined (xs ys : List Nat) : (xs ++ ys).length = ys.length + xs.length := by sorry
theorem split (p q : Prop) (hp : p) (hq : q) : p ∧ q ∧ p := by sorry
theorem down (n : Nat) : n + 0 = n := by sorry
"""
MANY = ", ".join(f"Nat.{name}" for name in ("add_zero", "mul_comm", "sub_self", "le_refl", "succ_le_iff", "add_assoc"))
SHORTER = {
    "lemmas that are not needed": (
        "two",
        f"simp only [{MANY}, Pile.height_cons, Nat.zero_add, Pile.height_nil]",
        {"simp only [Nat.add_zero, height_cons, height_nil]"},
    ),
    "a bare call": ("two", f"simp [{MANY}, Pile.height]", {"simp only [height, Nat.add_zero]"}),
    "steps that are not needed": ("split", "have h : p := hp\nskip\nrefine ⟨hp, ?_⟩\nexact ⟨hq, hp⟩", set()),
    "a name's namespace": (
        "joined",
        "exact (_root_.List.length_append).trans (Nat.add_comm _ _)",
        {"exact (length_append).trans (Nat.add_comm _ _)"},
    ),
    "an induction": (
        "down",
        "induction n with\n| zero => simp [Nat.mul_comm, Nat.add_comm]\n| succ n ih => simp [ih, Nat.mul_comm]",
        {"induction n with\n| zero => simp\n| succ n ih => simp"},
    ),
    "nothing": ("down", "rfl", {"rfl"}),
}


@pytest.fixture
async def goals(lean: EmbeddedSession) -> Goals:
    return await Goals.of(lean, TEXT)


def goal_of(goals: Goals, name: str) -> Goal:
    return next(goal for goal in goals.all if goal.declaration.rpartition(".")[2] == name)


@pytest.mark.parametrize(("name", "script", "expected"), SHORTER.values(), ids=SHORTER.keys())
async def test_a_proof_is_shortened_and_still_one(goals: Goals, name: str, script: str, expected: set[str]) -> None:
    goal = goal_of(goals, name)
    found = await shortened(goals, goal, script, seconds=120.0)
    async with goals.open(goal) as opened:
        assert (await opened.check(found)).accepted
    assert found in expected if expected else len(found) < len(script), found


async def test_without_time_a_proof_stays_as_it_is(goals: Goals) -> None:
    script = f"simp only [{MANY}, Pile.height_cons, Pile.height_nil]"
    assert await shortened(goals, goal_of(goals, "two"), script, seconds=0.0) == script


async def test_what_is_no_proof_stays_as_it_is(goals: Goals) -> None:
    for script in ("simp [nonsense, Pile.height_nil]", "sorry", "exact ("):
        assert await shortened(goals, goal_of(goals, "grown"), script, seconds=30.0) == script
