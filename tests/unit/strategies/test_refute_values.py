"""Small values of types, from how Lean prints the types."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.strategies.refute.values import Argument, Constructor, Values, declared, substituted, telescope, words

TREE = {
    "Tree": [
        Constructor("leaf", *telescope("{α : Type} → Tree α")),
        Constructor("node", *telescope("{α : Type} → Tree α → α → Tree α → Tree α")),
    ],
    "Even": [
        Constructor("zero", *telescope("Even 0")),
        Constructor("add_two", *telescope("∀ {n : Nat}, Even n → Even (n + 2)")),
    ],
    "Small": [Constructor("of", *telescope("∀ (n : Nat), n < 3 → Small n"))],
}
VALUES = Values(TREE, ["Even", "Small"])

SIMPLE = st.sampled_from(["Nat", "Int", "Bool", "Prop", "String", "Char", "Unit", "Fin 3"])
TYPES = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(
        inner.map(lambda kind: f"List ({kind})"),
        inner.map(lambda kind: f"Option ({kind})"),
        inner.map(lambda kind: f"Tree ({kind})"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}) × ({pair[1]})"),
        st.tuples(inner, inner).map(lambda pair: f"({pair[0]}) → ({pair[1]})"),
    ),
    max_leaves=4,
)


def test_what_a_text_declares() -> None:
    text = """\
inductive Tree (α : Type) where
  | leaf
  /-- A `| comment`. -/
  | node (l : Tree α) (r : Tree α)
  deriving Repr
structure Point where
  x : Int
inductive A.Even : Nat → Prop
  | zero : Even 0
  | add_two : Even n → Even (n + 2)
@[simp] private def depth : Tree α → Nat
  | .leaf => 0
  | _ => 1
-- def commented := 1
"""
    found = declared([text])
    assert found.constructors == {"Tree": ("leaf", "node"), "Point": ("mk",), "Even": ("zero", "add_two")}
    assert found.definitions == {"depth"}


@pytest.mark.parametrize(
    ("text", "arguments", "result"),
    [
        ("Nat", (), "Nat"),
        ("(Nat → Nat) → Prop", (Argument("", "Nat → Nat"),), "Prop"),
        (
            "{α : Type u} → [DecidableEq α] → List α → Nat",
            (
                Argument("α", "Type u", explicit=False),
                Argument("", "DecidableEq α", explicit=False),
                Argument("", "List α"),
            ),
            "Nat",
        ),
        (
            "∀ (a b : Nat) {l : List Nat},\n  a ≤ b → P (a :: l)",
            (
                Argument("a", "Nat"),
                Argument("b", "Nat"),
                Argument("l", "List Nat", explicit=False),
                Argument("", "a ≤ b"),
            ),
            "P (a :: l)",
        ),
        ("∀ x ∈ l, p x", (), "∀ x ∈ l, p x"),
    ],
)
def test_a_telescope_is_read(text: str, arguments: tuple[Argument, ...], result: str) -> None:
    assert telescope(text) == (arguments, result)


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("Nat", ("0", "1", "2", "3")),
        ("Int", ("0", "1", "(-1)", "2")),
        ("List Nat", ("[]", "[0]", "[1]", "[0, 0]")),
        ("Fin (1 + 1)", ("⟨0, by decide⟩", "⟨1, by decide⟩")),
        ("Tree Bool", (".leaf", "(.node .leaf true .leaf)", "(.node .leaf false .leaf)")),
        ("Even m", (".zero", "(.add_two .zero)", "(.add_two (.add_two .zero))")),
        ("Unknown Nat", ()),
    ],
)
def test_the_smallest_values_come_first(kind: str, values: tuple[str, ...]) -> None:
    assert VALUES.first(kind, 4)[: len(values)] == values
    assert bool(VALUES.first(kind, 4)) is bool(values)


def test_an_argument_that_a_proof_determines_is_left_to_it() -> None:
    (value, *_) = Values(
        {"P": [Constructor("of", *telescope("∀ (n : Nat), Even n → P n"))], **TREE}, ["P", "Even"]
    ).first("P k", 3)
    assert value == "(.of _ .zero)"


@given(TYPES, st.integers(1, 40))
def test_values_are_distinct_balanced_and_a_longer_list_begins_with_a_shorter_one(kind: str, most: int) -> None:
    found = VALUES.first(kind, most)
    assert 0 < len(found) <= most
    assert len(set(found)) == len(found)
    assert all(words(value) == [value] or value.startswith(("(", "'")) for value in found)
    for fewer, more in pairwise(range(1, most + 1)):
        assert VALUES.first(kind, more)[:fewer] == VALUES.first(kind, fewer)[:fewer]


@given(st.text("ab. '1(", max_size=12))
def test_only_whole_names_are_replaced(kind: str) -> None:
    assert substituted(kind, {}) == kind
    assert substituted(f"c → x.c → {kind}", {"c": "D"}) == f"D → x.c → {kind}"
