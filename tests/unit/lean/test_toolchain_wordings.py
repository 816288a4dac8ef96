"""What Lean has said since v4.9: every wording is understood."""

from __future__ import annotations

import pytest

from orchestrator.goals.goal import Position
from orchestrator.lean.native.queries import axioms_in
from orchestrator.lean.native.replies import messages_of, scope_of, sorries_in, tactic_reply, uses_sorry
from orchestrator.lean.protocol import Message, Severity
from orchestrator.strategies.suggestions import suggestions

POS = {"line": 1, "column": 0}


def said(text: str, severity: str = "info") -> dict[str, object]:
    return {"messages": [{"severity": severity, "pos": POS, "endPos": None, "data": text}]}


def message(text: str) -> Message:
    return Message(Severity.INFO, text, Position(1, 0))


@pytest.mark.parametrize("text", ["declaration uses 'sorry'", "declaration uses `sorry`"])
def test_both_spellings_of_the_warning(text: str) -> None:
    assert uses_sorry(message(text))


def test_other_warnings_are_not_that_one() -> None:
    assert not uses_sorry(message("unused variable `sorry`"))


@pytest.mark.parametrize(
    "text",
    [
        "Try this: exact Nat.add_comm a b",
        "Try this:\n  [apply] exact Nat.add_comm a b",
        "Try this:\n  exact Nat.add_comm a b",
    ],
)
def test_every_shape_of_a_suggestion(text: str) -> None:
    assert suggestions([message(text)]) == ("exact Nat.add_comm a b",)


@pytest.mark.parametrize("severity", ["error", "warning", "info", "information", "trace"])
def test_every_severity_is_read(severity: str) -> None:
    (found,) = messages_of(said("x", severity), lambda position: position)
    assert found.severity in Severity


@pytest.mark.parametrize(
    ("text", "axioms"),
    [
        (
            "'t' depends on axioms: [propext, Classical.choice, Quot.sound]",
            ("Classical.choice", "Quot.sound", "propext"),
        ),
        ("'t' depends on axioms: [propext,\n Quot.sound]", ("Quot.sound", "propext")),
        ("'t' depends on axioms: [t._native.native_decide.ax_1]", ("t._native.native_decide.ax_1",)),
        ("'t' depends on axioms: [Lean.ofReduceBool]", ("Lean.ofReduceBool",)),
        ("'t' does not depend on any axioms", ()),
    ],
)
def test_axioms_of_old_and_new_toolchains(text: str, axioms: tuple[str, ...]) -> None:
    assert axioms_in(said(text), ["t"]) == {"t": axioms}


def test_what_has_no_axioms_printed_is_left_out() -> None:
    assert axioms_in(said("unknown constant 't'", "error"), ["t"]) == {}


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("namespace A.B\n\nopen Nat List", ("A.B", ("Nat", "List"))),
        ("open Lean Lean.Elab\n\nvariable (n : Nat)", ("", ("Lean", "Lean.Elab"))),
        ("-- In root namespace with initial scope", ("", ())),
        ("", ("", ())),
    ],
)
def test_where_we_are(text: str, scope: tuple[str, tuple[str, ...]]) -> None:
    assert scope_of(said(text)) == scope


@pytest.mark.parametrize(
    ("reply", "completed", "failed"),
    [
        ({"proofState": 1, "goals": [], "proofStatus": "Completed"}, True, False),
        ({"proofState": 1, "goals": []}, False, False),
        ({"proofState": 1, "goals": [], "proofStatus": "Incomplete: contains sorry"}, False, False),
        ({"proofState": 1, "goals": [], "proofStatus": "Error: kernel type check failed: …"}, False, False),
        ({"proofState": 1, "goals": [], "proofStatus": "Completed", **said("unknown constant", "error")}, False, True),
        ({"proofState": 1, "goals": [], "proofStatus": "Not verified: more than one initial goal"}, True, False),
        ({"message": "Lean error:\nomega could not prove the goal"}, False, True),
        ({"message": ""}, False, True),
    ],
)
def test_no_goals_is_not_a_proof(reply: dict[str, object], completed: bool, failed: bool) -> None:
    found = tactic_reply("t", reply, 3)
    assert (found.completed, found.failed) == (completed, failed)


def test_a_repl_that_lists_declarations_names_them() -> None:
    end = {"line": 1, "column": 5}
    reply = {
        "sorries": [{"pos": POS, "endPos": end, "goal": "⊢ p", "proofState": 4}],
        "tactics": [{"pos": POS, "endPos": end, "goals": "⊢ p", "tactic": "sorry", "proofState": 5}],
        "declarations": [{"range": {"start": POS, "finish": {"line": 3, "column": 0}}, "fullName": "A.instInhabited"}],
    }
    (place,) = sorries_in(reply, lambda position: position, {Position(1, 0): "sorry"})
    assert (place.declaration, place.syntax, place.state) == ("A.instInhabited", "tactic", 4)
