"""Sorries that stay, and definitions that take variables of their section."""

from __future__ import annotations

from dataclasses import replace

import pytest
from elaborated_facts import fact

from orchestrator.gate.targets import sorries_left, takes_more_variables, users_above
from orchestrator.goals.goal import Position
from orchestrator.source.project import Project, SourceModule


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("theorem t : p := sorry", 0),
        ("theorem t : p := sorryAx _", 0),
        ("theorem t : p := sorry_lemma", 1),
        ("theorem t : p := sorry.lemma", 1),
        ("theorem t : p := stopped", 1),
        ("theorem t : p := /- -/ by rfl", 1),
    ],
)
def test_a_sorry_is_shown_where_the_text_has_the_word(text: str, hidden: int) -> None:
    own = replace(fact("t", own_sorry=True), sorry_places=(Position(1, 17),))
    assert sorries_left(own, {"t": own}, text)[0] == hidden


def test_only_a_section_with_variables_gives_a_definition_more_of_them() -> None:
    before, after = fact("t", kind="def", type="c P\n= 0"), fact("t", kind="def", type="c H\nc P\nf 0 1d\n= 2")
    assert takes_more_variables(before, after, "variable (h : H)\ndef t : P := sorry")
    assert not takes_more_variables(before, after, "-- variable\ndef t : P := sorry")
    assert not takes_more_variables(after, before, "variable (h : H)\ndef t : P := sorry")
    assert not takes_more_variables(before, before, "variable (h : H)\ndef t : P := sorry")
    assert not takes_more_variables(before, replace(after, kind="theorem"), "variable (h : H)\ndef t : P := sorry")


@pytest.mark.parametrize(
    ("name", "above", "used"),
    [
        ("t", "def u := t", True),
        ("N.t", "def u := N.t.x", True),
        ("t", "def u := tt", False),
        ("instP", "def u := 1", True),
    ],
)
def test_who_may_use_a_definition(name: str, above: str, used: bool) -> None:
    modules = (SourceModule("B", "B.lean", ""), SourceModule("A", "A.lean", above, imports=("B",)))
    project = Project("p", "/nowhere", modules=modules)
    assert users_above(fact(name), project, "B", {}) == (("A.lean",) if used else ())
    assert users_above(fact(name), project, "B", {"A": {"u": fact("u", uses=(name,))}}) == ("A.lean",)
    assert users_above(fact(name), project, "B", {"A": {"u": fact("u")}}) == ()
