"""Reading the proofs that Lean suggests; the messages are as the embedded Lean writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.goals.goal import Position
from orchestrator.lean.protocol import Message, Severity, TacticReply
from orchestrator.strategies.suggestions import RESTATED, found_a_proof, is_search, suggestions


def said(*texts: str) -> tuple[Message, ...]:
    """Messages."""
    return tuple(Message(Severity.INFO, text, Position(1, 0)) for text in texts)


READ = {
    "one line": ("Try this: exact Nat.le_of_lt h", ["exact Nat.le_of_lt h"]),
    "the next line": ("Try this:\n  [apply] exact And.comm", ["exact And.comm"]),
    "these": (
        "Try these:\n  [apply] simp\n  [apply] grind only [= f]\n  [apply] simp",
        ["simp", "grind only [= f]"],
    ),
    "bullets": ("Try these:\n• rfl\n• simp", ["rfl", "simp"]),
    "a long term": (
        "Try this:\n  [apply] exact @Nat.le_antisymm\n    (@HAdd.hAdd Nat Nat Nat f n 1) y h\n    h'",
        ["exact @Nat.le_antisymm\n  (@HAdd.hAdd Nat Nat Nat f n 1) y h\n  h'"],
    ),
    "a long term of the older shape": (
        "Try this: exact Nat.le_antisymm\n  (f h)\n    (g h)",
        ["exact Nat.le_antisymm\n  (f h)\n    (g h)"],
    ),
    "two tactics": ("Try this:\n  [apply] intro h\n  exact h", ["intro h\nexact h"]),
    "below, without a bullet": ("Try this:\n  intro h\n  exact\n    h", ["intro h\nexact\n  h"]),
    "several long ones": (
        "Try these:\n  [apply] simp only [a,\n    b]\n  [apply] grind =>\n    ac\n    instantiate\n\n      only [a]",
        ["simp only [a,\n  b]", "grind =>\n  ac\n  instantiate\n\n    only [a]"],
    ),
    "in brackets": (
        "Try this:\n  [apply] (expose_names; exact Nat.le_of_succ_le h)",
        ["(expose_names; exact Nat.le_of_succ_le h)"],
    ),
    "a block": (
        "Try this:\n  [apply] induction n with\n    | zero => simp\n    | succ n ih => simp [ih]",
        ["induction n with\n  | zero => simp\n  | succ n ih => simp [ih]"],
    ),
    "a block at the margin": ("Try this: by\n  intro h\n  exact h", ["by\n  intro h\n  exact h"]),
    "white space around it": ("  Try this:   exact h  \n\n", ["exact h"]),
    "a list of indices": ("Try this: exact h[0]", ["exact h[0]"]),
    "another search": ("Try this: exact?", []),
    "a search inside": ("Try these:\n  [apply] (intro x; simp?)\n  [apply] rfl", ["rfl"]),
    "nothing": ("Try this:", []),
    "another message": ("The rfl tactic failed. Try this: simp", []),
    "no message": ("", []),
}


@pytest.mark.parametrize(("text", "found"), READ.values(), ids=READ.keys())
def test_what_a_message_suggests(text: str, found: list[str]) -> None:
    assert list(suggestions(said(text))) == found


def test_several_messages_keep_their_order_and_nothing_comes_twice() -> None:
    messages = said("Try this: b", "unused variable", "Try this: a", "Try these:\n  [apply] b\n  [apply] c")
    assert suggestions(messages) == ("b", "a", "c")


@given(st.lists(st.text(), max_size=3))
def test_no_message_is_too_odd_and_nothing_suggested_searches_or_is_empty(texts: list[str]) -> None:
    messages = said(*texts, *("Try this: " + text for text in texts), *("Try these:\n [apply] " + t for t in texts))
    found = suggestions(messages)
    assert len(set(found)) == len(found)
    assert all(text.strip() and not is_search(text) for text in found)


@pytest.mark.parametrize(
    "text", ["exact?", "simp? [h]", "(intro; grind?)", "first | rfl | apply?", "x says exact?", *RESTATED]
)
def test_what_searches(text: str) -> None:
    assert is_search(text)


@pytest.mark.parametrize("text", ["exact h", "rw [h?]", "exact a.try?", "simp"])
def test_what_does_not_search(text: str) -> None:
    assert not is_search(text)


def test_a_proof_that_lean_cannot_read_back_is_known_by_its_words() -> None:
    words = "found a proof, but the corresponding tactic failed:\n  (expose_names; exact inferInstanceAs q)"
    assert found_a_proof(TacticReply("exact?", error=words))
    assert not found_a_proof(TacticReply("exact?", error="`exact?` could not close the goal."))
    assert not found_a_proof(TacticReply("exact?", completed=True))
