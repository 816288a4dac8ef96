"""How hard goals look, and what is read off them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.goals.difficulty import HEAVY_FROM, Domain, estimated_difficulty, features
from orchestrator.goals.goal import SorryKind

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


@given(st.text(max_size=80), st.integers(0, 50), st.integers(0, 3), st.sampled_from(SorryKind))
def test_estimate_is_a_fraction(text: str, failures: int, successes: int, kind: SorryKind) -> None:
    estimate = estimated_difficulty(text, kind=kind, past_failures=failures, past_successes=successes)
    assert 0.0 <= estimate <= 1.0


@pytest.mark.parametrize("text", ONE_LINERS + HARD)
def test_each_failure_makes_it_harder(text: str) -> None:
    estimates = [estimated_difficulty(text, past_failures=count) for count in range(8)]
    assert estimates == sorted(set(estimates))
    assert estimates[-1] > HEAVY_FROM


def test_success_makes_it_easier() -> None:
    assert estimated_difficulty(HARD[0], past_successes=1) < HEAVY_FROM


def test_missing_data_is_hopeless() -> None:
    assert estimated_difficulty("⊢ Nat", is_prop=False) == 1.0


def test_half_finished_proofs_count_as_harder() -> None:
    assert estimated_difficulty("⊢ p", kind=SorryKind.STOP) > estimated_difficulty("⊢ p")


@pytest.mark.parametrize(
    ("text", "head"),
    [
        ("⊢ a + b = c", "="),
        ("⊢ ∀ x, p x → x < 3", "<"),
        ("⊢ p → q ∧ r", "∧"),
        ("⊢ ∃ x, p x ∧ q", "∃"),
        ("⊢ p ∧ ∃ x, q x", "∧"),
        ("⊢ ¬p", "¬"),
        ("⊢ p ↔ q → r", "↔"),
        ("⊢ ∑ i ∈ s, f i = 0", "∑"),
        ("⊢ Continuous f", "Continuous"),
        ("⊢ (p → q)", ""),
        ("", ""),
    ],
)
def test_head_of_the_conclusion(text: str, head: str) -> None:
    assert features(text).head == head


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("n : Nat\n⊢ n = n", Domain.NAT),
        ("⊢ 2 + 2 = 4", Domain.NAT),
        ("n : ℕ\nz : ℤ\n⊢ ↑n = z", Domain.INT),
        ("xs : List Nat\n⊢ xs = xs", Domain.LIST),
        ("xs : Array Nat\n⊢ xs.toList = []", Domain.ARRAY),
        ("s : String\n⊢ s = s", Domain.STRING),
        ("o : Option Nat\n⊢ o = none", Domain.OPTION),
        ("i : Fin n\n⊢ i < n", Domain.FIN),
        ("x : BitVec 8\n⊢ x = x", Domain.BITVEC),
        ("s t : Set α\n⊢ s ∪ t = t ∪ s", Domain.SET),
        ("a b : Bool\n⊢ (a && b) = (b && a)", Domain.BOOL),
        ("p q : Prop\n⊢ p ∧ q → q", Domain.PROP),
        ("p : α → Prop\n⊢ ∀ x, p x", Domain.LOGIC),
        ("f : ℝ → ℝ\n⊢ Continuous f", Domain.OTHER),
    ],
)
def test_domain(text: str, domain: Domain) -> None:
    assert features(text).domain is domain


def test_counts() -> None:
    seen = features("x y : Nat\nh : x < y\n⊢ ∀ a, ∀ b, ∃ c, a * b = c ∧ (a < c ∨ b < c)")
    assert (seen.quantifiers, seen.hypotheses, seen.connectives, seen.depth) == (2, 3, 2, 2)
    assert seen.existential
    assert seen.nonlinear
    assert not features("x : Nat\n⊢ 2 * x = x + x").nonlinear


def test_inductive_needs_a_function() -> None:
    assert features("xs : List α\n⊢ xs.reverse.reverse = xs").inductive
    assert features("n : Nat\n⊢ double n = n + n").inductive
    assert not features("a b : Nat\n⊢ a + b = b + a").inductive
