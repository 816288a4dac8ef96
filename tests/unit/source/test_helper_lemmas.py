"""Helper lemmas as text: what they may be, where they go, and that everything else stays."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import PatchError
from orchestrator.goals.goal import Position, SourceSpan
from orchestrator.goals.result import HelperLemma
from orchestrator.source.helper_lemmas import helper_problem, lemma_text, short_name, with_helpers

TEXT = "namespace A\n\n/-- b -/\ntheorem b : p := by\n  sorry\n\ntheorem c : q := by sorry\n\nend A\n"
HELPER = HelperLemma(
    "A.b_helper", "b_helper", "(n : Nat) : n = n", "induction n\n· rfl\n· rfl", "A.lean", Position(3, 0)
)


def test_a_lemma_goes_in_front_of_its_command() -> None:
    made = with_helpers(TEXT, [HELPER])
    assert made.text == TEXT.replace(
        "/-- b -/", "theorem b_helper (n : Nat) : n = n := by\n  induction n\n  · rfl\n  · rfl\n\n/-- b -/"
    )
    assert made.moved(SourceSpan(Position(5, 2), Position(5, 7))).start == Position(10, 2)
    assert made.moved(SourceSpan(Position(1, 0), Position(1, 1))).start == Position(1, 0)


def test_a_lemma_named_twice_goes_in_once_at_its_first_place() -> None:
    later = replace(HELPER, before=Position(7, 0))
    assert with_helpers(TEXT, [later, HELPER]).text == with_helpers(TEXT, [HELPER]).text


def test_windows_line_ends_are_kept() -> None:
    made = with_helpers(TEXT.replace("\n", "\r\n"), [HELPER]).text
    assert made.replace("\r\n", "\n") == with_helpers(TEXT, [HELPER]).text
    assert "\n" not in made.replace("\r\n", "")


def test_a_lemma_needs_a_line_of_its_own() -> None:
    with pytest.raises(PatchError, match="a line of its own"):
        with_helpers("end A theorem b : p := by sorry", [replace(HELPER, before=Position(1, 6))])


@given(st.lists(st.sampled_from([1, 3, 4, 7, 9]), max_size=5), st.integers(1, 9))
def test_places_move_with_their_lines(lines: list[int], line: int) -> None:
    helpers = [
        replace(HELPER, name=f"A.h{index}", short=f"h{index}", before=Position(before, 0))
        for index, before in enumerate(lines)
    ]
    made = with_helpers(TEXT, helpers)
    moved = made.moved(SourceSpan(Position(line, 0), Position(line, 0))).start.line
    assert made.text.split("\n")[moved - 1] == TEXT.split("\n")[line - 1]
    assert made.text.count("theorem h") == len(helpers)


def test_a_long_statement_is_broken_and_universes_are_named() -> None:
    signature = "{α : Type u_1} (xs : List α) (some_accumulator : List α) : " + " = ".join(["turnOnto xs []"] * 3)
    text = lemma_text("x", signature, "simp")
    assert text.startswith("theorem x.{u_1} {α : Type u_1} (xs : List α) (some_accumulator : List α) :\n    turnOnto")
    assert text.endswith(" := by\n  simp")


def test_names_inside_a_namespace() -> None:
    assert short_name("A.B.c", "A") == "B.c"
    assert short_name("A.c", "") == "A.c"
    assert short_name("B.c", "A") == "_root_.B.c"


def test_it_survives_the_ledger() -> None:
    assert HelperLemma.from_json(HELPER.to_json()) == HELPER
    assert helper_problem(HELPER) == ""


@pytest.mark.parametrize(
    "changes",
    [
        {"signature": "(n : Nat) : n = n := rfl\ntheorem x : True"},
        {"signature": ": True -- a comment"},
        {"signature": ": True := by trivial"},
        {"script": "sorry"},
        {"script": "trivial\nattribute [simp] Nat.add_comm"},
        {"script": "trivial\n@[simp] theorem y : True"},
        {"script": "trivial\naxiom bad : False"},
        {"script": 'trivial\nnotation "x" => 1'},
        {"script": "trivial\ninstance : Inhabited Nat := ⟨0⟩"},
        {"script": "native_decide"},
        {"script": "trivial /-"},
        {"script": ""},
        {"script": "exact (trivial"},
        {"name": "A.b helper"},
        {"name": "A.other"},
    ],
)
def test_what_is_more_than_a_theorem_is_refused(changes: dict[str, str]) -> None:
    assert helper_problem(replace(HELPER, **changes))
