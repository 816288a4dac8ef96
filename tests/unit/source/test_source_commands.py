"""Cutting Lean text into commands, by text alone."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.source.commands import command_starts, command_words, cut, declared_names, scope_ends

TEXT = """/-! # A file -/
open Nat

/-- A doc
theorem in_a_comment : False := sorry -/
@[simp]
theorem one : 1 = 1 := by
  have : True := by
    trivial
  sorry

set_option maxHeartbeats 400000 in
open Nat in
private theorem two (n : Nat) : n = n := by
  cases n with
| zero => rfl
| succ _ => sorry
termination_by 0

mutual
def even : Nat → Bool
  | 0 => true
  | n + 1 => odd n
def odd : Nat → Bool
  | 0 => false
  | n + 1 => sorry
end

instance : Inhabited Nat := ⟨0⟩
#check 1
"""


def first_words(text: str) -> list[str]:
    return [text[start:].split()[0] for start in command_starts(text)]


def test_commands_start_with_their_comments_attributes_and_options() -> None:
    assert first_words(TEXT) == ["/-!", "open", "/--", "set_option", "mutual", "instance", "#check"]


def test_pieces_hold_one_command_around_each_place_and_all_text_in_between() -> None:
    places = [i for i in range(len(TEXT)) if TEXT.startswith("sorry", i) and not TEXT.startswith("sorry -/", i)]
    pieces = cut(TEXT, places)
    assert "".join(TEXT[p.start : p.end] for p in pieces) == TEXT
    around = [p for p in pieces if any(p.start <= place < p.end for place in places)]
    assert [TEXT[p.start : p.end].split()[0] for p in around] == ["/--", "set_option", "mutual"]


@given(st.text("abtheorem :=\n\"/-{}«»'sorry@[]", max_size=200), st.lists(st.integers(0, 200), max_size=4))
def test_pieces_cover_any_text(text: str, places: list[int]) -> None:
    pieces = cut(text, places)
    assert "".join(text[p.start : p.end] for p in pieces) == text
    assert all(a.end == b.start for a, b in pairwise(pieces))


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("", ""),
        ("namespace A.B\nsection\nend\n", "end B\nend A"),
        ("section S\nnamespace N\ndef x := 1", "end N\nend S"),
        ("namespace A\nend A\nnoncomputable section", "end"),
        ('-- namespace A\ndef s := "section"', ""),
        ("mutual\ndef a := 1\nend\nnamespace A", "end A"),
    ],
)
def test_what_is_left_open_is_closed_innermost_first(text: str, ends: str) -> None:
    assert scope_ends(text) == ends


def test_words_of_commands_show_what_a_proof_smuggles_in() -> None:
    honest = "theorem t : 1 = 1 := by\n  rfl\n"
    assert command_words(honest) == ("theorem",)
    for smuggled in (
        'local notation "x" => 1',
        "macro_rules | `(x) => `(y)",
        "instance : Inhabited Nat := ⟨1⟩",
        "axiom a : False",
    ):
        assert command_words(f"theorem t : 1 = 1 := by rfl {smuggled}") != command_words(honest)


def test_names_are_those_behind_the_keyword() -> None:
    assert declared_names(TEXT) == ("one", "two", "even", "odd")
