"""The lines of a goal as Lean prints it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.goals.goal import Goal
from orchestrator.goals.hypotheses import Hypothesis, hypotheses_of, split_goal

NAMES = st.sampled_from(["x", "n", "h", "h'", "x✝", "x✝¹", "inst✝", "α", "«a : b»", "this", "ih_1", "t.x", "_u"])
TYPES = st.sampled_from(
    [
        "Nat",
        "Type u_1",
        "List (Fin (n + 1)) → Nat",
        "∀ (x : Nat), x = x",
        "f (n := 3) = { val := 1 }",
        "let y := 1; y = 1",
        "let y := 1; let z := y;\n  z = 1",
        "c = \"a : b := (\" ∧ d = '('",
        "(match n with\n  | 0 => True\n  | k => False) = p",
    ]
)
VALUES = st.sampled_from(["", "3", "fun x => x", "let y := 1; y", "f (n := 3)"])
LINES = st.lists(st.tuples(st.lists(NAMES, min_size=1, max_size=3), TYPES, VALUES), max_size=5)


@given(LINES, st.booleans())
def test_what_lean_prints_is_read_back(lines: list[tuple[list[str], str, str]], case: bool) -> None:
    printed = [f"{' '.join(names)} : {type_}" + (f" := {value}" if value else "") for names, type_, value in lines]
    text = "\n".join([*(["case cons.inl"] if case else []), *printed, "⊢ x : = y\n  | z"])
    expected = [
        Hypothesis(name, " ".join(part.strip() for part in type_.split("\n")), value)
        for names, type_, value in lines
        for name in names
    ]
    assert hypotheses_of(text) == tuple(expected)
    assert Goal("", text).target == "x : = y\n  | z"


@given(st.text(alphabet="xh:=⊢|«»()[ \n\"'✝", max_size=40))
def test_any_text_is_read(text: str) -> None:
    names = [one.name for one in hypotheses_of(text)]
    assert all(name.split() == [name] for name in names if "«" not in name)
    assert not names or "\n⊢" in text


def test_without_a_turnstile_everything_is_target() -> None:
    goal = Goal("", "∀ n : Nat, n = n")
    assert (goal.hypotheses, goal.target) == ((), "∀ n : Nat, n = n")
    assert split_goal("case a\nx : Nat\n| x + 0") == (["x : Nat"], "|", " x + 0")


@pytest.mark.parametrize(
    ("line", "kinds"),
    [
        ("α : Type u_1", "sort"),
        ("F : Type → Type", "sort"),
        ("v : TypeVec n", ""),
        ("inst✝¹ : DecidableEq (a = b)", "instance"),
        ("inst_2 : Monoid α", "instance"),
        ("h : n ≠ 0", "fact"),
        ("h : p → False", "fact"),
        ("f : Foo (fun x => x) (n := 1)", ""),
        ("p : MyPredicate n", ""),
    ],
)
def test_kinds_of_hypotheses(line: str, kinds: str) -> None:
    (one,) = hypotheses_of(f"{line}\n⊢ True")
    found = {"sort": one.is_sort, "instance": one.is_instance, "fact": one.is_fact}
    assert " ".join(name for name, holds in found.items() if holds) == kinds
