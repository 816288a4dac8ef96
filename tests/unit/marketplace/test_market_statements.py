"""Goals closed over their hypotheses, and proofs taken apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import MarketplaceError
from orchestrator.marketplace.statements import (
    accessible,
    closed,
    generalizable,
    hypotheses,
    occurrences,
    proposition,
    signature_of,
    written_proof,
)
from orchestrator.source.helper_lemmas import colon

STUCK = """case cons
α : Type u_1
inst✝ : Monoid α
f : α → Nat
head✝ : α
tail✝ : List α
tail_ih✝ : count tail✝ 0 = tail✝.length
h : 0 < f head✝
⊢ count tail✝ (f head✝) =
    tail✝.length + f head✝"""


def test_a_rest_is_closed_over_the_variables_it_mentions() -> None:
    plain = accessible(STUCK)
    assert closed(plain) == (
        "{α : Type u_1} [inst : Monoid α] (f : α → Nat) (head : α) (tail : List α) : "
        "count tail (f head) = tail.length + f head"
    )
    assert "(tail_ih : count tail 0 = tail.length)" in closed(plain, all_facts=True)
    assert closed("n : Nat\nm : Nat\n⊢ m = m") == "(m : Nat) : m = m"
    assert closed("⊢ True") == ": True"


def test_names_that_cannot_be_written_get_others() -> None:
    assert accessible("n✝ n : Nat\nn✝¹ : n✝ = n\n⊢ n✝ = n") == "n_2 n : Nat\nn_3 : n_2 = n\n⊢ n_2 = n"
    assert accessible("head✝ : Nat\n⊢ head✝ = 0") == "head : Nat\n⊢ head = 0"


@given(st.lists(st.sampled_from(["x✝", "x", "y✝", "y✝¹", "x✝²", "z"]), min_size=1, max_size=6, unique=True))
def test_accessible_names_stay_apart(names: list[str]) -> None:
    text = "\n".join(f"{name} : T{index}" for index, name in enumerate(names)) + "\n⊢ " + " ∧ ".join(names)
    plain = accessible(text)
    found = [one.name for one in hypotheses(plain)]
    assert "✝" not in plain
    assert len(set(found)) == len(names)
    assert [name for name in names if "✝" not in name] == [n for n, o in zip(found, names, strict=True) if "✝" not in o]
    assert plain.rpartition("⊢ ")[2].split(" ∧ ") == found


def test_what_somebody_writes_becomes_a_signature() -> None:
    assert signature_of("∀ n, n = n") == ": ∀ n, n = n"
    assert signature_of("(n : Nat) : n = n") == "(n : Nat) : n = n"
    assert signature_of("n : Nat\nh : 0 < n\n⊢ n ≠ 0") == "(n : Nat) (h : 0 < n) : n ≠ 0"
    assert signature_of("(1 : Nat) = 1") == ": (1 : Nat) = 1"
    assert proposition("(n : Nat) : n = n") == "∀ (n : Nat), n = n"
    assert proposition(": True") == "True"
    assert colon("{a : A} (b : B a) : C") == 18
    assert colon("n = n") == -1


def test_a_proof_is_a_theorem_a_term_or_tactics() -> None:
    assert written_proof("by\n  intro n\n  rfl").script == "intro n\nrfl"
    assert written_proof("  intro n\n  rfl\n").script == "intro n\nrfl"
    assert written_proof("by simp").script == "simp"
    whole = written_proof("theorem a.b : ∀ n, n = n := by\n  intro n\n  rfl\n")
    assert (whole.signature, whole.script) == (": ∀ n, n = n", "intro n\nrfl")
    assert written_proof("theorem x : True := trivial").script == "exact trivial"
    binders = written_proof("theorem x (n : Nat) : n = n := by\n  rfl")
    assert binders.signature == "(n : Nat) : n = n"
    assert binders.script == "have as_given (n : Nat) : n = n := by\n  rfl\nexact @as_given"
    universe = written_proof("theorem x.{u} {α : Type u} : True := by trivial")
    assert universe.signature == "{α : Type u} : True"


@pytest.mark.parametrize("text", ["", "  \n ", "by", "theorem x : True", "theorem x := trivial"])
def test_what_is_no_proof_is_refused(text: str) -> None:
    with pytest.raises(MarketplaceError):
        written_proof(text)


def test_terms_that_may_stand_for_something_more_general() -> None:
    terms = generalizable("⊢ l.onto (x :: r.flat) = f [a] 1 ++ x :: r.flat ++ Tree.leaf.flat")
    assert {"x :: r.flat", "[a]", "1"} <= set(terms)
    assert generalizable("⊢ f (n : Nat) = x2") == ()
    assert occurrences("⊢ f acc = acc' + acc + acc.x", "acc") == 3
