"""Proofs made shorter: what is dropped, and what `simp` is replaced by."""

from __future__ import annotations

import pytest

from orchestrator.goals.goal import Context, Position
from orchestrator.lean.protocol import Message, Severity, TacticReply
from orchestrator.strategies.shorten import (
    items_of,
    restate,
    short_names,
    steps_of,
    with_question_mark,
    without_item,
    without_list,
)


def test_lemmas_are_taken_out_one_by_one_or_all() -> None:
    tactic = "(simp_all [a, b]; grind [b, c])"
    assert items_of(tactic) == ("a", "b", "c")
    assert without_item(tactic, "b") == "(simp_all [a]; grind [c])"
    assert without_item("grind [a]", "a") == "grind"
    assert without_list(tactic) == ("(simp_all; grind)",)
    assert without_list("rfl") == ()
    assert without_list("simp only [a]") == ()


@pytest.mark.parametrize(
    ("tactic", "asking"),
    [
        ("simp_all [a]", "simp_all? [a]"),
        ("simp", "simp?"),
        ("(simp [a, b]; omega)", "(simp? [a, b]; omega)"),
        ("simp only [a]", ""),
        ("simp +arith", ""),
        ("(cases h <;> simp_all)", ""),
        ("(simp_all; simp)", ""),
        ("grind", "grind?"),
        ("intro h\nsimp\nomega", "intro h\nsimp?\nomega"),
    ],
)
def test_the_only_simp_is_asked_what_it_used(tactic: str, asking: str) -> None:
    assert with_question_mark(tactic) == asking


def test_the_suggestion_takes_the_place_of_the_simp() -> None:
    def reply(text: str, completed: bool = True) -> TacticReply:
        return TacticReply("t", completed, messages=(Message(Severity.INFO, text, Position(1, 0)),))

    said = "Try this:\n  [apply] simp_all only [a, c]"
    assert restate("(simp_all [a, b]; omega)", reply(said)) == "(simp_all only [a, c]; omega)"
    assert restate("simp_all [a]", reply(said, completed=False)) == ""
    assert restate("simp_all [a]", reply("nothing")) == ""
    assert restate("simp_all [a]", reply(f"Try this:\n  [apply] simp_all only [{'a, ' * 100}b]")) == ""


@pytest.mark.parametrize(
    ("script", "steps", "between"),
    [
        ("simp; omega", ["simp", "omega"], "; "),
        ("intro h; (simp; omega)", ["intro h", "(simp; omega)"], "; "),
        ("constructor <;> simp; omega", ["constructor <;> simp", "omega"], "; "),
        ("intro h\nsimp; omega", ["intro h", "simp; omega"], "\n"),
        ("cases h\n· simp\n  omega\n| rfl\nrfl", ["cases h", "· simp\n  omega\n| rfl", "rfl"], "\n"),
    ],
)
def test_the_steps_of_a_script(script: str, steps: list[str], between: str) -> None:
    assert steps_of(script) == (steps, between)
    assert between.join(steps) == script


def test_names_are_written_as_short_as_the_open_namespaces_allow() -> None:
    context = Context(namespace="A.B", opens=("Nat",))
    assert list(short_names("A.B.c", context)) == ["c", "B.c"]
    assert list(short_names("_root_.Nat.succ", context)) == ["succ", "Nat.succ"]
    assert list(short_names("List.map", context)) == []
