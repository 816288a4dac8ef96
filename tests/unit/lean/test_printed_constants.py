"""Constants read off a goal that Lean printed in full."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.lean.native.queries import constants_printed


@pytest.mark.parametrize(
    ("goal", "names"),
    [
        (
            "xs : List.{0} Nat\nh : ∀ (k : Nat), @Eq.{1} Nat (dbl k) k\n⊢ @Eq.{1} Nat (@List.length.{0} Nat xs) k",
            ("List", "Nat", "Nat", "Eq", "Nat", "dbl", "Eq", "Nat", "List.length", "Nat"),
        ),
        ("case a.b\na b : Nat\n⊢ Nat.le a b", ("Nat", "Nat.le")),
        ("α : Type u\ninst : Inhabited.{u + 1} α\n⊢ @Foo.{max u 1} α inst", ("Inhabited", "Foo")),
        ("⊢ ∀ (x y : Nat) {z : Int} [i : Add Nat], f (fun (w : Nat) => g w x y z i)", None),
        ('⊢ @Eq.{1} String "Nat.foo" s', ("Eq", "String", "s")),
        ("x✝ : Nat\n⊢ @Eq.{1} Nat x✝ «odd name».val", ("Nat", "Eq", "Nat", "«odd name».val")),
        ("⊢ A\n    (B.c D)", ("A", "B.c", "D")),
        ("", ()),
    ],
)
def test_names_but_not_bound_ones_are_found(goal: str, names: tuple[str, ...] | None) -> None:
    found = constants_printed(goal)
    if names is None:
        assert set(found) == {"Nat", "Int", "Add", "f", "g"}
    else:
        assert tuple(name for name in found if name != "a.b") == names


@given(st.text())
def test_any_text_is_taken(text: str) -> None:
    assert all(constants_printed(text))
