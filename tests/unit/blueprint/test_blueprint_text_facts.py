"""What the text decides without Lean, and what it leaves undecided."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.blueprint.status import Truth, judge
from orchestrator.blueprint.text_facts import facts_shown

FALSE, UNDECIDED = Truth.FALSE, Truth.UNDECIDED

CASES = {
    "theorem t : P := by sorry": (UNDECIDED, FALSE),
    "theorem t : P :=\nsorry": (UNDECIDED, FALSE),
    "@[simp] protected lemma t : P := by\n  simp\n  sorry": (UNDECIDED, FALSE),
    "theorem t : P ∧ Q := ⟨by simp, by sorry⟩": (UNDECIDED, FALSE),
    "theorem t : ∀ n, P n\n  | 0 => trivial\n  | n + 1 => sorry": (UNDECIDED, FALSE),
    "theorem t : P := by\n  try simp\n  sorry": (UNDECIDED, FALSE),
    "theorem t : P := by admit": (UNDECIDED, FALSE),
    "theorem t (n : Nat) : n = (sorry : Nat) := rfl": (FALSE, FALSE),
    "theorem t (n : Nat := sorry) : Q := h": (FALSE, FALSE),
    "theorem t (h : P := by (sorry)) (n : R sorry) : Q := h": (FALSE, FALSE),
    "theorem t (h : P := by sorry) : Q := h": (UNDECIDED, UNDECIDED),
    "def t : Nat := sorry": (FALSE, FALSE),
    "abbrev t : Type := by\n  exact sorry": (FALSE, FALSE),
    "instance t : Nice 2 := by\n  sorry": (UNDECIDED, FALSE),
    "instance t : Nice 2 where\n  out := sorry": (UNDECIDED, FALSE),
    "def t (n : Nat) : Nat := t (n - 1)\ndecreasing_by sorry": (UNDECIDED, FALSE),
    "axiom t : P": (UNDECIDED, FALSE),
    # Complete, as far as the text shows.
    "theorem t : P := rfl": (UNDECIDED, UNDECIDED),
    "theorem t (start stop admit : Nat) (h : start = stop) : stop = start := h.symm": (UNDECIDED, UNDECIDED),
    "theorem t : P := rfl -- sorry": (UNDECIDED, UNDECIDED),
    # A sorry that may not be reached, or is another declaration's.
    "theorem t : P := by first | rfl | sorry": (UNDECIDED, UNDECIDED),
    "theorem t : P := by\n  first\n  | rfl\n  | sorry": (UNDECIDED, UNDECIDED),
    "theorem t : P := by simp <;> sorry": (UNDECIDED, UNDECIDED),
    "theorem t : P := by\n  simp\n  any_goals\n    sorry": (UNDECIDED, UNDECIDED),
    "def t : MacroM Syntax := `(sorry)": (UNDECIDED, UNDECIDED),
    "theorem t : P := trivial\n  where aux : Q := sorry": (UNDECIDED, UNDECIDED),
    "theorem t : P := by\n  let rec aux : Q := sorry\n  trivial": (UNDECIDED, UNDECIDED),
    "theorem t : P := rfl\n\nproblem hard : Q := by\n  sorry": (UNDECIDED, UNDECIDED),
    "namespace N\n  theorem _root_.t : P := rfl\n  problem hard : Q := by sorry\nend N": (UNDECIDED, UNDECIDED),
    "theorem t : P := rfl\n#check (sorry : Nat)": (UNDECIDED, UNDECIDED),
    "theorem t : P := rfl\n@[tag] problem hard : Q := sorry": (UNDECIDED, UNDECIDED),
    "theorem t : P := by my_tactic sorry": (UNDECIDED, UNDECIDED),
    "structure t where\n  x : Nat := sorry": (UNDECIDED, UNDECIDED),
    "macro_rules | `(tactic| sorry) => `(tactic| rfl)\ntheorem t : P := by sorry": (UNDECIDED, UNDECIDED),
    # Which declaration is meant is not known.
    "private theorem t : P := by sorry": (UNDECIDED, UNDECIDED),
    "@[simp] private noncomputable def t : P := by sorry": (UNDECIDED, UNDECIDED),
    "private theorem t : P := by sorry\ntheorem t' : Q := rfl": (UNDECIDED, UNDECIDED),
    "proof_wanted t : P": (UNDECIDED, UNDECIDED),
}


@pytest.mark.parametrize("text", CASES)
def test_a_declaration(text: str) -> None:
    status = judge("k", ["t"], facts_shown([text])[0], has_proof=True)
    assert (status.statement, status.proof) == CASES[text]


def test_declarations_of_one_name_decide_what_they_agree_on() -> None:
    is_open, complete, hidden = "theorem t : P := by sorry", "theorem t : Q := rfl", "private theorem t : P := sorry"
    for texts, proof in (
        ((is_open, complete), UNDECIDED),
        ((is_open, is_open.replace("P", "Q")), FALSE),
        ((hidden, complete), UNDECIDED),
        ((hidden, is_open), FALSE),
    ):
        assert judge("k", ["t"], facts_shown(texts)[0], has_proof=True).proof is proof


PIECES = [
    "theorem ",
    "t ",
    ": ",
    ":= ",
    "by ",
    "sorry",
    "\n",
    "  ",
    "(",
    ")",
    "first ",
    "| ",
    "where ",
    "def ",
    "stop ",
]


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_nothing_is_ever_said_to_be_true(text: str) -> None:
    for name, fact in facts_shown([text])[0].items():
        status = judge("k", [name], {name: fact}, has_proof=True)
        assert Truth.TRUE not in (status.statement, status.proof, status.proved)
