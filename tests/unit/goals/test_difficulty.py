"""How hard goals look, and what is read off them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.goals.difficulty import estimated_difficulty

HEAVY_FROM = 0.6
ONE_LINERS = [
    "a b : Nat\n⊢ a + b = b + a",
    "p q : Prop\nhp : p\nhq : q\n⊢ p ∧ q",
    "⊢ 2 + 2 = 4",
    "x y : Int\nh : x < y\n⊢ ¬y ≤ x",
    "⊢ ∀ (n : Nat), n < n + 1",
    "xs ys : List α\n⊢ (xs ++ ys).length = xs.length + ys.length",
]
HARD = [
    "f : ℝ → ℝ\na : ℝ\nhf : Continuous f\n⊢ ∀ ε > 0, ∃ δ > 0, ∀ x, |x - a| < δ → |f x - f a| < ε",
    "n : ℕ\nhn : n > 2\n⊢ ¬∃ x y z, x > 0 ∧ y > 0 ∧ z > 0 ∧ x ^ n + y ^ n = z ^ n",
]


@pytest.mark.parametrize("text", ONE_LINERS)
def test_one_liners_are_light(text: str) -> None:
    assert estimated_difficulty(text) < HEAVY_FROM - 0.2


@pytest.mark.parametrize("text", HARD)
def test_quantifiers_and_witnesses_are_heavy(text: str) -> None:
    assert estimated_difficulty(text) >= HEAVY_FROM


@given(st.text(alphabet="xh:=⊢∀∃,.()→∧* \n", max_size=80))
def test_estimate_is_a_fraction(text: str) -> None:
    assert 0.0 <= estimated_difficulty(text) <= 1.0


@pytest.mark.parametrize(
    ("easy", "hard", "more"),
    [
        ("⊢ p", "⊢ p q", 0.25 / 80),
        ("⊢ ∀ a, ∀ b, p", "⊢ ∀ a, ∃ b, p", 0.08 + 0.12),  # a leading run of ∀ counts once
        ("⊢ ∑ a ∈ s, f", "⊢ ∑ a ∈ s, ∫ f", 0.08 + 0.25 / 80),
        ("⊢ p → q ∧ x", "⊢ p → ∃ q ∧ x", 0.08 + 0.12 + 0.06 + 0.25 / 80),
        ("⊢ p ∧ q ∧ r", "⊢ p ∧ (q ∧ r)", 0.06 + 0.5 / 80),
        ("x : α\n⊢ p", "x y : α\n⊢ p", 0.02),
        ("x : α\n⊢ x.rev = x", "x : List α\n⊢ x.rev = x", 0.15),
        ("x : α\n⊢ f x = x", "x : Nat\n⊢ f x = x", 0.15),
        ("x : Nat\n⊢ x + 1 = x", "x : α\n⊢ x + 1 = x", 0.0),
        ("x : Nat\nz : Int\n⊢ f x = z", "x : α\nz : Int\n⊢ f x = z", 0.0),
        ("⊢ ∀ n : Nat,", "⊢ ∀ n : Nat, f", 0.25 / 80),
        ("⊢ 2 * x = x", "⊢ y * x = x", 0.08),
        ("⊢ x / y = x", "⊢ x ∣ 2 = x", 0.0),
    ],
)
def test_what_makes_a_goal_look_harder(easy: str, hard: str, more: float) -> None:
    assert estimated_difficulty(hard) - estimated_difficulty(easy) == pytest.approx(more)
