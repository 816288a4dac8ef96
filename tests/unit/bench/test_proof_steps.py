"""Scripts taken apart into steps, and proofs cut out of files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.proof_steps import cut_proofs, steps


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("", ()),
        ("simp", ("simp",)),
        ("intro x; simp; omega", ("intro x", "simp", "omega")),
        ("simp <;> omega", ("simp <;> omega",)),
        ("have h : a := by simp; omega", ("have h : a := by simp; omega",)),
        ("exact (by simp; omega); rfl", ("exact (by simp; omega)", "rfl")),
        ("constructor\n· simp\n· intro x\n  omega", ("constructor", "simp", "intro x", "omega")),
        (
            "induction n with\n| zero => rfl\n| succ k ih =>\n  rw [ih]\n  simp",
            ("induction n with | zero => ?_ | succ k ih => ?_", "rfl", "rw [ih]", "simp"),
        ),
        (
            "cases h with\n  | inl h => cases h with\n    | a => rfl\n  | inr h => simp",
            ("cases h with | inl h => ?_ | inr h => ?_", "cases h with | a => ?_", "rfl", "simp"),
        ),
        ("have h : a := by\n  simp\n  omega\nexact h", ("have h : a := ?_", "exact h", "simp", "omega")),
        ("calc a = b := by simp\n  _ = c := by omega", ("calc a = b := by simp\n  _ = c := by omega",)),
        ("simp [f]\n  at h", ("simp [f]\n  at h",)),
    ],
)
def test_steps(script: str, expected: tuple[str, ...]) -> None:
    assert steps(script) == expected


@given(st.text(alphabet="ab ·|=>;\n(){}[]⟨⟩:by", max_size=60))
def test_no_script_is_too_odd(script: str) -> None:
    assert all(step.strip() for step in steps(script)) or not script.strip()


FILE = """import Init

/-- one := by two -/
theorem a (n : Nat) : n = n := by
  induction n with
  | zero => rfl
  | succ n ih => rfl

@[simp] theorem b : 1 = 1 := by rfl

def f : Nat := by exact 1

theorem c : 2 = 2 := rfl

theorem d : 3 = 3 := by
  sorry

private theorem e : 4 = 4 := by
  -- a comment
  rfl
"""


def test_proofs_are_cut_out() -> None:
    text, proofs = cut_proofs(FILE)
    assert [proof.script for proof in proofs] == [
        "induction n with\n| zero => rfl\n| succ n ih => rfl",
        "rfl",
        "-- a comment\nrfl",
    ]
    assert text.count("sorry") == 4
    for proof in proofs:
        assert text.split("\n")[proof.line - 1].endswith(":= by sorry")
    assert "def f : Nat := by exact 1" in text
    assert "/-- one := by two -/" in text


@given(st.text(alphabet="theorem a:=by\n sorry(){}-/", max_size=80))
def test_what_is_no_theorem_stays(text: str) -> None:
    assert cut_proofs(text)[0] == text or cut_proofs(text)[1]


def test_nothing_to_cut() -> None:
    assert cut_proofs("def x := 3\n") == ("def x := 3\n", ())
