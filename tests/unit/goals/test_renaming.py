"""A script in the names of another goal."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.goals.normal_form import hypothesis_names
from orchestrator.goals.renaming import translated

BEFORE = "n m : Nat\nh : n = m\n⊢ m = n"


@pytest.mark.parametrize(
    ("now", "script", "expected"),
    [
        (BEFORE, "exact h.symm", "exact h.symm"),
        ("a b : Nat\nk : a = b\n⊢ b = a", "exact h.symm", "exact k.symm"),
        ("b a : Nat\nk : a = b\n⊢ b = a", "cases h; exact rfl", "cases k; exact rfl"),
        ("a b : Nat\nk : a = b\n⊢ b = a", "induction n <;> simp_all [List.n]", "induction a <;> simp_all [List.n]"),
        ("m n : Nat\nh : m = n\n⊢ n = m", "rw [m.h, n]", "rw [n.h, m]"),
        ("a b : Nat\nk : a = b\n⊢ a = b", "exact h.symm", "exact h.symm"),
        ("a b : Nat\nx : a = b\n⊢ b = a", "intro x; exact h.symm", "intro x; exact h.symm"),
    ],
)
def test_names_are_put_in_the_place_of_their_like(now: str, script: str, expected: str) -> None:
    assert translated([script], BEFORE, now) == (expected,)


def test_names_come_in_the_order_of_the_normal_form() -> None:
    assert hypothesis_names("n m : Nat\nh : n = m\n⊢ m = n") != ()
    assert len(hypothesis_names("n m : Nat\nh : n = m\n⊢ m = n")) == 3
    assert hypothesis_names("⊢ p\n\n⊢ q") == ()


@settings(deadline=None)
@given(st.permutations(["a", "b", "k", "c'", "h₁"]), st.text("nmh .();", max_size=20))
def test_there_and_back_again(names: list[str], script: str) -> None:
    a, b, k, *_ = names
    now = f"{a} {b} : Nat\n{k} : {a} = {b}\n⊢ {b} = {a}"
    there = translated([script], BEFORE, now)
    assert translated(there, now, BEFORE) == (script,)
